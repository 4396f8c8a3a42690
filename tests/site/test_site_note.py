"""The note's page from a ledger made up: what is wrong, has changed, is unknown or missing is shown as that."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
import site_sample

from kitlib.errors import UsageError
from kitlib.site import ledger, note
from kitlib.site.speed import UNSEARCHED

DATA = """\
section: Job
lesson: job
sentences:
- says: It ends
  claims: [A Job ends, A Job is Complete]
- says: It has a deadline for tries
  claims: [The deadline is for tries]
- says: It is an alpha
  claims: [The API is v1alpha1]
- says: A lost node
  claims: [It is replaced]
- says: It has one container
  contrary: [A Pod has several]
- says: It must be made by hand
  contrary: [It makes itself]
- says: It was forgotten
  claims: [A Job ends, Nobody made this claim]
- says: It has several reasons
  claims: [A Job is Complete, It makes itself, Yet it is so]
- says: A Pod of its own
  lesson: pod
  claims: [It is replaced]
---
section: Mesh
sentences:
- says: Meshes are large
  untested: no lesson yet
"""
FOLDED = re.compile(r"<details.*?</details>")


def line(text: str, verdict: str, version: str = "1.37", **more: Any) -> dict[str, Any]:
    return {"id": f"job/{ledger.slug(text)}", "text": text, "verdict": verdict, "version": version, **more}


def notebooks(*more: dict[str, Any]) -> list[dict[str, Any]]:
    claims = [
        line("A Job ends", "fails", "1.17"),
        line("A Job ends", "holds"),
        line("A Job is Complete", "holds"),
        line(
            "The deadline is for tries", "fails", instead="it is the Job's", answers={"1.17": "fails", "1.37": "fails"}
        ),
        line("The API is v1alpha1", "changed", changed_in="1.21, https://example.org/pull/1"),
        line("It is replaced", "unknown", why="no node is lost here"),
        line("A Pod has several", "holds"),
        line("It makes itself", "fails", instead="somebody makes it"),
        *more,
    ]
    return [{"notebook": "job", "version": "1.37", "release": "v1.37.2", "provider": "kind", "claims": claims}]


@pytest.fixture
def sections(tmp_path: Path) -> list[note.Section]:
    (tmp_path / "1-all.yaml").write_text(DATA)
    return note.read(tmp_path)


def states(found: list[dict[str, Any]]) -> dict[str, str]:
    return {each["says"]: each["state"] for row in found for each in row["sentences"]}


def test_a_sentence_is_what_its_claims_say(sections):
    found = note.rows(sections, ledger.gather(notebooks()))
    assert states(found) == {
        "It ends": "holds",
        "It has a deadline for tries": "fails",
        "It is an alpha": "changed",
        "A lost node": "unknown",
        "It has one container": "fails",
        "It must be made by hand": "holds",
        "It was forgotten": "untested",
        "It has several reasons": "fails",
        "A Pod of its own": "untested",
        "Meshes are large": "untested",
    }
    assert [(row["section"], row["lessons"], row["tested"]) for row in found] == [
        ("Job", ["job", "pod"], 6),
        ("Mesh", [], 0),
    ]


@pytest.mark.parametrize(
    ("verdict", "state"), [("fails", "fails"), ("changed", "changed"), ("unknown", "unknown"), ("maybe", "unknown")]
)
def test_one_claim_that_speaks_against_it_is_enough(sections, verdict, state):
    found = note.rows(sections, ledger.gather(notebooks(line("A Job is Complete", verdict, "1.38"))))
    assert states(found)["It ends"] == state


def test_what_speaks_against_it_comes_before_what_is_missing_and_that_before_doubt():
    order = {"a": "holds", "b": "unknown", "d": "changed", "e": "fails"}
    claims = [{"notebook": "job", "id": text, "text": text, "verdict": verdict} for text, verdict in order.items()]
    for named, state in {"ab": "unknown", "abc": "untested", "abcd": "changed", "abcde": "fails"}.items():
        section = note.Section("Job", (note.Sentence("so", "job", tuple(named)),))
        assert states(note.rows([section], claims)) == {"so": state}


def test_each_sentence_is_tested_by_its_own_lesson(sections):
    others = [line("Nobody made this claim", "holds"), line("It is replaced", "holds")]
    found = states(note.rows(sections, ledger.gather([*notebooks(), {"notebook": "pod", "claims": others}])))
    assert found["It was forgotten"] == "untested"
    assert (found["A lost node"], found["A Pod of its own"]) == ("unknown", "holds")


def test_without_a_walk_everything_is_untested(sections):
    assert set(states(note.rows(sections, [])).values()) == {"untested"}
    page = note.html(sections, [], {})
    assert "0 of 10 sentences" in page and "9 untested: not in this walk" in page and "1 untested: no lesson" in page


def test_what_is_wrong_is_in_sight_with_what_is_true_instead(sections):
    page = note.html(sections, notebooks(), {"job": ("Run work", "notebooks/job.html")})
    shown = FOLDED.sub("", page)
    text = html.unescape(re.sub(r"<[^>]+>", "", shown))
    assert "✗ fails It has a deadline for tries" in text and "Instead: it is the Job's" in text
    assert "Kubernetes 1.17: fails · 1.37: fails" in text
    assert "↻ changed It is an alpha" in text and "Changed in 1.21" in text
    assert 'href="https://example.org/pull/1"' in shown
    assert "? unknown A lost node" in text and "no node is lost here" in text
    assert "✗ fails It has one container" in text and "Instead: A Pod has several" in text
    assert "✗ fails It has several reasons" in text and "A Job is Complete" not in text
    assert "Yet it is so (not in this walk)" in text
    assert "It ends" not in text and "It must be made by hand" not in text and "Meshes are large" not in text
    assert "6 of 9" in text and "6 of 10 sentences" in text and "v1.37.2 · kind cluster" in text
    assert '<a href="notebooks/job.html">Run work</a>' in shown and "none yet" in text


def test_what_holds_and_what_is_untested_is_folded_with_its_claims(sections):
    page = note.html(sections, notebooks(), {})
    missing, holds, mesh = FOLDED.findall(page)
    assert len(UNSEARCHED.findall(page)) == 3, "the ledger is searched for them"
    assert "2 as the note says" in holds and "It ends" in holds and "It makes itself</a> (fails)" in holds
    assert f'href="ledger.html#{ledger.anchor({"notebook": "job", "id": "job/a-job-ends"})}"' in holds
    assert "2 untested: not in this walk" in missing and "Nobody made this claim (not in this walk)" in missing
    assert "1 untested: no lesson yet" in mesh and "Meshes are large" in mesh


def test_the_table_can_be_heard(sections):
    page = note.html(sections, notebooks(), {})
    assert page.count("<caption>") == 1 and page.count('scope="col"') == 5 and page.count('scope="row"') == 2
    assert page.count('data-label="Verdicts"') == 2 and 'id="note-mesh"' in page
    assert not re.search(r"<(th|td)[^>]*>(<div>)?\s*(</div>)?</\1>", page), "an empty cell"


def test_hostile_text_stays_text(tmp_path):
    hostile = site_sample.HOSTILE
    says = hostile.replace("'", "''")
    (tmp_path / "1.yaml").write_text(
        f"section: '{says}'\nlesson: job\nsentences:\n- says: '{says}'\n  claims: ['{says}', '{says} 2']\n"
        f"- says: 'b {says}'\n  untested: '{says}'\n- says: c\n  contrary: ['{says} 3']\n"
    )
    more = {"instead": hostile, "why": hostile, "changed_in": hostile, "answers": {hostile: hostile, "1": hostile}}
    rows = [line(hostile, "unknown", **more), line(f"{hostile} 2", "changed", **more), line(f"{hostile} 3", "holds")]
    named = [{"notebook": "job", "release": hostile, "provider": hostile, "date": hostile, "claims": rows}]
    page = note.html(note.read(tmp_path), named, {"job": (hostile, f"x.html?{hostile}")})
    assert "<script" not in page and "<img" not in page and page.count("&lt;script&gt;") > 12


@pytest.mark.parametrize(
    "text", ["[", "a", "section: A\n", "section: A\nsentences: [a]\n", "section: A\nsentences: [{said: b}]\n"]
)
def test_a_file_that_is_something_else_is_named(tmp_path, text):
    (tmp_path / "1.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"not sections of the note") as raised:
        note.read(tmp_path)
    assert str(tmp_path / "1.yaml") in str(raised.value)

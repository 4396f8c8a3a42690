"""Verbs, verdicts, and the ledger: what holds, what fails, and what a gap makes unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kitlib import claims
from kitlib.claims import (
    Check,
    Ledger,
    always,
    at_least,
    at_most,
    claim_html,
    equal,
    eventually,
    happens_before,
    judge,
    never,
    unknown,
    within,
)
from kitlib.errors import ClaimError, ClusterError, UsageError
from kitlib.frames.origin import Source

GAP = {"kind": "Pod", "after_ns": 15, "until_ns": 25, "reason": "410"}


def frame(gaps: list[dict] | None = None, window: tuple[int, int] | None = None) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "monotonic_ns": [10, 20, 30],
            "seq": [0, 1, 2],
            "uid": ["a", "b", "c"],
            "resourceVersion": [1, 2, 3],
            "total": [3, 4, 5],
            "upper": [5, 5, 5],
            "phase": ["Pending", "Running", "Running"],
        }
    )
    made.attrs = {"gaps": gaps or [], **({"window": window} if window else {}), "source": Source(made)}
    return made


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (never(frame(), "phase == 'Failed'"), True),
        (never(frame(), "phase == 'Pending'"), False),
        (never(frame().head(0), "phase == 'Pending'"), None),
        (always(frame(), "total >= 3"), True),
        (always(frame(), lambda rows: rows["total"] > 3), False),
        (always(frame().head(0), "total >= 3"), None),
        (eventually(frame(), "total == 5"), True),
        (eventually(frame(), "total == 6"), False),
        (at_most(frame(), "total", "upper"), True),
        (at_most(frame(), "total", 4), False),
        (at_least(frame(), "total", 3), True),
        (at_least(frame(), "total", "upper"), False),
        (happens_before(frame().query("total == 3"), frame().query("total == 4")), True),
        (happens_before(frame().query("total == 4"), frame().query("total == 3")), False),
        (happens_before(frame().query("total == 3"), frame().query("total == 3")), False),
        (happens_before(frame().head(0), frame()), False),
        (within(2e-8, frame().head(1), frame().tail(1)), True),
        (within(1e-8, frame().head(1), frame().tail(1)), False),
        (equal(3, 3), True),
        (equal(3, 4), False),
        (unknown("no containers"), None),
        (equal(3, 3) & equal(4, 4), True),
        (equal(3, 3) & equal(4, 5), False),
        (equal(3, 3) & unknown("x"), None),
    ],
)
def test_verbs(check: Check, holds: bool | None) -> None:
    assert check.holds is holds
    assert check.why


def test_the_evidence_is_the_rows_that_decide() -> None:
    assert at_most(frame(), "total", 4).evidence["total"].tolist() == [5]
    assert never(frame(), "total > 3").evidence["total"].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (never(frame([GAP]), "phase == 'Failed'"), "unknown"),
        (at_most(frame([GAP]), "total", "upper"), "unknown"),
        (eventually(frame([GAP]), "total == 6"), "unknown"),
        (always(frame([GAP], window=(26, 40)), "total >= 3"), "holds"),  # the gap lies before the window
        (never(frame([GAP]), "phase == 'Pending'"), "fails"),  # a counterexample stays one
        (eventually(frame([GAP]), "total == 5"), "holds"),  # what was seen was seen
    ],
)
def test_a_gap_makes_unknown_what_it_could_turn(check: Check, verdict: str) -> None:
    assert judge(check)[0] == verdict


def test_a_mask_with_a_typo_names_the_columns() -> None:
    with pytest.raises(UsageError, match=r"phsae.*\n.*phase"):
        never(frame(), "phsae == 'Failed'")
    with pytest.raises(UsageError, match="no column 'totl'"):
        at_most(frame(), "totl", 3)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger("walk", "1.37", "v1.37.2", "embedded", tmp_path / "claims" / "walk.json")
    claims.use(made)
    yield made
    claims.use(None)


def test_the_ledger_is_on_disk_after_every_claim(ledger: Ledger) -> None:
    claims.claim("Three is three", equal(3, 3), source="test")
    assert ledger.path is not None
    kept = json.loads(ledger.path.read_text())
    assert kept["complete"] is False
    assert kept["claims"][0] | {"date": "", "evidence": []} == {
        "id": "walk/three-is-three", "notebook": "walk", "text": "Three is three", "source": "test",
        "verdict": "holds", "expected": "holds", "why": "found: 3", "instead": "", "evidence": [], "evidence_rows": 1,
        "version": "1.37", "provider": "embedded", "date": "", "answers": {}, "changed_in": "", "recorded": False,
    }  # fmt: skip
    ledger.close()
    assert json.loads(ledger.path.read_text())["complete"] is True


def test_a_verdict_that_was_not_expected_fails_the_ledger(ledger: Ledger) -> None:
    seen = pd.DataFrame({"name": [f"pod-{number}" for number in range(7)], "message": "bad\x1b[31m"})
    claims.claim("Three is four", equal(3, 4, seen), source="test")
    with pytest.raises(ClaimError, match=r"1 of 1 claims[\s\S]*Three is four") as failed:
        ledger.close()
    told = str(failed.value)
    assert "pod-4" in told and "pod-5" not in told and "… and 2 more" in told
    assert "\x1b" not in told and "bad�[31m" in told


def test_a_wrong_sentence_is_expected_to_fail_and_says_what_is_true(ledger: Ledger) -> None:
    made = claims.claim("Three is four", equal(3, 4), source="test", expected="fails", instead="three is three")
    ledger.close()
    assert "as expected" in str(made) and "three is three" in str(made)
    with pytest.raises(UsageError, match="what is true instead"):
        claims.claim("Three is four", equal(3, 4), source="test", expected="fails")


def test_a_wrong_sentence_that_holds_after_all_fails_the_ledger(ledger: Ledger) -> None:
    claims.claim("Three is three", equal(3, 3), source="test", expected="fails", instead="it isn't")
    with pytest.raises(ClaimError, match="expected fails"):
        ledger.close()


def test_what_no_longer_holds_has_changed(ledger: Ledger) -> None:
    made = claims.claim("It is so", equal(1, 2), source="test", expected="changed", instead="not so", changed_in="1.25")
    assert made.verdict == "changed" and "1.25" in made.why


THEN = "1.25, https://kubernetes.io/docs/"


@pytest.fixture
def both(ledger: Ledger) -> Ledger:
    """A ledger of two clusters; the older one joined last."""
    ledger.join("1.17", "v1.17.4", "embedded")
    return ledger


def checks(then: Any, now: Any) -> dict[str, Check]:
    return claims.each({"1.37": now, "1.17": then}, lambda found: equal(found, True))


def verdicts(ledger: Ledger) -> dict[str, str]:
    assert all(line.as_expected for line in ledger.claims), ledger
    return {line.version: line.verdict for line in ledger.claims}


def test_a_change_is_measured_and_both_versions_have_their_evidence(both: Ledger) -> None:
    made = claims.claim(
        "It is so", checks(True, False), source="test", expected="changed", instead="it isn't", changed_in=THEN
    )
    assert verdicts(both) == {"1.17": "holds", "1.37": "changed"}
    assert made.version == "1.37" and made.answers == {"1.17": "holds", "1.37": "fails"}
    assert "it held on 1.17" in made.why and made.changed_in == THEN
    assert [len(line.evidence) for line in both.claims] == [1, 1]
    assert both.summary() == "1 claims: 1 changed; all as expected"
    assert (both.version, both.release) == ("1.37", "v1.37.2")
    both.close()
    assert both.path is not None
    kept = json.loads(both.path.read_text())
    assert [cluster["version"] for cluster in kept["clusters"]] == ["1.17", "1.37"]
    assert [line["changed_in"] for line in kept["claims"]] == [THEN, THEN]
    html = claims.claim_html(made)
    assert (
        f"1.17 ✓ holds, 1.37 ✗ fails; changed in {THEN}" in html
        and html.count("<tr>") == 2
        and "Kubernetes</th>" in html
    )
    shown = both._repr_html_()
    assert "<th>Kubernetes 1.17</th><th>Kubernetes 1.37</th>" in shown
    assert shown.count("<tr>") == 2 and "✓ holds</td><td class='kitlib-changed'>↻ changed</td>" in shown


def test_it_may_also_have_become_true(both: Ledger) -> None:
    expected = {"1.17": "fails", "1.37": "changed"}
    claims.claim(
        "It is so", checks(False, True), source="test", expected=expected, instead="it was not", changed_in="2"
    )
    assert verdicts(both) == {"1.17": "fails", "1.37": "changed"}
    assert "failed on 1.17" in both.claims[-1].why


def test_what_has_not_changed_has_a_line_for_each_version(both: Ledger) -> None:
    made = claims.claim("It is so", checks(True, True), source="test")
    assert verdicts(both) == {"1.17": "holds", "1.37": "holds"}
    assert "1.17 ✓ holds, 1.37 ✓ holds" in str(made) and "(on 1.17)" in repr(both)
    claims.claim("It is so", checks(False, False), source="test", expected="fails", instead="it never was")
    assert verdicts(both) == {"1.17": "fails", "1.37": "fails"}


def test_a_change_that_is_expected_and_not_measured_fails_the_ledger(both: Ledger) -> None:
    said = {"source": "test", "expected": "changed", "instead": "it isn't", "changed_in": THEN}
    claims.claim("It is so", checks(False, False), **said)
    assert [line.as_expected for line in both.claims] == [False, False]  # it never held: what is declared doesn't count
    claims.claim("It is so", checks(True, True), **said)
    assert [line.as_expected for line in both.claims] == [True, False]
    claims.claim("It was not so", checks(True, False), source="test")
    assert not both.claims[-1].as_expected
    with pytest.raises(ClaimError, match="2 of 2 claims"):
        both.close()


def test_a_version_that_cannot_be_had_is_unknown_and_says_why(both: Ledger) -> None:
    gone = ClusterError("the module proxy refuses it", step="open")
    made = claims.claim(
        "It is so", checks(gone, False), source="test", expected="changed", instead="it isn't", changed_in=THEN
    )
    assert verdicts(both) == {"1.17": "unknown", "1.37": "changed"}
    assert both.claims[0].why == "the module proxy refuses it"
    assert made.older == (both.claims[0],)
    expected = {"1.17": "fails", "1.37": "changed"}
    claims.claim("Or so", checks(gone, True), source="test", expected=expected, instead="it was not", changed_in=THEN)
    assert both.claims[-1].verdict == "changed"
    claims.claim("And so", checks(gone, True), source="test")
    assert both.claims[-1].verdict == "holds" and both.claims[-1].as_expected
    claims.claim("Not so", checks(gone, False), source="test")
    assert not both.claims[-1].as_expected


def test_a_gap_on_one_version_is_no_reason_to_be_content(both: Ledger) -> None:
    claims.claim("It is so", {"1.17": claims.unknown("a gap"), "1.37": equal(1, 1)}, source="test")
    assert [line.as_expected for line in both.claims] == [False, True]


def test_a_cell_that_is_run_again_replaces_all_its_lines(both: Ledger) -> None:
    claims.claim("It is so", checks(True, False), source="test")
    claims.claim("Another", equal(1, 1), source="test")
    claims.claim("It is so", checks(True, True), source="test")
    assert [line.version for line in both.claims] == ["1.37", "1.17", "1.37"]
    both.close()


def test_expectations_must_fit_the_versions(both: Ledger) -> None:
    with pytest.raises(UsageError, match=r"1\.17, 1\.37 were asked"):
        claims.claim("It is so", checks(True, True), source="test", expected={"1.37": "holds"})
    with pytest.raises(UsageError, match="in which version"):
        claims.claim("It is so", checks(True, False), source="test", expected="changed", instead="not so")
    with pytest.raises(UsageError, match="no verdict"):
        claims.claim("It is so", checks(True, False), source="test", expected={"1.17": "holds", "1.37": "maybe"})
    with pytest.raises(UsageError, match="not a check"):
        claims.claim("It is so", {}, source="test")


def test_a_cell_that_is_run_again_replaces_its_claim(ledger: Ledger) -> None:
    claims.claim("Three is three", equal(3, 4), source="test")
    claims.claim("Three is three", equal(3, 3), source="test")
    assert [made.verdict for made in ledger.claims] == ["holds"]


def test_without_a_ledger_a_claim_says_how_to_get_one() -> None:
    claims.use(None)
    with pytest.raises(UsageError, match=r"kitlib\.open"):
        claims.claim("x", equal(1, 1), source="test")
    with pytest.raises(UsageError, match="not a check"):
        Ledger("x").add("x", True, source="test")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no verdict"):
        Ledger("x").add("x", equal(1, 1), source="test", expected="true")


def test_text_from_a_cluster_stays_text(ledger: Ledger) -> None:
    bad = "<script>alert(1)</script>"
    evidence = pd.DataFrame({"message": [bad], "nothing": [""]})
    made = claims.claim(f"It says {bad}", equal(bad, "x", evidence), source=bad, expected="fails", instead=bad)
    for markup in (claim_html(made), ledger._repr_html_()):
        assert "<script" not in markup and "&lt;script&gt;" in markup


def test_evidence_is_cut_and_counted(ledger: Ledger) -> None:
    many = pd.DataFrame({"number": range(1000), "empty": [""] * 1000})
    made = claims.claim("Many", equal(1, 1, many), source="test")
    assert len(made.evidence) == 20 and made.evidence_rows == 1000
    assert list(made.evidence[0]) == ["number"]


def test_a_variant_of_a_version_that_is_there_leaves_its_provider() -> None:
    ledger = Ledger("test", "1.37", "v1.37.2", "kind")
    ledger.join("1.37", "v1.37.2", "embedded")
    assert (ledger.version, ledger.provider) == ("1.37", "kind")
    ledger.join("1.17", "v1.17.4", "embedded")
    assert ledger.provider == "kind" and ledger.clusters["1.17"]["provider"] == "embedded"

"""The page to attach to an incident: what it tells, and that it fetches and runs nothing."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from kitlib.errors import UsageError
from kitlib.recording import Recording
from kitlib.report import contents, page, report
from kitlib.rollout import why
from tests.conftest import CHECKOUT

RECORDINGS = CHECKOUT / "recordings"


class Reader(HTMLParser):
    """Notes the tags of a page, what they name elsewhere, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster", "action"):
                self.fetched.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def opened(name: str) -> Recording:
    return Recording.open(RECORDINGS / name)


@pytest.fixture(scope="module")
def killed() -> str:
    (space,), last = why.moments(opened("lifecycle"), "Pod", None, "oom")
    return report(opened("lifecycle"), "Pod", "oom", space, last)


def test_it_tells_the_cause_since_when_the_rows_the_next_command_and_what_is_ruled_out(killed: str) -> None:
    text = Reader(killed).text
    for part in ("takes more memory than it may (64Mi)", "oom, certain. It could be seen from", "OOMKilled"):
        assert part in text
    for part in ("Chain: pod/oom → container greedy", "Next: kubectl -n ", "Ruled out", "Node: it was not recorded"):
        assert part in text
    assert 'Marked "cause: oom": from ' in text


def test_it_fetches_and_runs_nothing(killed: str) -> None:
    read = Reader(killed)
    assert not read.open and not read.handlers
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & set(read.tags)
    assert read.fetched and all(each.startswith("data:image/png;base64,") for each in read.fetched)
    assert "default-src &#x27;none&#x27;" in killed and "@import" not in killed and "url(" not in killed


def test_promises_that_were_broken_are_in_it_with_when_and_by_how_much() -> None:
    recording = opened("deployment")
    (space,), last = why.moments(recording, "Deployment", None, "web")
    text = Reader(report(recording, "Deployment", "web", space, last)).text
    assert "✗ broken" in text and "12 asked for, 10 allowed" in text and "✓ kept" in text
    assert "Deployment web is what it should be" in text and "Nothing holds it up." in text


@pytest.mark.parametrize("markup", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</pre><b>"])
def test_what_a_cluster_says_is_text(markup: str) -> None:
    recording, made = opened("lifecycle"), Recording()
    (space,), last = why.moments(recording, "Pod", None, "oom")
    for row in recording.rows:
        if row.kind == "Pod" and row.name == "oom":
            obj = json.loads(row.object)
            for each in (obj.get("status") or {}).get("containerStatuses") or ():
                for state in (each["state"], each.get("lastState") or {}):
                    for said in state.values():
                        said["reason"] = said["message"] = markup
            obj["status"]["message"] = markup
            row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
        made._append(row)
    source = report(made, "Pod", "oom", space, last)
    assert markup not in source and markup in Reader(source).text


def test_an_object_that_has_no_pods_has_no_figure_and_says_so() -> None:
    recording = opened("ingress")
    (name, space), *_ = [(row.name, row.namespace) for row in recording.rows.of("Service")]
    told = contents(recording, "Service", name, space)
    assert told.figure is None and told.verified is None
    assert f"No Pod of service/{name} was recorded." in Reader(page(told)).text


def test_an_object_that_was_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="there is no Pod nobody"):
        report(opened("start"), "Pod", "nobody", "x")


def test_a_cause_is_named_from_the_moment_on_at_which_it_began_and_not_before() -> None:
    recording = opened("lifecycle")
    (space,), last = why.moments(recording, "Pod", None, "oom")
    answer = why.why(why.World.of(recording, last, space), "Pod", "oom", space)
    begun = why.began(recording, answer, last)
    assert begun is not None and answer.first is not None

    def causes(moment: int) -> set[str]:
        return {each.cause.name for each in
                why.why(why.World.of(recording, moment, space), "Pod", "oom", space).findings}  # fmt: skip

    assert answer.first.cause.name in causes(begun) and answer.first.cause.name not in causes(begun - 1)
    told = contents(recording, "Pod", "oom", space, last)
    assert told.since is not None and told.begin <= told.since <= told.end
    assert pd.Timestamp(told.answer.now) <= told.end + pd.Timedelta(seconds=1)


def test_the_command_writes_it(run, tmp_path: Path) -> None:
    shown = run("report", "pod/oom", RECORDINGS / "lifecycle")
    assert shown.exit_code == 0 and "takes more memory than it may" in shown.stdout
    assert "oom, certain" in Reader((tmp_path / "pod-oom.html").read_text()).text
    assert run("report", "pod/oom", RECORDINGS / "lifecycle", "--out", "page.txt").exit_code == 2
    assert run("report", "pod/nobody", RECORDINGS / "lifecycle").exit_code == 2

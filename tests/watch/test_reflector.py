"""A reflector by itself, without a server: what it does with what a server says."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from kitlib.errors import ServerError
from kitlib.recording import Recording, clock
from kitlib.watch import Reflector, Timeouts, changes


def reflector(recording: Recording) -> Reflector:
    pods = SimpleNamespace(kind="Pod", plural="pods", group_version="v1", path=lambda namespace: "/api/v1/pods")
    return Reflector(None, pods, recording, None, Timeouts(), threading.Event(), lambda: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("listed", "wait"), [(False, 30.0), (True, 2.0)])
def test_a_kind_that_is_refused_has_a_gap_and_one_that_was_recorded_is_soon_tried_again(
    listed: bool, wait: float
) -> None:
    """A server that has just started forbids everything, until it has read who may do what."""
    recording = Recording()
    one = reflector(recording)
    one.listed = listed
    forbidden = ServerError("pods is forbidden", step="watch", status={"code": 403})
    assert one._refused(forbidden) == wait
    assert one._refused(forbidden) == wait
    assert one.error == "pods is forbidden"
    assert [row.type for row in recording.rows] == ["REFUSED", "GAP"]  # once
    (missing,) = [each for each in recording.coverage() if not each.covered]
    assert missing.open and "403: pods is forbidden" in missing.reason


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"code": 410}, "too old"),
        ({"reason": "Expired"}, "too old"),
        ({"code": 504, "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}, "timeout"),
        ({"code": 504}, "Too large resource version: 5000, current: 300"),
    ],
)
def test_a_history_that_is_not_there_is_listed_anew(status: dict, message: str) -> None:
    one = reflector(Recording())
    one.history.version = 7
    one._refused(ServerError(message, step="watch", status=status))
    assert one._forgotten


def test_an_error_that_ends_each_watch_from_there_is_not_tried_for_ever() -> None:
    one = reflector(Recording())
    one.history.version = 7
    for failures in range(1, 4):
        one._failures = failures
        one._refused(ServerError("etcd: something", step="watch", status={}))
        assert bool(one._forgotten) == (failures == 3)


def item(name: str, version: object) -> bytes:
    return json.dumps({"metadata": {"name": name, "uid": name, "resourceVersion": version}}).encode()


@pytest.mark.parametrize(("moments", "reason"), [(1, "left out"), (2, "2 moments")])
def test_what_a_list_lacks_is_missing_since_the_time_before_it(
    moments: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording()
    one = reflector(recording)
    bad = [item("b", "x")] if moments == 1 else []
    monkeypatch.setattr(one, "pages", lambda seconds: (7, [item("a", "5"), *bad], moments))
    one.begin()
    before = one._known_ns
    one.list_now()
    (gap,) = [json.loads(row.object) for row in recording.rows if row.type == "GAP"]
    assert reason in gap["reason"]
    assert gap["after_ns"] == before < gap["until_ns"]


def test_two_lines_that_read_alike_may_be_two_changes_and_an_item_that_stays_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = Recording()
    one = reflector(recording)
    monkeypatch.setattr(one, "pages", lambda seconds: (7, [item("a", "5"), b"null"], 1))
    one.begin()
    one.list_now()
    one.list_now()

    def gaps() -> list[int]:
        return [json.loads(row.object)["until_ns"] for row in recording.rows if row.type == "GAP"]

    assert len(gaps()) == 1, "the list shows the same"
    for at in (clock.now(), clock.now()):
        (change,) = changes.lines([b'{"type":"MODIFIED","object":null}'], [])
        one._take(change, at, 0)
        assert gaps()[-1] == at[1]
    assert len(gaps()) == 3


def test_a_thread_that_dies_says_why_in_its_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording()
    one = reflector(recording)
    monkeypatch.setattr(one, "pages", lambda seconds: (7, [item("a", "5")], 1))

    def watch() -> None:
        one._down_ns = clock.monotonic_ns()
        raise SystemExit("out of a clear sky")

    monkeypatch.setattr(one, "_watch", watch)
    with pytest.raises(SystemExit):
        one.run()
    one.end(clock.monotonic_ns())
    assert "out of a clear sky" in recording.coverage()[-1].reason

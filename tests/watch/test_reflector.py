"""A reflector by itself, without a server: what it does with what a server says."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from kitlib.errors import ServerError
from kitlib.recording import Recording, clock
from kitlib.recording.coverage import intervals
from kitlib.watch import Reflector, Timeouts, changes
from kitlib.watch.lateness import Judge


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
        one._take(change, at, Judge(at[1], None, at[1], SimpleNamespace(ahead=(0, 1))))  # type: ignore[arg-type]
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


def test_a_list_that_took_long_shows_what_there_was_when_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written while it came may be lost with the watch that should have brought it."""
    recording = Recording()
    one = reflector(recording)
    asked = []

    def pages(seconds: float) -> tuple[int, list[bytes], int]:
        asked.append(clock.monotonic_ns())
        return 7, [item("a", "5")], 1

    monkeypatch.setattr(one, "pages", pages)
    one.begin()
    one.list_now()
    killed = intervals(recording.rows, 0, clock.monotonic_ns())
    assert not any(each.covered for each in killed), "what is known is older than its list"
    one._gap(None, None, "cut")
    (gap,) = [json.loads(row.object) for row in recording.rows if row.type == "GAP"]
    assert gap["after_ns"] <= asked[0]
    found = recording.coverage()
    assert [each.covered for each in found] == [False, False]
    assert found[0].end_ns == found[1].begin_ns > asked[0], "none is there twice"


def test_what_has_come_late_or_may_have_does_not_move_what_is_known() -> None:
    """What was written after it may still be on its way."""
    one = reflector(Recording())
    one.begin()
    known = one._known_ns
    judge = Judge(known, None, known, SimpleNamespace(ahead=(0, 1)))  # type: ignore[arg-type]
    wall, now = clock.now()[0], known + 20 * 10**9
    judge.batch(now)
    (gone,) = changes.lines([b'{"type":"DELETED","object":%s}\n' % item("a", "5")], [])
    one._take(gone, (wall, now), judge)
    assert one._known_ns == known, "nobody stamps a deletion"
    stamp = datetime.fromtimestamp(wall // 10**9 - 10, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    late = b'{"metadata":{"name":"b","uid":"b","resourceVersion":"6","managedFields":[{"time":"%s"}]}}' % stamp.encode()
    one._take(changes.item(late, "ADDED"), (wall, now), judge)
    assert known < one._known_ns <= now - 8 * 10**9
    stamp = datetime.fromtimestamp(wall // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    timely = (
        b'{"metadata":{"name":"c","uid":"c","resourceVersion":"7","managedFields":[{"time":"%s"}]}}' % stamp.encode()
    )
    one._take(changes.item(timely, "ADDED"), (wall, now), judge)
    assert one._known_ns == now

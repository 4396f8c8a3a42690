"""A reflector by itself, without a server: what it does with what a server says."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from kitlib.errors import ServerError
from kitlib.recording import Recording
from kitlib.watch import Reflector, Timeouts


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

"""A recording's end: a stream is covered up to it only if the server says that nothing is missing."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from kitlib.errors import ClusterError
from kitlib.recording import Recording, clock
from kitlib.watch import Recorder, recorder

LONG_NS = 3_000_000_000
MINUTE_NS = 60_000_000_000


class Server:
    """Answers a list by its objects' metadata, or not at all."""

    server = "here"
    ahead = (-0.5, 0.5)

    def __init__(self, **versions: int) -> None:
        self.versions: dict[str, int] | None = versions
        self.asked = 0

    def discover(self, name: str) -> Any:
        return SimpleNamespace(
            kind="Pod", plural=name, group_version="v1", namespaced=True, path=lambda namespace: f"/{namespace}/{name}"
        )

    def get(self, path: str, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.versions is None:
            raise ClusterError("nobody answers")
        items = [
            {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}
            for name, version in self.versions.items()
        ]
        return {"metadata": {"resourceVersion": "99"}, "items": items}


def recorded(server: Server, silent_ns: int, open_watch: bool = True, written: float | None = None) -> Recording:
    """Return a recording of one Pod of version 5, whose watch has been silent for a time at its end.

    It was listed a minute before, and says, if at all, when it was written.
    """
    one = Recorder(server, ["pods"], namespace="n")  # type: ignore[arg-type]
    (reflector,) = one._reflectors.values()
    reflector.begin()
    metadata: dict[str, Any] = {"name": "a", "uid": "a", "resourceVersion": "5"}
    if written is not None:
        metadata["managedFields"] = [{"time": datetime.fromtimestamp(written, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}]
    raw = json.dumps({"metadata": metadata}, separators=(",", ":")).encode()
    heard = clock.monotonic_ns() - silent_ns
    with one.recording.changed:
        reflector._add(raw, None, "ADDED", "list", (0, heard))
        reflector.listed = True
        reflector._shown_ns = heard - MINUTE_NS
        reflector._reached(5, heard - MINUTE_NS, force=True)
        reflector._reached(5, heard, force=True)
    reflector._down_ns = None if open_watch else heard
    one.recording.live.clear()
    one._threads = [SimpleNamespace(join=lambda timeout: None)]  # type: ignore[list-item]
    one.stop()
    return one.recording


def test_a_watch_that_was_heard_just_now_and_has_everything_is_covered() -> None:
    server = Server(a=5)
    assert recorded(server, 1000).coverage()[-1].covered
    assert server.asked == 1


@pytest.mark.parametrize("versions", [{"a": 5, "b": 7}, None])
@pytest.mark.parametrize(("written", "seconds"), [(10.0, (10, 13)), (None, (60, 61))])
def test_a_watch_that_is_behind_ends_where_what_came_last_was_written(
    versions: dict[str, int] | None, written: float | None, seconds: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "IN_FLIGHT", 0.05)
    server = Server()
    server.versions = versions
    last = recorded(server, 1000, written=None if written is None else time.time() - written).coverage()[-1]
    assert not last.covered and last.reason
    assert seconds[0] <= (last.end_ns - last.begin_ns) / 1e9 <= seconds[1]


def test_what_was_left_out_with_a_word_is_not_waited_for() -> None:
    """An object that can't be read never becomes a row; the watch has gone on behind it."""
    server = Server(a=5, unreadable=3)
    assert recorded(server, 1000).coverage()[-1].covered


@pytest.mark.parametrize("open_watch", [True, False])
def test_a_silent_stream_that_has_everything_is_covered_to_its_end(open_watch: bool) -> None:
    server = Server(a=5)
    recording = recorded(server, LONG_NS, open_watch)
    assert [each.covered for each in recording.coverage()][-1]
    assert server.asked == 1
    assert not any(row.type == "GAP" for row in recording.rows)


@pytest.mark.parametrize("versions", [{"a": 6}, {"a": 5, "b": 7}, {}, None])
def test_a_watch_that_was_dead_or_cant_be_proven_is_not(
    versions: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "IN_FLIGHT", 0.05)
    server = Server()
    server.versions = versions
    last = recorded(server, LONG_NS).coverage()[-1]
    assert not last.covered
    assert last.end_ns - last.begin_ns >= LONG_NS * 0.9

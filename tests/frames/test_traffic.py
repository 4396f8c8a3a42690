"""The frames `logs` and `traffic`, of lines as `probe load` writes them; and how a log reaches the recording."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from kitlib.errors import ClusterError, ServerError, UsageError, WaitTimeout
from kitlib.frames import Frames, distribution
from kitlib.recording import Recording, clock
from kitlib.watch import LogFollower

SECOND = 1_000_000_000
BEGIN = 1_764_000_000 * SECOND
"""Wall clock; the monotonic clock is behind it by as much."""


def stamped(at: float, line: str) -> str:
    return f"{pd.Timestamp(BEGIN + int(at * SECOND)).isoformat()}Z {line}"


def request(
    at: float, who: str = "a", took: float = 0.01, error: str = "", late: float = 0.0, status: int = 200
) -> str:
    line: dict[str, Any] = {"wall_ns": BEGIN + int(at * SECOND), "mono_ns": 7, "late_ns": int(late * SECOND)}
    line |= {"took_ns": int(took * SECOND), "status": 0 if error else status, "who": "" if error else who}
    line |= {"version": "v1", "ready": "" if error else "true", "reused": False} | ({"error": error} if error else {})
    return stamped(at, json.dumps(line, separators=(",", ":")))


def logged(recording: Recording, lines: list[str], begin: int = 0, at: float = 60, run: int = 0) -> None:
    what = {"metadata": {"name": "client", "namespace": "shop", "uid": f"u/load/{run}"}, "container": "load"}
    now = int(at * SECOND)
    recording.add(
        json.dumps({**what, "run": run, "begin": begin, "lines": lines}).encode(),
        kind="Log", api_version="kitlib", type="MODIFIED", origin="log", stream="logs", at=(BEGIN + now, now),
    )  # fmt: skip


SUM = stamped(9, '{"summary":true,"due":4,"took":{"count":3}}')


@pytest.fixture(scope="module")
def frames() -> Frames:
    recording = Recording()
    first = [request(1), request(2, "b", took=0.03), request(3, error="refused")]
    logged(recording, first, at=4)
    logged(recording, [*first[1:], request(4, status=503, late=0.5)], begin=1, at=5)  # read again from the second on
    logged(recording, [stamped(8, "plain text"), SUM], begin=4, at=10)
    return recording.frames


def test_a_line_that_was_read_twice_is_one_row(frames: Frames) -> None:
    logs = frames.logs
    assert len(logs) == 6 and logs["line"].iloc[4] == "plain text"
    assert (logs["monotonic_ns"] / SECOND).tolist() == [1, 2, 3, 4, 8, 9]
    assert logs["at"].iloc[0] == pd.Timestamp(BEGIN + SECOND, tz="UTC")
    assert set(logs["uid"]) == {"u"} and set(logs["container"]) == {"load"} and set(logs["run"]) == {0}


def test_a_request_is_a_row_and_a_sum_is_none(frames: Frames) -> None:
    traffic = frames.traffic
    assert traffic["answered"].tolist() == [True, True, False, True]
    assert traffic["error"].tolist() == ["", "", "refused", ""]
    assert traffic["status"].tolist() == [200, 200, pd.NA, 503]
    assert traffic["who"].tolist() == ["a", "b", "", "a"]
    assert traffic["ready"].isna().tolist() == [False, False, True, False]


def test_a_window_cuts_by_the_time_of_the_line_not_of_its_receipt() -> None:
    recording = Recording()
    logged(recording, [request(1), request(2), request(3)], at=60)
    assert (Frames(recording, int(1.5 * SECOND), int(2.5 * SECOND)).traffic["monotonic_ns"] == 2 * SECOND).all()
    assert len(Frames(recording, namespace="shop").traffic) == 3 and not len(Frames(recording, namespace="x").traffic)


def test_the_distribution_counts_from_the_due_time(frames: Frames) -> None:
    (row,) = distribution(frames.traffic).to_dict("records")
    assert (row["sent"], row["answered"], row["lost"]) == (4, 3, 1)
    assert row["p50_ms"] == pytest.approx(30) and row["max_ms"] == pytest.approx(510)
    by = distribution(frames.traffic, by="who")
    assert by.loc["b", "max_ms"] == pytest.approx(30) and by.loc["", "lost"] == 1
    with pytest.raises(UsageError, match="no column 'wh'"):
        distribution(frames.traffic, by="wh")


# How a log reaches the recording.


class Pod:
    """Stands for the API server: a Pod whose log breaks off at some lines, and goes on."""

    def __init__(self, *pieces: list[str], containers: int = 1, gone: bool = False, away: int = 0) -> None:
        self.pieces = [[line.encode() for line in piece] for piece in pieces]
        self.names = ["load", "other"][:containers]
        self.gone, self.away = gone, away
        self.asked: list[dict[str, Any]] = []

    def get(self, path: str) -> dict[str, Any]:
        statuses = [{"name": name, "restartCount": 3} for name in self.names]
        return {
            "metadata": {"uid": "u"},
            "spec": {"containers": [{"name": name} for name in self.names]},
            "status": {"containerStatuses": statuses},
        }

    def request(self, method: str, path: str, query: dict[str, Any], accept: str) -> bytes:
        if self.gone:
            raise ServerError("not found", step="GET")
        return b"\n".join(self.pieces[-1][-1:])

    def stream(self, path: str, query: dict[str, Any], **options: Any) -> Broken:
        if self.asked and self.gone:
            raise ServerError("not found", step="GET")
        self.asked.append(query)
        if 1 < len(self.asked) <= self.away + 1:
            raise ClusterError("no answer", step="GET")
        number = max(len(self.asked) - self.away, 1)
        return Broken(self.pieces[number - 1], last=number == len(self.pieces))


class Broken:
    """A stream that ends as it is told."""

    def __init__(self, lines: list[bytes], last: bool) -> None:
        self.lines, self.last, self.complete = lines, last, False
        self.closed = threading.Event()

    def chunks(self) -> Iterator[list[bytes]]:
        yield self.lines
        if not self.last:
            raise ConnectionError("cut")
        self.complete = True

    def close(self) -> None:
        self.closed.set()


def followed(pod: Pod, **options: Any) -> tuple[Recording, LogFollower]:
    recording = Recording()
    follower = LogFollower(pod, recording, "shop", "client", **options)  # type: ignore[arg-type]
    follower.catch_up()
    follower._thread.join(5)
    assert follower.ended
    return recording, follower


def test_a_log_that_breaks_off_is_read_on_from_there() -> None:
    lines = [request(at) for at in range(1, 6)]
    pod = Pod(lines[:2], lines[:3], lines)
    recording, follower = followed(pod)
    assert len(pod.asked) == 3 and follower.run == 3
    assert len(recording.frames.traffic) == 5
    assert [json.loads(row.object)["begin"] for row in recording.rows if row.origin == "log"] == [0, 2, 3]


def test_the_run_before_has_the_number_before() -> None:
    recording, follower = followed(Pod([request(1)]), previous=True)
    assert follower.run == 2 and recording.frames.logs["run"].tolist() == [2]


def test_a_pod_that_has_gone_is_no_error() -> None:
    recording, _ = followed(Pod([request(1)], gone=True))
    assert len(recording.frames.logs) == 1


def test_a_log_whose_end_cannot_be_reached_leaves_a_gap() -> None:
    """Its connection breaks, and then the Pod has gone: nobody knows what it logged last."""
    pod = Pod([request(1)], [request(1), request(2)], gone=True)
    recording, _ = followed(pod)
    assert len(pod.asked) == 1
    (gap,) = recording.frames.gaps.to_dict("records")
    assert (gap["kind"], gap["stream"], gap["open"]) == ("Log", "logs/client/load", True)
    assert gap["reason"].startswith("cut; then GET") and "not found" in gap["reason"]
    assert gap["after_ns"] > recording.rows[0].monotonic_ns


def test_an_api_server_that_is_away_for_a_moment_costs_no_line() -> None:
    pod = Pod([request(1)], [request(1), request(2)], away=1)
    recording, _ = followed(pod)
    assert len(pod.asked) == 3 and len(recording.frames.traffic) == 2
    assert recording.frames.gaps.empty


def test_a_log_that_lags_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step's end must not pass over lines that haven't come."""
    pod, come = Pod([request(1)]), threading.Event()

    def late(broken: Broken) -> Iterator[list[bytes]]:
        come.wait(20)
        yield broken.lines
        broken.complete = True

    monkeypatch.setattr(Broken, "chunks", late)
    recording = Recording()
    follower = LogFollower(pod, recording, "shop", "client")  # type: ignore[arg-type]
    with pytest.raises(WaitTimeout, match="its log lags by more than 0 s"):
        follower.catch_up(timeout=0.1)
    come.set()
    follower.catch_up()
    assert len(recording.frames.logs) == 1


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its lines a stream says nothing more until it is closed."""

    def chunks(broken: Broken) -> Iterator[list[bytes]]:
        yield broken.lines
        broken.closed.wait(20)

    monkeypatch.setattr(Broken, "chunks", chunks)


@pytest.mark.usefixtures("silent")
def test_a_log_that_is_silent_is_covered_up_to_where_it_was_asked_for() -> None:
    """A silent connection may be a dead one; that the last line is known, and nothing came since, tells them apart."""
    pod, recording = Pod([request(1)]), Recording()
    follower = LogFollower(pod, recording, "shop", "client")  # type: ignore[arg-type]
    follower.catch_up()
    line = recording.rows[-2].monotonic_ns
    (alive,) = [json.loads(row.object)["known_ns"] for row in recording.rows if row.type == "ALIVE"]
    assert alive > line
    closing = clock.monotonic_ns()
    follower.close()
    covered, missing = recording.coverage()
    assert covered.covered and covered.end_ns > closing > alive
    assert not missing.covered and missing.begin_ns == covered.end_ns


@pytest.mark.usefixtures("silent")
def test_a_log_that_cannot_be_asked_for_is_covered_up_to_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kitlib.watch.logs.LAST_WORD", 0.1)
    pod, recording = Pod([request(1)]), Recording()
    follower = LogFollower(pod, recording, "shop", "client")  # type: ignore[arg-type]
    follower.wait_for("late_ns")
    pod.gone = True
    closing = clock.monotonic_ns()
    follower.close()
    covered, missing = recording.coverage()
    assert covered.end_ns < closing and missing.begin_ns == covered.end_ns


def test_a_token_in_a_log_does_not_reach_the_recording() -> None:
    recording, _ = followed(Pod([stamped(1, "Authorization: Bearer abc"), stamped(2, "fine")]))
    assert recording.frames.logs["line"].tolist() == ["redacted", "fine"]


def test_lines_are_waited_for_and_counted_also_those_of_before() -> None:
    _, follower = followed(Pod([request(1), request(2, error="refused")]))
    follower.wait_for('"late_ns"', 2)
    assert follower.count("refused") == 1
    with pytest.raises(WaitTimeout, match="2 of 3 lines hold 'late_ns', and its log has ended"):
        follower.wait_for("late_ns", 3)


def test_lines_are_counted_that_are_no_longer_known_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has asked for long has more of them: a count that stood still would be waited for in vain."""
    monkeypatch.setattr("kitlib.watch.logs.RECENT", 3)
    lines = [request(number) for number in range(1, 9)]
    _, follower = followed(Pod([*lines, request(9, error="refused")]))
    follower.wait_for('"late_ns"', 9)
    assert follower.count('"late_ns"') == 9 and follower.count("refused") == 1
    assert len(follower.last(9)) == 3


def test_of_several_containers_one_must_be_named() -> None:
    with pytest.raises(UsageError, match="name one of load, other"):
        followed(Pod([], containers=2))

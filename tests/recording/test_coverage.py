"""Coverage: from when to when each stream is covered, by the marks that it wrote; what no mark covers isn't."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kitlib.recording import Recording, WatchEvent, clock
from kitlib.recording.coverage import intervals

SECOND = 1_000_000_000


class Marks(list[WatchEvent]):
    """Marks of one stream, by seconds."""

    def add(self, at: float, type: str, **what: object) -> Marks:
        said = {"kind": "Pod", **{key: _ns(key, value) for key, value in what.items()}}
        row = (0, int(at * SECOND), "", "", "", "Pod", "", "", type, "kitlib", "pods", json.dumps(said).encode())
        self.append(WatchEvent(*row, len(self)))
        return self


def _ns(key: str, value: object) -> object:
    return int(value * SECOND) if key.endswith("_ns") and isinstance(value, int | float) else value


def told(marks: Marks, now: float = 100, live: dict[str, int] | None = None) -> list[tuple[float, float, bool]]:
    found = intervals(marks, 0, int(now * SECOND), live)
    return [(each.begin_ns / SECOND, each.end_ns / SECOND, each.covered) for each in found]


def begun() -> Marks:
    return Marks().add(0, "STREAM", api_version="v1", namespace="n").add(1, "LISTED", known_ns=1, rv="5")


def test_a_stream_that_ended_in_good_order_is_covered_to_its_end() -> None:
    marks = begun().add(99, "ALIVE", known_ns=99).add(100, "END", known_ns=99, end_ns=100)
    assert told(marks) == [(0, 1, False), (1, 100, True)]


def test_an_end_that_nothing_has_proven_for_long_is_not_covered() -> None:
    marks = begun().add(10, "ALIVE", known_ns=10).add(100, "END", known_ns=10, end_ns=100)
    assert told(marks) == [(0, 1, False), (1, 10, True), (10, 100, False)]


def test_where_the_server_was_asked_at_the_end_silence_proves_nothing() -> None:
    end = {"known_ns": 95, "end_ns": 100, "asked": True}
    assert told(begun().add(100, "END", **end)) == [(0, 1, False), (1, 95, True), (95, 100, False)]
    assert told(begun().add(100, "END", **{**end, "known_ns": 99.7}))[-1] == (1, 100, True)


def test_without_an_end_it_covers_up_to_the_last_alive() -> None:
    assert told(begun().add(40, "ALIVE", known_ns=39)) == [(0, 1, False), (1, 39, True), (39, 100, False)]


def test_a_stream_that_is_followed_now_covers_up_to_what_it_knows() -> None:
    assert told(begun(), live={"pods": 100 * SECOND}) == [(0, 1, False), (1, 100, True)]


def test_a_gap_lies_between_two_covered_times() -> None:
    marks = begun().add(30, "GAP", after_ns=20, until_ns=30, after_rv="9", until_rv="12", reason="410")
    marks.add(100, "END", known_ns=100, end_ns=100)
    found = intervals(marks, 0, 100 * SECOND)
    assert [(each.covered, each.reason) for each in found][1:] == [(True, ""), (False, "410"), (True, "")]
    assert (found[2].after_rv, found[2].until_rv) == (9, 12)


def test_a_gap_that_begins_before_a_list_came_is_told_once() -> None:
    """A list has everything up to when it was asked for, and came later."""
    marks = begun()
    marks.add(60, "GAP", after_ns=30, until_ns=60, after_rv="5", until_rv="9", reason="cut")
    marks.add(80, "GAP", after_ns=55, until_ns=70, after_rv="9", until_rv="12", reason="cut again")
    marks.add(100, "END", known_ns=100, end_ns=100)
    assert told(marks)[1:] == [(1, 30, True), (30, 60, False), (60, 70, False), (70, 100, True)]


def test_a_gap_after_which_it_went_on_where_it_was_is_none() -> None:
    marks = begun().add(20, "GAP", after_ns=20, until_ns=None, after_rv="9", until_rv=None, reason="cut")
    marks.add(30, "GAP", after_ns=20, until_ns=30, after_rv="9", until_rv="9", reason="cut")
    assert told(marks.add(100, "END", known_ns=100, end_ns=100)) == [(0, 1, False), (1, 100, True)]


def test_a_kind_that_was_never_listed_is_never_covered() -> None:
    marks = Marks().add(0, "STREAM", api_version="v1", namespace=None)
    marks.add(1, "REFUSED", code=403, reason="no").add(1, "GAP", after_ns=0, until_ns=None, reason="403: no")
    assert told(marks) == [(0, 100, False)]


def test_what_died_says_why() -> None:
    marks = begun().add(50, "ALIVE", known_ns=50).add(60, "DIED", error="KeyError: x")
    last = intervals(marks, 0, 100 * SECOND)[-1]
    assert (last.covered, last.reason, last.begin_ns) == (False, "KeyError: x", 50 * SECOND)


@pytest.mark.parametrize("kind", ["Pod", "Log"])
@pytest.mark.parametrize("end", ["END", "DIED"])
def test_what_nobody_followed_between_an_end_and_a_new_begin_is_not_covered(end: str, kind: str) -> None:
    """A log is read from its begin again, all else as it is by then."""
    marks = begun().add(20, "ALIVE", known_ns=20).add(20, end, known_ns=20, end_ns=20, error="KeyError: x")
    marks.add(50, "STREAM", api_version="v1", namespace="n", kind=kind).add(
        55, "LISTED", known_ns=55, rv="9", kind=kind
    )
    found = told(marks.add(100, "END", known_ns=100, end_ns=100, kind=kind))
    assert found[1:] == ([(1, 100, True)] if kind == "Log" else [(1, 20, True), (20, 55, False), (55, 100, True)])


def pods(recording: Recording, count: int, flush: Callable[[int], bool] = lambda number: False) -> None:
    for number in range(count):
        raw = json.dumps({"metadata": {"name": f"p{number}", "uid": f"u{number}", "resourceVersion": str(number)}})
        recording.add(raw.encode(), kind="Pod", api_version="v1", type="ADDED", origin="watch", stream="pods")
        if flush(number):
            recording.flush()


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_file_that_is_missing_is_a_gap_of_everything(tmp_path: Path, gone: int) -> None:
    with Recording.create(tmp_path / "r", part_rows=10) as recording:
        pods(recording, 40, lambda number: number % 10 == 9)
    sorted((tmp_path / "r").rglob("*.parquet"), key=lambda path: path.name)[gone].unlink()
    found = Recording.open(tmp_path / "r")
    assert len(found) == len(list(found.rows)) == 30 and not found.complete
    assert f"rows {gone * 10} to {gone * 10 + 9} are missing" in found.state
    missing = [each for each in found.coverage() if not each.covered]
    assert {each.kind for each in missing} == {"Pod", "*"}
    assert [found.rows[number].name for number in range(30)] == [row.name for row in found.rows]


def test_a_reader_finds_the_rows_of_a_file_that_was_folded_meanwhile(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "r")
    pods(recording, 20, lambda number: number % 5 == 4)
    reader = Recording.open(tmp_path / "r").rows
    recording.close()  # folds all flushed files into one part, and removes them
    assert [row.name for row in reader] == [f"p{number}" for number in range(20)]


def test_an_earlier_format_is_covered_as_far_as_it_can_be_said() -> None:
    old = Recording.open(Path(__file__).parents[1] / "data" / "deployment")
    found = old.coverage()
    assert {"Pod", "ReplicaSet", "Deployment", "Event"} <= {each.kind for each in found if each.covered}


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "r", part_rows=5) as recording:
        pods(recording, 12, lambda number: number % 2 == 1)
    assert (tmp_path / "r").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "r").rglob("*"))


def test_frames_of_a_stream_that_ends_after_they_were_made_have_it_covered() -> None:
    recording = Recording()
    recording.mark("STREAM", "Log", stream="log", kind="Log", api_version="v1")
    recording.mark("LISTED", "Log", stream="log", kind="Log", known_ns=clock.monotonic_ns(), rv="1", objects=0)
    recording.live["log"] = clock.monotonic_ns
    recording.mark("STREAM", "Pod", stream="pods", kind="Pod", api_version="v1")
    frames = recording.frames
    del recording.live["log"]
    assert frames.coverage.query("stream == 'log'")["covered"].iloc[-1]
    assert not recording.frames.coverage.query("stream == 'log'")["covered"].iloc[-1], "it has no end"

"""What a recording says of times: that they are covered, or not, and how late its rows are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kitlib.recording.coverage import JUST_NS
from tests.faults.judge.evidence import Evidence, first_versions, sort_of, told, watched
from tests.faults.judge.losses import left_out
from tests.faults.judge.marks import SLACK_NS, Gap, Passed
from tests.faults.proxy import Seen
from tests.faults.witness import Change

TIMELY_NS = 3_500_000_000
STAMP_NS = 1_500_000_000
SILENCE_NS = 2_000_000_000
BURST_NS = 400_000_000


def overclaimed(evidence: Evidence, found: Sequence[Gap], passed: Sequence[Passed], ends: dict[str, int]) -> list[str]:
    """Name what is missing, behind what was judged, although the recording says that it has everything of that time.

    What is missing between the resourceVersions of a gap is told by these. What was written just before the end of a
    covered time may have been on its way.
    """
    if evidence.coverage is None:
        return []
    begins = first_versions(evidence.log)
    slack = SLACK_NS + 2 * lag(evidence)
    there = {(row.stream, row.name, row.resourceVersion, sort_of(row.type)) for row in evidence.rows if row.uid}
    wrong = []
    for stream in evidence.kinds:
        covered = [each for each in evidence.coverage if each.stream == stream and each.covered]
        excused = left_out(stream, passed, evidence.log, evidence.changes)
        mine = [gap for gap in found if gap.stream == stream]
        for change in evidence.changes:
            if change.stream != stream or change.revision <= max(begins.get(stream, 0), ends.get(stream, 0)):
                continue
            if (stream, change.name, str(change.revision), sort_of(change.type)) in there:
                continue
            if (change.revision, sort_of(change.type)) in excused:
                continue
            if any(gap.covers(change) and gap.until is not None for gap in mine):
                continue
            if any(each.begin_ns < change.seen_ns < each.end_ns - slack for each in covered):
                wrong.append(f"{told(change)} is missing from a time that is said to be covered")
    return wrong


def lag(evidence: Evidence) -> int:
    """Return by how many ns the server lagged behind etcd, as told by the quickest quarter of what was watched."""
    written = {(change.stream, change.name, str(change.revision)): change.seen_ns for change in evidence.changes}
    found = sorted(
        row.monotonic_ns - written[key]
        for row in evidence.rows
        if watched(row) and (key := (row.stream, row.name, row.resourceVersion)) in written
    )
    return max(found[len(found) // 4], 0) if found else 0


def underclaimed(evidence: Evidence) -> list[str]:
    """Name the streams that reached their end, and aren't covered there; and all gaps that can't be seen.

    A stream that was silenced less than `JUST_NS` before its end counts as having reached it, as for who reads it. One
    from which a change is missing then has not; nor has one whose last gap, which is judged as such, spans the end.
    """
    if evidence.coverage is None:
        return []
    wrong = []
    last_ns = max((row.monotonic_ns for row in evidence.rows), default=0)
    for stream in evidence.kinds:
        mine = [each for each in evidence.coverage if each.stream == stream]
        if evidence.killed_ns is not None:
            if mine and mine[-1].covered and mine[-1].end_ns < last_ns:
                wrong.append(f"nothing says why {stream} isn't covered after {mine[-1:]}")
            continue
        covered = bool(mine) and mine[-1].covered
        if stream not in evidence.silenced:
            forgotten = bool(mine) and mine[-1].until_rv is not None  # by a list that came while it was stopped
            if not covered and not forgotten and not behind(evidence, stream):
                wrong.append(f"{stream} isn't covered at its end: {mine[-1:]}")
            continue
        came = (row.monotonic_ns for row in evidence.rows if row.stream == stream and row.uid)
        if mine and mine[-1].end_ns - max(came, default=0) <= JUST_NS:
            continue
        if not any(evidence.says in each.reason for each in mine if not each.covered):
            wrong.append(f"{stream} could not be followed to its end, and no reason tells of {evidence.says!r}: {mine}")
        if covered:
            wrong.append(f"{stream} could not be followed to its end, and is said to be covered there")
    return wrong


def behind(evidence: Evidence, stream: str) -> bool:
    """Say whether a change of a stream is missing that its end must tell of: the newest, or that an object has gone.

    What was written after the recorder had asked for the last time is none.
    """
    asked_ns = max((row.monotonic_ns for row in evidence.rows if row.type == "END" and row.stream == stream), default=0)
    rows = [row for row in evidence.rows if row.stream == stream and row.uid]
    mine = [change for change in evidence.changes if change.stream == stream and change.seen_ns < asked_ns]
    came = {(row.name, row.resourceVersion, sort_of(row.type)) for row in rows}
    newest = max((int(row.resourceVersion) for row in rows), default=0)
    seen = {row.name for row in rows}
    went = Counter(change.name for change in mine if change.type == "DELETED" and change.name in seen)
    told_of = Counter(row.name for row in rows if row.type == "DELETED")
    return bool(went - told_of) or any(
        change.revision > newest and (change.name, str(change.revision), sort_of(change.type)) not in came
        for change in mine
    )


def untimely(rows: Iterable[Any], changes: Iterable[Change], log: Iterable[Seen]) -> list[str]:
    """Name rows that came late, and don't say so: they were written before `late_ns` says that they can have been.

    What a list shows after a gap is judged, and what comes after a silence, with all that comes with it. Lateness is
    told by whole seconds of the server's clock, which is itself known by whole seconds: what came less than
    `TIMELY_NS` late may pass, and a bound may be short by `STAMP_NS`, and by half, where the server itself lags.
    Nobody stamps a deletion: it is judged if it was in the store before the watch that brought it was opened, after
    what came before. A version that comes a second time, from a store that was put back, is written by that.
    """
    written = {(change.stream, change.name, str(change.revision)): change.seen_ns for change in changes}
    before: dict[str, int] = {}
    stalled: dict[str, bool] = {}
    opened: dict[str, list[int]] = {}
    for seen in log:
        if (seen.verb, seen.what) == ("watch", "request"):
            opened.setdefault(seen.stream, []).append(seen.at)
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        at = written.pop((row.stream, row.name, row.resourceVersion), None)
        last_ns = before.get(row.stream, row.monotonic_ns)
        pause = row.monotonic_ns - last_ns
        before[row.stream] = row.monotonic_ns
        stalled[row.stream] = pause > SILENCE_NS or (stalled.get(row.stream, False) and pause < BURST_NS)
        judged = row.origin == "relist" or (row.origin == "watch" and stalled[row.stream])
        if not at or not judged:
            continue
        if row.type == "DELETED":
            anew = any(max(last_ns, at) < moment < row.monotonic_ns for moment in opened.get(row.stream, ()))
            if row.origin != "watch" or not anew:
                continue
        late_ns = row.monotonic_ns - at
        if late_ns > TIMELY_NS and row.late_ns < (late_ns - STAMP_NS) / 2:
            came, said = late_ns / 1e9, row.late_ns / 1e9
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} came {came:.2f} s late, and says {said:.2f} s")
    return wrong

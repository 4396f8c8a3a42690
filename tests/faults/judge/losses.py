"""What is missing, and neither lies in a gap nor was left out with a word."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tests.faults.judge.evidence import Evidence, first_versions, sort_of, told, watched
from tests.faults.judge.marks import Gap, Passed
from tests.faults.judge.verdict import Verdict
from tests.faults.proxy import Seen
from tests.faults.witness import Change


def judge_stream(
    evidence: Evidence,
    stream: str,
    end: int | None,
    found: list[Gap],
    excused: Collection[tuple[int, str]],
    verdict: Verdict,
) -> None:
    """Judge which of a stream's changes are recorded, up to its end: the verdict takes them over."""
    kind = evidence.kinds[stream]
    begin = first_versions(evidence.log).get(stream)
    if end is None:
        return
    end = max(end, begin or 0)  # a list may show nothing of its newest changes: what was deleted
    changes = [change for change in evidence.changes if change.stream == stream and change.revision <= end]
    if begin is None and any(gap.after == 0 for gap in found):  # refused from the start
        begin = 0
    if begin is None:
        verdict.unreported.append(f"{stream} was never watched: {len(changes)} changes are missing")
        verdict.changes += len(changes)
        return
    recorded = {
        (row.name, row.resourceVersion, sort_of(row.type))
        for row in evidence.rows
        if row.kind == kind and not (row.type == "DELETED" and row.origin == "relist")
    }
    types = {(row.name, row.resourceVersion): row.type for row in evidence.rows if watched(row) and row.kind == kind}
    for change in [*alive(changes, begin), *(change for change in changes if change.revision > begin)]:
        verdict.changes += 1
        said = types.get((change.name, str(change.revision)))
        if (change.name, str(change.revision), sort_of(change.type)) in recorded:
            verdict.recorded += 1
            if said not in (None, change.type):
                verdict.others.append(f"{told(change)} was recorded as {said}")
        elif any(gap.covers(change) for gap in found) or (change.revision, sort_of(change.type)) in excused:
            verdict.in_gaps += 1
        else:
            where = "listed at first" if change.revision <= begin else "watched"
            verdict.unreported.append(f"{told(change)} ({where})")


def alive(changes: Iterable[Change], revision: int) -> list[Change]:
    """Return, for each object that existed at a revision, the change that made it what it was then."""
    last: dict[str, Change] = {}
    for change in changes:
        if change.revision <= revision:
            last[change.name] = change
    return [change for change in last.values() if change.type != "DELETED"]


def left_out(
    stream: str, passed: Iterable[Passed], log: Iterable[Seen], changes: Iterable[Change]
) -> set[tuple[int, str]]:
    """Return which changes of a stream may be missing, since a gap in time says so, and that is true.

    What the proxy made unreadable is excused by a gap at that moment, itself alone. A list of two moments excuses what
    was written between them.
    """
    mine = [each for each in passed if each.stream == stream]
    found = set()
    for seen in log:
        if seen.stream != stream:
            continue
        if seen.what == "garbled" and any(each.holds(seen.at) for each in mine):
            version, type_ = seen.value
            found.add((version, sort_of(type_)))
        elif seen.what == "moments":
            whole = [each for each in mine if "moments" in each.reason and each.holds(seen.at)]
            found |= {
                (change.revision, sort_of(change.type))
                for change in changes
                if change.stream == stream and any(each.holds(change.seen_ns) for each in whole)
            }
    return found


def late(rows: Iterable[Any], log: Iterable[Seen], before_ns: int) -> list[str]:
    """Name what had been sent to the recorder before a moment, and isn't on disk."""
    there = {(row.stream, int(row.resourceVersion), sort_of(row.type)) for row in rows if row.uid}
    missing = {}
    for seen in log:
        if seen.what == "line" and seen.at < before_ns:
            version, type_ = seen.value
            if (seen.stream, version, sort_of(type_)) not in there:
                missing[seen.stream, version, type_] = (before_ns - seen.at) / 1e9
    return [
        f"{stream} {version} {type_} was received {seconds:.2f} s before what must be on disk, and isn't"
        for (stream, version, type_), seconds in missing.items()
    ]

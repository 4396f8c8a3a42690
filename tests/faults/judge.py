"""Compares a recording with the witness: what is missing, and whether the recording says so.

Everything here is a function of what was recorded, witnessed and seen to pass; nothing asks a cluster. The tests of
the judge plant every kind of wrong recording.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.proxy import Seen
from tests.faults.witness import Change
from tests.faults.workload import whole

PUT = "PUT"
SLACK_NS = 500_000_000
"""So much may lie between a write and its receipt on a busy machine."""
TIMELY_NS = 3_500_000_000
STAMP_NS = 1_500_000_000
SILENCE_NS = 2_000_000_000
BURST_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class Gap:
    """A reported gap: what lies in (after, until] may be missing; it is still open if `until` is None."""

    stream: str
    after: int
    until: int | None
    after_ns: int
    until_ns: int | None
    row: int
    reason: str = ""

    def covers(self, change: Change) -> bool:
        """Say whether a change may be missing because of this gap."""
        return (
            change.stream == self.stream
            and change.revision > self.after
            and (self.until is None or change.revision <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Passed:
    """A gap in time that has passed, as is written for what was left out, and for a list of several moments."""

    stream: str
    after_ns: int
    until_ns: int
    reason: str

    def holds(self, at_ns: int) -> bool:
        """Say whether a moment lies in it; where a line was on its way, a little beside it."""
        return self.after_ns - SLACK_NS <= at_ns <= self.until_ns + SLACK_NS


@dataclass(frozen=True)
class Evidence:
    """All that one scenario is judged by.

    Parameters
    ----------
    rows : sequence of WatchEvent
        What was recorded, in the order of receipt.
    changes : sequence of Change
        What the witness saw in the namespace, from before it was made.
    log : sequence of Seen
        What the proxy saw passing.
    kinds : dict of str to str
        Kind by plural.
    ends : dict of str to int
        Up to which revision each stream is judged.
    complete : bool or None
        What the recording says of itself; None if it lives in memory.
    killed_ns : int or None
        When the recorder was killed (monotonic).
    interval_ns : int
        What was received longer than this before the kill must be on disk.
    coverage : sequence of Interval or None
        What the recording says to have, and not to have; None where that isn't judged.
    silenced : collection of str
        Streams that were not to reach their end: their threads died, or they were refused up to the end.
    says : str
        What the reason must tell for which those streams aren't covered to their end.
    gapless : bool
        Whether no gap is to be at all, whatever the server said.
    raw : sequence of WatchEvent or None
        The rows as they are, where the versions in `rows` had to be made those that the store really had.
    """

    rows: Sequence[Any]
    changes: Sequence[Change]
    log: Sequence[Seen]
    kinds: dict[str, str]
    ends: dict[str, int]
    complete: bool | None = None
    killed_ns: int | None = None
    interval_ns: int = 0
    coverage: Sequence[Any] | None = None
    silenced: Collection[str] = ()
    says: str = ""
    gapless: bool = False
    raw: Sequence[Any] | None = None


@dataclass
class Verdict:
    """What the judge found.

    Parameters
    ----------
    changes, recorded, in_gaps : int
        How many changes had to be recorded, were, and were not but lie in a reported gap.
    unreported, duplicates, needless_gaps : list of str
        Lost without a word; recorded twice; gaps where nothing could be missing.
    others : list of str
        Whatever else is wrong: phantoms, wrong types, disorder, broken objects, impatience.
    """

    changes: int = 0
    recorded: int = 0
    in_gaps: int = 0
    gaps: int = 0
    unreported: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    needless_gaps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.unreported or self.duplicates or self.needless_gaps or self.others)


def judge(evidence: Evidence) -> Verdict:
    """Judge one scenario."""
    verdict = Verdict()
    found, wrong = gaps(evidence.rows)
    passed_by = moments(evidence.rows)
    said = promised(evidence.rows)
    ends = {stream: max(end, said.get(stream, 0)) for stream, end in evidence.ends.items()}
    # That nothing is promised after the recording's end is no gap in it.
    found = [gap for gap in found if gap.until is not None or gap.after < ends.get(gap.stream, 0)]
    verdict.gaps = len(found)
    verdict.others += wrong
    for stream in evidence.kinds:
        mine = [gap for gap in found if gap.stream == stream]
        excused = left_out(stream, passed_by, evidence.log, evidence.changes)
        _judge_stream(evidence, stream, ends.get(stream), mine, excused, verdict)
    verdict.duplicates += duplicates(evidence.rows if evidence.raw is None else evidence.raw)
    honest = [gap for gap in found if gap.until is not None or gap.stream not in evidence.silenced]
    verdict.needless_gaps += needless(honest, evidence.rows, evidence.log)
    verdict.needless_gaps += unfounded(passed_by, evidence.log)
    if evidence.gapless:
        verdict.needless_gaps += [f"{gap}, where it could have kept its place" for gap in found]
    if evidence.killed_ns is None:
        left_open = [gap for gap in found if gap.until is None and gap.stream not in evidence.silenced]
        verdict.others += [f"{gap} was left open" for gap in left_open]
    verdict.unreported += overclaimed(evidence, found, passed_by, ends)
    verdict.others += underclaimed(evidence)
    verdict.others += untimely(evidence.rows, evidence.changes)
    verdict.others += phantoms(evidence.rows, evidence.changes, evidence.kinds, found)
    verdict.others += disorder(evidence.rows)
    verdict.others += broken(evidence.rows)
    verdict.others += impatience(evidence.log)
    verdict.others += stubborn(evidence.log)
    verdict.others += hurry(evidence.log)
    verdict.others += [f"the recorder wrote: {seen.value}" for seen in evidence.log if seen.what == "refused"]
    if evidence.killed_ns is not None:
        verdict.unreported += late(evidence.rows, evidence.log, evidence.killed_ns - evidence.interval_ns)
        if evidence.complete is not False:
            verdict.others.append("the recorder was killed, and the recording doesn't say that it is incomplete")
    elif evidence.complete is False:
        verdict.others.append("the recording was closed, and says that it is incomplete")
    return verdict


def gaps(rows: Sequence[Any]) -> tuple[list[Gap], list[str]]:
    """Read the GAP marks; return them, and what is wrong with their bounds.

    A gap that was written open (until null) is replaced by the mark that closes it; it is no gap after all if that
    ends where it began.
    """
    found: dict[tuple[str, int], Gap] = {}
    wrong = []
    for index, row in enumerate(rows):
        if row.type != "GAP":
            continue
        try:
            what = json.loads(bytes(row.object))
            until, until_ns = what["until_rv"], what["until_ns"]
            if what["after_rv"] is None and until is None and until_ns is not None:
                continue  # see `moments`
            gap = Gap(
                row.stream,
                int(what["after_rv"] or 0),
                None if until in (None, "") else int(until),
                int(what["after_ns"]),
                None if until_ns is None else int(until_ns),
                index,
                str(what.get("reason", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"gap of {row.stream} can't be read ({error!r}): {bytes(row.object)[:200]!r}")
            continue
        before = found.get((gap.stream, gap.after))
        if before is not None and before.until is None and gap.until == gap.after:
            del found[gap.stream, gap.after]
        else:
            found[gap.stream, gap.after] = gap
    ordered = sorted(found.values(), key=lambda gap: (gap.stream, gap.after))
    for gap in ordered:
        if (gap.until is None) != (gap.until_ns is None):
            wrong.append(f"only one of the bounds of {gap} is open")
        if gap.until is not None and gap.until < gap.after:
            wrong.append(f"{gap} ends before it begins")
        if gap.until_ns is not None and gap.until_ns < gap.after_ns:
            wrong.append(f"{gap} ends before it begins, by the clock")
    for one, two in pairwise(ordered):
        if one.stream == two.stream and (one.until is None or one.until > two.after):
            wrong.append(f"{one} and {two} overlap")
    return ordered, wrong


def moments(rows: Iterable[Any]) -> list[Passed]:
    """Read the GAP marks that have bounds in time only."""
    found = []
    for row in rows:
        if row.type == "GAP":
            try:
                what = json.loads(bytes(row.object))
                if what["after_rv"] is None and what["until_rv"] is None and what["until_ns"] is not None:
                    found.append(Passed(row.stream, what["after_ns"], what["until_ns"], str(what.get("reason", ""))))
            except (ValueError, KeyError, TypeError):  # named by `gaps`
                continue
    return found


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
            found.add((version, _sort(type_)))
        elif seen.what == "moments":
            whole = [each for each in mine if "moments" in each.reason and each.holds(seen.at)]
            found |= {
                (change.revision, _sort(change.type))
                for change in changes
                if change.stream == stream and any(each.holds(change.seen_ns) for each in whole)
            }
    return found


def unfounded(passed: Iterable[Passed], log: Sequence[Seen]) -> list[str]:
    """Name gaps in time for which there was no cause."""
    causes = [seen for seen in log if seen.what in ("garbled", "moments")]
    return [
        f"{each}: all could be read"
        for each in passed
        if not any(seen.stream == each.stream and each.holds(seen.at) for seen in causes)
    ]


def overclaimed(evidence: Evidence, found: Sequence[Gap], passed: Sequence[Passed], ends: dict[str, int]) -> list[str]:
    """Name what is missing, behind what was judged, although the recording says that it has everything of that time.

    What is missing between the resourceVersions of a gap is told by these. What was written just before the end of a
    covered time may have been on its way.
    """
    if evidence.coverage is None:
        return []
    begins = first_versions(evidence.log)
    slack = SLACK_NS + 2 * lag(evidence)
    there = {(row.stream, row.name, row.resourceVersion, _sort(row.type)) for row in evidence.rows if row.uid}
    wrong = []
    for stream in evidence.kinds:
        covered = [each for each in evidence.coverage if each.stream == stream and each.covered]
        excused = left_out(stream, passed, evidence.log, evidence.changes)
        mine = [gap for gap in found if gap.stream == stream]
        for change in evidence.changes:
            if change.stream != stream or change.revision <= max(begins.get(stream, 0), ends.get(stream, 0)):
                continue
            if (stream, change.name, str(change.revision), _sort(change.type)) in there:
                continue
            if (change.revision, _sort(change.type)) in excused:
                continue
            if any(gap.covers(change) and gap.until is not None for gap in mine):
                continue
            if any(each.begin_ns < change.seen_ns < each.end_ns - slack for each in covered):
                wrong.append(f"{_told(change)} is missing from a time that is said to be covered")
    return wrong


def lag(evidence: Evidence) -> int:
    """Return by how many ns the server lagged behind etcd, as told by the quickest quarter of what was watched."""
    written = {(change.stream, change.name, str(change.revision)): change.seen_ns for change in evidence.changes}
    found = sorted(
        row.monotonic_ns - written[key]
        for row in evidence.rows
        if _watched(row) and (key := (row.stream, row.name, row.resourceVersion)) in written
    )
    return max(found[len(found) // 4], 0) if found else 0


def underclaimed(evidence: Evidence) -> list[str]:
    """Name the streams that reached their end, and aren't covered there; and all gaps that can't be seen."""
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
        if stream in evidence.silenced and not any(evidence.says in each.reason for each in mine if not each.covered):
            wrong.append(f"{stream} could not be followed to its end, and no reason tells of {evidence.says!r}: {mine}")
        if stream not in evidence.silenced and not (mine and mine[-1].covered):
            wrong.append(f"{stream} isn't covered at its end: {mine[-1:]}")
        if stream in evidence.silenced and mine and mine[-1].covered:
            wrong.append(f"{stream} could not be followed to its end, and is said to be covered there")
    return wrong


def untimely(rows: Iterable[Any], changes: Iterable[Change]) -> list[str]:
    """Name rows that came late, and don't say so: they were written before `late_ns` says that they can have been.

    What a list shows after a gap is judged, and what comes after a silence, with all that comes with it. Lateness is
    told by whole seconds of the server's clock, which is itself known by whole seconds: what came less than
    `TIMELY_NS` late may pass, and a bound may be short by `STAMP_NS`, and by half, where the server itself lags.
    Nobody stamps a deletion. A version that comes a second time, from a store that was put back, is written by that.
    """
    written = {(change.stream, change.name, str(change.revision)): change.seen_ns for change in changes}
    before: dict[str, int] = {}
    stalled: dict[str, bool] = {}
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        at = written.pop((row.stream, row.name, row.resourceVersion), None)
        pause = row.monotonic_ns - before.get(row.stream, row.monotonic_ns)
        before[row.stream] = row.monotonic_ns
        stalled[row.stream] = pause > SILENCE_NS or (stalled.get(row.stream, False) and pause < BURST_NS)
        judged = row.origin == "relist" or (row.origin == "watch" and stalled[row.stream])
        if not at or not judged or row.type == "DELETED":
            continue
        late_ns = row.monotonic_ns - at
        if late_ns > TIMELY_NS and row.late_ns < (late_ns - STAMP_NS) / 2:
            came, said = late_ns / 1e9, row.late_ns / 1e9
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} came {came:.2f} s late, and says {said:.2f} s")
    return wrong


def promised(rows: Iterable[Any]) -> dict[str, int]:
    """Return, by stream, up to which version the recording says that it has everything (its END marks)."""
    found = {}
    for row in rows:
        if row.type == "END":
            said = json.loads(bytes(row.object)).get("rv")
            if said is not None:
                found[row.stream] = int(said)
    return found


def first_versions(log: Iterable[Seen]) -> dict[str, int]:
    """Return, by stream, the version at which the recorder began to watch: what its first list showed.

    It is what the first watch that asks for a version names; or, where a stream sent the initial objects, the version
    of the bookmark that ended them, if no other did so before a version was asked for.
    """
    found: dict[str, int] = {}
    fixed: set[str] = set()
    initial: dict[str, int] = {}
    for seen in log:
        if seen.verb != "watch" or seen.stream in fixed:
            continue
        if seen.what == "listed":
            initial[seen.stream] = found[seen.stream] = seen.value
        elif seen.what == "request" and "sendInitialEvents" not in seen.value:
            version = seen.value.get("resourceVersion", "")
            if version.isdecimal() and int(version) > 0:
                fixed.add(seen.stream)
                found[seen.stream] = initial.get(seen.stream, int(version))
    return found


def _judge_stream(
    evidence: Evidence,
    stream: str,
    end: int | None,
    found: list[Gap],
    excused: Collection[tuple[int, str]],
    verdict: Verdict,
) -> None:
    kind = evidence.kinds[stream]
    begin = first_versions(evidence.log).get(stream)
    if end is None:
        return
    changes = [change for change in evidence.changes if change.stream == stream and change.revision <= end]
    if begin is None and any(gap.after == 0 for gap in found):  # refused from the start
        begin = 0
    if begin is None:
        verdict.unreported.append(f"{stream} was never watched: {len(changes)} changes are missing")
        verdict.changes += len(changes)
        return
    recorded = {
        (row.name, row.resourceVersion, _sort(row.type))
        for row in evidence.rows
        if row.kind == kind and not (row.type == "DELETED" and row.origin == "relist")
    }
    types = {(row.name, row.resourceVersion): row.type for row in evidence.rows if _watched(row) and row.kind == kind}
    for change in [*alive(changes, begin), *(change for change in changes if change.revision > begin)]:
        verdict.changes += 1
        said = types.get((change.name, str(change.revision)))
        if (change.name, str(change.revision), _sort(change.type)) in recorded:
            verdict.recorded += 1
            if said not in (None, change.type):
                verdict.others.append(f"{_told(change)} was recorded as {said}")
        elif any(gap.covers(change) for gap in found) or (change.revision, _sort(change.type)) in excused:
            verdict.in_gaps += 1
        else:
            where = "listed at first" if change.revision <= begin else "watched"
            verdict.unreported.append(f"{_told(change)} ({where})")


def alive(changes: Iterable[Change], revision: int) -> list[Change]:
    """Return, for each object that existed at a revision, the change that made it what it was then."""
    last: dict[str, Change] = {}
    for change in changes:
        if change.revision <= revision:
            last[change.name] = change
    return [change for change in last.values() if change.type != "DELETED"]


def duplicates(rows: Iterable[Any]) -> list[str]:
    """Name what was recorded twice: the same version of the same object; that it is gone is another matter."""
    counted = Counter((row.stream, row.name, row.uid, row.resourceVersion, _sort(row.type)) for row in rows if row.uid)
    return [
        f"{stream}/{name} {version} {sort}, {count} times"
        for (stream, name, _, version, sort), count in counted.items()
        if count > 1
    ]


def permitted(log: Iterable[Seen]) -> dict[str, list[tuple[int | None, int | None]]]:
    """Return, by stream, where a gap may be: from what version asked for, to what version listed (None: still open).

    A 410 to a watch (by its status or an ERROR event) permits one, which ends at a list that was made after it and
    before the next watch from that list. So does what says the same in other words, or a third ERROR in a row that
    nothing came between. So does being forbidden or not served (403, 404, 405), which needs no list.
    """
    errors: Counter[str] = Counter()
    found: dict[str, list[tuple[int | None, int | None]]] = defaultdict(list)
    asked: dict[str, int] = {}
    asked_of: dict[int, int] = {}
    expired: dict[str, int] = {}
    listed: dict[str, list[int]] = defaultdict(list)
    for seen in log:
        stream = seen.stream
        if seen.what == "request" and seen.verb == "watch":
            version = seen.value.get("resourceVersion", "")
            if version.isdecimal() and int(version) > 0 and "sendInitialEvents" not in seen.value:
                asked[stream] = asked_of[seen.request] = int(version)
                if any(one <= int(version) for one in listed[stream]):
                    expired.pop(stream, None)
                    listed[stream].clear()
        if seen.what in ("line", "bookmark", "listed"):
            errors[stream] = 0
        elif seen.what == "error":
            errors[stream] += 1
        gone = seen.what in ("status", "error") and seen.value == 410 and seen.verb == "watch"
        if gone or seen.what == "gone" or (seen.what == "error" and errors[stream] >= 3):
            expired[stream] = asked_of.get(seen.request, 0)
            listed[stream].clear()
            found[stream].append((expired[stream], None))  # as long as it is open
        elif seen.what == "listed" and stream in expired:
            listed[stream].append(seen.value)
            found[stream].append((expired[stream], seen.value))
        elif seen.what in ("status", "error") and seen.value in (403, 404, 405):
            found[stream].append((None, None))
    return found


def needless(found: Iterable[Gap], rows: Sequence[Any], log: Sequence[Seen]) -> list[str]:
    """Name the gaps that were reported where nothing could be missing, and those that reach back too far."""
    allowed = permitted(log)
    wrong = []
    for gap in found:
        if gap.until is not None and gap.until == gap.after:
            wrong.append(f"{gap} is empty")
            continue
        for asked, listed in allowed.get(gap.stream, ()):
            if asked is None or (gap.until == listed and gap.after >= asked):
                break
        else:
            wrong.append(f"{gap}: the server had not said that history was gone")
            continue
        before = [int(row.resourceVersion) for row in rows[: gap.row] if _watched(row) and row.stream == gap.stream]
        if before and max(before) > gap.after:
            wrong.append(f"{gap} reaches back behind {max(before)}, which had been recorded")
    return wrong


def phantoms(rows: Iterable[Any], changes: Iterable[Change], kinds: dict[str, str], found: Sequence[Gap]) -> list[str]:
    """Name what was recorded and never happened.

    That an object was found gone by a list is recorded with the version it was last seen with; it must have been
    deleted within a gap.
    """
    known = {(kinds[change.stream], change.name, change.revision, _sort(change.type)) for change in changes}
    deleted = [change for change in changes if change.type == "DELETED"]
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        key = (row.kind, row.name, int(row.resourceVersion))
        if row.type == "DELETED" and row.origin == "relist":
            fits = any(
                change.name == row.name and change.stream == row.stream and any(gap.covers(change) for gap in found)
                for change in deleted
            )
            if not fits or (*key, PUT) not in known:
                wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} was not deleted in a gap, as recorded")
        elif (*key, _sort(row.type)) not in known:
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} {row.type} never happened")
    return wrong


def disorder(rows: Iterable[Any]) -> list[str]:
    """Name rows that don't stand in the order in which they came, or came in the wrong one."""
    wrong = []
    versions: dict[str, int] = {}
    monotonic: dict[str, int] = {}
    for row in rows:
        if not row.uid:
            continue
        if row.monotonic_ns < monotonic.get(row.stream, 0):
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} was received before the row before it")
        monotonic[row.stream] = row.monotonic_ns
        if _watched(row):
            version = int(row.resourceVersion)
            if version <= versions.get(row.stream, 0):
                wrong.append(f"{row.stream}/{row.name} {version} comes after {versions[row.stream]}")
            versions[row.stream] = max(version, versions.get(row.stream, 0))
    return wrong


def broken(rows: Iterable[Any]) -> list[str]:
    """Name rows whose object isn't the one that the row says, or didn't come through whole."""
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        try:
            body = json.loads(bytes(row.object))
            meta = body["metadata"]
            names = ("name", "namespace", "uid", "resourceVersion")
            known = {"uid": f"{row.namespace}/{row.name}", **meta}  # where an object has no uid
            same = all(known.get(name, "") == getattr(row, name) for name in names)
            holders = (body.get("data"), body.get("spec"), meta.get("annotations"))
            if same and all(whole(holder) for holder in holders if isinstance(holder, dict)):
                continue
            reason = "is another object, or not whole"
        except (ValueError, KeyError, AttributeError) as error:
            reason = f"can't be read: {error!r}"
        wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} {reason}")
    return wrong


def impatience(log: Iterable[Seen], grace: float = 0.05, most: int = 60) -> list[str]:
    """Name the streams that asked again before the time that Retry-After names, or asked without end."""
    wrong = []
    until: dict[str, tuple[int, int]] = {}
    counted: Counter[str] = Counter()
    for seen in log:
        if not seen.stream:
            continue
        if seen.what == "request":
            counted[seen.stream] += 1
            not_before, seconds = until.pop(seen.stream, (0, 0))
            if seen.at < not_before - int(grace * 1e9):
                early = (not_before - seen.at) / 1e9
                wrong.append(f"{seen.stream} asked again {early:.2f} s before Retry-After: {seconds} was over")
        elif seen.what == "retry":
            until[seen.stream] = (seen.at + int(seen.value * 1e9), seen.value)
    return wrong + [f"{stream} sent {count} requests" for stream, count in counted.items() if count > most]


def hurry(log: Iterable[Seen], failures: int = 5, pause: float = 0.2) -> list[str]:
    """Name the streams that hurried a server in trouble: after so many refusals in a row they asked again at once."""
    wrong: dict[str, str] = {}
    counted: Counter[str] = Counter()
    refused: dict[str, int] = {}
    for seen in log:
        if seen.what == "status" and seen.value >= 500:
            counted[seen.stream] += 1
            refused[seen.stream] = seen.at
        elif seen.what in ("line", "bookmark", "listed"):
            counted[seen.stream] = 0
        elif seen.what == "request":
            waited = (seen.at - refused.pop(seen.stream, 0)) / 1e9
            if counted[seen.stream] >= failures and waited < pause:
                wrong[seen.stream] = f"{seen.stream} asked again {waited:.2f} s after refusal {counted[seen.stream]}"
    return list(wrong.values())


def stubborn(log: Iterable[Seen]) -> list[str]:
    """Name the streams that asked again for a history of which the server had said that it isn't there."""
    wrong = []
    asked: dict[int, int] = {}
    gone: dict[str, int] = {}
    for seen in log:
        if seen.verb != "watch" and seen.what != "listed":
            continue
        if seen.what == "request":
            version = int(seen.value.get("resourceVersion", "") or 0)
            asked[seen.request] = version
            if version and version == gone.get(seen.stream):
                wrong.append(f"{seen.stream} asked again for the history after {version}, which is gone")
        elif seen.what == "listed":
            gone.pop(seen.stream, None)
        elif seen.what == "gone" or (seen.what in ("status", "error") and seen.value == 410):
            gone[seen.stream] = asked.get(seen.request, -1)
    return wrong


def late(rows: Iterable[Any], log: Iterable[Seen], before_ns: int) -> list[str]:
    """Name what had been sent to the recorder before a moment, and isn't on disk."""
    there = {(row.stream, int(row.resourceVersion), _sort(row.type)) for row in rows if row.uid}
    missing = {}
    for seen in log:
        if seen.what == "line" and seen.at < before_ns:
            version, type_ = seen.value
            if (seen.stream, version, _sort(type_)) not in there:
                missing[seen.stream, version, type_] = (before_ns - seen.at) / 1e9
    return [
        f"{stream} {version} {type_} was received {seconds:.2f} s before what must be on disk, and isn't"
        for (stream, version, type_), seconds in missing.items()
    ]


def _sort(type_: str) -> str:
    return "DELETED" if type_ == "DELETED" else PUT


def _watched(row: Any) -> bool:
    return bool(row.uid) and row.origin == "watch"


def _told(change: Change) -> str:
    return f"{change.stream}/{change.name} {change.revision} {change.type}"


__all__ = ["Evidence", "Gap", "Verdict", "judge"]

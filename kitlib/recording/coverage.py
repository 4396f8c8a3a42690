"""Coverage: for each stream of a recording, from when to when everything is in it, and why not where it isn't.

Completeness is data. What follows a stream writes its life into the recording, as marks between the rows:

    STREAM    it begins: kind, group and version, namespace, what was left out
    LISTED    it has what there was, at a resourceVersion
    ALIVE     it has everything up to a moment (`known_ns`) and a resourceVersion
    GAP       between two moments something may be missing; without an end it goes on
    REFUSED   the server doesn't let it be read, with its reason
    DIED      who followed it ended by an error
    END       it was followed up to here, in good order; `final` where nothing can come any more, as in a log

What no mark covers is not covered. A stream that ends without END covers up to its last ALIVE. All that end together
name one moment (`end_ns`): who had everything just before that is covered up to it. The server is asked whether each
has everything (`asked`): it may be dead, or behind, and nobody knows yet. Who hasn't, or can't be asked for, is covered
up to when what it brought last was written, and says why (`reason`).

Recordings of formats 1 and 2 have only GAP and END: what can be said of theirs is made of these and of their rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from kitlib.recording import store
from kitlib.recording.row import WatchEvent
from kitlib.recording.rows import Rows
from kitlib.recording.store import Part

FIRST = 3
"""The first format whose streams write their lives."""
MARKS = ("STREAM", "LISTED", "ALIVE", "GAP", "REFUSED", "DIED", "END")
PROVEN_NS = 75_000_000_000
"""Where the server wasn't asked at its end, as by the kitlib of 2026-11, a watch that was open then, and had everything
so many ns before, counts as having had everything: a dead one is noticed within that time."""
JUST_NS = 500_000_000
"""A stream that had everything so many ns before its end counts as having had everything."""
MOMENT_NS = 2_000_000_000
"""While it is followed, a stream that had everything so many ns ago counts as having everything."""
NO_END = "the recording has no end of it: it was killed, or is still being written"
"""Why a stream isn't covered after its last ALIVE."""
NOBODY = "nobody followed it between its end and its next begin"
"""Why a stream that ended, and was followed anew, isn't covered in between."""
NOT_LISTED = "it had not been listed yet"
"""Why a stream isn't covered between its begin and its first list."""


@dataclass(frozen=True)
class Interval:
    """What is known of one stream between two moments.

    Parameters
    ----------
    stream : str
        Which; as in the rows.
    kind, api_version : str
        What it brings: "Pod", "v1"; a kind of "*" stands for all.
    namespace : str
        Whose objects; empty for all.
    begin_ns, end_ns : int
        From when to when, monotonic clock, ns.
    covered : bool
        Whether everything that was written then is in the recording.
    reason : str
        Why not.
    after_rv, until_rv : int or None
        Of what isn't covered: up to which resourceVersion everything was recorded, and from which on it is again.
    open : bool
        Whether it has no end yet.
    """

    stream: str
    kind: str
    api_version: str
    namespace: str
    begin_ns: int
    end_ns: int
    covered: bool
    reason: str = ""
    after_rv: int | None = None
    until_rv: int | None = None
    open: bool = False


@dataclass
class _Life:
    """One stream, as its marks tell it."""

    stream: str
    kind: str = ""
    api_version: str = ""
    namespace: str = ""
    begun_ns: int | None = None
    listed_ns: int | None = None
    known_ns: int = 0
    ended: bool = False
    why_ended: str = "the recording of it ended"
    final: bool = False
    died: str = ""
    gaps: list[dict[str, Any]] = field(default_factory=list)

    def take(self, row: WatchEvent) -> None:
        what = json.loads(row.object)
        self.kind = what.get("kind") or self.kind
        if row.type == "STREAM":
            self.api_version, self.namespace = what.get("api_version", ""), what.get("namespace") or ""
            self.begun_ns = row.monotonic_ns if self.begun_ns is None else self.begun_ns
            if (self.ended or self.died) and self.kind != "Log":  # a log is read from its begin again
                what = {"after_ns": self.known_ns, "after_rv": None, "until_rv": None, "reason": NOBODY}
                self.gaps.append({**what, "until_ns": row.monotonic_ns, "again": True})
            self.ended, self.died = False, ""
        elif row.type in ("LISTED", "ALIVE", "END"):
            at = what.get("known_ns", row.monotonic_ns)
            unheard = JUST_NS if what.get("asked") else PROVEN_NS
            behind = row.type == "END" and "reason" in what
            if row.type == "END" and not behind and 0 <= what.get("end_ns", at) - at <= unheard:
                at = what.get("end_ns", at)
            self.known_ns = at if behind else max(self.known_ns, at)
            self.why_ended = what.get("reason", self.why_ended)
            if self.listed_ns is None:
                self.listed_ns = at
            if row.type == "LISTED" and self.gaps and self.gaps[-1].pop("again", False):
                self.gaps[-1]["until_ns"] = at
            self.ended = row.type == "END"
            self.final = self.ended and bool(what.get("final"))
        elif row.type == "DIED":
            self.died = what.get("error", "its thread ended")
        elif row.type == "GAP":
            for gap in self.gaps:
                if gap["until_ns"] is None:
                    gap["superseded"] = True
            self.gaps.append({"until_ns": None, "after_rv": None, "until_rv": None, "reason": "", **what})

    def missing(self, now: int) -> list[Interval]:
        """Return what isn't covered, up to now."""
        found = []
        for gap in self.gaps:
            closed = gap["until_ns"] is not None
            same = gap["after_rv"] is not None and gap["after_rv"] == gap["until_rv"]  # it went on where it was
            if gap.get("superseded") or (closed and same):
                continue
            until = gap["until_ns"] if closed else max(now, gap["after_ns"])
            after, again = (int(gap[key]) if gap[key] else None for key in ("after_rv", "until_rv"))
            found.append(self._interval(gap["after_ns"], until, False, gap["reason"], after, again, not closed))
        return found

    def _interval(
        self,
        begin: int,
        end: int,
        covered: bool,
        reason: str = "",
        after_rv: int | None = None,
        until_rv: int | None = None,
        open: bool = False,
    ) -> Interval:
        what = self.stream, self.kind, self.api_version, self.namespace
        return Interval(*what, begin, end, covered, reason, after_rv, until_rv, open)

    def intervals(self, first: int, now: int) -> list[Interval]:
        """Return its whole time, cut into what is covered and what isn't."""
        begin = self.listed_ns if self.listed_ns is not None else (now if self.gaps or self.died else first)
        known = max(self.known_ns, begin, now if self.final else 0)
        missing = self.missing(now)
        since = begin if self.begun_ns is None or self.listed_ns is None else self.begun_ns
        if since < begin and not any(gap.begin_ns <= since for gap in missing):
            missing.append(self._interval(since, begin, False, NOT_LISTED))
        if known < now:
            why = self.died or (self.why_ended if self.ended else NO_END)
            if not any(gap.begin_ns <= known and gap.end_ns >= now for gap in missing):
                missing.append(self._interval(known, now, False, why, open=True))
        found, at = [], begin
        for gap in sorted(missing, key=lambda each: each.begin_ns):
            if gap.begin_ns > at:
                found.append(self._interval(at, gap.begin_ns, True))
            elif found:  # it began before the end of the one before: a list has everything up to when it was asked for
                gap = replace(gap, begin_ns=min(max(gap.begin_ns, found[-1].end_ns), gap.end_ns))
            found.append(gap)
            at = max(at, gap.end_ns)
        if at < known:
            found.append(self._interval(at, known, True))
        return found


def intervals(
    marks: Iterable[WatchEvent],
    first_ns: int,
    now_ns: int,
    live: Mapping[str, int] | None = None,
    older: Iterable[tuple[str, str, str, int]] = (),
) -> list[Interval]:
    """Return the coverage of all streams that have marks, oldest first within each stream.

    Parameters
    ----------
    marks : iterable of WatchEvent
        Rows whose `type` is one of `MARKS`; others are passed over.
    first_ns, now_ns : int
        The begin of the recording and the moment up to which it is looked at, monotonic clock, ns.
    live : mapping, optional
        Of streams that are being followed now: up to which moment each has everything.
    older : iterable of tuple
        Of a recording of an earlier format: stream, kind, group and version, and up to when it counts as covered.

    Returns
    -------
    list of Interval
        Where a stream has none, it isn't covered.
    """
    lives: dict[str, _Life] = {}
    for stream, kind, api_version, known in older:
        lives[stream] = _Life(stream, kind, api_version, listed_ns=min(first_ns or known, known), known_ns=known)
    for row in marks:
        if row.type in MARKS:
            lives.setdefault(row.stream, _Life(row.stream)).take(row)
    for stream, known in (live or {}).items():
        if stream in lives and lives[stream].listed_ns is not None:
            lives[stream].known_ns = max(lives[stream].known_ns, known)
    return [each for life in lives.values() for each in life.intervals(first_ns, now_ns)]


def hole(left: Part | None, right: Part) -> str:
    """Say which rows a missing file held."""
    return f"rows {left.end if left else 0} to {right.first - 1} are missing, with the file that held them"


def marks(rows: Rows) -> list[WatchEvent]:
    """Return kitlib's own marks, oldest first; for rows whose file is missing a GAP of each kind is among them."""
    found = list(rows.of(""))
    holes = store.holes(rows.parts)
    kinds = {kind for kind, _, _ in store.streams(rows.parts).values()} | {"*"} if holes else ()
    for left, right in holes:
        begin, end = left.span[1] if left else right.span[0], right.span[0]
        what = {"after_ns": begin, "until_ns": end, "after_rv": None, "until_rv": None, "reason": hole(left, right)}
        at = WatchEvent(0, begin, "", "", "", "", "", "", "GAP", "kitlib", "", b"", left.end if left else 0)
        for kind in sorted(kinds):
            said = json.dumps({**what, "kind": kind}).encode()
            found.append(msgspec.structs.replace(at, name=kind, stream=f"missing {kind}", object=said))
    return sorted(found, key=lambda row: row.seq)


def coverage(rows: Rows, info: Mapping[str, Any], live: Mapping[str, Callable[[], int]]) -> list[Interval]:
    """Return the coverage of all streams of a recording.

    Parameters
    ----------
    rows : Rows
    info : mapping
        What is known of the recording: `format`, `complete`, and `listed`, of a snapshot: what was listed, and when.
    live : mapping
        As of `Recording.live`.
    """
    spans = [part.span for part in rows.parts]
    if rows.tail:
        spans.append((rows.tail[0].monotonic_ns, rows.tail[-1].monotonic_ns))
    first, now = (spans[0][0], spans[-1][1]) if spans else (0, 0)
    told = marks(rows)
    older: list[tuple[str, str, str, int]] = [tuple(each) for each in info.get("listed", ())]
    if info.get("format", FIRST) < FIRST:
        closed = info.get("complete", True)
        found = store.streams(rows.parts).items()
        older += [(stream, kind, version, now if closed else last) for stream, (kind, version, last) in found]
    ends = [json.loads(row.object).get("end_ns", 0) for row in told if row.type == "END"]
    if any(ends) and not live:
        now = max(ends)  # what comes later are the ends' own marks
    return intervals(told, first, now, {stream: known() for stream, known in live.items()}, older)


__all__ = ["MARKS", "Interval", "coverage", "hole", "intervals", "marks"]

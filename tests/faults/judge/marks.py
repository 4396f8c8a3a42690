"""What a recording says itself of what it lacks and what it has: its marks GAP and END, read from its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.faults.witness import Change

SLACK_NS = 500_000_000
"""So much may lie between a write and its receipt on a busy machine."""


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


def promised(rows: Iterable[Any]) -> dict[str, int]:
    """Return, by stream, up to which version the recording says that it has everything (its END marks)."""
    found = {}
    for row in rows:
        if row.type == "END":
            said = json.loads(bytes(row.object)).get("rv")
            if said is not None:
                found[row.stream] = int(said)
    return found

"""Two sides compared: what was given, then what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from kitlib.errors import UsageError
from kitlib.recording import Recording
from kitlib.rollout.diff.answer import ORDER, Difference, Finding
from kitlib.rollout.diff.facts import Facts, Key, facts
from kitlib.rollout.diff.given import given
from kitlib.rollout.diff.order import moved
from kitlib.rollout.diff.rules import (
    RATIO,
    SECONDS,
    STAMP,
    counts_differ,
    durations_differ,
    occurrences_differ,
)

Sides = tuple[Sequence[Facts], Sequence[Facts]]
UNKNOWN = "the spread isn't known: give several recordings of a side"


def diff(one: Recording | Iterable[Recording], other: Recording | Iterable[Recording]) -> Difference:
    """Return what differs beyond noise between recordings of one exercise.

    Parameters
    ----------
    one, other : Recording or iterable of Recording
        The two sides; several recordings of a side tell how much it varies.

    Returns
    -------
    Difference
        Its `findings`, what was set before what came of it; `noise` has what may be noise.

    Raises
    ------
    UsageError
        If a side has no recording, or the sides have no object in common.
    """
    sides = _facts(one), _facts(other)
    found = Difference(recordings=(len(sides[0]), len(sides[1])))
    _unseen(found, sides)
    roles = _common(sides)
    if not roles and all(each.settings for side in sides for each in side):
        raise UsageError(
            "the two sides have no object in common",
            step="diff",
            next="give recordings of the same exercise: objects are matched by their kinds and names",
        )
    told = [*given(sides), *_verdicts(sides, roles), *_counts(sides, roles), *_events(sides, roles)]
    told += [*moved(sides, roles), *_durations(sides, roles)]
    for each in sorted(told, key=lambda each: ORDER.index(each.what)):
        (found.findings if each.certain else found.noise).append(each)
    names = ("settings", "verdicts", "counts", "growing", "events", "order", "durations")
    found.compared = {name: max(len(getattr(each, name)) for side in sides for each in side) for name in names}
    return found


def _facts(side: Recording | Iterable[Recording]) -> list[Facts]:
    made = [facts(each) for each in ([side] if isinstance(side, Recording) else side)]
    if not made:
        raise UsageError("a side has no recording", step="diff", next="give one at least")
    return made


def _common(sides: Sides) -> set[str]:
    """Return the roles that each recording has."""
    there = [set(each.settings) | {role for role, _ in each.counts} for side in sides for each in side]
    return set.intersection(*there)


def _unseen(found: Difference, sides: Sides) -> None:
    """Note which kinds not all recordings follow, or not all the time."""
    every = [each for side in sides for each in side]
    for kind in sorted(set().union(*(each.kinds for each in every))):
        if any(kind not in each.kinds for each in every):
            found.unseen[kind] = "not every recording follows it"
    for each in every:
        for kind, reason in each.missing.items():
            found.unseen.setdefault(kind or "all kinds", reason)


def _values(side: Sequence[Facts], name: str, key: Key, default: float | None) -> list[float]:
    found = [getattr(each, name).get(key, default) for each in side]
    return [each for each in found if each is not None]


def _keys(sides: Sides, name: str, roles: set[str]) -> Iterator[Key]:
    """Yield the keys of facts, those of roles that not all have left out: that they lack is told once."""
    every = dict.fromkeys(key for side in sides for each in side for key in getattr(each, name))
    known = set().union(*(each.settings for side in sides for each in side))
    return (key for key in every if key[0] in roles or key[0] not in known)


def _verdicts(sides: Sides, roles: set[str]) -> Iterator[Finding]:
    for role, what in _keys(sides, "verdicts", roles):
        said = [{str(_word(each.verdicts.get((role, what)))) for each in side} for side in sides]
        if said[0] == said[1]:
            continue
        unknown = "unknown" in said[0] | said[1]
        certain = not unknown and all(len(each) == 1 for each in said)
        why = "" if certain else "it could not be told everywhere" if unknown else "it came out in both ways on a side"
        one, other = (" or ".join(sorted(each)) for each in said)
        yield Finding("verdict", role, what, one, other, certain, why)


def _word(said: Any) -> str:
    return {True: "kept", False: "broken", None: "unknown"}.get(said, "") if not isinstance(said, str) else said


def _counts(sides: Sides, roles: set[str]) -> Iterator[Finding]:
    yield from _numbers(sides, roles, "counts", "count", counts_differ)
    yield from _numbers(sides, roles, "growing", "count", occurrences_differ)


def _events(sides: Sides, roles: set[str]) -> Iterator[Finding]:
    if all("Event" in each.kinds for side in sides for each in side):
        yield from _numbers(sides, roles, "events", "Event", occurrences_differ)


def _numbers(
    sides: Sides, roles: set[str], name: str, what: str, differ: Callable[[Sequence[float], Sequence[float]], bool]
) -> Iterator[Finding]:
    gap = next((reason for side in sides for each in side for reason in _missing(each, what)), "")
    for role, of in _keys(sides, name, roles):
        one, other = (_values(side, name, (role, of), 0) for side in sides)
        if sorted(set(one)) == sorted(set(other)):
            continue
        apart = differ(one, other)
        why = "" if apart and not gap else f"not all was recorded: {gap}" if apart else "it varies from run to run"
        yield Finding(what, role, of, _shown(one), _shown(other), apart and not gap, why)


def _missing(each: Facts, what: str) -> Iterator[str]:
    kinds = ("Event",) if what == "Event" else ("Pod", "ReplicaSet", "Job")
    yield from (reason for kind, reason in each.missing.items() if kind in ("", *kinds))


def _durations(sides: Sides, roles: set[str]) -> Iterator[Finding]:
    keys = [key for key in _keys(sides, "durations", roles | {"step"})]
    both = {key: [_values(side, "durations", key, None) for side in sides] for key in keys}
    both = {key: values for key, values in both.items() if all(values)}
    long = [median(other) / median(one) for one, other in both.values() if min(median(one), median(other)) >= STAMP]
    pace = median(long) if long else 1.0
    known = any(len(side) > 1 for side in sides)
    rule = f"{RATIO:g} times as long and {SECONDS:g} s more, also by the pace of all" if not known else ""
    for (role, of), (one, other) in both.items():
        if durations_differ(one, other, pace) and (known or role != "step"):
            yield Finding("duration", role, of, _shown(one, " s"), _shown(other, " s"), True, rule)
        elif durations_differ(one, other) or abs(median(one) - median(other)) >= SECONDS:
            why = "it varies from run to run" if known else UNKNOWN
            yield Finding("duration", role, of, _shown(one, " s"), _shown(other, " s"), False, why)


def _shown(values: Sequence[float], unit: str = "") -> str:
    least, most = (f"{each:.1f}" if unit else f"{each:g}" for each in (min(values), max(values)))
    return f"{least}{unit}" if least == most else f"{least} to {most}{unit}"


__all__ = ["diff"]

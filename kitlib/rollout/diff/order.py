"""What came in another order: of two things that both sides have, and that are far enough apart on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kitlib.rollout.diff.answer import Finding
from kitlib.rollout.diff.facts import SECOND, Facts
from kitlib.rollout.diff.rules import SECONDS, STAMP

Item = tuple[str, str]
MOST = 20
"""So many findings are made at most."""


def moved(sides: tuple[Sequence[Facts], Sequence[Facts]], roles: set[str]) -> Iterator[Finding]:
    """Yield pairs that come in one order in all recordings of a side, and in the other one in all of the other side.

    Parameters
    ----------
    sides : tuple of sequence of Facts
        Both sides.
    roles : set of str
        Those that each recording has.
    """
    every = [_times(each, roles) for side in sides for each in side]
    border = len(sides[0])
    common = [item for item in every[0] if all(item in each for each in every)]
    turned: list[tuple[int, Item, Item]] = []
    for place, first in enumerate(common):
        for then in common[place + 1 :]:
            if not _related(first, then):
                continue
            gaps = [each[then] - each[first] for each in every]
            if min(gaps[:border]) > 0 > max(gaps[border:]) or max(gaps[:border]) < 0 < min(gaps[border:]):
                turned.append((min(abs(gap) for gap in gaps), first, then))
    told: set[Item] = set()
    for apart, first, then in sorted(turned, reverse=True):
        written = _written(first) and _written(then)
        least = STAMP if written or len(every) > 2 else SECONDS
        if apart <= least * SECOND or first in told or then in told or len(told) >= 2 * MOST:
            continue
        told |= {first, then}
        if every[0][first] > every[0][then]:
            first, then = then, first
        texts = [f"{role}: {what}" if role != first[0] else what for role, what in (first, then)]
        said = f"{texts[0]}, then {texts[1]}", f"{texts[1]}, then {texts[0]}"
        yield Finding("order", first[0], "what came first", *said, True, f"{apart / SECOND:.1f} s apart on both sides")


def _times(side: Facts, roles: set[str]) -> dict[Item, int]:
    """Return when each thing happened; what happened again is counted."""
    known: Counter[Item] = Counter()
    found: dict[Item, int] = {}
    for role, what, at in side.order:
        if role in roles:
            known[role, what] += 1
            again = known[role, what]
            found[role, what if again == 1 else f"{what} ({again})"] = at
    return found


def _related(first: Item, then: Item) -> bool:
    """Say whether an order between two means something: of one object, or of what somebody wrote."""
    return first[0] == then[0] or (_written(first) and _written(then))


def _written(item: Item) -> bool:
    """Say whether somebody wrote it: an exercise's own order is no accident."""
    return item[1].startswith(("created", "changed"))


__all__ = ["moved"]

"""What was given otherwise: the cluster, the objects, and their settings, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from kitlib.progress import printable
from kitlib.rollout.diff.answer import Finding
from kitlib.rollout.diff.facts import Facts
from kitlib.rollout.diff.settings import Settings, differing

LONG = 200
"""How many characters of a value are shown."""
History = list[tuple[int, Settings]]
Edit = dict[str, Any]
"""The fields that one write has changed, and their new values; None where it is gone."""


def given(sides: tuple[Sequence[Facts], Sequence[Facts]]) -> Iterator[Finding]:
    """Yield what was given otherwise: that which doesn't differ within a side.

    Parameters
    ----------
    sides : tuple of sequence of Facts
        Both sides.
    """
    yield from _clusters(sides)
    one, other = (side[0] for side in sides)
    told = list(_settings(one, other))
    restless = {(each.object, each.field) for side in sides for more in side[1:] for each in _settings(side[0], more)}
    for each in told:
        if (each.object, each.field) not in restless:
            yield each


def _clusters(sides: tuple[Sequence[Facts], Sequence[Facts]]) -> Iterator[Finding]:
    for key in dict.fromkeys(key for side in sides for each in side for key in each.cluster):
        one, other = ({each.cluster.get(key, "") for each in side} for side in sides)
        if not one & other:
            yield Finding("cluster", "cluster", key, ", ".join(sorted(one)), ", ".join(sorted(other)))


def _settings(one: Facts, other: Facts) -> Iterator[Finding]:
    """Yield what was set otherwise; objects that only one side has, first."""
    made: list[Finding] = []
    for role in dict.fromkeys([*one.settings, *other.settings]):
        if role in one.settings and role in other.settings:
            made += _histories(role, one.settings[role], other.settings[role])
            if (role in one.deleted) != (role in other.deleted):
                here, there = ("deleted" if role in each.deleted else "not deleted" for each in (one, other))
                made.append(Finding("setting", role, "its end", here, there, *_seen(role, one, other)))
            continue
        lacks = other if role in one.settings else one
        if role.partition("/")[0] in lacks.kinds_seen:
            here, there = ("there" if role in each.settings else "" for each in (one, other))
            made.append(Finding("setting", role, "the object", here, there, *_seen(role, one, other)))
    changed = {each.object for each in made}
    yield from made
    for role in dict.fromkeys([*one.inherited, *other.inherited]):
        if role not in changed and role in one.inherited and role in other.inherited:
            yield from _inherited(role, one.inherited[role], other.inherited[role])


def _seen(role: str, one: Facts, other: Facts) -> tuple[bool, str]:
    """Say whether nothing of a role's kind can have been missed, and else why it can."""
    for each in (one, other):
        for kind, reason in each.missing.items():
            if not kind or kind.lower() == role.partition("/")[0]:
                return False, f"not all was recorded: {reason}"
    return True, ""


def _histories(role: str, one: History, other: History) -> Iterator[Finding]:
    """Yield where what was set one after the other differs: the begin, then each write."""
    for path, (before, after) in differing(one[0][1], other[0][1]).items():
        yield Finding("setting", role, path, shown(before), shown(after), True, "from its creation on")
    edits = [_edits(each) for each in (one, other)]
    keys = [[json.dumps(each, sort_keys=True, default=str) for each in side] for side in edits]
    for tag, left, left_end, right, right_end in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        ours, theirs = edits[0][left:left_end], edits[1][right:right_end]
        for number in range(max(len(ours), len(theirs))):
            mine = ours[number] if number < len(ours) else {}
            yours = theirs[number] if number < len(theirs) else {}
            for path in dict.fromkeys([*mine, *yours]):
                if mine.get(path, "") != yours.get(path, ""):
                    a, b = (shown(each[path]) if path in each else "not changed" for each in (mine, yours))
                    place = (left if mine else right) + number + 1
                    yield Finding("setting", role, path, a, b, True, f"by its change number {place}")


def _edits(history: History) -> list[Edit]:
    return [
        {path: new for path, (_, new) in differing(before, now).items()} for (_, before), (_, now) in pairwise(history)
    ]


def _inherited(role: str, one: dict[str, set[str]], other: dict[str, set[str]]) -> Iterator[Finding]:
    """Yield fields of Pods that differ though their controller's don't: something else has set them."""
    for path in dict.fromkeys([*one, *other]):
        mine, yours = one.get(path, set()), other.get(path, set())
        if not mine & yours:
            a, b = (shown(", ".join(sorted(each))) for each in (mine, yours))
            yield Finding("setting", f"{role}'s Pods", path, a, b, True, "their controller has not set it")


def shown(value: Any) -> str:
    """Return a value as it is shown: JSON, cut where it is long; empty for none."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = printable(text)
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


__all__ = ["given", "shown"]

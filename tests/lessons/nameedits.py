"""Changes of what objects are called, and of what Events are told for, for changes of a recording."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from tests.lessons.logedits import Edit, Rows, rewritten


def renamed(kinds: Sequence[str]) -> Edit:
    """Exchange the names of objects of a kind: what one did, another did."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        first: dict[str, str] = {}
        for row in rows:
            if row.kind in kinds:
                first.setdefault(row.uid, row.name)
        uids = list(first)
        other = dict(zip(uids, [first[uid] for uid in reversed(uids)], strict=True))
        made = []
        for row in rows:
            if row.uid in other and row.object:
                obj = json.loads(row.object)
                obj["metadata"]["name"] = other[row.uid]
                row = rewritten(row, obj, name=other[row.uid])
            made.append(row)
        return made

    return apply


def renumbered(kind: str) -> Edit:
    """Let the numbers at the end of names be others."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        more: dict[str, int] = {}
        made = []
        for row in rows:
            start, _, number = row.name.rpartition("-")
            if row.kind == kind and row.object and number.isdecimal():
                obj = json.loads(row.object)
                name = f"{start}-{int(number) + more.setdefault(row.uid, len(more))}"
                obj["metadata"]["name"] = name
                row = rewritten(row, obj, name=name)
            made.append(row)
        return made

    return apply


def exchanged_reasons() -> Edit:
    """Let Events have each other's reasons: the first that is recorded the last one's, and so on."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        told = {number: json.loads(row.object) for number, row in enumerate(rows) if row.kind == "Event" and row.object}
        reasons = list(dict.fromkeys(obj.get("reason", "") for obj in told.values()))
        other = dict(zip(reasons, reversed(reasons), strict=True))
        made = list(rows)
        for number, obj in told.items():
            obj["reason"] = other[obj.get("reason", "")]
            made[number] = rewritten(rows[number], obj)
        return made

    return apply


def called(kind: str, name: str) -> Edit:
    """Give all objects of a kind one name."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.kind == kind and row.object:
                obj = json.loads(row.object)
                obj["metadata"]["name"] = name
                row = rewritten(row, obj, name=name)
            made.append(row)
        return made

    return apply


__all__ = ["called", "exchanged_reasons", "renamed", "renumbered"]

"""What stood in a cluster while something was asked, as far as a recording's rows leave no doubt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kitlib.errors import NotKept
from kitlib.lab.replay.missing import Missing
from kitlib.recording import Recording, WatchEvent


@dataclass(frozen=True)
class Standing:
    """An object that was there at some moment between two.

    Parameters
    ----------
    object : dict
        As it was then; a field that changed meanwhile is `Missing`.
    throughout : bool
        Whether it was there all the time.
    """

    object: dict[str, Any]
    throughout: bool


def objects(recording: Recording) -> dict[str, list[WatchEvent]]:
    """Return the rows that hold objects of Kubernetes, by kind."""
    found: dict[str, list[WatchEvent]] = {}
    for row in recording.rows:
        if row.origin not in ("kitlib", "log"):
            found.setdefault(row.kind, []).append(row)
    return found


def standing(
    rows: Mapping[str, Sequence[WatchEvent]], kind: str, namespaces: Sequence[str], between: tuple[int, int | None]
) -> list[Standing]:
    """Return the objects of a kind that were there at some moment between two; which moment isn't known more closely.

    Parameters
    ----------
    rows : mapping
        By kind, as `objects` returns them.
    kind : str
        In lower-case letters, as one or many: "pod", "pods".
    namespaces : sequence of str
        Whose; "" for what lives in none.
    between : tuple of int
        Monotonic clock, ns; None for the recording's end.

    Raises
    ------
    NotKept
        If nothing of the kind was recorded.
    """
    after, before = between
    seen: dict[str, list[WatchEvent]] = {}
    for row in (row for name, mine in rows.items() if _named(name, kind) for row in mine):
        if row.namespace in namespaces and (before is None or row.monotonic_ns <= before):
            versions = seen.setdefault(row.uid, [])
            if row.monotonic_ns <= after:
                versions.clear()  # what it was before is of no account
            versions.append(row)
    if not seen:
        raise NotKept(f"it has nothing of the kind {kind!r}")
    return [_told(each, after) for each in seen.values() if len(each) > 1 or each[0].type != "DELETED"]


def _named(kind: str, asked: str) -> bool:
    one = kind.lower()
    return asked in (one, f"{one}s", f"{one}es", f"{one.removesuffix('y')}ies")


def _told(rows: Sequence[WatchEvent], after: int) -> Standing:
    versions = [json.loads(row.object) for row in rows]
    found = _agreed(versions, f"{rows[0].kind.lower()}/{rows[0].name} changed while it may have been asked for")
    return Standing(found, rows[0].monotonic_ns <= after and rows[-1].type != "DELETED")


def _agreed(values: Sequence[Any], why: str) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    if all(isinstance(value, dict) for value in values):
        names = dict.fromkeys(name for value in values for name in value)
        return {name: _agreed([value.get(name) for value in values], why) for name in names}
    return Missing(why)


__all__ = ["Standing", "objects", "standing"]

"""The frame `conditions`: one row for each change of a condition of any object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pandas as pd

from kitlib.frames.objects import Condition, changes, identity, named, observed, own
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent


class _Conditions(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class _Conditioned(msgspec.Struct, gc=False):
    status: _Conditions | None = None


_conditioned = msgspec.json.Decoder(_Conditioned)
VALUE = ["status", "reason", "message", "lastTransitionTime"]


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; the first of each condition among these events, too."""
    last: dict[tuple[str, str], tuple] = {}
    for row in events:
        if row.type == "DELETED" or (row.kind == "Event" and own(row)) or b'"conditions"' not in row.object:
            continue
        found = decode(_conditioned, row, left)
        status = found.status if found is not None else None
        about = f"{row.apiVersion} {row.kind} {identity(row)}"
        for condition in (status and status.conditions) or ():
            value = (condition.status, condition.reason, condition.message, condition.lastTransitionTime)
            if last.get((about, condition.type)) == value:
                continue
            last[about, condition.type] = value
            yield (
                *observed(row),
                row.kind,
                *named(row),
                condition.type,
                *value,
            )


def deduplicate(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what only repeats the value before: the first rows of a part do."""
    return changes(frame, ["kind", "uid", "condition"], VALUE)

"""The frame `conditions`: one row for each change of a condition of any object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pandas as pd

from kitlib.frames.objects import Condition, changes, decode, named, observed
from kitlib.recording import WatchEvent


class _Conditions(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class _Conditioned(msgspec.Struct, gc=False):
    status: _Conditions | None = None


_conditioned = msgspec.json.Decoder(_Conditioned)
VALUE = ["status", "reason", "message", "lastTransitionTime"]


def rows(events: Iterable[WatchEvent]) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; the first of each condition among these events, too."""
    last: dict[tuple[str, str], tuple] = {}
    for row in events:
        if row.type == "DELETED" or row.kind == "Event" or b'"conditions"' not in row.object:
            continue
        status = decode(_conditioned, row).status
        for condition in (status and status.conditions) or ():
            value = (condition.status, condition.reason, condition.message, condition.lastTransitionTime)
            if last.get((row.uid, condition.type)) == value:
                continue
            last[row.uid, condition.type] = value
            yield (
                *observed(row),
                row.kind,
                *named(row),
                condition.type,
                *value,
            )


def deduplicate(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what only repeats the value before: the first rows of a part do."""
    return changes(frame, ["uid", "condition"], VALUE)

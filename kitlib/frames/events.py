"""The frames `events`, one row for each observed update of an Event, and `occurrences`: its updates taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec
import pandas as pd

from kitlib.frames.objects import ObjectMeta, identity, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Event",)
OF_UPDATES = ("count", "occurrences", "earliest", "latest", "first", "lastTimestamp", "eventTime")
"""Columns that tell of an update of an Event, not of one occurrence."""


class _Reference(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    uid: str = ""


class _Source(msgspec.Struct, gc=False):
    component: str | None = None


class _Series(msgspec.Struct, gc=False):
    count: int = 0
    lastObservedTime: str | None = None  # noqa: N815


class _Event(msgspec.Struct, gc=False):
    """An Event of v1 or of events.k8s.io/v1."""

    metadata: ObjectMeta
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    type: str | None = None
    count: int | None = None
    deprecatedCount: int | None = None  # noqa: N815
    involvedObject: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815
    regarding: _Reference | None = None
    source: _Source | None = None
    deprecatedSource: _Source | None = None  # noqa: N815
    reportingComponent: str | None = None  # noqa: N815
    reportingController: str | None = None  # noqa: N815
    firstTimestamp: str | None = None  # noqa: N815
    deprecatedFirstTimestamp: str | None = None  # noqa: N815
    lastTimestamp: str | None = None  # noqa: N815
    deprecatedLastTimestamp: str | None = None  # noqa: N815
    eventTime: str | None = None  # noqa: N815
    series: _Series | None = None


_event = msgspec.json.Decoder(_Event)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns, counting from the first update among these events."""
    counts: dict[str, tuple[str, int, str | None]] = {}
    for row in events:
        if row.type == "DELETED":
            continue
        event = decode(_event, row, left)
        if event is None:
            continue
        count = max(event.count or event.deprecatedCount or 0, event.series.count if event.series else 0, 1)
        first, latest = _stamps(event)
        seen, before, stamp = counts.get(identity(row), ("", 0, None))
        if seen and seen == row.resourceVersion:  # the same update once more
            continue
        counts[identity(row)] = row.resourceVersion, count, latest
        about = event.regarding or event.involvedObject
        source = event.source or event.deprecatedSource
        yield (
            *observed(row),
            *named(row),
            event.type,
            event.reason,
            event.message or event.note,
            count,
            about.kind,
            about.name,
            about.uid,
            (source and source.component) or event.reportingComponent or event.reportingController,
            count - before if count > before else count if count < before else int(latest != stamp),
            latest,
            _end(latest),
            first,
            event.lastTimestamp or event.deprecatedLastTimestamp,
            event.eventTime,
        )


def deduplicate(frame: pd.DataFrame) -> pd.DataFrame:
    """Count from the update before, also where that one lies in another part.

    A count that falls began anew. One that stays adds an occurrence only if the Event's newest stamp is another.
    """
    again = frame.groupby("uid", sort=False)["resourceVersion"].shift() == frame["resourceVersion"]
    frame = frame[~again | (frame["resourceVersion"] == 0)]
    before = frame.groupby("uid", sort=False)[["count", "earliest"]].shift()
    more = frame["count"] - before["count"].fillna(0).astype("int64")
    stamped = (frame["earliest"] != before["earliest"]) & (frame["earliest"].notna() | before["earliest"].notna())
    return frame.assign(occurrences=more.where(more > 0, frame["count"].where(more < 0, stamped.astype("int64"))))


def _stamps(event: _Event) -> tuple[str | None, str | None]:
    """Return the Event's stamps of its first and of its newest occurrence."""
    first = event.firstTimestamp or event.deprecatedFirstTimestamp or event.eventTime
    first = first or event.metadata.creationTimestamp
    newest = (event.series and event.series.lastObservedTime) or event.lastTimestamp or event.deprecatedLastTimestamp
    return first, newest or event.eventTime or first


@lru_cache(4096)
def _end(stamp: str | None) -> str | None:
    """End of the interval that a stamp names: whole seconds last one second, microseconds are a point."""
    if stamp is None or "." in stamp:
        return stamp
    try:
        return (pd.Timestamp(stamp) + pd.Timedelta(seconds=1)).isoformat()
    except (ValueError, OverflowError):  # no stamp, or the end of time
        return stamp


def occurrences(events: pd.DataFrame) -> pd.DataFrame:
    """Take the updates of Events apart into occurrences, each with the interval in which it fell.

    An update tells when its newest occurrence was, and how many there were. Those between it and the update before are
    one row: they fell somewhere between the two stamps.

    Parameters
    ----------
    events : DataFrame
        The frame `events`.
    """
    columns = [name for name in events.columns if name not in OF_UPDATES]
    previous = events.groupby("uid", sort=False)[["earliest", "count"]].shift()
    opening = previous["count"].isna()
    single = events["occurrences"] == 1
    some = events[events["occurrences"] > 0]
    newest = some[columns].assign(
        number=some["count"], times=1, earliest=some["earliest"], latest=some["latest"], known="stamp"
    )
    # What the first recorded update of an Event had before it: its first occurrence has a stamp of its own.
    more = opening & ~single
    first = events.loc[more, columns].assign(
        number=1,
        times=1,
        earliest=events.loc[more, "first"],
        latest=_second_later(events.loc[more, "first"]),
        known="stamp",
    )
    known_first = opening.astype("int64")
    rest = events["occurrences"] - 1 - known_first
    between = rest > 0
    begin = previous["earliest"].where(~opening, events["first"])[between]
    middle = events.loc[between, columns].assign(
        number=events["count"][between] - rest[between],
        times=rest[between],
        earliest=begin,
        latest=events.loc[between, "latest"],
        known="between",
    )
    found = pd.concat([first, middle, newest])
    found["known"] = found["known"].where(found["earliest"].notna(), "unbounded")
    return found.sort_values(["seq", "number"], kind="stable")


def _second_later(stamps: pd.Series) -> pd.Series:
    whole = stamps == stamps.dt.floor("s")
    return stamps.where(~whole, stamps + pd.Timedelta(seconds=1))

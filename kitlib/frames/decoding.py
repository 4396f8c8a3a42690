"""Rows of a recording → rows of a frame, wherever they were read; and joining what was decoded apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames import (
    conditions,
    containers,
    cronjobs,
    daemonsets,
    events,
    jobs,
    nodes,
    pods,
    statefulsets,
    workloads,
)
from kitlib.frames.dtypes import typed
from kitlib.frames.objects import own
from kitlib.frames.salvage import LeftOut
from kitlib.recording import WatchEvent

ROWS: dict[str, tuple[tuple[str, ...] | None, Callable[[Iterable[WatchEvent], LeftOut | None], Iterator[tuple]]]] = {
    "pods": (pods.KINDS, pods.rows),
    "workloads": (workloads.KINDS, workloads.rows),
    "statefulsets": (statefulsets.KINDS, statefulsets.rows),
    "daemonsets": (daemonsets.KINDS, daemonsets.rows),
    "jobs": (jobs.KINDS, jobs.rows),
    "cronjobs": (cronjobs.KINDS, cronjobs.rows),
    "containers": (containers.KINDS, containers.rows),
    "conditions": (None, conditions.rows),
    "nodes": (nodes.KINDS, nodes.rows),
    "events": (events.KINDS, events.rows),
}
"""Of each frame that grows with the recording: the kinds that it is made from (None: all), and how."""
DEDUPLICATE = {
    "containers": containers.deduplicate,
    "conditions": conditions.deduplicate,
    "nodes": nodes.deduplicate,
    "events": events.deduplicate,
}
"""How each frame whose rows depend on the row before is joined."""


def decode(name: str, rows: Iterable[WatchEvent] | pd.DataFrame, left: LeftOut | None = None) -> pd.DataFrame:
    """Make a frame of some rows, wherever they were read: one part, one worker's share, a query's answer.

    Parameters
    ----------
    name : str
        pods, workloads, containers, conditions, nodes or events.
    rows : iterable of WatchEvent, or DataFrame
        Rows of a recording, in the order of their receipt; others' kinds are left out. A DataFrame has the columns of
        a recording's files.
    left : LeftOut, optional
        Where it is named what can't be read, and was left out.

    Returns
    -------
    DataFrame
        Columns as of `COLUMNS[name]`. What depends on the rows before (see `deduplicate`) counts from the first row.
    """
    if name not in ROWS:
        raise UsageError(f"no frame {name!r} can be decoded from rows", step="frames", next=f"one of {list(ROWS)}")
    kinds, extract = ROWS[name]
    if isinstance(rows, pd.DataFrame):
        rows = _events(rows)
    wanted = (row for row in rows if (row.kind in kinds and own(row) if kinds else row.kind))
    return typed(name, zip(*extract(wanted, left), strict=True), left)


def deduplicate(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Join what was decoded apart: compare each row with the one before it of the same object, drop what repeats it.

    Parameters
    ----------
    name : str
        pods, workloads, containers, conditions, nodes or events.
    frame : DataFrame
        What `decode` made of the parts, one after the other. All rows of an object (uid) must be in it.
    """
    join = DEDUPLICATE.get(name)
    return frame if join is None or not len(frame) else join(frame).reset_index(drop=True)


def _events(rows: pd.DataFrame) -> Iterator[WatchEvent]:
    """Turn a table of rows back into rows, oldest first."""
    ordered = rows.sort_values("seq")
    received = pd.to_datetime(ordered["received_at"], utc=True).dt.as_unit("ns").astype("int64")
    fields = WatchEvent.__struct_fields__[1:]
    columns = [received.tolist(), *(ordered[name].tolist() for name in fields)]
    return map(WatchEvent, *columns)


__all__ = ["decode", "deduplicate"]

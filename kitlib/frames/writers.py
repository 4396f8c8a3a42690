"""Who wrote a version of an object, as far as the objects themselves tell: metadata.managedFields."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

import msgspec
import pandas as pd

from kitlib.frames.events import KINDS as EVENTS
from kitlib.frames.frames import Frames
from kitlib.frames.logs import KINDS as LOGS
from kitlib.frames.objects import named, version
from kitlib.frames.salvage import decode


class _Entry(msgspec.Struct, gc=False):
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: str = ""
    fieldsV1: Any = None  # noqa: N815 - the API's own spelling, here and below


class _Meta(msgspec.Struct, gc=False):
    deletionTimestamp: str | None = None  # noqa: N815
    managedFields: list[_Entry] | None = None  # noqa: N815


class _Object(msgspec.Struct, gc=False):
    metadata: _Meta


_TOLD = (*EVENTS, *LOGS)
"""Kinds of rows that tell of other objects."""
_object = msgspec.json.Decoder(_Object)


def writers(frames: Frames, names: Collection[str]) -> pd.DataFrame:
    """Return who wrote the versions of some objects.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.
    names : collection of str
        The objects' metadata.name.

    Returns
    -------
    DataFrame
        One row for each observed version: `seq`, `resourceVersion` (int64), `kind`, `namespace`, `name`, `uid` (str),
        `manager` (str: of the entry of metadata.managedFields that this write changed, such as kubelet; empty where
        that can't be told, as of a deletion), `first` (bool: it is its creation), `ends` (bool: it is a deletion, or
        the first version that is to be deleted).
    """
    last: dict[str, _Meta] = {}
    rows = []
    for row in chain.from_iterable(frames._read(None)):
        thing = decode(_object, row) if row.name in names and row.kind not in _TOLD else None
        if thing is None:
            continue
        meta, before = thing.metadata, last.get(row.uid)
        going = bool(meta.deletionTimestamp) and not (before and before.deletionTimestamp)
        ends = row.type == "DELETED" or (going and before is not None)
        manager = "" if ends or row.origin != "watch" else _manager(before, meta)
        first = before is None and row.type == "ADDED" and row.origin == "watch"
        rows.append([row.seq, version(row.resourceVersion), row.kind, *named(row), manager, first, ends])
        last[row.uid] = meta
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


def _manager(before: _Meta | None, now: _Meta) -> str:
    """Return the manager whose entry is new or another one than before; the newest of several."""
    known = {(each.manager, each.operation, each.subresource): each for each in (before and before.managedFields) or ()}
    fresh = [
        each for each in now.managedFields or () if known.get((each.manager, each.operation, each.subresource)) != each
    ]
    return max(fresh, key=lambda each: each.time).manager if fresh else ""


DTYPES = {
    "seq": "int64",
    "resourceVersion": "int64",
    "kind": "str",
    "namespace": "str",
    "name": "str",
    "uid": "str",
    "manager": "str",
    "first": "bool",
    "ends": "bool",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "writers"]

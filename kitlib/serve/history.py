"""A recording's rows by kind, without the objects: who was there at a moment, and what came after it.

All that is held of a row are some numbers; the objects stay in their files until they are asked for (`Objects`).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from kitlib.errors import RecordingError
from kitlib.recording import Interval, Recording, WatchEvent
from kitlib.recording.coverage import marks
from kitlib.serve.objects import Objects, Place

NAMES = ["seq", "received_at", "monotonic_ns", "apiVersion", "kind", "namespace", "name", "uid", "resourceVersion"]
NAMES += ["type", "late_ns"]
ATTEMPTS = 5
LOG = "Log"
"""The kind of rows that hold lines of a container's log."""
OWN = "kitlib"
"""The apiVersion of rows that are no objects: lines of logs, and what a lab was answered, which nobody is served."""
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Versions:
    """All versions of the objects of one kind, in the order of their receipt.

    Parameters
    ----------
    api_version, kind : str
    keys : list of str
        "namespace/name" of each object that there ever was ("/name" where it has no namespace), sorted.
    key : array
        Of each version: the number of its object's key.
    uid : array
        The number of its uid: another one under the same name is another object.
    rv : array
        Its resourceVersion; 0 where that is no number.
    due : array
        When it was received, monotonic clock, ns; never less than the one before.
    late : array
        It may have been written so many ns earlier.
    gone : array
        Whether it was deleted by then.
    place : array of int
        Where its bytes are: see `Objects`.
    objects : Objects
        Who reads the bytes.
    floor : int
        The resourceVersion from which on everything is known; 0 if none is.
    """

    api_version: str
    kind: str
    keys: list[str]
    key: Array
    uid: Array
    rv: Array
    due: Array
    late: Array
    gone: Array
    place: Array
    objects: Objects
    floor: int = 0

    def __len__(self) -> int:
        return len(self.key)

    @classmethod
    def none(cls, api_version: str, kind: str, objects: Objects, floor: int = 0) -> Versions:
        """Return those of a kind of which there never was any."""
        no = np.zeros(0, np.int64)
        return cls(api_version, kind, [], no, no, no, no, no, no.astype(bool), no, objects, floor)

    def position(self, moment_ns: int) -> int:
        """Return how many versions had been received by a moment."""
        return int(np.searchsorted(self.due, moment_ns, "right"))

    def bounds(self, namespace: str) -> tuple[int, int]:
        """Return the first and the last but one number of the keys of a namespace; "" for all."""
        if not namespace:
            return 0, len(self.keys)
        return bisect_left(self.keys, f"{namespace}/"), bisect_left(self.keys, f"{namespace}0")  # "0" follows "/"

    def alive(self, position: int, namespace: str = "") -> Array:
        """Return which versions were the newest of their objects after so many, in the order of the keys."""
        low, high = self.bounds(namespace)
        key = self.key[:position][::-1]
        _, first = np.unique(key, return_index=True)
        newest = position - 1 - first
        there = ~self.gone[newest] & (self.key[newest] >= low) & (self.key[newest] < high)
        return newest[there]

    def newest(self, position: int, namespace: str, name: str) -> int | None:
        """Return the version in which an object was there after so many; None if it wasn't."""
        wanted = f"{namespace}/{name}"
        number = bisect_left(self.keys, wanted)
        if number == len(self.keys) or self.keys[number] != wanted:
            return None
        mine = self._by_key[self._begins[number] : self._begins[number + 1]]
        before = int(np.searchsorted(mine, position))
        return int(mine[before - 1]) if before and not self.gone[mine[before - 1]] else None

    @cached_property
    def _by_key(self) -> Array:
        return np.argsort(self.key, kind="stable")

    @cached_property
    def _begins(self) -> Array:
        return np.searchsorted(self.key[self._by_key], np.arange(len(self.keys) + 1))

    @cached_property
    def before(self) -> Array:
        """Of each version the one before it of the same object's name, -1 if there is none."""
        order = self._by_key
        found = np.full(len(order), -1)
        same = self.key[order][1:] == self.key[order][:-1]
        found[order[1:][same]] = order[:-1][same]
        return found

    @cached_property
    def top(self) -> Array:
        """The greatest resourceVersion up to each version."""
        return np.maximum.accumulate(self.rv) if len(self.rv) else self.rv

    def after(self, rv: int) -> int:
        """Return the position from which on a watch goes on that has seen a resourceVersion.

        What came late, under a lesser one than its neighbours, is rather shown twice than never.
        """
        found = int(np.searchsorted(self.top, rv, "left"))
        return found + 1 if found < len(self) and self.top[found] == rv else found

    def body(self, number: int) -> bytes:
        """Return the bytes of a version."""
        return self.objects.one(int(self.place[number]))

    def bodies(self, numbers: Array | list[int]) -> list[bytes]:
        """Return the bytes of several versions; it reads each of their files once."""
        return self.objects.many([int(self.place[number]) for number in numbers])


class History:
    """A recording's rows by kind, and when it has what.

    Parameters
    ----------
    recording : Recording
        As it is now: what is written to it later isn't shown.

    Attributes
    ----------
    kinds : dict
        `Versions` by group and version, and kind.
    info : dict
        What the recording was made on.
    intervals : list of Interval
        What its streams cover.
    streams : list of dict
        What its STREAM marks say, with the name of the stream.
    begin_ns, end_ns : int
        From when to when something is known, monotonic clock, ns.
    """

    def __init__(self, recording: Recording) -> None:
        for _ in range(ATTEMPTS):
            try:
                rows = recording.rows
                self.objects = Objects(rows)
                table, place = _index(rows.parts, rows.tail, self.objects)
                break
            except FileNotFoundError:  # it is being written, and a file was folded into another
                recording = Recording.open(recording.path or "")
        else:
            raise RecordingError(
                "its files go while they are read: it is being written too fast",
                step="serve",
                object=str(recording.path),
                next="wait until its recorder has ended",
            )
        self.info = recording.info
        self.intervals: list[Interval] = recording.coverage()
        told = marks(rows)
        self.streams = [_said(row) for row in told if row.type == "STREAM"]
        self._due = np.maximum.accumulate(_numbers(table, "monotonic_ns")) if len(table) else np.zeros(0, np.int64)
        self._wall = _numbers(table, "received_at")
        floors: dict[str, list[int]] = defaultdict(list)
        for row in told:
            said = _said(row) if row.type == "LISTED" else {}
            if str(said.get("rv", "")).isdigit():
                floors[str(said.get("kind", ""))].append(int(said["rv"]))
        self._floors = {kind: min(found) for kind, found in floors.items()}
        self.kinds: dict[tuple[str, str], Versions] = {}
        for each, part, at in _by_kind(table, place):
            self.kinds[each] = _versions(*each, part, at, self.objects, self._floors.get(each[1]))
        covered = [each for each in self.intervals if each.covered]
        first = int(self._due[0]) if len(self._due) else 0
        self.begin_ns = min((each.begin_ns for each in covered), default=first)
        self.end_ns = max((each.end_ns for each in self.intervals), default=int(self._due[-1]) if len(self._due) else 0)

    def versions(self, api_version: str, kind: str) -> Versions:
        """Return the versions of a kind; there may be none."""
        found = self.kinds.get((api_version, kind))
        return found or Versions.none(api_version, kind, self.objects, self._floors.get(kind, 0))

    def wall(self, moment_ns: int) -> int:
        """Return what the wall clock showed at a moment, ns since 1970."""
        if not len(self._due):
            return 0
        place = max(int(np.searchsorted(self._due, moment_ns, "right")) - 1, 0)
        return int(self._wall[place] + moment_ns - self._due[place])

    def moment(self, wall_ns: int) -> int:
        """Return the moment at which the wall clock showed a time, monotonic clock, ns."""
        if not len(self._due):
            return 0
        place = max(int(np.searchsorted(np.maximum.accumulate(self._wall), wall_ns, "right")) - 1, 0)
        return int(self._due[place] + wall_ns - self._wall[place])


def _said(row: WatchEvent) -> dict[str, Any]:
    return {**json.loads(row.object), "stream": row.stream}


def _numbers(table: pa.Table, name: str) -> Array:
    column = table[name]
    return column.cast(pa.int64()).to_numpy() if len(column) else np.zeros(0, np.int64)


def _index(parts: Any, tail: Any, objects: Objects) -> tuple[pa.Table, Array]:
    """Return all rows without the objects, in the order of receipt, and where each one's object is."""
    tables, places = [], []
    for number, part in enumerate(parts):
        for group, table in enumerate(part.groups(NAMES)):
            inside = np.flatnonzero(_numbers(table, "seq") >= part.first + part.skip)
            tables.append(table.take(pa.array(inside)))
            places.append(objects.places(Place(number, group), inside))
    if tail:
        columns = {name: [getattr(row, name) for row in tail] for name in NAMES}
        made = pa.table({**columns, "received_at": pa.array(columns["received_at"], pa.timestamp("ns", tz="UTC"))})
        tables.append(made)
        places.append(objects.places(Place(-1, 0), np.arange(len(tail))))
    if not tables:
        empty = {
            name: pa.array([], pa.int64() if name.endswith(("seq", "_ns", "_at")) else pa.string()) for name in NAMES
        }
        return pa.table(empty), np.zeros(0, np.int64)
    whole = pa.concat_tables(tables, promote_options="permissive")
    order = np.argsort(_numbers(whole, "seq"), kind="stable")
    return whole.take(pa.array(order)), np.concatenate(places)[order]


def _by_kind(table: pa.Table, place: Array) -> Iterator[tuple[tuple[str, str], pa.Table, Array]]:
    """Yield group and version, and kind, with the rows of each."""
    if not len(table):
        return
    names = [
        f"{version} {kind}" for version, kind in zip(*(table[name].to_pylist() for name in NAMES[3:5]), strict=True)
    ]
    found, number = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    for each, name in enumerate(found):
        version, _, kind = str(name).partition(" ")
        if kind and (version != OWN or kind == LOG):
            mine = np.flatnonzero(number == each)
            yield (version, kind), table.take(pa.array(mine)), place[mine]


def _versions(version: str, kind: str, table: pa.Table, place: Array, objects: Objects, floor: int | None) -> Versions:
    """Make the versions of one kind; those of a log go by their run, not by their Pod.

    Recordings of older formats don't say what was listed first: there all is known just before the least one.
    """
    spaces, names, uids = (table[name].to_pylist() for name in ("namespace", "name", "uid"))
    full = uids if kind == LOG else [f"{space}/{name}" for space, name in zip(spaces, names, strict=True)]
    keys = sorted(set(full))
    numbers = {each: number for number, each in enumerate(keys)}
    known: dict[str, int] = {}
    rv = [int(each) if each and each.isdigit() else 0 for each in table["resourceVersion"].to_pylist()]
    return Versions(
        version,
        kind,
        keys,
        np.fromiter((numbers[each] for each in full), np.int32, len(full)),
        np.fromiter((known.setdefault(each, len(known)) for each in uids), np.int32, len(uids)),
        np.array(rv, np.int64),
        np.maximum.accumulate(_numbers(table, "monotonic_ns")),
        _numbers(table, "late_ns"),
        np.array([each == "DELETED" for each in table["type"].to_pylist()]),
        place,
        objects,
        min((each for each in rv if each), default=1) - 1 if floor is None else floor,
    )


__all__ = ["LOG", "History", "Versions"]

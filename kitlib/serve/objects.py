"""The bytes of recorded objects, read from their files when they are asked for; what is held of them is bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kitlib.recording.recording import Rows
from kitlib.recording.store import ROWS_IN_GROUP

MOST_BYTES = 128 * 2**20
"""So many bytes of row groups are held, and never less than one group."""
SHIFT = 1 << 20
"""More rows than a row group can have."""


class Place(NamedTuple):
    """A row group: the number of its file, and its own in that file; file -1 is what isn't written yet."""

    part: int
    group: int


class Objects:
    """Reads the bytes of rows by their places, a row group at a time, and holds the groups that were read last.

    Parameters
    ----------
    rows : Rows
        Of the recording.
    most_bytes : int
        How many bytes of groups are held.

    Attributes
    ----------
    held_bytes : int
        How many are held now.
    """

    def __init__(self, rows: Rows, most_bytes: int = MOST_BYTES) -> None:
        self._rows = rows
        self.most_bytes = most_bytes
        self._groups: list[Place] = []
        self._held: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self.held_bytes = 0

    def places(self, place: Place, inside: Any) -> Any:
        """Return a number for each row of a group, by which its bytes are found again."""
        self._groups.append(place)
        return (len(self._groups) - 1) * SHIFT + np.asarray(inside, np.int64)

    def one(self, place: int) -> bytes:
        """Return the bytes of one row."""
        number, row = divmod(place, SHIFT)
        group = self._groups[number]
        if group.part < 0:
            return self._rows.tail[row].object
        return self._read(number)[row].as_py() or b""

    def many(self, places: list[int]) -> list[bytes]:
        """Return the bytes of several rows, in their order; each group is read once."""
        found: dict[int, bytes] = {}
        for place in sorted(places):
            found[place] = self.one(place)
        return [found[place] for place in places]

    def _read(self, number: int) -> pa.ChunkedArray:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        group = self._groups[number]
        part = self._rows.parts[group.part]
        try:
            column = part.group(group.group, ["object"])["object"]
        except FileNotFoundError:  # who writes the recording has folded it into another, which has its rows
            rows = [b""] * part.skip + [row.object for row in part.read()]
            begin = group.group * ROWS_IN_GROUP
            column = pa.chunked_array([pa.array(rows[begin : begin + ROWS_IN_GROUP], pa.binary())])
        self._held[number] = column
        self.held_bytes += column.nbytes
        while self.held_bytes > self.most_bytes and len(self._held) > 1:
            _, gone = self._held.popitem(last=False)
            self.held_bytes -= gone.nbytes
        return column


__all__ = ["MOST_BYTES", "Objects", "Place"]

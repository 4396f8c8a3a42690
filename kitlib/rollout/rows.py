"""The rows of a frame as plain values: what is gone through one by one, version after version.

A recording of many Jobs is many questions about a few rows each. pandas asks each column of a frame for its part, as
long for five rows as for five hundred; so a frame is turned into plain values once, and rows are picked from those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

Row = dict[Any, Any]


def records(frame: pd.DataFrame) -> list[Row]:
    """Return a dict for each row: what `frame.to_dict("records")` returns, in a third of the time.

    Parameters
    ----------
    frame : DataFrame
        Any.
    """
    plain = pd.DataFrame(frame, copy=False)  # a `Covered` one looks at each column that it gives away
    names = list(plain.columns)
    values = [_values(each) for _, each in plain.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    """Return a column's values, None for a number that is missing."""
    if column.dtype.kind in "iufb" and not isinstance(column.dtype, np.dtype):  # Int64, boolean
        return list(column.array.to_numpy(dtype=object, na_value=None))
    return column.tolist()


class Rows:
    """Some rows of a frame, and what the frame says of the time that it shows.

    Parameters
    ----------
    rows : iterable of dict
        They are not changed.
    attrs : mapping
        The frame's.
    """

    def __init__(self, rows: Iterable[Row], attrs: Mapping[Any, Any]) -> None:
        self._rows = list(rows)
        self.attrs = attrs

    @classmethod
    def of(cls, frame: pd.DataFrame | Rows) -> Rows:
        """Return all rows of a frame; rows as they are."""
        return frame if isinstance(frame, Rows) else cls(records(frame), frame.attrs)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, column: str) -> list[Any]:
        """Return the values of a column."""
        return [row[column] for row in self._rows]

    def where(self, column: str, values: Collection[Any]) -> Rows:
        """Return the rows that have one of some values in a column."""
        return Rows((row for row in self._rows if row[column] in values), self.attrs)

    def places(self, column: str) -> dict[Any, list[int]]:
        """Return of each value of a column where the rows stand that have it."""
        found: dict[Any, list[int]] = {}
        for number, row in enumerate(self._rows):
            found.setdefault(row[column], []).append(number)
        return found

    def at(self, places: Iterable[int]) -> Rows:
        """Return the rows that stand at some places, in their order."""
        return Rows((self._rows[each] for each in sorted(places)), self.attrs)


__all__ = ["Rows", "records"]

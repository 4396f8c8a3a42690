"""Values → a DataFrame with exactly the columns and dtypes that `COLUMNS` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kitlib.frames.columns import COLUMNS, STATES, TIME
from kitlib.frames.salvage import LeftOut

_OWN_CLOCK = ("observed_at", "not_before", "begin_at", "at")
"""Times that are counts of nanoseconds already."""
_MOST = 2**63


def typed(name: str, columns: Iterable[Sequence[Any]] | pd.DataFrame, left: LeftOut | None = None) -> pd.DataFrame:
    """Make the frame with the columns and dtypes that COLUMNS promises, also when there is no row.

    A stamp or a number that can't be read is NaT, NA or 0, and named in `left`.
    """
    about = COLUMNS[name]
    if isinstance(columns, pd.DataFrame):
        dtypes: Any = {column: each.dtype for column, each in about.items()}
        return columns[list(about)].astype(dtypes).reset_index(drop=True)
    given = list(columns)
    if not any(len(each) for each in given):
        return _empty(name).copy()
    values = dict(zip(about, given, strict=True))

    def unreadable(column: str) -> Callable[[int, Any], None]:
        def note(number: int, value: Any) -> None:
            if left is not None:
                kept = ("seq", "kind", "namespace", "name", "uid")
                where: dict[str, Any] = {str(key): values[key][number] for key in kept if key in values}
                left.note(where, f"{name}.{column}", f"{value!r} can't be read")

        return note

    data = {column: _array(column, values[column], each.dtype, unreadable(column)) for column, each in about.items()}
    return pd.DataFrame(data, columns=list(about), copy=False)


@cache
def _empty(name: str) -> pd.DataFrame:
    """Return the frame without a row; most recordings have none of most kinds, and making its arrays takes a while."""
    about = COLUMNS[name]
    data = {column: _array(column, (), each.dtype, lambda number, value: None) for column, each in about.items()}
    return pd.DataFrame(data, columns=list(about), copy=False)


def typed_records(name: str, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Make the frame of some dicts; a column that a dict lacks is empty there."""
    return typed(name, [[record.get(column) for record in records] for column in COLUMNS[name]])


def _array(column: str, values: Sequence[Any], dtype: Any, unreadable: Callable[[int, Any], None]) -> Any:
    if dtype == TIME:
        if column in _OWN_CLOCK:
            return pd.DatetimeIndex(np.array(values, dtype="int64").view("M8[ns]")).tz_localize("UTC").array
        return pd.Series(_stamps(values, unreadable).to_pandas(), dtype=dtype).array
    if dtype == "category":
        return pd.Categorical(values, categories=STATES, ordered=True)
    if dtype == "str":
        return pd.Series(_texts(values, pa.large_string()).fill_null("").to_pandas(), dtype="str").array
    try:
        return pd.array(values, dtype=dtype) if dtype in ("Int64", "boolean") else np.array(values, dtype=dtype)
    except (OverflowError, TypeError, ValueError):
        kept = [
            _number(value, number, unreadable, None if dtype == "Int64" else 0) for number, value in enumerate(values)
        ]
        return pd.array(kept, dtype=dtype) if dtype == "Int64" else np.array(kept, dtype=dtype)


def _number(value: Any, number: int, unreadable: Callable[[int, Any], None], instead: int | None) -> int | None:
    if isinstance(value, int) and -_MOST <= value < _MOST:
        return value
    if value is not None:
        unreadable(number, value)
    return instead


def _texts(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type)
    except UnicodeEncodeError:  # half a character of UTF-16, which JSON can hold and UTF-8 can't
        return pa.array([value and value.encode("utf-8", "replace").decode() for value in values], type)


def _stamps(values: Sequence[Any], unreadable: Callable[[int, Any], None]) -> pa.Array:
    """Read stamps; one by one only where some can't be read, or lie where no count of nanoseconds reaches."""
    texts, target = _texts(values, pa.string()), pa.timestamp("ns", tz="UTC")
    try:
        return texts.cast(target)
    except pa.ArrowInvalid:
        known: dict[str | None, int | None] = {None: None, "": None}
        for number, value in enumerate(values):
            if value not in known:
                try:
                    known[value] = _texts([value], pa.string()).cast(target).cast(pa.int64())[0].as_py()
                except pa.ArrowInvalid:
                    known[value] = None
            if value and known[value] is None:
                unreadable(number, value)
        return pa.array([known[value] for value in values], pa.int64()).cast(target)


__all__ = ["typed", "typed_records"]

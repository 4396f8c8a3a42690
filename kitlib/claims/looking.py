"""What a verb looks at: which rows satisfy a condition, where a frame comes from, and what its gaps could turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames.covered import asked
from kitlib.frames.origin import Source, carried, lost, strange
from kitlib.frames.origin import same as same_origin

Mask = str | Callable[[pd.DataFrame], Any]
"""What selects rows: a `DataFrame.eval` expression, or a function of the frame that gives a boolean Series."""


def select(frame: pd.DataFrame, mask: Mask) -> pd.Series:
    """Return of each row whether it satisfies the condition; NA where that can't be told."""
    try:
        found = frame.eval(mask) if isinstance(mask, str) else mask(frame)
        if isinstance(found, (bool, np.bool_)):
            found = [found] * len(frame)
        told = found if isinstance(found, pd.Series) else pd.Series(found, index=frame.index)
        if len(told) != len(frame) or not told.index.equals(frame.index):
            raise ValueError(f"it gives {len(told)} values for {len(frame)} rows, or others than these")
        return told.astype("boolean")
    except Exception as error:
        raise UsageError(
            f"can't evaluate {mask!r}: {error}",
            step="claim",
            next="a condition is true or false for each row; its columns are: " + ", ".join(map(str, frame.columns)),
        ) from error


def _span(*frames: pd.DataFrame | pd.Series) -> tuple[int, int] | None:
    bounds = [tuple(frame.attrs["window"]) for frame in frames if "window" in frame.attrs]
    bounds += [
        (int(frame["monotonic_ns"].min()), int(frame["monotonic_ns"].max()))
        for frame in frames
        if "window" not in frame.attrs and "monotonic_ns" in frame and len(frame)
    ]
    return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None


def about(*frames: pd.DataFrame | pd.Series | None) -> dict[str, Any]:
    """Return what was looked at, and its gaps; what doesn't say where it comes from may come from any frame."""
    gaps: list[dict[str, Any]] = []
    known = []
    for frame in frames:
        own = carried(frame)
        if own is None:
            gaps += [*lost(), *strange(frame)]
        elif frame is not None:
            known.append(frame)
            span = _span(frame)
            gaps += [gap for gap in own if gap.get("lost") or meets(gap, span)]
    return {"span": _span(*known), "gaps": gaps}


def asks(frame: pd.DataFrame, mask: Mask, hits: pd.Series) -> list[pd.DataFrame | pd.Series]:
    """Return what a condition looks at: the frame, what was mixed into the condition, a kind that nobody recorded."""
    found: list[pd.DataFrame | pd.Series] = [frame]
    if "gaps" in hits.attrs and not same_origin(hits.attrs, frame.attrs):
        found.append(hits)
    missing = asked(mask, frame.attrs) if isinstance(mask, str) else []
    if missing:
        empty = frame.iloc[:0].copy()
        empty.attrs = {**frame.attrs, "gaps": missing}
        found.append(empty)
    return found


def meets(gap: Mapping[str, Any], span: tuple[int, int] | None) -> bool:
    """Say whether a gap lies within a span, or whether that can't be told."""
    return span is None or bool(gap["until_ns"] >= span[0] and gap["after_ns"] <= span[1])


def stands(frame: pd.DataFrame, found: pd.DataFrame, mask: Mask | None) -> bool:
    """Say whether what was found stays so whatever else there was.

    It does if one of the rows is as it was recorded, and satisfies the condition by itself: what was seen was seen.
    Rows that were computed (counted, joined, changed) could be others without the gap.
    """
    source = frame.attrs.get("source")
    if not isinstance(source, Source):
        return carried(frame) == []
    for number in source.has(found).to_numpy().nonzero()[0][:20]:
        row = found.iloc[[number]]
        if mask is None or bool(select(row, mask).fillna(False).all()):
            return True
    return False


def is_numeric(column: pd.Series) -> bool:
    """Say whether a column holds numbers, or nothing else than numbers and NA."""
    numbers = pd.api.types.is_numeric_dtype(column)
    return numbers or (column.dtype == object and bool(column.map(_is_number).all()))


def _is_number(value: Any) -> bool:
    return value is None or value is pd.NA or isinstance(value, (int, float))


RECEIVED = ("observed_at", "monotonic_ns")
"""Columns of receipt: what came late was written before it."""


def late_ns(row: pd.DataFrame) -> int:
    """Return how long before its receipt a row may have been written."""
    if not {"observed_at", "not_before"} <= set(row.columns):
        return 0
    return int((row["observed_at"].iloc[0] - row["not_before"].iloc[0]).value)


def as_unit(by: str, late_ns: int) -> Any:
    """Return a duration as that column counts."""
    return pd.Timedelta(late_ns, "ns") if by == "observed_at" else late_ns


def same(found: Any, wanted: Any) -> bool | None:
    """Say whether two values are the same; None if one of them is NA."""
    if isinstance(found, (pd.DataFrame, pd.Series, pd.Index)):
        return isinstance(wanted, type(found)) and bool(found.equals(wanted))  # type: ignore[arg-type]
    if isinstance(found, np.ndarray) or isinstance(wanted, np.ndarray):
        return bool(np.array_equal(np.asarray(found), np.asarray(wanted)))
    if found is pd.NA or found is pd.NaT:
        return True if found is wanted else None
    try:
        return bool(found == wanted)
    except TypeError:  # NA somewhere within
        return None


__all__ = ["RECEIVED", "Mask", "about", "as_unit", "asks", "is_numeric", "late_ns", "meets", "same", "select", "stands"]

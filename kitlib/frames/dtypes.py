"""Values → a DataFrame with exactly the columns and dtypes that `COLUMNS` promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kitlib.frames.columns import COLUMNS, STATES, TIME


def typed(name: str, columns: Iterable[Sequence[Any]] | pd.DataFrame) -> pd.DataFrame:
    """Make the frame with the columns and dtypes that COLUMNS promises, also when there is no row."""
    about = COLUMNS[name]
    if isinstance(columns, pd.DataFrame):
        dtypes: Any = {column: each.dtype for column, each in about.items()}
        return columns[list(about)].astype(dtypes).reset_index(drop=True)
    values = list(columns) or [()] * len(about)
    data = {column: _array(column, each, about[column].dtype) for column, each in zip(about, values, strict=True)}
    return pd.DataFrame(data, columns=list(about), copy=False)


def _array(column: str, values: Sequence[Any], dtype: Any) -> Any:
    if dtype == TIME:
        if column in ("observed_at", "begin_at", "at"):
            return pd.DatetimeIndex(np.array(values, dtype="int64").view("M8[ns]")).tz_localize("UTC").array
        stamps = pa.array(values, pa.string())
        return pd.Series(stamps.cast(pa.timestamp("ns", tz="UTC")).to_pandas(), dtype=dtype).array
    if dtype == "category":
        return pd.Categorical(values, categories=STATES, ordered=True)
    if dtype == "str":
        return pd.Series(pa.array(values, pa.large_string()).fill_null("").to_pandas(), dtype="str").array
    return pd.array(values, dtype=dtype) if dtype in ("Int64", "boolean") else np.array(values, dtype=dtype)


def typed_records(name: str, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Make the frame of some dicts; a column that a dict lacks is empty there."""
    return typed(name, [[record.get(column) for record in records] for column in COLUMNS[name]])


__all__ = ["typed", "typed_records"]

"""Frames that were saved, read with what they cover."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames import origin
from kitlib.frames.columns import COLUMNS
from kitlib.frames.covered import Covered
from kitlib.frames.dtypes import typed


def load(folder: Path | str, name: str) -> pd.DataFrame:
    """Read a frame that `Frames.save` wrote, with what it covers.

    Parameters
    ----------
    folder : Path or str
        Where it was saved.
    name : str
        Which frame: "pods", "events", …

    Returns
    -------
    DataFrame
        Columns as of `COLUMNS[name]`. Its `attrs` are those that it was saved with; a part that has none leaves it
        without, and what is claimed of it is unknown.

    Raises
    ------
    UsageError
        If there is no such frame.
    """
    files = sorted((Path(folder) / name).glob("part-*.parquet")) if name in COLUMNS else []
    if not files:
        raise UsageError(
            f"no frame {name!r} was saved here", step="load", object=str(folder), next="name what Frames.save wrote"
        )
    parts = [pd.read_parquet(file) for file in files]
    carried = [origin.read(part.attrs) for part in parts]
    found = Covered(typed(name, pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]), copy=False)
    if all(carried):
        found.attrs = {**origin.joined(carried), "frame": name}
        origin.note(name, found.attrs["gaps"])
        origin.received(found)
    return found


__all__ = ["load"]

"""Where a frame comes from, and what it can't tell: carried in its `attrs`, and remembered where that is lost.

pandas carries `attrs` through what keeps rows: selections, sorting, new columns. `concat` and `merge` of frames whose
attrs differ, and what leaves pandas (`to_dict`, a list, a number), lose it. What has been lost can't be traced, so it
fails closed: every frame with gaps that was handed out is remembered here, and whoever judges something of unknown
origin (see `kitlib.claims`) must take it to come from any of them. As long as no frame with a gap was handed out,
nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

_handed_out: list[dict[str, Any]] = []


class Marks(list[dict[str, Any]]):
    """A frame's gaps or steps, shared with all frames that are made from it.

    pandas copies `attrs` deeply at nearly every operation; with hundreds of steps that took longer than all else.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Marks:
        return self


class Source:
    """The frame that others are made from, as it was handed out: it shows which rows are still as they were recorded.

    Parameters
    ----------
    frame : DataFrame
        The frame.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame.copy(deep=False)
        self._frame.attrs = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Source:
        return self

    def has(self, rows: pd.DataFrame) -> pd.Series:
        """Say of each row whether it is one that was recorded, with nothing added to it or changed in it."""
        names = list(rows.columns)
        if not {"seq", "uid"} <= set(names) <= set(self._frame.columns) or not rows.columns.is_unique:
            return pd.Series(False, index=rows.index)
        known = self._frame.loc[self._frame["seq"].isin(rows["seq"]), names]
        recorded = set(known.astype(str).itertuples(index=False, name=None))
        return pd.Series([row in recorded for row in rows.astype(str).itertuples(index=False, name=None)], rows.index)


def note(name: str, gaps: Iterable[dict[str, Any]]) -> None:
    """Remember that a frame with these gaps was handed out."""
    for gap in gaps:
        known = {**gap, "frame": name}
        if known not in _handed_out:
            _handed_out.append(known)


def handed_out() -> list[dict[str, Any]]:
    """Return the gaps of all frames that were handed out, each with the frame's name, since `forget`."""
    return list(_handed_out)


def forget() -> None:
    """Begin anew: what was handed out before belongs to another run."""
    _handed_out.clear()


__all__ = ["Marks", "Source", "forget", "handed_out", "note"]

"""Where a frame comes from, and what it can't tell: carried in its `attrs`, joined where frames are mixed.

`Covered` frames (see `kitlib.frames.covered`) join what they and those that they are mixed with carry. What leaves
pandas (`to_dict`, a list, an array, a number) loses it. What has been lost can't be traced, so it fails closed: every
frame with gaps that was handed out is remembered here, and whoever judges something of unknown origin (see
`kitlib.claims`) must take it to come from any of them. As long as no frame with a gap was handed out, nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from kitlib.frames.columns import COLUMNS

RECORDED = frozenset(("observed_at", "seq", "uid"))
"""Columns by which a frame of a recording is known, also where it has lost its `attrs`."""
NOT_HANDED_OUT = "its rows are of a recording that wasn't read here, and it doesn't say what that covers"
ADDED = "it was read from a file, and has columns since that weren't saved with it"
SAVED_LOST = "it was saved with values of which it wasn't known where they came from"

_handed_out: list[dict[str, Any]] = []
_spans: list[tuple[int, int]] = []


class Marks(list[dict[str, Any]]):
    """A frame's gaps or steps, shared with all frames that are made from it.

    pandas copies `attrs` deeply at nearly every operation; with hundreds of steps that took longer than all else.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Marks:
        return self


class Source(dict[str, Any]):
    """The frame that others are made from, as it was handed out: it shows which rows are still as they were recorded.

    It is an empty dict so that pandas can write `attrs` into a file; what is read back shows nothing.

    Parameters
    ----------
    frame : DataFrame
        The frame.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self._frame = pd.DataFrame(frame, copy=False)
        self._frame.attrs = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Source:
        return self

    def __reduce__(self) -> tuple[type[Source], tuple[pd.DataFrame]]:
        return Source, (self._frame,)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None

    def has(self, rows: pd.DataFrame) -> pd.Series:
        """Say of each row whether it is one that was recorded, with nothing added to it or changed in it."""
        names = list(rows.columns)
        if not {"seq", "uid"} <= set(names) <= set(self._frame.columns) or not rows.columns.is_unique:
            return pd.Series(False, index=rows.index)
        known = self._frame.loc[self._frame["seq"].isin(rows["seq"].to_numpy()), names]
        recorded = set(known.astype(str).itertuples(index=False, name=None))
        return pd.Series([row in recorded for row in rows.astype(str).itertuples(index=False, name=None)], rows.index)


def joined(carried: Sequence[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Return the `attrs` of what is made from several frames: the gaps of all, and the time that all of them span.

    Parameters
    ----------
    carried : sequence of mapping
        The `attrs` of each; of what doesn't say where it comes from they have no `gaps`, and the result is `lost`: it
        may come from any frame that was handed out.
    """
    known = [attrs for attrs in carried if "gaps" in attrs]
    if not known:
        return {}
    if len(known) == len(carried) and all(same(known[0], attrs) for attrs in known[1:]):
        return dict(known[0])
    found: dict[Any, Any] = {**known[0]}
    found["gaps"] = Marks(_each(gap for attrs in known for gap in attrs["gaps"]))
    found["steps"] = Marks(_each(step for attrs in known for step in attrs.get("steps", ())))
    windows = [attrs["window"] for attrs in known if "window" in attrs]
    if windows:
        found["window"] = (min(begin for begin, _ in windows), max(end for _, end in windows))
    for name in ("kinds", "followed"):
        if sets := [set(attrs[name]) for attrs in known if name in attrs]:
            found[name] = tuple(sorted(set.intersection(*sets)))
    found.pop("source", None)
    found.pop("frame", None)
    if len(known) < len(carried) or any(attrs.get("lost") for attrs in known):
        found["lost"] = True
    else:
        sources = [attrs.get("source") for attrs in known if attrs["gaps"]]
        if sources and isinstance(sources[0], Source) and all(each is sources[0] for each in sources):
            found["source"] = sources[0]
    return found


def same(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    """Say whether two have one origin."""
    names = ("gaps", "window", "kinds", "followed", "lost", "frame")
    return one.get("source") is other.get("source") and all(one.get(name) == other.get(name) for name in names)


def _each(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for record in records:
        if record not in found:
            found.append(record)
    return found


def carried(frame: pd.DataFrame | pd.Series | None) -> list[dict[str, Any]] | None:
    """Return the gaps that a frame carries, with those that it must be taken to have; None if it doesn't say.

    A gap that is `lost` isn't known to concern the frame: that can't be told.
    """
    attrs = frame.attrs if frame is not None else {}
    if "gaps" not in attrs:
        return None
    found = list(attrs["gaps"])
    if attrs.get("lost"):
        found += lost()
    if not isinstance(attrs["gaps"], Marks):  # it was read from a file
        own = COLUMNS.get(attrs.get("frame", ""))
        if own is not None and isinstance(frame, pd.DataFrame) and not set(frame.columns) <= set(own):
            found.append({"kind": "*", "lost": True, "said": ADDED})
        if attrs.get("lost"):
            found.append({"kind": "*", "lost": True, "said": SAVED_LOST})
    return found


def strange(frame: pd.DataFrame | pd.Series | None) -> list[dict[str, Any]]:
    """Return the gap of a frame that has a recording's rows and says nothing, where none that was read has these."""
    if not isinstance(frame, pd.DataFrame) or not set(frame.columns) >= RECORDED or not len(frame):
        return []
    at = pd.to_datetime(pd.Series(frame["observed_at"].to_numpy()), utc=True, errors="coerce", format="ISO8601")
    stamps = at.dt.as_unit("ns").astype("int64")
    known = pd.Series(False, index=stamps.index)
    for begin, end in _spans:
        known |= stamps.between(begin, end)
    return [] if known.all() else [{"kind": "*", "lost": True, "said": NOT_HANDED_OUT}]


def note(name: str, gaps: Iterable[dict[str, Any]]) -> None:
    """Remember that a frame with these gaps was handed out."""
    for gap in gaps:
        known = {**gap, "frame": name}
        if known not in _handed_out:
            _handed_out.append(known)


def read(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the `attrs` of a frame that was read from a file, as they were before; empty where there are none."""
    if "gaps" not in attrs or "window" not in attrs:
        return {}
    begin, end = attrs["window"]
    lists = {"gaps": Marks(attrs["gaps"]), "steps": Marks(attrs.get("steps", ()))}
    found = {key: value for key, value in attrs.items() if key != "source"} | lists | {"window": (begin, end)}
    if attrs.get("lost"):
        found["gaps"].append({"kind": "*", "after_ns": begin, "until_ns": end, "reason": SAVED_LOST})
    found |= {name: tuple(attrs[name]) for name in ("kinds", "followed") if name in attrs}
    return found


def received(frame: pd.DataFrame) -> None:
    """Remember that a frame was handed out, and between which times its rows were received."""
    global _spans
    if "observed_at" not in frame or not len(frame):
        return
    begin, end = frame["observed_at"].min().value, frame["observed_at"].max().value
    apart = [each for each in _spans if each[1] < begin or each[0] > end]
    meet = [each for each in _spans if each not in apart]
    _spans = [*apart, (min([begin, *(each[0] for each in meet)]), max([end, *(each[1] for each in meet)]))]


def handed_out() -> list[dict[str, Any]]:
    """Return the gaps of all frames that were handed out, each with the frame's name, since `forget`."""
    return list(_handed_out)


def lost() -> list[dict[str, Any]]:
    """Return the gaps that what has lost its origin must be taken to have."""
    return [{**gap, "lost": True} for gap in _handed_out]


def forget() -> None:
    """Begin anew: what was handed out before belongs to another run."""
    _handed_out.clear()


__all__ = [
    "Marks",
    "Source",
    "carried",
    "forget",
    "handed_out",
    "joined",
    "lost",
    "note",
    "read",
    "received",
    "same",
    "strange",
]

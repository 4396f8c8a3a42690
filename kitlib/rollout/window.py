"""What frames cover: the time that they show, and what of it was not recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from kitlib.errors import UsageError
from kitlib.rollout.rows import Rows


def need(frame: object, columns: Iterable[str], name: str, step: str) -> pd.DataFrame:
    """Return the frame if it is one and has the columns; say what is missing otherwise.

    Parameters
    ----------
    frame : object
        What was given.
    columns : iterable of str
        Those that are needed.
    name, step : str
        The frame's name and the caller, for messages.

    Raises
    ------
    UsageError
        If it is no DataFrame, has not the columns, or is empty and doesn't say which time it covers.
    """
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            f"{name} is {type(frame).__name__}, not a DataFrame", step=step, next=f"give it recording.frames.{name}"
        )
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UsageError(
            f"the frame {name} has no column {', '.join(missing)}", step=step, next=f"give it recording.frames.{name}"
        )
    if frame.empty and "window" not in frame.attrs:
        raise UsageError(
            f"the frame {name} is empty and does not say which time it covers",
            step=step,
            next=f"give it recording.frames.{name}, which does also when it is empty",
        )
    return frame


def rows_of(frame: pd.DataFrame | Rows, columns: Iterable[str], name: str) -> Rows:
    """Return the rows of a frame that is judged; say what is missing otherwise.

    Parameters
    ----------
    frame : DataFrame or Rows
        What was given; rows have been looked at already.
    columns, name
        As for `need`.
    """
    return frame if isinstance(frame, Rows) else Rows.of(need(frame, columns, name, "rollout"))


def need_columns(frame: pd.DataFrame, columns: Iterable[str], step: str, next: str) -> None:
    """Say which columns a table lacks that is none of a recording's frames.

    Parameters
    ----------
    frame : DataFrame
        What was given.
    columns : iterable of str
        Those that are needed.
    step, next : str
        The caller, and what to do, for the message.

    Raises
    ------
    UsageError
        If a column is missing.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UsageError(f"no column {', '.join(missing)}", step=step, next=next)


@dataclass(frozen=True)
class Gap:
    """A time of which nothing was recorded, of one kind of objects or of all.

    Parameters
    ----------
    after, until : int
        Bounds, monotonic ns.
    kind : str
        Of the objects that may be missing; empty for all.
    reason : str
        What went wrong.
    """

    after: int
    until: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Window:
    """The time that frames show.

    Parameters
    ----------
    begin, end : int
        Bounds, monotonic ns.
    gaps : tuple of Gap
        What was not recorded of it, in order.
    followed : tuple of str or None
        What has a stream, as "namespace/Kind", or "*/Kind" where it is followed in all; None if nothing says so.
    """

    begin: int
    end: int
    gaps: tuple[Gap, ...] = ()
    followed: tuple[str, ...] | None = None

    @classmethod
    def of(cls, *frames: pd.DataFrame | Rows) -> Window:
        """Return the window that frames have together."""
        said = [frame.attrs["window"] for frame in frames if "window" in frame.attrs]
        times = [list(frame["monotonic_ns"]) for frame in frames if len(frame)]
        if said:
            begin, end = min(int(one[0]) for one in said), max(int(one[1]) for one in said)
        else:
            begin, end = min(int(min(one)) for one in times), max(int(max(one)) for one in times)
            end = max([end, *(int(frame.attrs.get("now_ns", end)) for frame in frames)])
        told = [frame.attrs["followed"] for frame in frames if "followed" in frame.attrs]
        followed = tuple(sorted({each for some in told for each in some})) if told else None
        return cls(begin, end, gaps_of(frames, begin, end), followed)

    def unrecorded(self, *kinds: str, namespace: str = "") -> list[str]:
        """Return which of the kinds nobody recorded in a namespace; of any, if none is named."""
        if self.followed is None:
            return []
        pairs = [each.rpartition("/")[::2] for each in self.followed]
        here = {kind for where, kind in pairs if not namespace or where in ("*", namespace)}
        return [kind for kind in kinds if kind not in here]

    def missing(self, *kinds: str, namespace: str = "", life: tuple[int, int] | None = None) -> list[Gap]:
        """Return the gaps that concern any of the kinds, overlapping ones as one.

        Parameters
        ----------
        *kinds : str
            A kind that nobody recorded is one gap of the whole window.
        namespace : str
            Where they are looked for; anywhere if it is empty.
        life : tuple of int, optional
            From when to when an object that is asked about was there, monotonic ns: other gaps don't concern it.
        """
        begin, end = life or (self.begin, self.end)
        if absent := self.unrecorded(*kinds, namespace=namespace):
            return [Gap(self.begin, self.end, absent[0], f"{' and '.join(absent)} not recorded")]
        joined: list[Gap] = []
        for gap in self.gaps:
            if (gap.kind and gap.kind not in kinds) or gap.until < begin or gap.after > end:
                continue
            if joined and gap.after <= joined[-1].until:
                last = joined.pop()
                gap = Gap(last.after, max(last.until, gap.until), last.kind, last.reason)
            joined.append(gap)
        return joined


def life(rows: Rows, window: Window) -> tuple[int, int]:
    """Return from when to when an object was there, as far as its versions tell, within the window.

    Parameters
    ----------
    rows : Rows
        Its own, in any order.
    window : Window
        Its bounds stand for a creation or a deletion that nobody saw.
    """
    made = [int(row["monotonic_ns"]) for row in rows if row["type"] == "ADDED" and row["origin"] == "watch"]
    gone = [
        int(row["monotonic_ns"]) for row in rows if row["type"] == "DELETED" or not pd.isna(row["deletionTimestamp"])
    ]
    return max(min(made, default=window.begin), window.begin), min([*gone, window.end])


def gaps_of(frames: Sequence[pd.DataFrame | Rows], begin: int, end: int) -> tuple[Gap, ...]:
    """Return what frames say was not recorded between two times; all that judges or shades gaps reads them here.

    Parameters
    ----------
    frames : sequence of DataFrame or Rows
        Whose attrs have `gaps`.
    begin, end : int
        Monotonic ns: what lies outside is cut off.
    """
    found = {
        Gap(
            max(int(gap["after_ns"]), begin), min(int(gap["until_ns"]), end), str(gap["kind"] or ""), str(gap["reason"])
        )
        for frame in frames
        for gap in frame.attrs.get("gaps", ())
        if int(gap["until_ns"]) > begin and int(gap["after_ns"]) < end
    }
    closed = {_until_listed(gap, frames, end) for gap in found}
    return tuple(sorted(closed, key=lambda gap: (gap.after, gap.until, gap.kind)))


def _until_listed(gap: Gap, frames: Sequence[pd.DataFrame | Rows], end: int) -> Gap:
    """Let a gap last until the list that closes it was read: what it says comes row by row."""
    until = gap.until
    for frame in frames:
        last = min(
            (int(other["after_ns"]) for other in frame.attrs.get("gaps", ()) if int(other["after_ns"]) > gap.until),
            default=None,
        )
        until = max([until, *_listed(frame, gap, last)])
    return Gap(gap.after, min(until, end), gap.kind, gap.reason)


def _listed(frame: pd.DataFrame | Rows, gap: Gap, last: int | None) -> Iterable[int]:
    """Return when the rows of lists came that were read after a gap, up to the next one."""
    if isinstance(frame, Rows):
        listed = (row for row in frame if row.get("origin") == "relist")
        mine = (row["monotonic_ns"] for row in listed if not gap.kind or row.get("kind", "Pod") == gap.kind)
        return [at for at in mine if gap.until <= at and (last is None or at <= last)]
    if "origin" not in frame.columns or frame.empty:
        return []
    chosen = (frame["origin"] == "relist") & (frame["monotonic_ns"] >= gap.until)
    if gap.kind:
        chosen &= (frame["kind"] if "kind" in frame.columns else "Pod") == gap.kind
    if last is not None:
        chosen &= frame["monotonic_ns"] <= last
    return [int(each) for each in frame.loc[chosen, "monotonic_ns"]]


def without(begin: int, end: int, gaps: Sequence[Gap]) -> Iterator[tuple[int, int]]:
    """Cut gaps out of a time; yield the pieces that are left."""
    for gap in gaps:
        if gap.until <= begin or gap.after >= end:
            continue
        if gap.after > begin:
            yield begin, gap.after
        begin = max(begin, gap.until)
    if end > begin:
        yield begin, end

"""Checks: what a verb says of a frame, and whether a gap of the recording could turn it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib.errors import KitlibError, UsageError

Mask = str | Callable[[pd.DataFrame], Any]
"""What selects rows: a `DataFrame.eval` expression, or a function of the frame that gives a boolean Series."""


@dataclass(frozen=True)
class Check:
    """What a verb found.

    Parameters
    ----------
    holds : bool or None
        None if it can't be told.
    why : str
        In words, with the numbers.
    evidence : DataFrame
        The rows that decide it.
    span : tuple of int, optional
        (begin, end) on the monotonic clock that was looked at, ns.
    fragile : bool
        Whether a row that was not recorded could turn the answer.
    gaps : list of dict
        The gaps of the frames that were looked at.
    absent : bool
        Whether there was nothing to look at, because this machine can't have that cluster.
    """

    holds: bool | None
    why: str
    evidence: pd.DataFrame
    span: tuple[int, int] | None = None
    fragile: bool = True
    gaps: Sequence[dict[str, Any]] = ()
    absent: bool = False

    def __and__(self, other: Check) -> Check:
        """Both must hold."""
        failed = next((check for check in (self, other) if check.holds is False), None)
        holds = False if failed else (None if None in (self.holds, other.holds) else True)
        spans = [check.span for check in (self, other) if check.span]
        return Check(
            holds,
            failed.why if failed else f"{self.why}; {other.why}",
            failed.evidence if failed else pd.concat([self.evidence, other.evidence], ignore_index=True),
            (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None,
            failed.fragile if failed else self.fragile or other.fragile,
            [*self.gaps, *other.gaps],
            self.absent or other.absent,
        )


def _select(frame: pd.DataFrame, mask: Mask) -> pd.Series:
    try:
        found = frame.eval(mask) if isinstance(mask, str) else mask(frame)
    except Exception as error:
        raise UsageError(
            f"can't evaluate {mask!r}: {error}",
            step="claim",
            next="its columns are: " + ", ".join(map(str, frame.columns)),
        ) from error
    return pd.Series(found, index=frame.index).fillna(False).astype(bool)


def _span(*frames: pd.DataFrame) -> tuple[int, int] | None:
    bounds = [frame.attrs["window"] for frame in frames if "window" in frame.attrs]
    bounds += [
        (int(frame["monotonic_ns"].min()), int(frame["monotonic_ns"].max()))
        for frame in frames
        if "window" not in frame.attrs and "monotonic_ns" in frame and len(frame)
    ]
    return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None


def _about(*frames: pd.DataFrame) -> dict[str, Any]:
    return {"span": _span(*frames), "gaps": [gap for frame in frames for gap in frame.attrs.get("gaps", ())]}


def _words(mask: Mask, description: str | None) -> str:
    return description or (mask if isinstance(mask, str) else "the condition")


def never(frame: pd.DataFrame, mask: Mask, description: str | None = None) -> Check:
    """Check that no row satisfies the condition; a frame without rows can't tell.

    Parameters
    ----------
    frame : DataFrame
        Any frame.
    mask : str or callable
        A `DataFrame.eval` expression, or a function of the frame that gives a boolean Series.
    description : str, optional
        The condition in words.
    """
    found = frame[_select(frame, mask)]
    words = _words(mask, description)
    if len(found):
        return Check(False, f"{len(found)} of {len(frame)} rows: {words}", found, fragile=False, **_about(frame))
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    return Check(True, f"none of {len(frame)} rows: {words}", frame, **_about(frame))


def always(frame: pd.DataFrame, mask: Mask, description: str | None = None) -> Check:
    """Check that every row satisfies the condition; a frame without rows can't tell. Parameters as of `never`."""
    hits = _select(frame, mask)
    words = _words(mask, description)
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    if hits.all():
        return Check(True, f"all {len(frame)} rows: {words}", frame, **_about(frame))
    found = frame[~hits]
    return Check(False, f"{len(found)} of {len(frame)} rows not: {words}", found, fragile=False, **_about(frame))


def eventually(frame: pd.DataFrame, mask: Mask, description: str | None = None) -> Check:
    """Check that at least one row satisfies the condition. Parameters as of `never`."""
    found = frame[_select(frame, mask)]
    words = _words(mask, description)
    if len(found):
        return Check(True, f"{len(found)} of {len(frame)} rows: {words}", found, fragile=False, **_about(frame))
    return Check(False, f"none of {len(frame)} rows: {words}", frame.tail(5), **_about(frame))


def at_most(frame: pd.DataFrame, column: str, limit: int | str) -> Check:
    """Check that a column is never above the limit, which is a number or another column."""
    return _bounded(frame, column, limit, above=True)


def at_least(frame: pd.DataFrame, column: str, limit: int | str) -> Check:
    """Check that a column is never below the limit, which is a number or another column."""
    return _bounded(frame, column, limit, above=False)


def _bounded(frame: pd.DataFrame, column: str, limit: int | str, above: bool) -> Check:
    if column not in frame or (isinstance(limit, str) and limit not in frame):
        raise UsageError(
            f"no column {column if column not in frame else limit!r}",
            step="claim",
            next="its columns are: " + ", ".join(map(str, frame.columns)),
        )
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    bound = frame[limit] if isinstance(limit, str) else pd.Series(limit, index=frame.index)
    slack = (bound - frame[column]) if above else (frame[column] - bound)
    tightest = frame.loc[[slack.idxmin()]]
    low, high = frame[column].min(), frame[column].max()
    name = f"{limit} ({', '.join(map(str, sorted(set(bound))))})" if isinstance(limit, str) else str(limit)
    relation = "above" if above else "below"
    if (slack < 0).any():
        found = frame[slack < 0]
        return Check(
            False, f"{column} is {relation} {name} in {len(found)} of {len(frame)} rows", found, None, False,
            frame.attrs.get("gaps", ()),
        )  # fmt: skip
    why = f"{column} is {low}…{high}, never {relation} {name}, in {len(frame)} rows"
    return Check(True, why, tightest, **_about(frame))


def happens_before(first: pd.DataFrame, then: pd.DataFrame, by: str = "resourceVersion") -> Check:
    """Check that the last row of `first` comes before the first row of `then`, in the server's order.

    Parameters
    ----------
    first, then : DataFrame
        Rows, already selected. Both must have some.
    by : str
        The column that orders them; a tie is not an order.
    """
    about = _about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **about)
    last, begin = first.sort_values(by).iloc[[-1]], then.sort_values(by).iloc[[0]]
    holds = bool(last[by].iloc[0] < begin[by].iloc[0])
    why = f"{by} {last[by].iloc[0]} {'<' if holds else 'is not before'} {begin[by].iloc[0]}"
    return Check(holds, why, pd.concat([last, begin], ignore_index=True), **about)


def within(seconds: float, first: pd.DataFrame, then: pd.DataFrame) -> Check:
    """Check that the first row of `then` is received at most so many seconds after the first row of `first`."""
    about = _about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **about)
    start, end = first.iloc[[0]], then.iloc[[0]]
    took = (int(end["monotonic_ns"].iloc[0]) - int(start["monotonic_ns"].iloc[0])) / 1e9
    evidence = pd.concat([start, end], ignore_index=True)
    return Check(0 <= took <= seconds, f"{took:.2f} s, of {seconds:g} s", evidence, **about)


def equal(found: Any, wanted: Any, evidence: pd.DataFrame | None = None, what: str = "found") -> Check:
    """Check that two values are the same; the rows they were taken from are the evidence.

    Parameters
    ----------
    found, wanted : object
        What is compared.
    evidence : DataFrame, optional
        Where `found` comes from.
    what : str
        The name of what was found.
    """
    frame = pd.DataFrame({what: [str(found)], "wanted": [str(wanted)]}) if evidence is None else evidence
    holds = bool(found == wanted)
    why = f"{what} {found}" if holds else f"{what} {found}, not {wanted}"
    return Check(holds, why, frame, **_about(frame))


def unknown(why: str) -> Check:
    """Say that this cluster, or this recording, can't tell, and why."""
    return Check(None, why, pd.DataFrame())


def each(labs: Mapping[str, Any], check: Callable[[Any], Check]) -> dict[str, Check]:
    """Make one check on clusters of several versions, for a claim that compares them.

    Parameters
    ----------
    labs : mapping
        Version to lab, as `kitlib.labs` returns it. Where this machine can't have a version, the error that says why
        stands in the lab's place: that version's verdict is then "unknown", for that reason, and expected to be.
    check : callable
        Does what is to be done on a lab, and returns a check of what came of it.

    Returns
    -------
    dict
        Version to check; `claim` takes it where it takes a check.
    """
    return {
        version: Check(None, lab.message, pd.DataFrame(), absent=True) if isinstance(lab, KitlibError) else check(lab)
        for version, lab in labs.items()
    }


def judge(check: Check) -> tuple[str, str]:
    """Return the verdict of a check and why: a gap that could hide a counterexample makes it unknown."""
    if check.holds is None:
        return "unknown", check.why
    if check.fragile:
        for gap in check.gaps:
            if check.span is None or (gap["until_ns"] >= check.span[0] and gap["after_ns"] <= check.span[1]):
                return "unknown", f"the recording has a gap of {gap['kind']} here ({gap['reason']})"
    return ("holds" if check.holds else "fails"), check.why


__all__ = [
    "Check",
    "Mask",
    "always",
    "at_least",
    "at_most",
    "each",
    "equal",
    "eventually",
    "happens_before",
    "judge",
    "never",
    "unknown",
    "within",
]

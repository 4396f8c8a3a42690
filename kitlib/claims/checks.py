"""Checks: what a verb says of a frame, and whether a gap of the recording could turn it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from kitlib.claims.looking import RECEIVED, Mask, about, as_unit, asks, is_numeric, late_ns, meets, same, select, stands
from kitlib.claims.words import condition, rows, value
from kitlib.errors import KitlibError, NotKept, UsageError


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
        Whether there was nothing to look at, because this machine can't have that cluster, or a recording that it
        stands for doesn't have it.
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
        if failed:
            return replace(failed, absent=self.absent or other.absent)
        spans = [check.span for check in (self, other) if check.span]
        return Check(
            None if None in (self.holds, other.holds) else True,
            f"{self.why}; {other.why}",
            pd.concat([self.evidence, other.evidence], ignore_index=True),
            (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None,
            self.fragile or other.fragile,
            [gap for check in (self, other) if check.fragile for gap in check.gaps],
            self.absent or other.absent,
        )


def _words(mask: Mask, description: str | None) -> str:
    return description or (condition(mask) if isinstance(mask, str) else "the condition")


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
    hits = select(frame, mask)
    looked = asks(frame, mask, hits)
    known = about(*looked)
    found = frame[hits.fillna(False).astype(bool)]
    words = _words(mask, description)
    if len(found):
        fragile = len(looked) > 1 or not stands(frame, found, mask)
        return Check(False, f"{len(found)} of {rows(len(frame))}: {words}", found, fragile=fragile, **known)
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **known)
    if hits.isna().any():
        return _untold(frame, hits.isna(), words, known)
    return Check(True, f"none of {rows(len(frame))}: {words}", frame, **known)


def _untold(frame: pd.DataFrame, which: pd.Series, words: str, known: Mapping[str, Any]) -> Check:
    some = frame[which.astype(bool)]
    return Check(None, f"{len(some)} of {rows(len(frame))} can't tell (NA): {words}", some, **known)


def always(frame: pd.DataFrame, mask: Mask, description: str | None = None) -> Check:
    """Check that every row satisfies the condition; a frame without rows can't tell. Parameters as of `never`."""
    hits = select(frame, mask)
    looked = asks(frame, mask, hits)
    known = about(*looked)
    words = _words(mask, description)
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **known)
    found = frame[(~hits).fillna(False).astype(bool)]
    if len(found):
        fragile = len(looked) > 1 or not stands(frame, found, lambda rows: ~select(rows, mask))
        return Check(False, f"{len(found)} of {rows(len(frame))} not: {words}", found, fragile=fragile, **known)
    if hits.isna().any():
        return _untold(frame, hits.isna(), words, known)
    return Check(True, f"{'the only row' if len(frame) == 1 else f'all {rows(len(frame))}'}: {words}", frame, **known)


def eventually(frame: pd.DataFrame, mask: Mask, description: str | None = None) -> Check:
    """Check that at least one row satisfies the condition. Parameters as of `never`."""
    hits = select(frame, mask)
    looked = asks(frame, mask, hits)
    known = about(*looked)
    found = frame[hits.fillna(False).astype(bool)]
    words = _words(mask, description)
    if len(found):
        fragile = len(looked) > 1 or not stands(frame, found, mask)
        return Check(True, f"{len(found)} of {rows(len(frame))}: {words}", found, fragile=fragile, **known)
    if hits.isna().any():
        return _untold(frame, hits.isna(), words, known)
    return Check(False, f"none of {rows(len(frame))}: {words}", frame.tail(5), **known)


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
        return Check(None, "nothing was recorded", frame, **about(frame))
    wrong = [name for name in (column, limit) if isinstance(name, str) and not is_numeric(frame[name])]
    if wrong:
        raise UsageError(
            f"the column {wrong[0]!r} holds no numbers ({frame[wrong[0]].dtype})",
            step="claim",
            next="name a column of numbers, or use never(…) with a condition",
        )
    bound = frame[limit] if isinstance(limit, str) else pd.Series(limit, index=frame.index)
    slack = pd.Series((bound - frame[column]) if above else (frame[column] - bound), index=frame.index)
    told = slack.dropna()
    low, high = frame[column].min(), frame[column].max()
    name = f"{limit} ({value(sorted(set(bound.dropna())))})" if isinstance(limit, str) else value(limit)
    relation = "above" if above else "below"
    beyond = (slack < 0).fillna(False).astype(bool)
    if beyond.any():
        found = frame[beyond]
        why = f"{column} is {relation} {name} in {len(found)} of {rows(len(frame))}"
        return Check(False, why, found, fragile=not stands(frame, found, None), **about(frame))
    if len(told) < len(frame):
        return _untold(frame, slack.isna(), f"{column} {relation} {name}", about(frame))
    span = value(low) if low == high else f"{value(low)} to {value(high)}"
    why = f"{column} is {span}, never {relation} {name}, in {rows(len(frame))}"
    return Check(True, why, frame.iloc[[int(slack.to_numpy(dtype="float64").argmin())]], **about(frame))


def happens_before(first: pd.DataFrame, then: pd.DataFrame, by: str = "resourceVersion") -> Check:
    """Check that the last row of `first` comes before the first row of `then`, in the server's order.

    Parameters
    ----------
    first, then : DataFrame
        Rows, already selected. Both must have some.
    by : str
        The column that orders them; a tie is not an order.
    """
    known = about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **known)
    last, begin = first.sort_values(by).iloc[[-1]], then.sort_values(by).iloc[[0]]
    if pd.isna(first[by]).any() or pd.isna(then[by]).any():
        return Check(None, f"{by} isn't known of all rows", pd.concat([last, begin], ignore_index=True), **known)
    holds = bool(last[by].iloc[0] < begin[by].iloc[0])
    late = late_ns(begin) + late_ns(last)
    if by in RECEIVED and late and (holds and begin[by].iloc[0] - last[by].iloc[0] <= as_unit(by, late_ns(begin))):
        why = f"it came {late_ns(begin) / 1e9:.1f} s late, or less: which was first can't be told"
        return Check(None, why, pd.concat([last, begin], ignore_index=True), **known)
    if by in RECEIVED and late and (not holds and last[by].iloc[0] - begin[by].iloc[0] <= as_unit(by, late_ns(last))):
        why = f"it came {late_ns(last) / 1e9:.1f} s late, or less: which was first can't be told"
        return Check(None, why, pd.concat([last, begin], ignore_index=True), **known)
    why = _order(by, last[by].iloc[0], begin[by].iloc[0])
    return Check(holds, why, pd.concat([last, begin], ignore_index=True), **known)


def _order(by: str, last: Any, begin: Any) -> str:
    """Say in which order two rows came, and by what."""
    if by == "monotonic_ns":
        return f"{abs(int(begin) - int(last)) / 1e9:.3g} s {'earlier' if last < begin else 'later, not earlier'}"
    return f"{by} {last} is {'before' if last < begin else 'not before'} {begin}"


def within(seconds: float, first: pd.DataFrame, then: pd.DataFrame) -> Check:
    """Check that the first row of `then` is received at most so many seconds after the first row of `first`."""
    known = about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **known)
    start, end = first.iloc[[0]], then.iloc[[0]]
    took = (int(end["monotonic_ns"].iloc[0]) - int(start["monotonic_ns"].iloc[0])) / 1e9
    evidence = pd.concat([start, end], ignore_index=True)
    least, most = took - late_ns(end) / 1e9, took + late_ns(start) / 1e9
    if least < most and not (least >= 0 and most <= seconds) and not (most < 0 or least > seconds):
        why = f"{max(least, 0):.2f} to {most:.2f} s, of {seconds:g} s: a row came late"
        return Check(None, why, evidence, **known)
    return Check(0 <= took <= seconds, f"{took:.2f} s, of {seconds:g} s", evidence, **known)


def equal(
    found: Any,
    wanted: Any,
    evidence: pd.DataFrame | None = None,
    what: str = "found",
    frames: pd.DataFrame | Sequence[pd.DataFrame] = (),
    direct: bool = False,
) -> Check:
    """Check that two values are the same; the rows they were taken from are the evidence.

    A value doesn't say which frames it was computed from. Evidence that was selected from a frame does. Else, if any
    frame with a gap was handed out in this run, the answer is unknown: say `frames`, or `direct`.

    Parameters
    ----------
    found, wanted : object
        What is compared.
    evidence : DataFrame, optional
        Where `found` comes from.
    what : str
        The name of what was found.
    frames : DataFrame or sequence of DataFrame
        Frames that `found` was computed from, where the evidence isn't of them: their gaps decide, and no others.
    direct : bool
        Whether `found` is a direct answer of the server, a refusal or what a GET returned: then no gap concerns it.
    """
    frame = pd.DataFrame({what: [value(found)], "wanted": [value(wanted)]}) if evidence is None else evidence
    given: list[pd.DataFrame | None] = [frames] if isinstance(frames, pd.DataFrame) else list(frames)
    known = {} if direct else about(*(given or [evidence]))
    holds = same(found, wanted)
    if holds is None:
        return Check(None, f"{what} isn't known (NA)", frame, **known)
    why = f"{what}: {value(found)}" if holds else f"{what}: {value(found)}, not {value(wanted)}"
    return Check(holds, why, frame, **known)


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
    return {version: _on(lab, check) for version, lab in labs.items()}


def _on(lab: Any, check: Callable[[Any], Check]) -> Check:
    if isinstance(lab, KitlibError):
        return not_asked(lab.message)
    try:
        return check(lab)
    except NotKept as error:
        return not_asked(f"not in the recording: {error.why}")


def not_asked(why: str) -> Check:
    """Return the check of a claim that can't be tested here, whatever it would come to: unknown, and expected to be."""
    return Check(None, why, pd.DataFrame(), absent=True)


def judge(check: Check) -> tuple[str, str]:
    """Return the verdict of a check and why: a gap that could hide a counterexample makes it unknown."""
    if check.holds is None:
        return "unknown", check.why
    if check.fragile:
        for gap in check.gaps:
            if gap.get("said"):
                return "unknown", gap["said"]
            if gap.get("lost"):
                return "unknown", (
                    f"which frames this was made from can't be told, and `{gap['frame']}` has a gap of {gap['kind']}"
                    f" ({gap['reason']})"
                )
            if meets(gap, check.span):
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
    "not_asked",
    "unknown",
    "within",
]

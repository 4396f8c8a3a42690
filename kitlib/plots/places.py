"""The ordinals, daemons and jobs figures: a lane for each place that Pods or Jobs take one after the other.

An ordinal of a StatefulSet, a node of a DaemonSet, a Job of a CronJob: who has it, and when it changes hands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.lane import Group, LaneFigure, Sheet, fit_lane_name, show
from kitlib.plots.style import PALETTE, SMALL, TONES, Tone, amount, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.answer import find
from kitlib.rollout.statefulset import ordinal
from kitlib.rollout.window import need

ROW, LEAST, ALL = 0.2, 0.075, 5.0
"""Inches: of a lane, the least that one takes when there are many, and that all of them take together then."""
NAMED = 0.11
"""Inches of a lane from which on each one is named; of lower ones so many are left out that a name has room."""

NEEDS_PODS = (*("monotonic_ns", "resourceVersion", "name", "uid", "state", "nodeName", "owner.uid"),
              "controller-revision-hash")  # fmt: skip
NEEDS_JOBS = (*("monotonic_ns", "type", "namespace", "name", "uid", "owner.name", "owner.uid", "suspend", "finished"),)

JOBS = {
    "Active": Tone("active", 0.78, 1.0),
    "Suspended": Tone("suspended", 0.44, 0.0, edge=0.9),
    "Complete": Tone("complete", 0.3, 0.32),
    "Failed": Tone("failed", 0.3, 0.0, "xxxxx", 0.9),
}
"""How each state of a Job looks."""


@dataclass
class Lane:
    """A place, and who has it when.

    Parameters
    ----------
    name : str
        Of the place.
    spans : list of (str, str, int, int, int)
        State, colour, begin and end in monotonic ns, and which part of the lane's height it takes, from 0.
    words : list of str
        The same in words.
    ends : list of int
        Up to when each part of its height is taken: two that have the place at once are drawn one below the other.
    """

    name: str
    spans: list[tuple[str, str, int, int, int]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, spans: list[tuple[str, str, int, int]], words: str) -> None:
        """Add who has it for a time, by the states that one goes through."""
        part = next((number for number, end in enumerate(self.ends) if end <= spans[0][2]), len(self.ends))
        self.ends[part : part + 1] = [spans[-1][3]]
        self.spans += [(*each, part) for each in spans]
        self.words.append(words)


def ordinals(
    pods: pd.DataFrame,
    statefulsets: pd.DataFrame,
    name: str | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a StatefulSet: a lane for each ordinal, the colour of each Pod's revision, its state by height and pattern.

    Parameters
    ----------
    pods, statefulsets : DataFrame
        The frames of those names.
    name : str, optional
        `db` or `shop/db`; may be left out if there is one only.
    zero : int or str, optional
        Time zero: monotonic ns or a step's name. Default is the start of the last step.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, there is no such StatefulSet or more than one is meant, or the step isn't there.
    """
    clock = Clock.of([pods, statefulsets], zero, "ordinals")
    return show(_of_pods(pods, statefulsets, "StatefulSet", name, clock), clock, ax)


def ordinals_text(
    pods: pd.DataFrame, statefulsets: pd.DataFrame, name: str | None = None, zero: int | str | None = None
) -> str:
    """Say in words what `ordinals` draws: a line for each ordinal, with its Pods one after the other.

    Parameters
    ----------
    pods, statefulsets, name, zero
        As for `ordinals`.
    """
    clock = Clock.of([pods, statefulsets], zero, "ordinals")
    return "\n".join(_of_pods(pods, statefulsets, "StatefulSet", name, clock).text)


def daemons(
    pods: pd.DataFrame,
    daemonsets: pd.DataFrame,
    name: str | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a DaemonSet: a lane for each node, the colour of each Pod's revision, its state by height and pattern.

    Parameters
    ----------
    pods, daemonsets : DataFrame
        The frames of those names.
    name : str, optional
        `agent` or `shop/agent`; may be left out if there is one only.
    zero : int or str, optional
        Time zero, as for `ordinals`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, there is no such DaemonSet or more than one is meant, or the step isn't there.
    """
    clock = Clock.of([pods, daemonsets], zero, "daemons")
    return show(_of_pods(pods, daemonsets, "DaemonSet", name, clock), clock, ax)


def daemons_text(
    pods: pd.DataFrame, daemonsets: pd.DataFrame, name: str | None = None, zero: int | str | None = None
) -> str:
    """Say in words what `daemons` draws: a line for each node, with its Pods one after the other.

    Parameters
    ----------
    pods, daemonsets, name, zero
        As for `daemons`.
    """
    clock = Clock.of([pods, daemonsets], zero, "daemons")
    return "\n".join(_of_pods(pods, daemonsets, "DaemonSet", name, clock).text)


def jobs(frame: pd.DataFrame, zero: int | str | None = None, ax: Axes | None = None) -> Axes:
    """Draw Jobs as a Gantt chart: a lane for each Job, those of one CronJob together.

    Parameters
    ----------
    frame : DataFrame
        The frame `jobs`, or the rows of it that are meant.
    zero : int or str, optional
        Time zero, as for `ordinals`.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or the step isn't there.
    """
    clock = Clock.of([need(frame, NEEDS_JOBS, "jobs", "jobs")], zero, "jobs")
    return show(_of_jobs(frame, clock), clock, ax)


def jobs_text(frame: pd.DataFrame, zero: int | str | None = None) -> str:
    """Say in words what `jobs` draws: a line for each Job.

    Parameters
    ----------
    frame, zero
        As for `jobs`.
    """
    clock = Clock.of([need(frame, NEEDS_JOBS, "jobs", "jobs")], zero, "jobs")
    return "\n".join(_of_jobs(frame, clock).text)


def _of_pods(pods: pd.DataFrame, frame: pd.DataFrame, kind: str, name: str | None, clock: Clock) -> LaneFigure:
    need(pods, NEEDS_PODS, "pods", "plots")
    need(frame, ("namespace", "name", "uid", "type", "resourceVersion"), f"{kind.lower()}s", "plots")
    meant = find(frame, kind, name)
    own = pods[pods["owner.uid"] == meant.uid].sort_values(["monotonic_ns", "resourceVersion"], kind="stable")
    revisions = list(dict.fromkeys(own["controller-revision-hash"]))
    lanes: dict[Any, Lane] = {}
    for _, rows in own.groupby("uid", sort=False):
        where = rows.loc[rows["nodeName"] != "", "nodeName"]
        pod = str(rows["name"].iloc[0])
        key = ordinal(pod) if kind == "StatefulSet" else str(where.iloc[0]) if len(where) else "no node yet"
        label = f"ordinal {key}" if kind == "StatefulSet" else str(key)
        number = revisions.index(rows["controller-revision-hash"].iloc[0])
        spans = [(state, at) for state, at in zip(rows["state"].astype(str), rows["monotonic_ns"], strict=True)]
        told = _spans(spans, ("Gone",), PALETTE[number % len(PALETTE)], clock)
        if told:
            lane = lanes.setdefault(key, Lane(label))
            lane.add(told, f"{plain(pod, 60)} (revision {number + 1}): {_said(told, TONES, clock)}")
    there = [lanes[key] for key in sorted(lanes)]
    place = "ordinal" if kind == "StatefulSet" else "node"
    head = f"{kind.lower()}/{plain(meant.name, 60)} · {amount(len(there), place)}, {amount(len(revisions), 'revision')}"
    return _figure("Pod", [(head, there)], TONES, ("Pod", kind), clock)


def _of_jobs(frame: pd.DataFrame, clock: Clock) -> LaneFigure:
    groups: dict[tuple[str, str], list[Lane]] = {}
    heads: dict[tuple[str, str], str] = {}
    ordered = frame.sort_values("monotonic_ns", kind="stable")
    for _, rows in ordered.groupby("uid", sort=False):
        first = rows.iloc[0]
        key = (str(first["namespace"]), str(first["owner.uid"]))
        states = ["Suspended" if each else "Active" for each in rows["suspend"]]
        states = [end or state for end, state in zip(rows["finished"], states, strict=True)]
        states = ["Gone" if each == "DELETED" else state for each, state in zip(rows["type"], states, strict=True)]
        number = list(groups).index(key) if key in groups else len(groups)
        told = _spans(zip(states, rows["monotonic_ns"], strict=True), ("Gone",), PALETTE[number % len(PALETTE)], clock)
        if told:
            owner = plain(first["owner.name"], 60)
            heads[key] = f"cronjob/{owner}" if owner else "Jobs without a CronJob"
            lane = Lane(str(first["name"]))
            lane.add(told, _said(told, JOBS, clock))
            groups.setdefault(key, []).append(lane)
    made = [(f"{heads[key]} · {amount(len(lanes), 'Job')}", lanes) for key, lanes in groups.items()]
    return _figure("Job", made, JOBS, ("Job",), clock)


def _spans(
    states: Iterable[tuple[str, int]], over: Sequence[str], colour: str, clock: Clock
) -> list[tuple[str, str, int, int]]:
    """Return how long each state lasted; the last one up to the end of what was recorded."""
    found: list[tuple[str, str, int, int]] = []
    for state, now in states:
        at = int(now) if now > clock.begin else min(int(now), clock.left)
        if found:
            last, _, begin, _ = found.pop()
            found.append((last, colour, begin, max(at, begin)))
        if state in over:
            break
        if not found or found[-1][0] != state:
            found.append((str(state), colour, at, at))
    else:
        if found:
            last, _, begin, _ = found.pop()
            found.append((last, colour, begin, max(clock.end, begin)))
    return [each for each in found if each[3] > clock.begin]


def _said(spans: list[tuple[str, str, int, int]], tones: dict[str, Tone], clock: Clock) -> str:
    parts = [
        f"{tones[state].label} from the beginning"
        if begin <= clock.begin
        else f"{tones[state].label} {clock.at(begin)}"
        for state, _, begin, _ in spans
    ]
    end = spans[-1][3]
    return ", ".join(parts) + (f", gone {clock.at(end)}" if end < clock.end else "")


def _figure(
    what: str, made: list[tuple[str, list[Lane]]], tones: dict[str, Tone], kinds: tuple[str, ...], clock: Clock
) -> LaneFigure:
    count = sum(len(lanes) for _, lanes in made)
    row = max(min(ROW, ALL / max(count, 1)), LEAST)
    every = 1 if row >= NAMED else round(NAMED / row + 0.5)
    shown = {id(lane) for _, lanes in made for lane in lanes[::every]}

    def draw(sheet: Sheet, lane: Lane, top: float, tall: float) -> None:
        each = tall / max(len(lane.ends), 1)
        for state, colour, begin, end, part in lane.spans:
            middle, high = top + each * (part + 0.5), each * tones[state].height
            sheet.bar(state, colour, begin, end, middle - high / 2, middle + high / 2)
        if id(lane) in shown:
            size = min(SMALL - 0.5, max(tall * every * 72 * 0.85, 6.5))
            fit_lane_name(sheet.ax, lane.name, top + tall / 2, size=size, least=6.5)

    text = [head + "." for head, _ in made[:1]] if count else [f"Nothing recorded: no {what} in this time."]
    text += clock.in_words() if count else []
    for number, (head, lanes) in enumerate(made if count else []):
        text += [head + "."] if number else []
        text += [f"  {plain(lane.name, 60)}: {'; '.join(lane.words)}." for lane in lanes]
    return LaneFigure(what, [Group(lanes, head) for head, lanes in made if lanes], row, draw, text, kinds, tones)


__all__ = ["daemons", "daemons_text", "jobs", "jobs_text", "ordinals", "ordinals_text"]

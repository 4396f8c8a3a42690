"""The machines figure: the life of each machine of a workload cluster, as its conditions tell it, and who may act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.lane import Group, LaneFigure, Sheet, fit_lane_name, show
from kitlib.plots.style import PALETTE, Tone, amount, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = (
    *("monotonic_ns", "type", "name", "uid", "controlPlane", "owner.kind", "owner.name"),
    *("phase", "nodeReady", "healthy", "deletionTimestamp"),
)
CHECKS = ("monotonic_ns", "type", "name", "uid", "allowed")
ROW = 0.2
"""Inches of a lane."""
COLOURS = (PALETTE[0], PALETTE[1], PALETTE[3])
"""Of machines that run a control plane, of workers, and of health checks: they stand in this order."""
TONES = {
    "Starting": Tone("starting", 0.16, 1.0),
    "Running": Tone("Ready", 0.78, 1.0),
    "Failing": Tone("not Ready", 0.78, 0.32, edge=0.9),
    "Unhealthy": Tone("unhealthy", 0.78, 0.0, "xxxxx", 0.9),
    "Deleting": Tone("deleting", 0.78, 0.0, "/////", 0.6),
    "Allowed": Tone("may replace", 0.44, 0.5),
    "Blocked": Tone("may not", 0.44, 0.0, ".....", 0.9),
}
"""How each state of a machine, and of a health check, looks."""


@dataclass
class Lane:
    """One machine, or one health check.

    Parameters
    ----------
    name, owner : str
    place : int
        Of its colour in `COLOURS`.
    spans : list of (str, int, int)
        State, begin and end in monotonic ns, in order.
    gone : int or None
        When it was deleted.
    """

    name: str
    owner: str
    place: int
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    gone: int | None = None

    def now(self, state: str, at: int) -> None:
        """Begin another state, or go on with the same."""
        if self.spans:
            self.spans[-1] = (*self.spans[-1][:2], at)
        if state and (not self.spans or self.spans[-1][0] != state):
            self.spans.append((state, at, at))


def machines(
    frame: pd.DataFrame, checks: pd.DataFrame | None = None, zero: int | str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the life of each machine: starting, its Node Ready or not, judged unhealthy, marked for deletion.

    Parameters
    ----------
    frame : DataFrame
        What `kitlib.frames.machines` returned.
    checks : DataFrame, optional
        What `kitlib.frames.machinehealthchecks` returned of the same window; with it, when each of them might have
        machines replaced.
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
        If a column is missing, or the step isn't there.
    """
    groups, clock = _read(frame, checks, zero)
    rows = [Group(lanes, head) for head, lanes in groups.items()]
    kinds = ("Machine",) if checks is None else ("Machine", "MachineHealthCheck")
    return show(LaneFigure("machine", rows, ROW, _draw, _tell(groups, clock), kinds, TONES), clock, ax)


def machines_text(frame: pd.DataFrame, checks: pd.DataFrame | None = None, zero: int | str | None = None) -> str:
    """Say in words what `machines` draws: a line for each machine, and for each health check.

    Parameters
    ----------
    frame, checks, zero
        As for `machines`.

    Returns
    -------
    str
        What each machine's conditions said from when on, and when remediation was allowed.
    """
    return "\n".join(_tell(*_read(frame, checks, zero)))


def _read(
    frame: pd.DataFrame, checks: pd.DataFrame | None, zero: int | str | None
) -> tuple[dict[str, list[Lane]], Clock]:
    need(frame, NEEDS, "machines", "machines")
    if checks is not None:
        need(checks, CHECKS, "machinehealthchecks", "machines")
    clock = Clock.of([frame, *([] if checks is None else [checks])], zero, "machines")
    lanes: dict[str, Lane] = {}
    for row in frame.sort_values("monotonic_ns", kind="stable").to_dict("records"):
        of_plane = bool(row["controlPlane"])
        owner = f"{'control plane' if of_plane else 'workers'} · {row['owner.kind']} {plain(row['owner.name'], 40)}"
        lane = lanes.setdefault(row["uid"], Lane(str(row["name"]), owner, 0 if of_plane else 1))
        _follow(lane, _state(row), row, clock)
    for row in () if checks is None else checks.sort_values("monotonic_ns", kind="stable").to_dict("records"):
        state = {"True": "Allowed", "False": "Blocked"}.get(str(row["allowed"]), "")
        lane = lanes.setdefault(row["uid"], Lane(str(row["name"]), "MachineHealthChecks", 2))
        _follow(lane, state, row, clock)
    groups: dict[str, list[Lane]] = {}
    for lane in sorted(lanes.values(), key=lambda lane: (lane.place, lane.spans[0][1] if lane.spans else 0)):
        if lane.gone is None and lane.spans:
            lane.spans[-1] = (*lane.spans[-1][:2], clock.end)
        if lane.spans and lane.spans[-1][2] > clock.begin:
            groups.setdefault(lane.owner, []).append(lane)
    return groups, clock


def _follow(lane: Lane, state: str, row: Mapping[Any, Any], clock: Clock) -> None:
    at = int(row["monotonic_ns"])
    at = at if at > clock.begin else min(at, clock.left)
    if row["type"] == "DELETED":
        lane.now("", at)
        lane.gone = at
    elif lane.gone is None:
        lane.now(state, at)


def _state(row: Mapping[Any, Any]) -> str:
    """Return what a version of a machine says of it; what weighs most counts."""
    if not pd.isna(row["deletionTimestamp"]):
        return "Deleting"
    if row["healthy"] == "False":
        return "Unhealthy"
    if row["nodeReady"] == "True":
        return "Running"
    return "Failing" if row["nodeReady"] == "False" else "Starting"


def _draw(sheet: Sheet, lane: Lane, top: float, row: float) -> None:
    for state, begin, end in lane.spans:
        tall = row * TONES[state].height
        sheet.bar(state, COLOURS[lane.place], begin, end, top + (row - tall) / 2, top + (row + tall) / 2)
    fit_lane_name(sheet.ax, lane.name, top + row / 2)


def _tell(groups: dict[str, list[Lane]], clock: Clock) -> list[str]:
    lives = [lane for lanes in groups.values() for lane in lanes]
    machines = [lane for lane in lives if lane.place < 2]
    if not machines:
        return ["Nothing recorded: no machine in this time."]
    gone = sum(lane.gone is not None for lane in machines)
    lines = [f"{amount(len(machines), 'machine')}, of which {gone} went.", *clock.in_words()]
    for head, lanes in groups.items():
        lines.append(f"{head}:")
        lines += [f"  {plain(lane.name, 60)}: {_life(lane, clock)}." for lane in lanes]
    return lines


def _life(lane: Lane, clock: Clock) -> str:
    parts = []
    for state, begin, end in lane.spans:
        if end > clock.begin or end == begin:
            since = "from the beginning" if begin <= clock.begin else f"at {clock.at(begin)}"
            parts.append(f"{TONES[state].label} {since}")
    return ", ".join([*parts, *([f"gone at {clock.at(lane.gone)}"] if lane.gone is not None else [])])


__all__ = ["machines", "machines_text"]

"""The containers figure: the runs of each container, one lane a container, under the Pod that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.canvas import pixels, size_of
from kitlib.plots.lane import Group, LaneFigure, Sheet, fit_lane_name, over, show
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = (
    "monotonic_ns",
    "name",
    "uid",
    "container",
    "role",
    "state",
    "reason",
    "ready",
    "restartCount",
    "exitCode",
    "containerID",
)
ROW, BAR = 0.31, 0.18
"""Inches: of a container's lane, and of the part of it that its bars take; above them stand words."""

MOST = 40
"""More lanes than this are not drawn; the words tell of all."""

ROLES = {"init": PALETTE[4], "sidecar": PALETTE[3], "main": PALETTE[0], "ephemeral": PALETTE[1]}
"""What a container is for → its colour; its lane's name says it, too."""

TONES = {
    "Waiting": Tone("waiting", 0.16, 1.0),
    "Running": Tone("running, not ready", 0.78, 0.32, edge=0.9),
    "Ready": Tone("running, ready", 0.78, 1.0),
    "Completed": Tone("ended with 0", 0.44, 0.0, edge=0.9),
    "Failed": Tone("ended with an error", 0.78, 0.0, "xxxxx", 0.9),
}


@dataclass
class Run:
    """A time in which a container's state stayed the same.

    Parameters
    ----------
    state : str
        One of `TONES`.
    begin, end : int
        Monotonic ns.
    word : str
        What there is to say: why it waits, or how it ended.
    """

    state: str
    begin: int
    end: int
    word: str = ""


@dataclass
class Lane:
    """One container's life.

    Parameters
    ----------
    name, role : str
        As in the frame.
    runs : list of Run
        In order.
    restarts : list of int
        Monotonic ns at which another restartCount was received: it falls where a node has lost count.
    count : int
        How often it was restarted: the last restartCount, and one for each time that it fell, with what it fell from.
    told, lost : int
        The last restartCount, and how many restarts were counted before it fell.
    id : str
        The last containerID.
    gone : int or None
        When its Pod was deleted.
    """

    name: str
    role: str
    runs: list[Run] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    count: int = 0
    told: int = 0
    lost: int = 0
    id: str = ""
    gone: int | None = None


Pods = dict[str, tuple[str, list[Lane]]]
"""A Pod's uid → its name and its containers."""


def containers(frame: pd.DataFrame, zero: int | str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the runs of each container: waiting, running, ready, ended; with exit codes, reasons and restarts.

    Parameters
    ----------
    frame : DataFrame
        The frame `containers`.
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
    need(frame, NEEDS, "containers", "containers")
    clock = Clock.of([frame], zero, "containers")
    pods = lives(frame, clock)
    groups = [Group(lanes, _heading(name, lanes)) for name, lanes in _shown(pods).values()]
    return show(LaneFigure("container", groups, ROW, _draw, _tell(pods, clock), tones=TONES), clock, ax)


def containers_text(frame: pd.DataFrame, zero: int | str | None = None) -> str:
    """Say in words what `containers` draws: a line for each container.

    Parameters
    ----------
    frame, zero
        As for `containers`.

    Returns
    -------
    str
        When each ran, was ready and ended, and how.
    """
    need(frame, NEEDS, "containers", "containers")
    clock = Clock.of([frame], zero, "containers")
    return "\n".join(_tell(lives(frame, clock), clock))


def lives(frame: pd.DataFrame, clock: Clock) -> Pods:
    """Return what is in the window, in the order in which it came; init containers come first."""
    found: dict[str, tuple[str, dict[str, Lane]]] = {}
    for row in frame[list(NEEDS)].to_dict("records"):
        now = int(row["monotonic_ns"])
        _, mine = found.setdefault(row["uid"], (str(row["name"]), {}))
        lane = mine.setdefault(row["container"], Lane(str(row["container"]), str(row["role"])))
        told = lane.told if row["state"] == "Gone" else int(row["restartCount"])
        again = bool(lane.runs) and told < lane.told and row["containerID"] != lane.id
        if again or (lane.runs and told > lane.told):
            lane.restarts.append(now)
        lane.lost += lane.told + 1 if again else 0
        lane.told, lane.id = told, str(row["containerID"] or lane.id)
        lane.count = lane.lost + lane.told
        if lane.runs:
            lane.runs[-1].end = max(now, lane.runs[-1].begin)
        if row["state"] == "Gone":
            lane.gone = now
            continue
        state, word = _state(row)
        if again and (lane.runs[-1].state, lane.runs[-1].word) == (state, word):
            lane.runs.append(Run(state, now, now, word))
        elif not lane.runs or (lane.runs[-1].state, lane.runs[-1].word) != (state, word):
            lane.runs.append(Run(state, now if now > clock.begin else min(now, clock.left), now, word))
    order = list(ROLES)
    pods: Pods = {}
    for uid, (name, mine) in found.items():
        for lane in mine.values():
            if lane.gone is None:
                lane.runs[-1].end = max(clock.end, lane.runs[-1].begin)
        there = [lane for lane in mine.values() if lane.runs and lane.runs[-1].end > clock.begin]
        if there:
            pods[uid] = name, sorted(there, key=lambda lane: order.index(lane.role) if lane.role in order else 9)
    return pods


def _state(row: dict[Any, Any]) -> tuple[str, str]:
    reason = plain(row["reason"], 40)
    if row["state"] == "Running":
        return ("Ready" if row["ready"] else "Running"), ""
    if row["state"] == "Terminated":
        code = row["exitCode"]
        word = f"exit {code}" + (f", {reason}" if reason not in ("", "Completed", "Error") else "")
        return ("Completed" if code == 0 else "Failed"), word
    return "Waiting", "" if reason in ("ContainerCreating", "PodInitializing") else reason


def _shown(pods: Pods) -> Pods:
    shown: Pods = {}
    room = MOST
    for uid, (name, lanes) in pods.items():
        if room > 0:
            shown[uid] = name, lanes[:room]
            room -= len(lanes)
    return shown


def _draw(sheet: Sheet, lane: Lane, top: float, row: float) -> None:
    bottom, thick = top + row, row * BAR / ROW
    runs(sheet, lane, ROLES.get(lane.role, PALETTE[2]), top, row)
    for x in (float(sheet.clock.x(at)) for at in lane.restarts):
        sheet.ax.plot([x, x], [bottom - thick, bottom], color=INK, linewidth=1.4, zorder=3, gid="restart")
    fit_lane_name(sheet.ax, lane.name, bottom - thick / 2)


def runs(
    sheet: Sheet, lane: Lane, colour: str, top: float, row: float, tones: Mapping[str, Tone] = TONES, cut: bool = True
) -> None:
    """Draw the runs of a container, and say above each what there is to say, where it has room."""
    thick = row * BAR / ROW
    middle = top + row - thick / 2
    for run in lane.runs:
        tall = thick * tones[run.state].height
        sheet.bar(run.state, colour, run.begin, run.end, middle - tall / 2, middle + tall / 2, cut)
        left, right, room = sheet.room(run.begin, run.end)
        words = drawn(run.word, 40)
        if words and size_of(sheet.ax, words, SMALL - 1)[0] + 8 * pixels(sheet.ax) <= room:
            over(sheet.ax, (left + right) / 2, top + (row - thick) / 2, words, ha="center", gid="state")


def _heading(name: str, lanes: list[Lane]) -> str:
    count = sum(lane.count for lane in lanes)
    roles = [f"{lane.name} is {'an init container' if lane.role == 'init' else f'a {lane.role}'}" for lane in lanes]
    told = [text for text, lane in zip(roles, lanes, strict=True) if lane.role in ("init", "sidecar")]
    parts = [plain(name, 40), amount(count, "restart") if count else "no restart"]
    return " · ".join([*parts, *[plain(text, 40) for text in told]])


def _tell(pods: Pods, clock: Clock) -> list[str]:
    if not pods:
        return ["Nothing recorded: no container in this time."]
    lanes = [lane for _, mine in pods.values() for lane in mine]
    count = sum(lane.count for lane in lanes)
    restarts = amount(count, "restart") if count else "no restart"
    lines = [f"{amount(len(lanes), 'container')} of {amount(len(pods))}, {restarts}.", *clock.in_words()]
    if len(lanes) > MOST:
        lines.append(f"The first {MOST} containers are drawn.")
    for name, mine in pods.values():
        lines.append(f"{_heading(name, mine)}.")
        lines += [f"  {plain(lane.name, 60)} ({lane.role}): {told(lane, clock)}." for lane in mine]
    return lines


def told(lane: Lane, clock: Clock) -> str:
    """Return a container's life in words."""
    parts = []
    for run in lane.runs:
        what = f"{TONES[run.state].label} ({run.word})" if run.word else TONES[run.state].label
        parts.append(f"{what} {'from the beginning' if run.begin <= clock.begin else f'at {clock.at(run.begin)}'}")
    if lane.gone is not None:
        parts.append(f"gone at {clock.at(lane.gone)}")
    return ", ".join(parts)

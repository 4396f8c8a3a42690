"""The containers figure: the runs of each container, one lane a container, under the Pod that they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.path import Path

from kitlib.plots.canvas import attach, bare, box_of, pixels, size_of
from kitlib.plots.lanes import HEADER, KEY, add_bars, bar, draw_key, fit_lane_name, lane_axes, name_group
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing
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
        Monotonic ns at which a higher restartCount was received.
    count : int
        The last restartCount.
    gone : int or None
        When its Pod was deleted.
    """

    name: str
    role: str
    runs: list[Run] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    count: int = 0
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
        Time zero: monotonic ns or a step's name. Default is the begin of the last step.
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
    pods = _lives(frame, clock)
    shown = _shown(pods)
    lanes = sum(len(lanes) for _, lanes in shown.values())
    if ax is None:
        height = KEY + HEADER * len(shown) + ROW * lanes if lanes else 0.6
        ax = lane_axes(height, clock)
    attach(ax, "\n".join(_tell(pods, clock)))
    bare(ax)
    draw_axis(ax, clock)
    if lanes:
        _draw(ax, shown, clock)
    else:
        nothing(ax, clock, "container")
    draw_steps(ax, clock)
    return ax


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
    return "\n".join(_tell(_lives(frame, clock), clock))


def _lives(frame: pd.DataFrame, clock: Clock) -> Pods:
    """Return what is in the window, in the order in which it came; init containers come first."""
    found: dict[str, tuple[str, dict[str, Lane]]] = {}
    for row in frame[list(NEEDS)].to_dict("records"):
        now = int(row["monotonic_ns"])
        _, mine = found.setdefault(row["uid"], (str(row["name"]), {}))
        lane = mine.setdefault(row["container"], Lane(str(row["container"]), str(row["role"])))
        if row["restartCount"] > lane.count and lane.runs:
            lane.restarts.append(now)
        lane.count = int(row["restartCount"])
        if lane.runs:
            lane.runs[-1].end = max(now, lane.runs[-1].begin)
        if row["state"] == "Gone":
            lane.gone = now
            continue
        state, word = _state(row)
        if not lane.runs or (lane.runs[-1].state, lane.runs[-1].word) != (state, word):
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


def _draw(ax: Axes, pods: Pods, clock: Clock) -> None:
    box, point = box_of(ax), pixels(ax)
    height = box.height / (72 * point)
    ax.set_ylim(height, 0)
    ax.set_yticks([])
    row = max(height - KEY - HEADER * len(pods), 0.2) / sum(len(lanes) for _, lanes in pods.values())
    thick = row * BAR / ROW
    gaps = clock.gaps_of("Pod")
    shapes: dict[tuple[str, str], list[Path]] = {}
    bands = []
    y = KEY
    for name, lanes in pods.values():
        name_group(ax, drawn(_heading(name, lanes), 110), y + HEADER * 0.56)
        y += HEADER
        top = y
        for lane in lanes:
            middle = y + row - thick / 2
            colour = ROLES.get(lane.role, PALETTE[2])
            for run in lane.runs:
                tall = thick * TONES[run.state].height
                low, high = middle - tall / 2, middle + tall / 2
                for left, right in clock.known(run.begin, run.end, gaps):
                    shapes.setdefault((run.state, colour), []).append(bar(clock, left, right, low, high))
            _words(ax, lane, clock, y + (row - thick) / 2)
            for at in lane.restarts:
                x = float(clock.x(at))
                ax.plot([x, x], [y + row - thick, y + row], color=INK, linewidth=1.4, zorder=3, gid="restart")
            fit_lane_name(ax, lane.name, middle)
            y += row
        bands.append((1 - y / height, 1 - top / height))
    for (state, colour), paths in shapes.items():
        add_bars(ax, paths, colour, state, TONES[state])
    draw_key(ax, {state: tone for state, tone in TONES.items() if any(state == one for one, _ in shapes)})
    draw_zero(ax, clock, bands)
    draw_gaps(ax, clock, bands, "Pod")


def _words(ax: Axes, lane: Lane, clock: Clock, y: float) -> None:
    """Say above each piece of a lane what there is to say, where it has room."""
    box = box_of(ax)
    low, high = ax.get_xlim()
    for run in lane.runs:
        left, right = float(clock.x(max(run.begin, clock.left))), float(clock.x(min(run.end, clock.right)))
        words = drawn(run.word, 40)
        room = (right - left) / (high - low) * box.width
        if not words or size_of(ax, words, SMALL - 1)[0] + 8 * pixels(ax) > room:
            continue
        ax.text(
            (left + right) / 2,
            y,
            words,
            ha="center",
            va="center",
            fontsize=SMALL - 1,
            color=INK,
            zorder=4,
            gid="state",
        )


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
        lines += [f"  {plain(lane.name, 60)} ({lane.role}): {_life(lane, clock)}." for lane in mine]
    return lines


def _life(lane: Lane, clock: Clock) -> str:
    parts = []
    for run in lane.runs:
        what = f"{TONES[run.state].label} ({run.word})" if run.word else TONES[run.state].label
        parts.append(f"{what} {'from the beginning' if run.begin <= clock.begin else f'at {clock.at(run.begin)}'}")
    if lane.gone is not None:
        parts.append(f"gone at {clock.at(lane.gone)}")
    return ", ".join(parts)

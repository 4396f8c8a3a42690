"""The nodes figure: when each node was Ready and renewed its lease, and how a failure went, wait by wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.frames.nodes import failure, heartbeats
from kitlib.plots.canvas import RIGHT, box_of, pixels, size_of, write
from kitlib.plots.lane import HEADER, Group, LaneFigure, Sheet, fit_lane_name, name_group, name_lane, over, show
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = ("observed_at", "monotonic_ns", "origin", "name", "about", "condition", "status", "taints", "stamp")
ROW, BAR, TICK = 0.42, 0.16, 0.08
"""Inches: of a node's lane, of its bar, and of the ticks below it; above it stand its taints."""
STAIR, ABOVE = 0.27, 0.095
"""Inches: that a moment of a failure takes, and from its line up to words that stand above it."""
MARGIN = (RIGHT - 0.15) * 72
"""Points to the right of the axes that words may take."""

TONES = {
    "True": Tone("Ready", 0.9, 1.0),
    "False": Tone("not Ready", 0.9, 0.0, "xxxxx", 0.9),
    "Unknown": Tone("Ready unknown: nothing is heard of it", 0.9, 0.0, "/////", 0.9),
}
"""How each status of the condition Ready looks."""

SETTINGS = {
    "last heartbeat": "a node renews its lease every 10 s",
    "NotReady": "--node-monitor-grace-period, 50 s by default, looked at every 5 s",
    "taint": "the node controller, at once",
    "eviction": "the Pod's tolerationSeconds, 300 by default",
    "replacement": "its controller, at once",
    "replacement Ready": "its containers start",
}
"""What decides how long each moment is waited for."""


@dataclass
class Lane:
    """One node, as far as it was recorded.

    Parameters
    ----------
    name : str
    spans : list of (str, int, int)
        Status of its condition Ready, begin and end in monotonic ns, in order.
    taints : list of (str, int, int)
        The taints that it had, all in one, for each time in which they stayed the same.
    renewals : list of int
        Monotonic ns at which a renewal of its lease was received.
    """

    name: str
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    taints: list[tuple[str, int, int]] = field(default_factory=list)
    renewals: list[int] = field(default_factory=list)


def nodes(
    frame: pd.DataFrame,
    pods: pd.DataFrame | None = None,
    node: str | None = None,
    pod: str | None = None,
    settings: Mapping[str, str] | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each node's condition Ready, its taints and each renewal of its lease; below that how a failure went.

    Parameters
    ----------
    frame : DataFrame
        The frame `nodes`.
    pods : DataFrame, optional
        The frame of that name; with it, `node` and `pod` the failure is drawn, moment by moment.
    node, pod : str, optional
        The node that was lost, and a Pod that was on it; see `kitlib.frames.failure`.
    settings : mapping, optional
        Moment to what decides how long it is waited for, in words, where it isn't as in `SETTINGS`.
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
        If a column is missing, the step isn't there, or the node wasn't lost.
    """
    need(frame, NEEDS, "nodes", "nodes")
    clock = Clock.of([frame], zero, "nodes")
    lanes = _lives(frame, clock)
    stairs = _stairs(frame, pods, node, pod, settings)
    text = _tell(lanes, stairs, node, pod, clock)
    figure = LaneFigure("node", [Group(lanes)], ROW, _draw, text, ("Node",), TONES)
    if stairs:
        figure.beneath = HEADER + STAIR * len(stairs)
        figure.also = lambda sheet, y: _descend(sheet.ax, stairs, _heading(node, pod), y, clock)
    return show(figure, clock, ax)


def nodes_text(
    frame: pd.DataFrame,
    pods: pd.DataFrame | None = None,
    node: str | None = None,
    pod: str | None = None,
    settings: Mapping[str, str] | None = None,
    zero: int | str | None = None,
) -> str:
    """Say in words what `nodes` draws: a line for each node, and for each moment of the failure.

    Parameters
    ----------
    frame, pods, node, pod, settings, zero
        As for `nodes`.

    Returns
    -------
    str
        When each node was Ready, and how long each moment was waited for, and why.
    """
    need(frame, NEEDS, "nodes", "nodes")
    clock = Clock.of([frame], zero, "nodes")
    stairs = _stairs(frame, pods, node, pod, settings)
    return "\n".join(_tell(_lives(frame, clock), stairs, node, pod, clock))


Stairs = list[tuple[str, int, float | None, str]]
"""Of each moment: its name, monotonic ns, seconds since the one before, and what decides them."""


def _stairs(
    frame: pd.DataFrame,
    pods: pd.DataFrame | None,
    node: str | None,
    pod: str | None,
    settings: Mapping[str, str] | None,
) -> Stairs:
    if pods is None or node is None or pod is None:
        return []
    told = failure(frame, pods, node, pod)
    words = {**SETTINGS, **(settings or {})}
    return [
        (str(moment), int(now), None if waited != waited else max(float(waited), 0.0), words[moment])
        for moment, now, waited in zip(told["moment"], told["monotonic_ns"], told["waited"], strict=True)
    ]


def _lives(frame: pd.DataFrame, clock: Clock) -> list[Lane]:
    found: dict[str, Lane] = {}
    beats = heartbeats(frame)
    for index, row in zip(frame.index, frame[list(NEEDS)].to_dict("records"), strict=True):
        lane, now = found.setdefault(str(row["name"]), Lane(str(row["name"]))), int(row["monotonic_ns"])
        if row["about"] == "lease":
            lane.renewals.append(int(beats[index]))
        elif row["about"] == "taints":
            _follow(lane.taints, str(row["taints"]), now)
        elif row["condition"] == "Ready":
            _follow(lane.spans, str(row["status"]), now)
        elif row["about"] == "deleted":
            _follow(lane.spans, "", now)
    for lane in found.values():
        for spans in (lane.spans, lane.taints):
            if spans:
                spans[-1] = (*spans[-1][:2], max(clock.end, spans[-1][1]))
    return sorted((lane for lane in found.values() if lane.spans), key=lambda lane: lane.name)


def _follow(spans: list[tuple[str, int, int]], value: str, now: int) -> None:
    """End the last span where another value begins."""
    if spans:
        spans[-1] = (*spans[-1][:2], now)
    if not spans or spans[-1][0] != value:
        spans.append((value, now, now))


def _news(lane: Lane) -> list[tuple[str, int, int]]:
    """Return what is to be said of a node's taints: those that it had not all the time, and their effects."""
    every = [set(filter(None, words.split(", "))) for words, _, _ in lane.taints]
    always = set.intersection(*every) if every else set()
    told = []
    for here, (_, begin, end) in zip(every, lane.taints, strict=True):
        keys: dict[str, list[str]] = {}
        for taint in sorted(here - always):
            key, _, effect = taint.rpartition(":")
            keys.setdefault(key.rpartition("/")[2], []).append(effect)
        if keys:
            words = "; ".join(f"{key}: {', '.join(sorted(effects))}" for key, effects in keys.items())
            told.append((words, begin, end))
    return told


def _draw(sheet: Sheet, lane: Lane, top: float, row: float) -> None:
    tall, tick = row * BAR / ROW, row * TICK / ROW
    floor = top + row - tick
    for state, begin, end in lane.spans:
        if state in TONES:
            sheet.bar(state, PALETTE[0], begin, end, floor, floor - tall * TONES[state].height)
    for x in sheet.xs(lane.renewals):
        sheet.ax.plot([x, x], [floor, floor + tick * 0.8], color=INK, linewidth=1.2, zorder=3, gid="renewal")
    for words, begin, end in _news(lane):
        _above(sheet, words, begin, end, top + (row - tall - tick) / 2)
    fit_lane_name(sheet.ax, lane.name, floor - tall / 2)


def _above(sheet: Sheet, words: str, begin: int, end: int, y: float) -> None:
    """Write what holds for a time above it, where it has room; its beginning is what counts."""
    ax, point = sheet.ax, pixels(sheet.ax)
    left, _, room = sheet.room(begin, end)
    room += MARGIN * point if end >= sheet.clock.end else 0
    for text in (words, words.split(":")[0]):
        short, size = drawn(text, 90), SMALL - 1
        while size > 6.5 and size_of(ax, short, size)[0] + 4 * point > room:
            size -= 0.5
        if size_of(ax, short, size)[0] + 4 * point <= room:
            over(ax, left, y, short, size, ha="left", gid="taints")
            return


def _descend(ax: Axes, stairs: Stairs, heading: str, y: float, clock: Clock) -> None:
    """Draw the moments as a stair: each wait a line to its moment, with its length and what decides it."""
    box, point = box_of(ax), pixels(ax)
    low, high = ax.get_xlim()
    scale = box.width / (high - low)
    name_group(ax, heading, y + HEADER * 0.6)
    y += HEADER
    before: float | None = None
    for moment, now, waited, why in stairs:
        middle, x = y + STAIR / 2, max(float(clock.x(now)), low)  # what lies before the picture is told at its edge
        began = x if before is None else before
        if before is not None:
            ax.plot([before, before], [middle - STAIR, middle], color=INK, linewidth=0.8, zorder=1, gid="stair")
        ax.plot(
            [began, x], [middle, middle], color=PALETTE[1], linewidth=3, zorder=2, gid="wait", solid_capstyle="butt"
        )
        if clock.x(now) >= low:
            ax.plot([x], [middle], color=PALETTE[1], marker="o", markersize=5, zorder=3, gid="moment")
        name_lane(ax, moment, middle, SMALL - 0.5)
        words = drawn(why if waited is None else f"{clock.lasting(round(waited * 1e9))}: {why}", 110)
        left, over = (began - low) * scale - 16 * point, (x - began) * scale - 8 * point
        right = (high - x) * scale + MARGIN * point - 8 * point
        beyond = over + right  # above the line and on past its moment, where it has room nowhere else
        size = SMALL - 0.5
        while size > 6.5 and size_of(ax, words, size)[0] > max(left, beyond):
            size -= 0.25
        wide = size_of(ax, words, size)[0]
        how: dict[str, Any] = {"va": "center", "fontsize": size, "color": INK, "gid": "wait label", "zorder": 4}
        if before is not None and (wide <= over or wide > max(left, right)):
            write(ax, began + 5 * point / scale, middle - ABOVE, words, ha="left", **how)
        elif wide <= right:
            write(ax, x + 8 * point / scale, middle, words, ha="left", **how)
        else:
            write(ax, began - 8 * point / scale, middle, words, ha="right", **how)
        before = x
        y += STAIR


def _heading(node: str | None, pod: str | None) -> str:
    return f"{drawn(node, 40)} is lost, and with it {drawn(pod, 40)}: each wait, and what decides it"


def _tell(lanes: list[Lane], stairs: Stairs, node: str | None, pod: str | None, clock: Clock) -> list[str]:
    if not lanes:
        return ["Nothing recorded: no node in this time."]
    lost = [lane.name for lane in lanes if any(state != "True" for state, _, end in lane.spans if end > clock.begin)]
    lines = [
        f"{amount(len(lanes), 'node')}, {plain(', '.join(lost), 80) or 'none'} not Ready for a time.",
        *clock.in_words(),
    ]
    for lane in lanes:
        parts = []
        for state, begin, end in lane.spans:
            if end > clock.begin or state:
                label = TONES[state].label if state in TONES else "deleted"
                parts.append(f"{label} {'from the beginning' if begin <= clock.begin else f'at {clock.at(begin)}'}")
        inside = [at for at in lane.renewals if clock.begin <= at <= clock.end]
        lines.append(f"{plain(lane.name, 60)}: {', '.join(parts)}; {amount(len(inside), 'renewal')} of its lease.")
        lines += [f"  {words}: from {clock.at(begin)} to {clock.at(end)}." for words, begin, end in _news(lane)]
    if stairs:
        lines.append(f"{plain(node, 60)} is lost, and with it {plain(pod, 60)}:")
        for moment, now, waited, why in stairs:
            after = "" if waited is None else f", {clock.lasting(round(waited * 1e9))} after the one before"
            lines.append(f"  {moment} at {clock.at(now)}{after} ({why}).")
    return lines


__all__ = ["SETTINGS", "nodes", "nodes_text"]

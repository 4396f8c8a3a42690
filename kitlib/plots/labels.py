"""What is written into and around the rollout's stack, each where it has room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots import verdict as answers
from kitlib.plots.canvas import RIGHT, box_of, pixels, put_apart, size_of, write
from kitlib.plots.stack import HEADROOM, Stack, promised
from kitlib.plots.style import COUNTED, HEADLINE, INK, SMALL, TEXT, Colours, amount, drawn, text_on
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.verdict import KINDS, Verdict

STRIDE = 2
"""Pixels between two columns in which labels look for room."""


def draw_headline(ax: Axes, verdict: Verdict, clock: Clock, above: float, title: str | None = None) -> None:
    """Write the answer, and over it the subject, so many points above the axes."""
    good, text = answers.headline(verdict, clock)
    text = drawn(text, 200)
    about = drawn(title or answers.subject(verdict), 110)
    mark = {True: "✓ ", False: "✗ ", None: ""}[good]
    box, point = box_of(ax), pixels(ax)
    left = -(box.x0 - 8 * point) / box.width
    width = box.width * (1 - left) + 1.4 * 72 * point
    height = 1 + above * point / box.height
    size = HEADLINE
    while size > TEXT and size_of(ax, mark + text, size, weight="bold")[0] > width:
        size -= 0.5
    common: dict[str, Any] = {"transform": ax.transAxes, "color": INK, "va": "bottom", "clip_on": False}
    write(ax, left, height, mark + text, fontsize=size, weight="bold", gid="headline", **common)
    write(ax, left, height + 20 * point / box.height, about, fontsize=TEXT, gid="subject", **common)


def draw_title(ax: Axes, title: str, above: float) -> None:
    """Write a title so many points above axes that have no verdict."""
    box, point = box_of(ax), pixels(ax)
    left = -(box.x0 - 8 * point) / box.width
    write(
        ax,
        left,
        1 + above * point / box.height,
        drawn(title, 80),
        transform=ax.transAxes,
        color=INK,
        va="bottom",
        clip_on=False,
        fontsize=HEADLINE,
        weight="bold",
        gid="headline",
    )


def _grid(ax: Axes, stack: Stack, clock: Clock) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixel columns of the axes, the stack's index at each, and which of them are not known."""
    box = box_of(ax)
    columns = np.arange(0.0, box.width, STRIDE)
    ns = clock.left + (columns / box.width * (clock.right - clock.left)).astype("int64")
    index = stack.at(ns)
    blind = (index < 0) | (ns > clock.end)
    for gap in clock.gaps_of(*KINDS):
        blind |= (ns >= gap.after) & (ns <= gap.until)
    return columns, index, blind


def roomiest(low: np.ndarray, high: np.ndarray, columns: int) -> tuple[float, float, float]:
    """Return where a box of so many columns has most room: its middle column, the room's bounds.

    Parameters
    ----------
    low, high : ndarray
        Edges of the room in each column, in pixels.
    columns : int
        Width needed.
    """
    if len(low) < columns:
        return 0.0, 0.0, 0.0
    bottoms = np.lib.stride_tricks.sliding_window_view(low, columns).max(axis=1)
    tops = np.lib.stride_tricks.sliding_window_view(high, columns).min(axis=1)
    room = tops - bottoms
    good = np.flatnonzero(room >= room.max() - 0.5)
    run = max(np.split(good, np.flatnonzero(np.diff(good) > 1) + 1), key=len)
    begin = int(run[len(run) // 2])
    return begin + columns / 2, float(bottoms[begin]), float(tops[begin])


def name_revisions(ax: Axes, stack: Stack, times: pd.DataFrame, colours: Colours, clock: Clock) -> None:
    """Write each revision's name into its solid area; what has no room there goes to the panel's right or lanes."""
    if not stack.layers:
        return
    columns, index, blind = _grid(ax, stack, clock)
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    lines = [kept[column].to_numpy()[index] * per_pod for column in ("lower", "desired", "upper")]
    for layer in stack.layers:
        if layer.kind != "available":
            continue
        owner, number = drawn(layer.owner, 24), layer.revision
        options = [(f"revision {number}", owner), (f"revision {number}", ""), (f"rev. {number}", "")]
        for first, second in options if number else [(owner, "")]:
            words = first + (f"\n{second}" if second else "")
            width, height = size_of(ax, words, SMALL, weight="bold", linespacing=1.25)
            best = (0.0, 0.0, 0.0)
            for floor in [np.zeros(len(columns)), *lines]:
                ceiling = np.full(len(columns), np.inf)
                for line in lines:
                    ceiling = np.where(line > floor, np.minimum(ceiling, line), ceiling)
                low = np.maximum(layer.low[index] * per_pod, floor)
                high = np.where(blind, low - 1, np.minimum(layer.high[index] * per_pod, ceiling))
                found = roomiest(low, high, int(width + 12 * point) // STRIDE + 1)
                if found[2] - found[1] > best[2] - best[1]:
                    best = found
            if best[2] - best[1] >= height + 4 * point:
                write(
                    ax,
                    best[0] * STRIDE / box.width,
                    (best[1] + best[2]) / 2 / box.height,
                    words,
                    transform=ax.transAxes,
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    weight="bold",
                    linespacing=1.25,
                    color=text_on(colours.of(number)) if number else INK,
                    zorder=4,
                    gid="revision",
                )
                break


def brackets(ax: Axes, verdict: Verdict, clock: Clock) -> None:
    """Draw at the top how long each change took."""
    box, point = box_of(ax), pixels(ax)
    y = 1 - 6 * point / box.height
    low, high = ax.get_xlim()
    wanted: list[tuple[float, float]] = []
    texts: list[str] = []
    for change in verdict.changes:
        end = change.end
        if end is None and change.overtaken:
            later = [other.begin for other in verdict.changes if other.begin > change.begin]
            end_shown = min(later, default=clock.end)
            words = "overtaken"
        elif end is None:
            end_shown, words = clock.end, "not finished"
        else:
            end_shown, words = end, answers.lasting(change, clock)
        x0, x1 = float(clock.x(change.begin)), float(clock.x(end_shown))
        trans = ax.get_xaxis_transform()
        ax.plot(
            [x0, x1], [y, y], transform=trans, color=INK, linewidth=1.0, zorder=1, gid="took", solid_capstyle="butt"
        )
        for x, style in ((x0, "-"), (x1, "-" if end is not None else (0, (1, 1)))):
            ax.plot(
                [x, x],
                [y - 4 * point / box.height, y + 4 * point / box.height],
                transform=trans,
                color=INK,
                linewidth=1.0,
                linestyle=style,
                zorder=1,
            )
        if end is not None:
            ax.axvline(
                x1,
                ymax=1 - HEADROOM * point / box.height,
                color=INK,
                linewidth=0.8,
                linestyle=(0, (4, 3)),
                zorder=0.5,
                gid="finished",
            )
        full = (
            f"{answers.what(change)}: {words}"
            if len(verdict.changes) > 1
            else (words if end is None else f"{answers.done(change)} in {words}")
        )
        width = size_of(ax, full, SMALL)[0]
        if len(verdict.changes) > 1 and width > (x1 - x0) / (high - low) * box.width:
            full = words
            width = size_of(ax, full, SMALL)[0]
        texts.append(full)
        wanted.append((((x0 + x1) / 2 - low) / (high - low) * box.width, width))
    if sum(width + 10 * point for _, width in wanted) > box.width:  # more than fit: all in one
        texts = [_all_in_one(verdict, clock)]
        wanted = [(box.width / 2, size_of(ax, texts[0], SMALL)[0])]
    for words, centre in zip(texts, put_apart(wanted, 0, box.width, 10 * point), strict=True):
        write(
            ax,
            centre / box.width,
            y - 5.5 * point / box.height,
            words,
            transform=ax.transAxes,
            ha="center",
            va="top",
            fontsize=SMALL,
            color=INK,
            gid="took label",
        )


def _all_in_one(verdict: Verdict, clock: Clock) -> str:
    """Return how long many changes took."""
    took = sorted((change for change in verdict.changes if change.end), key=lambda one: (one.end or 0) - one.begin)
    words = f"{len(verdict.changes)} changes"
    if took:
        words += f", {answers.lasting(took[0], clock)} to {answers.lasting(took[-1], clock)} each"
    open_ones = len(verdict.changes) - len(took)
    return words + (f"; {open_ones} overtaken or not finished" if open_ones else "")


def name_areas(ax: Axes, stack: Stack, verdict: Verdict, clock: Clock) -> None:
    """Name the pale, the hatched and the forbidden areas from above, each with a line to where it is widest."""
    if not stack.layers:
        return
    columns, index, blind = _grid(ax, stack, clock)
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    edges: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind in ("unavailable", "terminating"):
        layers = [layer for layer in stack.layers if layer.kind == kind]
        if layers:
            edges[kind] = layers[0].low[index] * per_pod, np.max([one.high for one in layers], axis=0)[index] * per_pod
    places: list[tuple[str, np.ndarray, np.ndarray]] = []  # words, columns it may point at, height there
    for kind, (low, high) in edges.items():
        thick = np.where(blind, 0, high - low)
        if not (thick > 0).any():
            continue
        run = _longest(thick >= 0.75 * thick.max())
        if kind == "unavailable" and "terminating" in edges:
            under_sky = thick * (edges["terminating"][1] <= edges["terminating"][0])
            open_run = _longest(under_sky >= max(0.6 * thick.max(), 1.0))
            run = open_run if len(open_run) * STRIDE > 18 * point else run
        trim = min(int(8 * point / STRIDE), (len(run) - 1) // 4)
        places.append((COUNTED[kind].label, run[trim : len(run) - trim], (low + high) / 2))
    for over in (True, False):
        worst = [breach for breach in verdict.breaches if breach.over is over]
        if worst:
            breach = max(worst, key=lambda one: (abs(one.value - one.bound), one.end - one.begin))
            begin, end = (float(clock.x(at)) for at in (breach.begin, breach.end))
            middle = np.full(len(columns), (breach.value + breach.bound) / 2 * per_pod)
            at = ((begin + end) / 2 - ax.get_xlim()[0]) / (ax.get_xlim()[1] - ax.get_xlim()[0]) * len(columns)
            words = (
                f"✗ {breach.value} of at most {breach.bound}"
                if over
                else f"✗ {breach.value} of at least {breach.bound}"
            )
            places.append((words, np.array([min(int(at), len(columns) - 1)]), middle))
    wanted = [(float(columns[run[len(run) // 2]]), size_of(ax, words, SMALL)[0]) for words, run, _ in places]
    y = box.height - 36 * point
    for (words, run, height), centre in zip(places, put_apart(wanted, 0, box.width, 12 * point), strict=True):
        column = int(run[np.abs(columns[run] - centre).argmin()])
        write(
            ax,
            centre / box.width,
            y / box.height,
            words,
            transform=ax.transAxes,
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color=INK,
            gid="state",
        )
        ax.plot(
            [centre / box.width, columns[column] / box.width],
            [(y - 1) / box.height, height[column] / box.height],
            transform=ax.transAxes,
            color=INK,
            linewidth=0.8,
            zorder=3.8,
            marker="o",
            markersize=3,
            markevery=[1],
            gid="leader",
        )


def _longest(good: np.ndarray) -> np.ndarray:
    """Return the longest run of neighbours that are true."""
    runs = np.flatnonzero(good)
    return max(np.split(runs, np.flatnonzero(np.diff(runs) > 1) + 1), key=len)


def name_bounds(ax: Axes, verdict: Verdict) -> None:
    """Write at the right what the lines mean, as of the window's end."""
    last = promised(verdict).iloc[-1]
    desired, upper, lower = int(last["desired"]), int(last["upper"]), int(last["lower"])
    surge, unavailable = upper - desired, desired - lower
    written = verdict.written
    items: list[tuple[int, str, str]] = []
    if verdict.bounds.strategy == "Recreate":
        items.append((upper, f"at most {upper}", "Recreate: no minimum"))
    else:
        plus = f"{surge} ({written[0]} of {desired})" if written[0].endswith("%") else f"maxSurge {surge}"
        minus = (
            f"{unavailable} ({written[1]} of {desired})"
            if written[1].endswith("%")
            else f"maxUnavailable {unavailable}"
        )
        items.append((upper, f"at most {upper}", f"{desired} + {plus}" if surge else "maxSurge 0"))
        if surge and unavailable:
            items.append((desired, amount(desired, "replica"), ""))
        items.append((lower, f"at least {lower}", f"{desired} − {minus}" if unavailable else "maxUnavailable 0"))
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    line = 11.5 * point
    wanted = [(y * per_pod, line * (2 if second else 1)) for y, _, second in items]
    centres = put_apart(wanted, -6 * point, box.height, 2 * point)
    for (y, first, second), centre in zip(items, centres, strict=True):
        at = y * per_pod
        ax.plot(
            [1, 1 + 5 * point / box.width, 1 + 10 * point / box.width],
            [at / box.height, at / box.height, centre / box.height],
            transform=ax.transAxes,
            color=INK,
            linewidth=0.7,
            clip_on=False,
            zorder=3,
        )
        how: dict[str, Any] = {"transform": ax.transAxes, "color": INK, "fontsize": SMALL, "clip_on": False}
        x = 1 + 13 * point / box.width
        if second:
            write(ax, x, (centre + 0.5 * point) / box.height, first, va="bottom", weight="bold", gid="bound", **how)
            size = SMALL
            while size > 6 and size_of(ax, second, size)[0] > (RIGHT * 72 - 17) * point:
                size -= 0.5
            write(
                ax, x, (centre - 0.5 * point) / box.height, second, va="top", gid="bound", **{**how, "fontsize": size}
            )
        else:
            write(ax, x, centre / box.height, first, va="center", gid="bound", **how)

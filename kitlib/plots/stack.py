"""The rollout's stack: Pods by ReplicaSet and availability over time, and the bounds that are promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from kitlib.plots.canvas import box_of, pixels
from kitlib.plots.style import COUNTED, INK, ON_DARK, Colours
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.verdict import KINDS, Verdict
from kitlib.rollout.window import Gap

HEADROOM = 44
"""Points above the stack: for the bracket that says how long it took, and for the names of areas."""


@dataclass
class Layer:
    """One band of the stack: what of one ReplicaSet, from where to where.

    Parameters
    ----------
    kind : str
        available, unavailable or terminating.
    owner : str
        The ReplicaSet's name.
    low, high : ndarray
        Lower and upper edge at each time.
    revision : int
        The revision that the ReplicaSet had; 0 if it is not known. A ReplicaSet that had two has two bands.
    """

    kind: str
    owner: str
    low: np.ndarray
    high: np.ndarray
    revision: int


@dataclass
class Stack:
    """All bands over the same times.

    Parameters
    ----------
    ns : ndarray
        Times, monotonic ns; the last one is the window's end.
    layers : list of Layer
        From the bottom up.
    """

    ns: np.ndarray
    layers: list[Layer]

    def at(self, ns: np.ndarray) -> np.ndarray:
        """Return the index that holds at each time, -1 before the first."""
        return np.searchsorted(self.ns, ns, side="right") - 1


def build(verdict: Verdict, clock: Clock) -> Stack:
    """Make the stack from what the verdict rests on."""
    long, times = verdict.by_revision, verdict.timeline
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    versions = kept["resourceVersion"].to_numpy()
    ns = kept["monotonic_ns"].to_numpy()
    columns = ["revision", "replicaset", "uid"]
    known = long[columns].drop_duplicates().itertuples(index=False, name=None)
    bands = sorted(known, key=lambda band: (band[0] or 10**9, *band[1:]))
    last = long.drop_duplicates(["resourceVersion", "uid"], keep="last")
    last = last[last["resourceVersion"].isin(versions)]
    places = pd.Series(np.arange(len(versions)), index=versions)
    own = {band: (places[rows["resourceVersion"]].to_numpy(), rows) for band, rows in last.groupby(columns)}
    base = np.zeros(len(ns), dtype="int64")
    layers = []
    for kind in COUNTED:
        for band in bands:
            if band not in own or not own[band][1][kind].any():
                continue
            where, rows = own[band]
            count = np.zeros(len(ns), dtype="int64")
            count[where] = rows[kind]
            layers.append(Layer(kind, str(band[1]), base, base + count, int(band[0])))
            base = base + count
    if len(ns) and ns[0] <= clock.begin:
        ns = ns.copy()
        ns[0] = min(ns[0], clock.left)
    return Stack(ns, layers)


def scale(ax: Axes, stack: Stack, times: pd.DataFrame) -> None:
    """Leave room above the stack for the bracket and two labels."""
    top = max([int(layer.high.max()) for layer in stack.layers] + [int(times["upper"].max()), 1])
    room = HEADROOM * pixels(ax) / box_of(ax).height
    ax.set_ylim(0, top / (1 - min(room, 0.6)))
    ax.yaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top])
    ax.spines["left"].set_bounds(0, top)


def _steps(stack: Stack, low: np.ndarray, high: np.ndarray, clock: Clock, gaps: Sequence[Gap]) -> list[Path]:
    """Return closed paths around a band, one for each piece that is neither empty nor unknown."""
    paths = []
    edges = np.append(stack.ns, max(clock.end, stack.ns[-1]))
    turns = np.flatnonzero(np.diff(np.concatenate([[False], high > low, [False]])))
    for index, stop in turns.reshape(-1, 2):
        for begin, end in clock.known(int(edges[index]), int(edges[stop]), gaps):
            use = np.arange(index, stop)
            use = use[(edges[use + 1] > begin) & (edges[use] < end)]
            if not len(use):
                continue
            left = np.maximum(edges[use], begin)
            right = np.minimum(edges[use + 1], end)
            x = clock.x(np.column_stack([left, right]).ravel())
            top, bottom = np.repeat(high[use], 2), np.repeat(low[use], 2)
            points = np.concatenate([np.column_stack([x, top]), np.column_stack([x, bottom])[::-1]])
            paths.append(Path(np.vstack([points, points[:1]]), closed=True))
    return paths


def fill(ax: Axes, stack: Stack, colours: Colours, clock: Clock) -> None:
    """Draw the bands, but for what was not recorded."""
    if not len(stack.ns):
        return
    gaps = clock.gaps_of("Pod", "ReplicaSet")
    for layer in stack.layers:
        paths = _steps(stack, layer.low, layer.high, clock, gaps)
        if paths:
            add_tone(ax, paths, colours.of(layer.revision), layer.kind)


def add_tone(ax: Axes, paths: Sequence[Path], colour: str, kind: str) -> None:
    """Draw areas in a tone of `COUNTED`."""
    tone = COUNTED[kind]
    area = Path.make_compound_path(*paths)
    if tone.fill:
        face = PathPatch(area, facecolor=colour, alpha=tone.fill, linewidth=0, zorder=2, gid=kind)
        face.set_snap(True)
        ax.add_artist(face)
    if tone.hatch or tone.edge:
        edge = PathPatch(
            area,
            facecolor="none",
            edgecolor=colour,
            linewidth=tone.edge,
            hatch=tone.hatch or None,
            zorder=2.2,
            gid=kind,
        )
        if tone.hatch:
            edge.set_hatch_linewidth(0.8)
        edge.set_snap(True)
        ax.add_artist(edge)


def _line(times: pd.DataFrame, column: str, clock: Clock, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a bound as a line of steps that is interrupted where nothing was recorded."""
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    ns, values = kept["monotonic_ns"].to_numpy(), kept[column].to_numpy(dtype=float)
    gaps = clock.gaps_of(*KINDS)
    edges = [edge for gap in gaps for edge in (gap.after, gap.until)]
    if ns[0] <= clock.begin:
        ns = np.append(clock.left, ns[1:])
    at = np.unique(np.concatenate([ns, [edge for edge in edges if ns[0] < edge < end], [end]]).astype("int64"))
    y = values[np.searchsorted(ns, at, side="right") - 1]
    for gap in gaps:
        y[(at >= gap.after) & (at < gap.until)] = np.nan
    return clock.x(at), y


def promised(verdict: Verdict) -> pd.DataFrame:
    """Return the timeline as far as the Deployment promises anything: until it is deleted."""
    times = verdict.timeline
    if verdict.deleted is None:
        return times
    there = times["monotonic_ns"] < verdict.deleted
    return times[there] if there.any() else times.head(1)


def envelope(ax: Axes, verdict: Verdict, stack: Stack, clock: Clock) -> None:
    """Draw the bounds: in ink, and in white where they cross a solid area."""
    times = promised(verdict)
    end = clock.right if verdict.deleted is None else verdict.deleted
    gaps = clock.gaps_of("Pod", "ReplicaSet")
    solid = [
        path
        for layer in stack.layers
        if layer.kind == "available"
        for path in _steps(stack, layer.low, layer.high, clock, gaps)
    ]
    styles = {"desired": (0, (1, 2.2)), "lower": (0, (5, 2.5)), "upper": (0, (5, 2.5))}
    for column, dashes in styles.items():
        x, y = _line(times, column, clock, end)
        if column == "desired" and ((times["upper"] == times["desired"]) | (times["lower"] == times["desired"])).all():
            continue
        if column == "lower" and not times["lower"].any():
            continue
        width = 1.1 if column == "desired" else 1.5
        how: dict[str, Any] = {"linestyle": dashes, "linewidth": width, "drawstyle": "steps-post"}
        ax.plot(x, y, color=INK, zorder=3, gid=column, **how)
        if solid:
            (white,) = ax.plot(x, y, color=ON_DARK, zorder=3.1, **how)
            white.set_clip_path(Path.make_compound_path(*solid), ax.transData)


def breaches(ax: Axes, verdict: Verdict, clock: Clock) -> None:
    """Mark where a bound was broken, between what was promised and what was there."""
    for breach in verdict.breaches:
        end = max(breach.end, breach.begin + (clock.right - clock.left) // 400)
        low, high = sorted((breach.value, breach.bound))
        x0, x1 = float(clock.x(breach.begin)), float(clock.x(end))
        path = Path([(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)], closed=True)
        patch = PathPatch(path, facecolor="none", edgecolor=INK, hatch="xxxx", linewidth=1.6, zorder=3.5, gid="breach")
        patch.set_hatch_linewidth(1.2)
        ax.add_artist(patch)

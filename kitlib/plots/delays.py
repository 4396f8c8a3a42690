"""The figure of delays: each of them a dot, and above it how many took no longer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from kitlib.errors import UsageError
from kitlib.plots.canvas import attach, bare, new_axes, new_figure
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, amount
from kitlib.rollout.window import need_columns


def delays(frame: pd.DataFrame, column: str = "delay", what: str = "delay", ax: Axes | None = None) -> Axes:
    """Draw how delays are distributed: the share that took no longer, and each one as a dot.

    Parameters
    ----------
    frame : DataFrame
        One row for each.
    column : str
        Its seconds, numbers. What isn't known (NA) is left out.
    what : str
        What is delayed, in the singular: "firing".
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If there is no such column, or nothing in it.
    """
    values = _values(frame, column)
    if ax is None:
        ax = new_axes(new_figure(2.7), bottom=0.6, height=1.8)
    attach(ax, delays_text(frame, column, what))
    bare(ax, left=True)
    share = np.arange(1, len(values) + 1) / len(values)
    end = max(float(values[-1]) * 1.08, 0.1)
    ax.step([0, *values, end], [0, *share, 1], where="post", color=PALETTE[0], linewidth=1.4, gid="share")
    ax.plot(values, np.zeros(len(values)), "o", color=PALETTE[1], markersize=4, alpha=0.6, clip_on=False, gid="delay")
    middle = float(np.median(values))
    ax.plot([middle, middle], [0, 0.5], color=INK, linewidth=0.8, linestyle=(0, (4, 2)), gid="median")
    ax.annotate(
        f"half of them within {middle:.2f} s", (middle, 0.5), (6, -9), textcoords="offset points",
        color=INK, fontsize=SMALL, gid="name",
    )  # fmt: skip
    ax.set_xlim(min(0.0, float(values[0])), end)
    ax.set_ylim(0, 1.05)
    ax.set_yticks([0, 0.5, 1])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    ax.set_xlabel(f"seconds, of {amount(len(values), what)}", color=INK, fontsize=TEXT)
    ax.set_ylabel("took no longer", color=INK, fontsize=TEXT)
    return ax


def delays_text(frame: pd.DataFrame, column: str = "delay", what: str = "delay") -> str:
    """Say in words what `delays` draws; arguments as for it."""
    values = _values(frame, column)
    parts = {50: "half of them", 95: "95 of 100", 100: "all"}
    said = [f"{words} within {np.percentile(values, part):.2f} s" for part, words in parts.items()]
    return f"{amount(len(values), what)}: the shortest {values[0]:.2f} s, {', '.join(said)}."


def _values(frame: pd.DataFrame, column: str) -> np.ndarray:
    need_columns(frame, [column], "delays", "name the column that holds the seconds")
    values = np.sort(pd.to_numeric(frame[column], errors="coerce").dropna().to_numpy(dtype="float64"))
    if not len(values):
        raise UsageError("there is no delay to draw", step="delays", object=column, next="look at the frame")
    return values


__all__ = ["delays", "delays_text"]

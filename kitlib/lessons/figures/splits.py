"""The splits figure: which share of requests went one way, the interval that it must lie in, and what was wanted."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.canvas import attach, bare, head, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, TEXT, amount, drawn, plain
from kitlib.rollout.window import need_columns

COLUMNS = ("rule", "requests", "hits", "share", "low", "high", "wanted")
LINE, HEAD, FOOT = 0.42, 0.75, 0.6
"""Inches."""
CAP = 0.14


def splits(table: pd.DataFrame, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw for each rule the share that was seen as a point, its interval as a bar, and what was wanted as a ring.

    Parameters
    ----------
    table : DataFrame
        A row for each rule: `rule` (str), `requests`, `hits` (int), `share`, `low`, `high`, `wanted` (float, 0 to 1);
        see `kitlib.lessons.entry.shares`.
    title : str
        The answer in a sentence; how many rules have what was wanted in their interval otherwise.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing.
    """
    need_columns(table, COLUMNS, "splits", f"its columns must be: {', '.join(COLUMNS)}")
    if ax is None:
        height = LINE * max(len(table), 1)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
    attach(ax, splits_text(table, title))
    bare(ax)
    ax.set_xlim(-2, 102)
    ax.set_ylim(max(len(table), 1), 0)
    ax.set_yticks([])
    ax.set_xticks(range(0, 101, 10))
    ax.set_xlabel("% of the requests", color=INK, fontsize=TEXT)
    how: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "color": INK, "fontsize": TEXT}
    for number, row in enumerate(table[list(COLUMNS)].to_dict("records")):
        middle, colour = number + 0.5, PALETTE[0] if _within(row) else PALETTE[1]
        ends = [100 * row["low"], 100 * row["high"]]
        ax.plot(ends, [middle] * 2, color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt", gid="interval")
        for end in ends:
            ax.plot([end] * 2, [middle - CAP, middle + CAP], color=colour, linewidth=1.2, gid="cap")
        ring: dict[str, Any] = {"marker": "o", "markersize": 13, "markerfacecolor": "none", "markeredgecolor": INK}
        ax.plot([100 * row["wanted"]], [middle], gid="wanted", clip_on=False, **ring)
        ax.plot([100 * row["share"]], [middle], marker="o", markersize=5, color=colour, gid="share", clip_on=False)
        write(ax, -0.015, middle, drawn(row["rule"], 16), ha="right", gid="rule", **how)
        write(ax, 1.02, middle, f"{row['hits']:,} of {row['requests']:,}", ha="left", gid="count", **how)
    head(ax, drawn(title, 90) if title else _answer(table), "● seen · ▬ its interval · ○ wanted")
    return ax


def splits_text(table: pd.DataFrame, title: str = "") -> str:
    """Say in words what `splits` draws.

    Parameters
    ----------
    table, title
        As for `splits`.

    Returns
    -------
    str
        How many rules have what was wanted in their interval, then each.
    """
    need_columns(table, COLUMNS, "splits", f"its columns must be: {', '.join(COLUMNS)}")
    lines = [f"{plain(title, 200) or _answer(table)}."]
    for row in table[list(COLUMNS)].to_dict("records"):
        bounds = f"between {100 * row['low']:.1f} and {100 * row['high']:.1f} %"
        lines.append(
            f"{plain(row['rule'])}: {row['hits']:,} of {amount(row['requests'], 'request')},"
            f" {100 * row['share']:.1f} %; {bounds}; wanted were {100 * row['wanted']:.0f} %."
        )
    return "\n".join(lines)


def _within(row: dict[Any, Any]) -> bool:
    return bool(row["low"] <= row["wanted"] <= row["high"])


def _answer(table: pd.DataFrame) -> str:
    inside = sum(_within(row) for row in table[list(COLUMNS)].to_dict("records"))
    return f"In {inside} of {amount(len(table), 'rule')} what was wanted lies in the interval of what was seen"


__all__ = ["splits", "splits_text"]

"""The back-off figure: how long was waited before each restart, or each retry, on a logarithmic axis."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from kitlib.plots.canvas import attach, bare, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, amount, drawn
from kitlib.rollout.window import need_columns


def backoff(
    delays: pd.DataFrame,
    first: float = 10,
    most: float = 300,
    ax: Axes | None = None,
    what: str = "restart",
    free: int = 1,
) -> Axes:
    """Draw the delay before each restart beside the rule: doubled each time, up to a cap.

    Parameters
    ----------
    delays : DataFrame
        Columns restart (which, from 1) and delay (seconds).
    first, most : float
        The rule's first delay and its cap, seconds.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    what : str
        What is delayed, and the name of the column that counts it: "restart" of a container, "retry" of a Job.
    free : int
        How many of them, at the beginning, wait for nothing: one restart, no retry.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing.
    """
    rows = _rows(delays, what)
    if ax is None:
        ax = new_axes(new_figure(2.6), bottom=0.55, height=1.9)
    attach(ax, backoff_text(delays, first, most, what, free))
    bare(ax, left=True)
    last = max([len(rows), 6])
    ruled = [min(first * 2**number, most) for number in range(last - free)]
    ax.set_yscale("log", base=2)
    ax.step(range(free + 1, last + 1), ruled, where="mid", color=INK, linewidth=1, linestyle=(0, (4, 2)), gid="rule")
    ax.plot(
        [row[what] for row in rows],
        [max(row["delay"], 0.5) for row in rows],
        "o",
        color=PALETTE[1],
        markersize=7,
        zorder=3,
        gid="delay",
    )
    ax.set_xlim(0.5, last + 0.5)
    ax.set_ylim(0.3, max([most, *(row["delay"] for row in rows)]) * 2.2)
    for row in rows:
        ax.annotate(
            f"{row['delay']:.1f} s", (row[what], max(row["delay"], 0.5)), (0, 7), textcoords="offset points",
            ha="center", color=INK, fontsize=SMALL, gid="value",
        )  # fmt: skip
    words = "\n".join(drawn(text) for text in (f"{first:g} s, doubled,", f"up to {most:g} s"))
    trans = ax.get_yaxis_transform()
    write(ax, 1.01, ruled[-1], words, transform=trans, va="center", color=INK, fontsize=SMALL, gid="name")
    ticks = [value for value in (1, 10, 20, 40, 80, 160, 300) if value <= most]
    ax.set_yticks(ticks)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(range(1, last + 1))
    ax.set_xlabel(what, color=INK, fontsize=TEXT)
    ax.set_ylabel("waited before it", color=INK, fontsize=TEXT)
    return ax


def backoff_text(
    delays: pd.DataFrame, first: float = 10, most: float = 300, what: str = "restart", free: int = 1
) -> str:
    """Say in words what `backoff` draws; arguments as for it."""
    rows = _rows(delays, what)
    told = [f"Before {what} {row[what]}: {row['delay']:.1f} s." for row in rows]
    before = {0: "", 1: "none before the first, then "}.get(free, f"none before the first {free}, then ")
    rule = f"The rule: {before}{first:g} s, doubled each time up to {most:g} s."
    return "\n".join([f"{amount(len(rows), what)}.", rule, *told])


def _rows(delays: pd.DataFrame, what: str) -> list[dict[Any, Any]]:
    needs = [what, "delay"]
    need_columns(delays, needs, "backoff", f"its columns must be: {what}, delay")
    return delays[needs].to_dict("records")

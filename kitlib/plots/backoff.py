"""The back-off figure: how long a container waited before each of its restarts, on a logarithmic axis."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from kitlib.errors import UsageError
from kitlib.plots.canvas import attach, bare, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, amount, drawn

NEEDS = ("restart", "delay")


def backoff(delays: pd.DataFrame, first: float = 10, most: float = 300, ax: Axes | None = None) -> Axes:
    """Draw the delay before each restart beside the rule: doubled each time, up to a cap.

    Parameters
    ----------
    delays : DataFrame
        Columns restart (which, from 1) and delay (seconds).
    first, most : float
        The rule's first delay and its cap, seconds.
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
    rows = _rows(delays)
    if ax is None:
        ax = new_axes(new_figure(2.6), bottom=0.55, height=1.9)
    attach(ax, backoff_text(delays, first, most))
    bare(ax, left=True)
    last = max([len(rows), 6])
    ruled = [min(first * 2**number, most) for number in range(last - 1)]
    ax.set_yscale("log", base=2)
    ax.step(range(2, last + 1), ruled, where="mid", color=INK, linewidth=1, linestyle=(0, (4, 2)), gid="rule")
    ax.plot(
        [row["restart"] for row in rows],
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
            f"{row['delay']:.1f} s", (row["restart"], max(row["delay"], 0.5)), (0, 7), textcoords="offset points",
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
    ax.set_xlabel("restart", color=INK, fontsize=TEXT)
    ax.set_ylabel("waited before it", color=INK, fontsize=TEXT)
    return ax


def backoff_text(delays: pd.DataFrame, first: float = 10, most: float = 300) -> str:
    """Say in words what `backoff` draws; arguments as for it."""
    rows = _rows(delays)
    told = [f"Before restart {row['restart']}: {row['delay']:.1f} s." for row in rows]
    rule = f"The rule: none before the first, then {first:g} s, doubled each time up to {most:g} s."
    return "\n".join([f"{amount(len(rows), 'restart')}.", rule, *told])


def _rows(delays: pd.DataFrame) -> list[dict[Any, Any]]:
    if missing := [name for name in NEEDS if name not in delays.columns]:
        raise UsageError(f"no column {', '.join(missing)}", step="backoff", next="its columns must be: restart, delay")
    return delays[list(NEEDS)].to_dict("records")

"""The blows figure: who answered each request before and after something was done to who has an address."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.lessons.addresses import longest
from kitlib.plots.canvas import attach, bare, head, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, amount, drawn, plain
from kitlib.rollout.window import need_columns

COLUMNS = ("blow", "since", "answered", "who")
ROW, GAP, HEAD, FOOT = 0.16, 0.16, 0.75, 0.6
"""Inches: of a line, between two blows, above and below."""
NOBODY = "nobody"


def blows(table: pd.DataFrame, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw each request as a tick in the line of who answered it; those that nobody did in a line of their own.

    Parameters
    ----------
    table : DataFrame
        A row for each request: `blow` (str: what was done), `since` (float: seconds from then to when it was sent),
        `answered` (bool), `who` (str: who answered).
    title : str
        The answer in a sentence; the longest silence after each blow otherwise.
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
    parts = _parts(table)
    heights = [ROW * len(part["lines"]) + GAP for part in parts]
    if ax is None:
        height = max(sum(heights), ROW + GAP)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
    attach(ax, blows_text(table, title))
    bare(ax)
    names = list(dict.fromkeys(who for part in parts for who in part["lines"] if who != NOBODY))
    ends = [(float(table["since"].min()), float(table["since"].max()))] if len(table) else [(-1.0, 1.0)]
    room = 0.02 * (ends[0][1] - ends[0][0] or 1.0)
    ax.set_xlim(ends[0][0] - room, ends[0][1] + room)
    ax.set_ylim(max(sum(heights), ROW + GAP), 0)
    ax.set_yticks([])
    ax.set_xlabel("seconds since it was done", color=INK, fontsize=TEXT)
    ax.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
    how: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "color": INK, "fontsize": SMALL}
    top = 0.0
    for part, height in zip(parts, heights, strict=True):
        write(ax, 1.02, top + height / 2, drawn(f"{part['blow']}: {_seconds(part['longest'])}", 22), ha="left", **how)
        for number, (who, times) in enumerate(part["lines"].items()):
            middle = top + GAP / 2 + ROW * (number + 0.5)
            colour = INK if who == NOBODY else PALETTE[names.index(who) % len(PALETTE)]
            ax.vlines(times, middle - ROW * 0.4, middle + ROW * 0.4, color=colour, linewidth=1.0, gid=who)
            write(ax, -0.015, middle, drawn(who, 18), ha="right", gid="who", **how)
        top += height
    head(
        ax,
        drawn(title, 90) if title else _answer(parts),
        "❘ a request, where who answered it stands; right: the longest silence",
    )
    return ax


def blows_text(table: pd.DataFrame, title: str = "") -> str:
    """Say in words what `blows` draws.

    Parameters
    ----------
    table, title
        As for `blows`.

    Returns
    -------
    str
        The longest silence after each, then who answered how many requests.
    """
    parts = _parts(table)
    said = [f"{plain(title, 200) or _answer(parts)}."]
    for part in parts:
        counts = ", ".join(f"{plain(who)} {len(times)}" for who, times in part["lines"].items())
        count = amount(sum(map(len, part["lines"].values())), "request")
        said.append(
            f"{plain(part['blow'])}: longest silence {_seconds(part['longest'])}; of {count} answered {counts}."
        )
    return "\n".join(said)


def _parts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return for each blow when requests were sent, by who answered them."""
    need_columns(table, COLUMNS, "blows", f"its columns must be: {', '.join(COLUMNS)}")
    found = []
    for blow in dict.fromkeys(table["blow"]):
        mine = table[table["blow"] == blow].sort_values("since", kind="stable")
        whose = mine["who"].where(mine["answered"].astype(bool), NOBODY)
        order = [
            *(who for who in dict.fromkeys(whose) if who != NOBODY),
            *([NOBODY] if (whose == NOBODY).any() else []),
        ]
        lines = {who: [float(each) for each in mine.loc[whose == who, "since"]] for who in order}
        timed = mine.assign(monotonic_ns=(mine["since"] * 1e9).astype("int64"))
        found.append({"blow": blow, "lines": lines, "longest": longest(timed, "blow")})
    return found


def _seconds(value: float) -> str:
    return "no end" if value != value else f"{value:.1f} s"


def _answer(parts: list[dict[str, Any]]) -> str:
    if not parts:
        return "Nothing was asked"
    return "Nobody answered for " + ", ".join(f"{_seconds(part['longest'])} ({plain(part['blow'])})" for part in parts)


__all__ = ["blows", "blows_text"]

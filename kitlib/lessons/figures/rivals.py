"""The rivals figure: how much two take for the same, round by round, and whether that can be told apart."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.canvas import attach, bare, head, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, TEXT, amount, drawn, plain
from kitlib.rollout.window import need_columns

COLUMNS = ("measure", "who", "value")
LINE, HEAD, FOOT = 0.3, 0.75, 0.6
"""Inches."""
MARKS = ("o", "s")


def rivals(table: pd.DataFrame, of: str, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw each round of both as a point, on a scale on which the middle of one of them is 1.

    Parameters
    ----------
    table : DataFrame
        A row for each round: `measure` (str: what was measured), `who` (str), `value` (float).
    of : str
        Whose middle is 1.
    title : str
        The answer in a sentence; how many measures tell the two apart otherwise.
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
    rows = _rows(table, of)
    if ax is None:
        height = LINE * max(len(rows), 1)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
    attach(ax, rivals_text(table, of, title))
    bare(ax)
    last = max((max(row["values"]) / row["one"] for row in rows), default=1.0)
    ax.set_xlim(0, 1.05 * max(last, 1.0))
    ax.set_ylim(max(len(rows), 1), 0)
    ax.set_yticks([])
    ax.set_xlabel(f"times the middle of {drawn(of)}", color=INK, fontsize=TEXT)
    ax.axvline(1, color=INK, linewidth=0.8, alpha=0.6)
    how: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "color": INK, "fontsize": TEXT}
    for number, row in enumerate(rows):
        middle, colour = number + 0.5, PALETTE[row["place"]]
        xs = [each / row["one"] for each in row["values"]]
        ax.plot([min(xs), max(xs)], [middle] * 2, color=colour, linewidth=5, alpha=0.35, gid="spread")
        ax.plot(xs, [middle] * len(xs), MARKS[row["place"]], color=colour, markersize=4, gid="round", clip_on=False)
        write(ax, -0.015, middle, drawn(f"{row['measure']}, {row['who']}", 16), ha="right", gid="who", **how)
        write(ax, 1.02, middle, _figure(row["middle"]), ha="left", gid="middle", **how)
    head(ax, drawn(title, 90) if title else _answer(rows), "● ■ a round · ▬ all of them · right: the middle")
    return ax


def rivals_text(table: pd.DataFrame, of: str, title: str = "") -> str:
    """Say in words what `rivals` draws.

    Parameters
    ----------
    table, of, title
        As for `rivals`.

    Returns
    -------
    str
        How many measures tell the two apart, then each of both.
    """
    rows = _rows(table, of)
    lines = [f"{plain(title, 200) or _answer(rows)}."]
    for row in rows:
        values = row["values"]
        bounds = f"{_figure(min(values))} to {_figure(max(values))} in {amount(len(values), 'round')}"
        lines.append(f"{plain(row['measure'])}, {plain(row['who'])}: {_figure(row['middle'])}, {bounds}.")
    return "\n".join(lines)


def _rows(table: pd.DataFrame, of: str) -> list[dict[str, Any]]:
    """Return a row for each measure of each, the one whose middle is 1 first."""
    need_columns(table, COLUMNS, "rivals", f"its columns must be: {', '.join(COLUMNS)}")
    known = table.dropna(subset=["value"])
    names = [of, *(name for name in dict.fromkeys(known["who"]) if name != of)][:2]
    found = []
    for measure in dict.fromkeys(known["measure"]):
        mine = known[known["measure"] == measure]
        middle = float(mine.loc[mine["who"] == of, "value"].median())
        for place, who in enumerate(names):
            values = [float(each) for each in mine.loc[mine["who"] == who, "value"]]
            if values and middle > 0:
                told = {"measure": measure, "who": who, "place": place, "values": values, "one": middle}
                found.append({**told, "middle": float(pd.Series(values).median())})
    return found


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _answer(rows: list[dict[str, Any]]) -> str:
    by: dict[str, list[list[float]]] = {}
    for row in rows:
        by.setdefault(row["measure"], []).append(row["values"])
    pairs = [each for each in by.values() if len(each) == 2]
    apart = sum(max(one) < min(other) or max(other) < min(one) for one, other in pairs)
    return f"{apart} of {amount(len(by), 'measure')} tell the two apart in every round"


__all__ = ["rivals", "rivals_text"]

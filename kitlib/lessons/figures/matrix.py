"""The matrix figure: which means refuses, admits or rewrites which Pod, two answers a cell."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from kitlib.plots.canvas import attach, bare, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, drawn, plain, text_on
from kitlib.rollout.window import need_columns

COLUMNS = ("row", "means", "unwanted", "wanted")
LOOKS = {
    "refused": ("✕", PALETTE[1], 1.0),
    "admitted": ("✓", INK, 0.0),
    "written": ("✎", PALETTE[0], 0.2),
}
"""How each answer looks: a sign, a colour, and how full its box is; the sign and the fullness tell without colour."""
SAID = {"refused": "refused", "admitted": "admitted", "written": "admitted, rewritten"}
LINE = 0.27
HEAD = 0.8
FOOT = 0.45


def _check(answers: pd.DataFrame) -> pd.DataFrame:
    need_columns(answers, COLUMNS, "matrix", f"its columns must be: {', '.join(COLUMNS)}")
    return answers


def _does(unwanted: str, wanted: str) -> bool:
    """Say whether a pair of answers is what a policy is for."""
    return unwanted == "refused" and wanted in ("admitted", "written")


def matrix(answers: pd.DataFrame, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw what each means answers to two Pods: the one that it should refuse, and the one that it should admit.

    Each cell has two boxes, left the Pod that should be refused, right the other. A cross in a full box is a refusal, a
    tick in an empty one an admission, a pencil in a pale one an admission of a Pod that was written to. A cell whose
    pair is the wanted one is underlined.

    Parameters
    ----------
    answers : DataFrame
        Columns row, means, unwanted, wanted: a line for each cell; an answer is refused, admitted or written. A cell
        that has no line stays empty.
    title : str
        The answer in a sentence.
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
    answers = _check(answers)
    rows, means = list(dict.fromkeys(answers["row"])), list(dict.fromkeys(answers["means"]))
    if ax is None:
        height = LINE * max(len(rows), 1)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
        box = ax.get_position()
        ax.set_position((0.24, box.y0, 0.74, box.height))
    bare(ax)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlim(0, max(len(means), 1))
    ax.set_ylim(max(len(rows), 1), 0)
    ax.set_xticks([])
    ax.set_yticks([index + 0.5 for index in range(len(rows))], [drawn(name) for name in rows])
    ax.tick_params(axis="y", length=0)
    for index, name in enumerate(means):
        write(ax, index + 0.5, -0.25, drawn(name), ha="center", va="bottom", color=INK, fontsize=TEXT, weight="bold")
    for index in range(len(rows) + 1):
        ax.axhline(index, color=INK, linewidth=0.5, alpha=0.6)
    for row, way, first, second in answers[list(COLUMNS)].itertuples(index=False):
        x, y = means.index(way), rows.index(row)
        _box(ax, x + 0.32, y + 0.46, first)
        _box(ax, x + 0.68, y + 0.46, second)
        if _does(first, second):
            ax.plot([x + 0.2, x + 0.8], [y + 0.9] * 2, color=INK, linewidth=1.6, solid_capstyle="butt")
    if title:
        ax.set_title(drawn(title, 90), color=INK, fontsize=TEXT + 2, loc="left", pad=26)
    signs = _legend() + (" · nothing: not asked" if len(answers) < len(rows) * len(means) else "")
    legend = "left: the Pod that should be refused · right: the one that should be admitted · underlined: just so"
    below: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "color": INK, "va": "top"}
    for line, words in enumerate((signs, legend)):
        ax.annotate(words, (0, 0), xytext=(0, -6 - 13 * line), fontsize=SMALL, ha="left", **below)
    attach(ax, matrix_text(answers, title))
    return ax


def _legend() -> str:
    return " · ".join(f"{sign} {SAID[name]}" for name, (sign, _, _) in LOOKS.items())


def _box(ax: Axes, x: float, y: float, answer: str) -> None:
    sign, colour, fill = LOOKS.get(answer, ("?", INK, 0.0))
    box = FancyBboxPatch(
        (x - 0.13, y - 0.32), 0.26, 0.64, boxstyle="round,pad=0,rounding_size=0.04", linewidth=0.9, edgecolor=colour
    )
    box.set_facecolor((*_rgb(colour), fill))
    box.set_gid(f"answer {answer}")
    ax.add_patch(box)
    inside = text_on(colour) if fill == 1.0 else INK
    write(ax, x, y, sign, ha="center", va="center_baseline", color=inside, fontsize=SMALL, gid="answer")


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return red, green, blue


def matrix_text(answers: pd.DataFrame, title: str = "") -> str:
    """Say in words what `matrix` draws.

    Parameters
    ----------
    answers : DataFrame
        As `matrix` takes it.
    title : str
        The answer in a sentence.

    Returns
    -------
    str
        How many rows each means does, then each row.
    """
    answers = _check(answers)
    if answers.empty:
        return "Nothing was asked."
    lines = [f"{title}."] if title else []
    means = list(dict.fromkeys(answers["means"]))
    for way in means:
        mine = answers[answers["means"] == way]
        right = sum(_does(*pair) for pair in zip(mine["unwanted"], mine["wanted"], strict=True))
        lines.append(f"{plain(way)}: refuses the one Pod and admits the other in {right} of {len(mine)} rows.")
    for row, cells in answers.groupby("row", sort=False):
        told = [
            f"{plain(way)} {SAID.get(first, 'unknown')} / {SAID.get(second, 'unknown')}"
            for way, first, second in zip(cells["means"], cells["unwanted"], cells["wanted"], strict=True)
        ]
        lines.append(f"{plain(row)} (the Pod to refuse / the one to admit): {'; '.join(told)}.")
    return "\n".join(lines)

"""The folded figure: how often something happened, what was written of it, and how many Events are left to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kitlib.errors import UsageError
from kitlib.plots.canvas import LEFT, RIGHT, WIDTH, attach, bare, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, amount, drawn, plain, text_on
from kitlib.rollout.window import need_columns

COLUMNS = ("what", "happened", "written", "events")
BAR, CASE, HEAD, FOOT = 0.24, 1.06, 0.1, 0.5
"""Inches: of a bar, of a case with its three bars, of the margins."""
COLOUR = PALETTE[0]


@dataclass(frozen=True)
class Case:
    """One thing that happened again and again.

    Parameters
    ----------
    what : str
        In words.
    happened : int
        How often, counted where it happened.
    written : int
        How many writes of Events tell of it.
    events : int
        How many Events they went into.
    """

    what: str
    happened: int
    written: int
    events: int

    @property
    def dropped(self) -> int:
        """What nobody wrote."""
        return max(self.happened - self.written, 0)

    @property
    def repeats(self) -> int:
        """Writes that went into an Event that was there."""
        return self.written - self.events


def folded(told: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw for each case what happened, what was written of it, and what a list of Events shows in the end.

    A full bar counts what is there: occurrences, writes, Events. What is missing against the bar above has an outline
    only: what was dropped before it was written, and what was folded into an Event that was there.

    Parameters
    ----------
    told : DataFrame
        A row for each case: `what` (in words), `happened`, `written` and `events` (numbers).
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or nothing happened.
    """
    cases = _cases(told)
    if ax is None:
        height = CASE * len(cases)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
        box = ax.get_position()
        ax.set_position((LEFT / WIDTH, box.y0, 1 - (LEFT + RIGHT) / WIDTH, box.height))
    attach(ax, folded_text(told))
    bare(ax)
    most = max(case.happened for case in cases)
    ax.set_xlim(0, most)
    ax.set_ylim(CASE * len(cases), 0)
    ax.set_yticks([])
    ax.set_xlabel("occurrences · writes · Events", color=INK, fontsize=TEXT)
    for number, case in enumerate(cases):
        top = number * CASE
        write(ax, 0, top + 0.2, drawn(case.what, 90), color=INK, fontsize=TEXT, weight="bold", gid="case")
        before = 0
        for line, (name, count, missing) in enumerate(_bars(case)):
            _bar(ax, top + 0.27 + line * BAR, name, count, (before - count, missing), most)
            before = count
    return ax


def folded_text(told: pd.DataFrame) -> str:
    """Say in words what `folded` draws.

    Parameters
    ----------
    told : DataFrame
        As for `folded`.

    Returns
    -------
    str
        A line for each case.
    """
    return "\n".join(
        f"{plain(case.what, 90)}: happened {case.happened} times, written {case.written} times"
        f" ({case.dropped} dropped), in {amount(case.events, 'Event')} ({case.repeats} folded)."
        for case in _cases(told)
    )


def _bars(case: Case) -> Iterator[tuple[str, int, str]]:
    """Yield each bar's name, its length, and what is missing against the one above."""
    yield "happened", case.happened, ""
    yield "written", case.written, f"{case.dropped} dropped"
    yield "Events", case.events, f"{case.repeats} folded"


def _bar(ax: Axes, y: float, name: str, count: int, missing: tuple[int, str], most: int) -> None:
    tall, gone = BAR * 0.78, max(missing[0], 0)
    middle = y + tall / 2
    ax.add_patch(Rectangle((0, y), count, tall, facecolor=COLOUR, linewidth=0, gid=f"{name} there"))
    how: dict[str, Any] = {"va": "center_baseline", "fontsize": SMALL}
    ax.annotate(
        name, (0, middle), (-6, 0), textcoords="offset points", ha="right", color=INK, annotation_clip=False, **how
    )
    if count > most * 0.06:
        write(ax, count / 2, middle, str(count), ha="center", color=text_on(COLOUR), gid="count", **how)
    words = missing[1] if gone else ""
    if count <= most * 0.06:
        words = f"{count} · {words}" if words else str(count)
    if gone:
        how_gone: dict[str, Any] = {
            "edgecolor": INK,
            "linewidth": 0.9,
            "linestyle": (0, (3, 2)),
            "clip_on": False,
            "gid": "gone",
        }
        ax.add_patch(Rectangle((count, y), gone, tall, fill=False, **how_gone))
    if words and gone > most * 0.2:
        write(ax, count + gone / 2, middle, words, ha="center", color=INK, gid="missing", **how)
    elif words:
        where: dict[str, Any] = {
            "textcoords": "offset points",
            "annotation_clip": False,
            "ha": "left",
            "color": INK,
            "gid": "missing",
        }
        ax.annotate(words, (count + gone, middle), (6, 0), **where, **how)


def _cases(told: pd.DataFrame) -> list[Case]:
    need_columns(told, COLUMNS, "folded", f"its columns must be: {', '.join(COLUMNS)}")
    cases = [
        Case(str(what), int(happened), int(written), int(events))
        for what, happened, written, events in told[list(COLUMNS)].itertuples(index=False)
    ]
    if not any(case.happened for case in cases):
        raise UsageError("nothing happened", step="folded", next="give it what was counted where it happened")
    return cases


__all__ = ["Case", "folded", "folded_text"]

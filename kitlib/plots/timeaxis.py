"""The time axis that all panels share: its zero, the steps on it, and what was not recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator

from kitlib.errors import UsageError
from kitlib.plots.canvas import LEFT, RIGHT, WIDTH, box_of, pixels, size_of, write
from kitlib.plots.fonts import drawable, family_for
from kitlib.plots.style import INK, SMALL, TEXT, drawn, plain
from kitlib.rollout.window import Gap, Window, without

STEP_ROW = 15
"""Points that a row of steps takes above the axes."""

STEP_ROWS = 4
"""Steps that would need more rows are not drawn; the text names all."""

SHORTEST = 100_000_000
"""Nanoseconds that an axis covers at least."""

Mark = tuple[str, int, int | None]
"""Something to be seen in a figure: its name, begin and end (monotonic ns; None: it goes on)."""

_UNITS = ((300, 1, "seconds", "s"), (4 * 3600, 60, "minutes", "min"), (float("inf"), 3600, "hours", "h"))


@dataclass(frozen=True)
class Clock:
    """Where zero is, what is shown, and what is known of that time.

    Parameters
    ----------
    zero, begin, end : int
        Monotonic ns: time zero, and the window that was recorded.
    left, right : int
        Monotonic ns: the edges of the picture.
    since : str
        What happened at time zero.
    steps : tuple of (str, int, int or None)
        Name, begin and end of the steps in the window.
    gaps : tuple of Gap
        In the window.
    marks : tuple of (str, int, int or None)
        What else is to be seen in it: its name, begin and end.
    """

    zero: int
    begin: int
    end: int
    left: int
    right: int
    since: str
    steps: tuple[tuple[str, int, int | None], ...]
    gaps: tuple[Gap, ...]
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, frames: Sequence[pd.DataFrame], zero: int | str | None, step: str) -> Clock:
        """Read it from the frames' attrs.

        Parameters
        ----------
        frames : sequence of DataFrame
            Whose window is shown.
        zero : int, str or None
            Monotonic ns, a step's name, or None for the start of the last step in the window.
        step : str
            The caller, for messages.
        """
        shown = Window.of(*frames)
        begin, end = shown.begin, shown.end
        attrs = next((frame.attrs for frame in frames if frame.attrs), {})
        known = [(str(s["name"]), int(s["begin_ns"]), _integer(s.get("end_ns"))) for s in attrs.get("steps", ())]
        steps = tuple(s for s in known if s[1] <= end and (s[2] is None or s[2] >= begin))
        at, since = _zero(zero, known, steps, begin, step)
        span = max(end - begin, SHORTEST)
        left = begin - round(0.03 * span) if at == begin else min(begin, at)
        right = max(end + round(0.015 * span), begin + SHORTEST, at)
        return cls(at, begin, end, left, right, since, steps, shown.gaps)

    @property
    def unit(self) -> tuple[int, str, str]:
        """Seconds in the axis' unit, its name, and its sign."""
        span = (self.right - self.left) / 1e9
        return next((size, name, sign) for limit, size, name, sign in _UNITS if span <= limit)

    def x(self, ns: Any) -> Any:
        """Return where a monotonic time (or an array of them) is on the axis."""
        return (np.asarray(ns, dtype="int64") - self.zero) / (1e9 * self.unit[0])

    def at(self, ns: int) -> str:
        """Return a time in words: 2.4 s."""
        return duration(ns - self.zero, self.unit[0], self.unit[2])

    def lasting(self, ns: int) -> str:
        """Return how long something took, in words; its own length decides the unit."""
        size, sign = next((size, sign) for limit, size, _, sign in _UNITS if ns / 1e9 <= limit)
        return duration(ns, size, sign)

    @property
    def label(self) -> str:
        """The axis' label: unit and what zero is."""
        return f"{self.unit[1]} since {self.since}"

    def gaps_of(self, *kinds: str) -> list[Gap]:
        """Return the gaps that concern any of the kinds, overlapping ones as one."""
        return Window(self.begin, self.end, self.gaps).missing(*kinds)

    def known(self, begin: int, end: int, gaps: Sequence[Gap]) -> Iterator[tuple[int, int]]:
        """Cut a span to the picture, and cut the gaps out of it."""
        begin, end = max(begin, self.left), min(end, self.right)
        return without(begin, end, gaps)

    def in_words(self) -> list[str]:
        """Return lines that say which time is shown, its steps and its gaps."""
        lines = [f"Times are {self.label}. Shown: {self.at(self.begin)} to {self.at(self.end)}."]
        for name, begin, end in self.steps:
            until = f"to {self.at(end)}" if end is not None else "and still goes on"
            lines.append(f'Step "{plain(name, 60)}": from {self.at(begin)} {until}.')
        for name, begin, end in self.marks:
            until = f"to {self.at(end)}" if end is not None else "on"
            lines.append(f'Marked "{plain(name, 60)}": from {self.at(begin)} {until}.')
        for gap in self.gaps:
            what = gap.kind or "everything"
            why = f" ({plain(gap.reason, 80)})" if gap.reason else ""
            lines.append(f"Not recorded: {what} from {self.at(gap.after)} to {self.at(gap.until)}{why}.")
        return lines


def duration(ns: int, size: int = 1, sign: str = "s") -> str:
    """Return nanoseconds in words, with the digits that one can believe: 0.35 s, 6.2 s, 41 s."""
    value = ns / 1e9 / size
    digits = 2 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = "0"
    return f"{text.replace('-', '−')} {sign}"


def _integer(value: object) -> int | None:
    return None if value is None or value is pd.NA or value != value else int(value)  # type: ignore[call-overload]


def _zero(
    zero: int | str | None,
    known: Sequence[tuple[str, int, int | None]],
    shown: Sequence[tuple[str, int, int | None]],
    begin: int,
    step: str,
) -> tuple[int, str]:
    if isinstance(zero, str):
        found = [one for one in known if one[0] == zero]
        if not found:
            names = ", ".join(dict.fromkeys(plain(one[0], 60) for one in known)) or "(no step was recorded)"
            raise UsageError(f"no step {plain(zero, 60)!r}", step=step, next=f"name one of: {names}")
        return found[-1][1], f"“{plain(zero, 60)}” began"
    if isinstance(zero, int | np.integer) and not isinstance(zero, bool):
        return int(zero), "the time chosen as zero"
    if zero is not None:
        raise UsageError(
            f"zero is {type(zero).__name__}, neither monotonic ns nor a step's name",
            step=step,
            next='write zero="the step\'s name"',
        )
    inside = [one for one in shown if one[1] >= begin]
    if inside:
        return inside[-1][1], f"“{plain(inside[-1][0], 60)}” began"
    return begin, "this recording began"


Bands = Sequence[tuple[float, float]]
"""Parts of the axes' height, as shares from 0 (bottom) to 1, that show data and not text."""


def draw_axis(axes: Axes, clock: Clock, labelled: bool = True) -> None:
    """Set the axis' limits, ticks and label."""
    axes.set_xlim(float(clock.x(clock.left)), float(clock.x(clock.right)))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", labelbottom=labelled)
    if labelled:
        words = drawn(clock.label, 90)
        axes.set_xlabel(words, color=INK, fontsize=TEXT, **family_for(words))


def draw_zero(axes: Axes, clock: Clock, bands: Bands) -> None:
    """Draw a line at time zero and one where each mark begins, behind the data and not through text."""
    for low, high in bands:
        if clock.left <= clock.zero <= clock.right:
            axes.axvline(0, ymin=low, ymax=high, color=INK, linewidth=1.0, zorder=0.6, gid="zero")
        for x in (float(clock.x(begin)) for _, begin, _ in clock.marks if clock.left <= begin <= clock.right):
            axes.axvline(x, low, high, color=INK, linewidth=1.4, linestyle=(0, (4, 2)), zorder=0.7, gid="mark")


def draw_gaps(axes: Axes, clock: Clock, bands: Bands, *kinds: str, inside: bool = True) -> None:
    """Shade what was not recorded of these kinds, and say so inside, unless the caller does it elsewhere."""
    if not bands:
        return
    box, point = box_of(axes), pixels(axes)
    base, top = max(bands, key=lambda band: band[1] - band[0])
    width, height = size_of(axes, "not recorded", SMALL, style="italic")
    for gap in clock.gaps_of(*kinds):
        left, right = float(clock.x(gap.after)), float(clock.x(gap.until))
        for low, high in bands:
            axes.axvspan(left, right, low, high, facecolor=INK, alpha=0.16, linewidth=0, zorder=0.4, gid="gap")
            for edge in (left, right):
                axes.axvline(edge, low, high, color=INK, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0.5)
        if not inside:
            continue
        begin, end = axes.get_xlim()
        room = (right - left) / (end - begin) * box.width
        flat = room > width + 4 * point
        if not flat and (room < height + point or box.height * (top - base) < width + 4 * point):
            continue
        write(
            axes,
            (left + right) / 2,
            (base + top) / 2,
            "not recorded",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            rotation=0 if flat else 90,
            fontsize=SMALL,
            color=INK,
            style="italic",
            gid="gap label",
        )


def step_rows(clock: Clock) -> int:
    """Return how many rows of brackets and names the steps need, at the width of kitlib's own figures."""
    return max((row for _, row, _, _, _ in _placed(clock, (WIDTH - LEFT - RIGHT) * 72)), default=-1) + 1


def _placed(clock: Clock, width: float) -> list[tuple[str, int, float, float, float]]:
    """Return name, row, and in points the bracket's edges and the name's left edge; what has no row is left out."""
    ends: list[float] = []
    placed = []
    for name, begin, end in sorted((*clock.steps, *clock.marks), key=lambda step: step[1]):
        scale = width / (clock.right - clock.left)
        left = max((begin - clock.left) * scale, 0.0)
        right = width if end is None or end > clock.end else max((end - clock.left) * scale, left + 1)
        words = drawable(plain(name, 40))
        long = _width(words)
        at = max(min(left, width - long), 0.0)
        row = next((index for index, taken in enumerate(ends) if min(left, at) >= taken - 0.5), len(ends))
        if row >= STEP_ROWS:
            continue
        ends[row:row] = [0.0] if row == len(ends) else []
        ends[row] = max(right, at + long + 4)
        placed.append((words, row, left, right, at))
    return placed


@cache
def _width(words: str) -> float:
    """Return how wide small words are, in points."""
    if not words.strip():
        return 0.0
    font = FontProperties(**family_for(words))
    return float(TextPath((0, 0), words.replace("$", "S"), size=SMALL, prop=font).get_extents().width)


def draw_steps(axes: Axes, clock: Clock) -> int:
    """Draw above the axes a bracket for each step, with its name, and return how many rows that took."""
    box, point = box_of(axes), pixels(axes)
    placed = _placed(clock, box.width / point)
    width, height = box.width / point, box.height / point
    for words, row, left, right, at in placed:
        y = 1 + (3 + row * STEP_ROW) / height
        axes.plot(
            [left / width, max(right - 1.5, left + 0.5) / width],
            [y, y],
            transform=axes.transAxes,
            color=INK,
            linewidth=1.6,
            clip_on=False,
            solid_capstyle="butt",
            gid="step line",
        )
        write(
            axes,
            at / width,
            y + 2.5 / height,
            words.replace("$", r"\$"),
            transform=axes.transAxes,
            fontsize=SMALL,
            color=INK,
            va="bottom",
            gid="step",
        )
    return max((row for _, row, _, _, _ in placed), default=-1) + 1


def nothing(axes: Axes, clock: Clock, what: str) -> None:
    """Draw axes that say that nothing was recorded."""
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    write(
        axes,
        0.5,
        0.5,
        f"nothing recorded: no {what} in this time",
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=INK,
        fontsize=TEXT,
        gid="nothing",
    )

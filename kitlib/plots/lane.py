"""What all lane figures share: their lanes from top to bottom, bars, names, a key, time zero, and what wasn't recorded.

A figure says what its rows are, how tall one is and how one is drawn (`LaneFigure`); `show` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kitlib.plots.canvas import LEFT, attach, bare, box_of, new_axes, new_figure, pixels, size_of, write
from kitlib.plots.style import INK, SMALL, Tone, drawn
from kitlib.plots.timeaxis import STEP_ROW, Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing, step_rows
from kitlib.rollout.window import Gap

HEADER, KEY = 0.2, 0.24
"""Inches: of a group's heading, of the key."""


@dataclass
class Group:
    """Rows that stand together.

    Parameters
    ----------
    rows : list
        One for each lane.
    head : str, callable or None
        The heading, or what draws it at a height; None if there is none.
    """

    rows: list[Any]
    head: str | Callable[[Sheet, float], None] | None = None


@dataclass
class Sheet:
    """Axes while their lanes are drawn. Heights are inches from the top.

    Parameters
    ----------
    ax : Axes
    clock : Clock
    gaps : list of Gap
        What was not recorded of the kinds that the figure shows.
    height : float
        Of the axes.
    shapes : dict
        State and colour to the pieces of lanes that look so.
    bands : list of (float, float)
        What of the height shows data, as shares from the bottom.
    """

    ax: Axes
    clock: Clock
    gaps: list[Gap]
    height: float
    shapes: dict[tuple[str, str], list[Path]] = field(default_factory=dict)
    bands: list[tuple[float, float]] = field(default_factory=list)

    def bar(self, state: str, colour: str, begin: int, end: int, low: float, high: float, cut: bool = True) -> None:
        """Add a piece of a lane, without what was not recorded of it."""
        for left, right in self.clock.known(begin, end, self.gaps if cut else ()):
            x0, x1 = float(self.clock.x(left)), float(self.clock.x(right))
            corners = [(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)]
            self.shapes.setdefault((state, colour), []).append(Path(corners, closed=True))

    def band(self, top: float, bottom: float) -> tuple[float, float]:
        """Return a part of the axes' height as shares from the bottom."""
        return 1 - bottom / self.height, 1 - top / self.height

    def room(self, begin: int, end: int) -> tuple[float, float, float]:
        """Return where a time begins and ends on the axis, and how many pixels it takes."""
        low, high = self.ax.get_xlim()
        left = float(self.clock.x(max(begin, self.clock.left)))
        right = float(self.clock.x(min(end, self.clock.right)))
        return left, right, (right - left) / (high - low) * box_of(self.ax).width

    def xs(self, times: Iterable[int]) -> list[float]:
        """Return where times are on the axis, those that the picture shows."""
        return [float(self.clock.x(at)) for at in times if self.clock.left <= at <= self.clock.right]


@dataclass
class LaneFigure:
    """What a lane figure shows, and how.

    Parameters
    ----------
    what : str
        What a lane is of, in one word.
    groups : list of Group
        From top to bottom.
    row : float
        Inches of a lane.
    draw : callable
        Draws a row, given the sheet, the row, its top and how tall it is.
    text : list of str
        The same in words.
    kinds : tuple of str
        Whose gaps are shaded.
    tones : mapping
        How each state looks.
    key, beneath, empty : float
        Inches: of the key, of what stands beneath the lanes, of axes without any.
    band : tuple of float, or None
        The part of a lane, as shares from its top, that shows data; None if a group's lanes are one band.
    whole : bool
        All beneath the key is one band.
    shades : callable, optional
        Whether gaps concern a row; they concern all if it is left out.
    labelled : bool
        Gaps are named where they are.
    also : callable, optional
        Draws what else there is beneath the lanes, given the sheet and where they end.
    used : collection of str
        States that the key names though no bar has them.
    """

    what: str
    groups: list[Group]
    row: float
    draw: Callable[[Sheet, Any, float, float], None]
    text: list[str]
    kinds: tuple[str, ...] = ("Pod",)
    tones: Mapping[str, Tone] = field(default_factory=dict)
    key: float = KEY
    beneath: float = 0.0
    empty: float = 0.6
    band: tuple[float, float] | None = None
    whole: bool = False
    shades: Callable[[Any], bool] | None = None
    labelled: bool = True
    also: Callable[[Sheet, float], None] | None = None
    used: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def heads(self) -> float:
        """Inches that headings take."""
        return HEADER * sum(group.head is not None for group in self.groups)

    @property
    def height(self) -> float:
        """Inches that it needs."""
        return self.key + self.heads + self.row * self.count + self.beneath if self.count else self.empty


def show(figure: LaneFigure, clock: Clock, ax: Axes | None = None) -> Axes:
    """Draw a lane figure, in axes of its own unless it is told where."""
    if ax is None:
        height, above = figure.height, step_rows(clock) * STEP_ROW / 72
        ax = new_axes(new_figure(height + above + 0.65), bottom=0.55, height=height)
    attach(ax, "\n".join(figure.text))
    draw(ax, figure, clock)
    draw_steps(ax, clock)
    return ax


def draw(ax: Axes, figure: LaneFigure, clock: Clock, labelled: bool = True) -> None:
    """Draw lanes into axes whose size is final."""
    bare(ax)
    draw_axis(ax, clock, labelled)
    if not figure.count:
        nothing(ax, clock, figure.what)
        return
    sheet = Sheet(ax, clock, clock.gaps_of(*figure.kinds), box_of(ax).height / (72 * pixels(ax)))
    ax.set_ylim(sheet.height, 0)
    ax.set_yticks([])
    row = max(sheet.height - figure.key - figure.heads - figure.beneath, 0.2) / figure.count
    y, shaded = figure.key, []
    for group in figure.groups:
        if group.head is not None:
            if isinstance(group.head, str):
                name_group(ax, drawn(group.head, 110), y + HEADER * 0.56)
            else:
                group.head(sheet, y)
            y += HEADER
        for one in group.rows:
            figure.draw(sheet, one, y, row)
            if figure.shades and figure.shades(one):
                shaded.append(sheet.band(y, y + row))
            if figure.band:
                sheet.bands.append(sheet.band(y + row * figure.band[0], y + row * figure.band[1]))
            y += row
        if not figure.band:
            sheet.bands.append(sheet.band(y - row * len(group.rows), y))
    if figure.whole:
        sheet.bands = [(0.0, 1 - figure.key / sheet.height)]
    for (state, colour), paths in sheet.shapes.items():
        add_bars(ax, paths, colour, state, figure.tones[state])
    there = {*figure.used, *(state for state, _ in sheet.shapes)}
    draw_key(ax, {state: tone for state, tone in figure.tones.items() if state in there})
    draw_zero(ax, clock, sheet.bands)
    draw_gaps(ax, clock, shaded if figure.shades else sheet.bands, *figure.kinds, inside=figure.labelled)
    if figure.also:
        figure.also(sheet, y)


def add_bars(ax: Axes, paths: list[Path], colour: str, state: str, tone: Tone) -> None:
    """Draw pieces of lanes in a tone."""
    area = Path.make_compound_path(*paths)
    if tone.fill:
        face = PathPatch(area, facecolor=colour, alpha=tone.fill, linewidth=0, zorder=2, gid=state)
        ax.add_artist(face)
    if tone.edge or tone.hatch:
        line = PathPatch(area, facecolor="none", edgecolor=colour, linewidth=tone.edge, zorder=2.1, gid=state)
        if tone.hatch:
            line.set_hatch(tone.hatch)
            line.set_hatch_linewidth(0.9)
        ax.add_artist(line)


def name_lane(ax: Axes, words: str, y: float, size: float, **how: Any) -> None:
    """Write a lane's name to the left of it."""
    x = -6 * pixels(ax) / box_of(ax).width
    common: dict[str, Any] = {"ha": "right", "va": "center", "color": INK, "fontsize": size, "gid": "lane"}
    write(ax, x, y, words, transform=ax.get_yaxis_transform(), **{**common, **how})


def fit_lane_name(
    ax: Axes,
    name: Any,
    y: float,
    most: int = 21,
    size: float = SMALL - 0.5,
    least: float = 6.5,
    family: str | None = "monospace",
) -> None:
    """Write a lane's name to the left of it, so small that it has room."""
    words = drawn(name, most)
    while size > least and size_of(ax, words, size, family=family)[0] > (LEFT * 72 - 12) * pixels(ax):
        size -= 0.5
    name_lane(ax, words, y, size, family=family)


def beside(ax: Axes, words: str, y: float, size: float = SMALL - 0.5, **how: Any) -> None:
    """Write to the right of a lane, mostly how many it has."""
    x = 1 + 6 * pixels(ax) / box_of(ax).width
    common: dict[str, Any] = {"va": "center", "color": INK, "fontsize": size, "gid": "count"}
    write(ax, x, y, words, transform=ax.get_yaxis_transform(), **{**common, **how})


def over(ax: Axes, x: float, y: float, words: str, size: float = SMALL - 1, **how: Any) -> None:
    """Write above a lane what holds there."""
    common: dict[str, Any] = {"va": "center", "fontsize": size, "color": INK, "zorder": 4}
    write(ax, x, y, words, **{**common, **how})


def name_group(ax: Axes, words: str, y: float) -> None:
    """Write the heading of lanes that belong together; `y` is its middle."""
    trans = ax.get_yaxis_transform()
    write(ax, 0, y, words, transform=trans, va="center_baseline", color=INK, fontsize=SMALL, gid="group")


def draw_key(ax: Axes, states: dict[str, Tone]) -> None:
    """Name the states that occur, each beside a piece of lane."""
    box, point = box_of(ax), pixels(ax)
    units = abs(ax.get_ylim()[0] - ax.get_ylim()[1]) / box.height
    middle, wide, gap = KEY * 0.45, 20 * point, 12 * point
    size, room = SMALL, box.width + 0.5 * 72 * point

    def width(size: float) -> float:
        return sum(wide + 4 * point + size_of(ax, tone.label, size)[0] + gap for tone in states.values()) - gap

    while size > 5 and width(size) > room:
        size, wide, gap = size - 0.5, wide * 0.9, gap * 0.9
    x = 0.0
    trans = ax.get_yaxis_transform()
    for tone in states.values():
        tall = 9 * point * units * min(tone.height / 0.78, 1)
        corner = (x / box.width, middle - tall / 2)
        if tone.fill:
            ax.add_artist(
                Rectangle(
                    corner,
                    wide / box.width,
                    tall,
                    transform=trans,
                    clip_on=False,
                    facecolor=INK,
                    alpha=tone.fill,
                    linewidth=0,
                    zorder=2,
                )
            )
        if tone.edge or tone.hatch:
            frame = Rectangle(
                corner,
                wide / box.width,
                tall,
                transform=trans,
                clip_on=False,
                facecolor="none",
                edgecolor=INK,
                linewidth=tone.edge or 0.5,
                hatch=tone.hatch or None,
                zorder=2.1,
            )
            frame.set_hatch_linewidth(0.8)
            ax.add_artist(frame)
        write(
            ax,
            (x + wide + 4 * point) / box.width,
            middle,
            tone.label,
            transform=trans,
            clip_on=False,
            va="center_baseline",
            color=INK,
            fontsize=size,
            gid="key",
        )
        x += wide + 4 * point + size_of(ax, tone.label, size)[0] + gap

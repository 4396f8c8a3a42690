"""The events figure: what the cluster's own Events say, a lane for each reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kitlib.plots.canvas import LEFT, box_of, pixels, size_of, write
from kitlib.plots.lane import Group, LaneFigure, Sheet, beside, name_lane, show
from kitlib.plots.style import INK, PALETTE, SMALL, Colours, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = (
    "observed_at",
    "monotonic_ns",
    "namespace",
    "eventType",
    "reason",
    "message",
    "count",
    "involvedObject.kind",
    "involvedObject.name",
    "occurrences",
    "earliest",
    "latest",
)
ROW, KEY = 0.24, 0.22
"""Inches: of a reason's lane, and of the key."""

MOST = 10
"""Reasons that get a lane of their own; the rest share one."""


@dataclass
class Mark:
    """One Event as it was received.

    Parameters
    ----------
    received : int
        Monotonic ns: a point.
    earliest, latest : int or None
        The interval that its stamp names, mapped to the monotonic clock.
    colour : str
        Of what it is about.
    occurrences : int
        How many it stands for.
    about : str
        Kind and name of its object.
    message : str
        Its text.
    """

    received: int
    earliest: int | None
    latest: int | None
    colour: str
    occurrences: int
    about: str
    message: str


@dataclass
class Lane:
    """All Events of one reason.

    Parameters
    ----------
    reason : str
        As the cluster spells it.
    warning : bool
        Any of them is a Warning.
    marks : list of Mark
        In order of receipt.
    """

    reason: str
    warning: bool = False
    marks: list[Mark] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Occurrences."""
        return sum(mark.occurrences for mark in self.marks)


def events(events: pd.DataFrame, zero: int | str | None = None, ax: Axes | None = None) -> Axes:
    """Draw Events in a lane for each reason: the server's stamp as the second it names, the receipt as a point.

    Two Events whose stamps name the same second happened in an order that the stamps don't tell; so a stamp is drawn
    as long as it is.

    Parameters
    ----------
    events : DataFrame
        The frame of that name.
    zero : int or str, optional
        Time zero: monotonic ns or a step's name. Default is the start of the last step.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or the step isn't there.
    """
    need(events, NEEDS, "events", "events")
    clock = Clock.of([events], zero, "events")
    return show(figure_of(collect(events, Colours(), clock), clock), clock, ax)


def events_text(events: pd.DataFrame, zero: int | str | None = None) -> str:
    """Say in words what `events` draws: for each reason how often, when, and about what.

    Parameters
    ----------
    events : DataFrame
        The frame of that name.
    zero : int or str, optional
        Time zero, as for `events`.

    Returns
    -------
    str
        A line for each reason.
    """
    need(events, NEEDS, "events", "events")
    clock = Clock.of([events], zero, "events")
    return "\n".join(figure_of(collect(events, Colours(), clock), clock).text)


def tell(found: list[Lane], clock: Clock) -> list[str]:
    """Return the text's lines."""
    if not found:
        return ["Nothing recorded: no Event in this time."]
    total = sum(lane.count for lane in found)
    lines = [f"{amount(total, 'Event')} of {amount(len(found), 'reason')}, by time of receipt."]
    for lane in found:
        first, last = clock.at(lane.marks[0].received), clock.at(max(mark.received for mark in lane.marks))
        when = f"at {first}" if first == last else f"from {first} to {last}"
        about = dict.fromkeys(mark.about for mark in lane.marks)
        what = next(iter(about)) if len(about) == 1 else amount(len(about), "object")
        often = "once" if lane.count == 1 else f"{lane.count} times"
        lines.append(f"{'Warning ' if lane.warning else ''}{plain(lane.reason, 60)}: {often}, {when}, about {what}.")
        if lane.warning:
            lines.append(f"  It says: {plain(lane.marks[-1].message, 200)}")
    return lines


def collect(events: pd.DataFrame, colours: Colours, clock: Clock) -> list[Lane]:
    """Return the Events of the window by reason, in the order in which the reasons were first received."""
    lanes: dict[str, Lane] = {}
    offset = events["observed_at"].astype("int64") - events["monotonic_ns"] if len(events) else None
    for index, row in enumerate(events.to_dict("records")):
        now = int(row["monotonic_ns"])
        if now < clock.begin or now > clock.end:
            continue
        assert offset is not None
        shift = int(offset.iloc[index])
        lane = lanes.setdefault(str(row["reason"] or "(no reason)"), Lane(str(row["reason"] or "(no reason)")))
        lane.warning = lane.warning or row["eventType"] == "Warning"
        about = f"{plain(row['involvedObject.kind'], 30).lower()}/{plain(row['involvedObject.name'], 60)}"
        lane.marks.append(
            Mark(
                now,
                _mapped(row["earliest"], shift),
                _mapped(row["latest"], shift),
                colours.about({str(key): value for key, value in row.items()}, now),
                int(row["occurrences"]),
                about,
                str(row["message"]),
            )
        )
    return list(lanes.values())


def _mapped(stamp: Any, shift: int) -> int | None:
    return None if pd.isna(stamp) else int(pd.Timestamp(stamp).as_unit("ns").value) - shift


def shown(lanes: list[Lane]) -> list[Lane]:
    """Return the lanes that are drawn: the rarest beyond `MOST` share one."""
    if len(lanes) <= MOST:
        return lanes
    common = sorted(lanes, key=lambda lane: (not lane.warning, -lane.count))[: MOST - 1]
    kept = [lane for lane in lanes if lane in common]
    rest = [lane for lane in lanes if lane not in common]
    return [*kept, Lane(f"{len(rest)} more reasons", False, [mark for lane in rest for mark in lane.marks])]


def figure_of(found: list[Lane], clock: Clock) -> LaneFigure:
    """Return the figure of Events, with a row for what was not recorded if there is anything."""
    rows: list[Lane | None] = [*shown(found), *([None] if found and clock.gaps_of("Event") else [])]
    first, *rest = tell(found, clock)
    figure = LaneFigure("Event", [Group(rows)], ROW, _draw, [first, *clock.in_words(), *rest], ("Event",))
    figure.key, figure.beneath, figure.empty, figure.whole, figure.labelled = KEY, 0.04, 0.5, True, False
    figure.also = lambda sheet, _: _key(sheet.ax)
    return figure


def _draw(sheet: Sheet, lane: Lane | None, top: float, row: float) -> None:
    if lane is None:
        _left(sheet.ax, "not recorded", top + row / 2, style="italic", gid="gap label")
        return
    _lane(sheet.ax, lane, sheet.clock, top, row)
    _label(sheet.ax, lane, top + row / 2)


def _lane(ax: Axes, lane: Lane, clock: Clock, top: float, row: float) -> None:
    """Draw a lane: a row within it for each colour, so that points of two revisions don't hide each other."""
    hues = sorted({mark.colour for mark in lane.marks}, key=lambda hue: (*PALETTE, INK).index(hue))
    tall = row * 0.86 / len(hues)
    for index, colour in enumerate(hues):
        marks = [mark for mark in lane.marks if mark.colour == colour]
        y = top + row * 0.07 + index * tall
        spans = {(m.earliest, m.latest) for m in marks if m.earliest is not None and m.latest is not None}
        paths, points = [], []
        for begin, end in sorted(spans):
            left, right = max(begin, clock.left), min(end, clock.right)
            if begin == end and left == begin:
                points.append(begin)
            if right <= left:
                continue
            x0, x1 = float(clock.x(left)), float(clock.x(right))
            low, high = y + tall * 0.08, y + tall * 0.92
            paths.append(Path([(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)], closed=True))
        if paths:
            area = Path.make_compound_path(*paths)
            ax.add_artist(PathPatch(area, facecolor=colour, alpha=0.18, linewidth=0, zorder=1.5, gid="stamp"))
            ax.add_artist(
                PathPatch(area, facecolor="none", edgecolor=colour, linewidth=0.6, zorder=1.6, gid="stamp edge")
            )
        if points:
            ax.vlines(clock.x(points), y + tall * 0.08, y + tall * 0.92, color=colour, linewidth=0.7, gid="stamp point")
        x = clock.x(np.array([mark.received for mark in marks], dtype="int64"))
        ax.plot(
            x,
            np.full(len(marks), y + tall / 2),
            linestyle="none",
            marker="D" if lane.warning else "o",
            markersize=3.6,
            color=colour,
            markeredgewidth=0,
            zorder=3,
            gid="received",
        )


def _label(ax: Axes, lane: Lane, y: float) -> None:
    point = pixels(ax)
    mark = "⚠ " if lane.warning else ""
    longest = 26
    words = mark + drawn(lane.reason, longest)
    while longest > 8 and size_of(ax, words, SMALL - 1)[0] > (LEFT * 72 - 10) * point:
        longest -= 1
        words = mark + drawn(lane.reason, longest)
    _left(ax, words, y, gid="reason")
    beside(ax, f"{lane.count} ×", y, SMALL)


def _left(ax: Axes, words: str, y: float, **how: Any) -> None:
    size = SMALL if size_of(ax, words, SMALL)[0] <= (LEFT * 72 - 10) * pixels(ax) else SMALL - 1
    name_lane(ax, words, y, size, **how)


def _key(ax: Axes) -> None:
    box, point = box_of(ax), pixels(ax)
    units = abs(ax.get_ylim()[0] - ax.get_ylim()[1]) / box.height
    trans = ax.get_yaxis_transform()
    middle, tall, wide = KEY * 0.42, 8 * point * units, 20 * point
    for fill, edge in ((0.18, 0.0), (0.0, 0.6)):
        ax.add_artist(
            Rectangle(
                (0, middle - tall / 2),
                wide / box.width,
                tall,
                transform=trans,
                facecolor=INK if fill else "none",
                alpha=fill or None,
                edgecolor=INK,
                linewidth=edge,
            )
        )
    words = "the second that the server's stamp names"
    x = wide + 4 * point
    how: dict[str, Any] = {"transform": trans, "va": "center_baseline", "color": INK, "fontsize": SMALL, "gid": "key"}
    write(ax, x / box.width, middle, words, **how)
    x += size_of(ax, words, SMALL)[0] + 18 * point
    ax.plot(
        [x / box.width],
        [middle],
        transform=trans,
        linestyle="none",
        marker="o",
        markersize=3.6,
        color=INK,
        markeredgewidth=0,
    )
    write(ax, (x + 6 * point) / box.width, middle, "received", **how)

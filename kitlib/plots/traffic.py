"""The traffic figure: each request of a client, one lane for each server that answered, and what the endpoints said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from kitlib.frames import distribution
from kitlib.plots.lane import KEY, Group, LaneFigure, Sheet, beside, fit_lane_name, show
from kitlib.plots.style import PALETTE, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = ("monotonic_ns", "name", "answered", "status", "error", "who", "ready", "late_ns", "took_ns")
ENDPOINTS = ("monotonic_ns", "service", "pod", "listed", "ready", "terminating")
ROW, TICKS, BAR = 0.62, 0.3, 0.12
"""Inches: of a server's lane, of its requests' ticks, and of the bar that its endpoint has below them."""
MOST = 12
"""More servers than this are not drawn; the words tell of all."""
TONES = {
    "ready": Tone("endpoint ready", 0.78, 1.0),
    "not ready": Tone("endpoint not ready", 0.78, 0.0, edge=0.9),
    "terminating": Tone("endpoint terminating", 0.78, 0.0, "/////", 0.6),
}
WRONG = PALETTE[1]
"""The colour of what should not be: an answer of a server that isn't ready, a request without an answer."""


@dataclass
class Server:
    """One that answered, or that an EndpointSlice names.

    Parameters
    ----------
    name : str
    ready, unready : list of int
        Monotonic ns at which requests were sent that it answered while it held itself ready, or not.
    says : list of (int, str)
        Since when its endpoint was in which state: one of `TONES`, or "" if it isn't listed.
    """

    name: str
    ready: list[int] = field(default_factory=list)
    unready: list[int] = field(default_factory=list)
    says: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Traffic:
    """What the figure shows.

    Parameters
    ----------
    servers : list of Server
    lost : dict
        Why no answer came → monotonic ns of those requests.
    """

    servers: list[Server]
    lost: dict[str, list[int]]


def traffic(
    frame: pd.DataFrame,
    endpoints: pd.DataFrame | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each request as a tick in the lane of who answered it, and those without an answer in a lane of their own.

    A tick is tall and vermilion where the server held itself not ready when it answered.

    Parameters
    ----------
    frame : DataFrame
        The frame `traffic`.
    endpoints : DataFrame, optional
        The frame `endpoints`, of one Service: below its requests each server then has a bar that tells what the
        EndpointSlice said of it.
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
    clock = _clock(frame, endpoints, zero)
    found = _sorted(frame, endpoints, clock)
    rows: list[tuple[int, Server | None]] = [*enumerate(found.servers[:MOST]), *([(0, None)] if found.lost else [])]

    def draw(sheet: Sheet, row: tuple[int, Server | None], top: float, tall: float) -> None:
        number, server = row
        base = top + tall * (TICKS + 0.16) / ROW
        if server is None:
            _lost(sheet, found.lost, base, tall)
        else:
            _draw(sheet, server, PALETTE[(0, 2, 3, 4)[number % 4]], base, tall)

    figure = LaneFigure("request", [Group(rows)], ROW, draw, _tell(frame, found, clock), ("EndpointSlice",), TONES)
    figure.empty, figure.whole = KEY + ROW, True
    return show(figure, clock, ax)


def traffic_text(frame: pd.DataFrame, endpoints: pd.DataFrame | None = None, zero: int | str | None = None) -> str:
    """Say in words what `traffic` draws: a line for each server, and one for what was lost.

    Parameters
    ----------
    frame, endpoints, zero
        As for `traffic`.

    Returns
    -------
    str
        How many requests each answered, and when while it wasn't ready.
    """
    clock = _clock(frame, endpoints, zero)
    return "\n".join(_tell(frame, _sorted(frame, endpoints, clock), clock))


def _clock(frame: pd.DataFrame, endpoints: pd.DataFrame | None, zero: int | str | None) -> Clock:
    need(frame, NEEDS, "traffic", "traffic")
    if endpoints is not None:
        need(endpoints, ENDPOINTS, "endpoints", "traffic")
    return Clock.of([frame], zero, "traffic")


def _sorted(frame: pd.DataFrame, endpoints: pd.DataFrame | None, clock: Clock) -> Traffic:
    servers: dict[str, Server] = {}
    lost: dict[str, list[int]] = {}
    if endpoints is not None:
        for row in endpoints[list(ENDPOINTS)].to_dict("records"):
            says = servers.setdefault(str(row["pod"]), Server(str(row["pod"]))).says
            says.append((int(row["monotonic_ns"]), _says(row)))
    for row in frame[list(NEEDS)].to_dict("records"):
        now = int(row["monotonic_ns"])
        if not row["answered"]:
            lost.setdefault(str(row["error"]), []).append(now)
            continue
        server = servers.setdefault(str(row["who"]), Server(str(row["who"])))
        unready = row["ready"] is not pd.NA and not row["ready"]
        (server.unready if unready else server.ready).append(now)
    there = [each for each in servers.values() if each.ready or each.unready or any(state for _, state in each.says)]
    return Traffic(sorted(there, key=lambda each: each.name), lost)


def _says(row: dict[Any, Any]) -> str:
    if not row["listed"]:
        return ""
    if row["terminating"] is not pd.NA and row["terminating"]:
        return "terminating"
    return "ready" if row["ready"] is pd.NA or row["ready"] else "not ready"


def _spans(server: Server, clock: Clock) -> list[tuple[int, int, str]]:
    """Return from when to when its endpoint was in which state, as far as the picture goes."""
    ends = [*(begin for begin, _ in server.says[1:]), clock.end][: len(server.says)]
    return [
        (max(begin, clock.left), end, state)
        for (begin, state), end in zip(server.says, ends, strict=True)
        if state and end > clock.left
    ]


def _draw(sheet: Sheet, server: Server, colour: str, base: float, row: float) -> None:
    middle, name, half = base + row * (BAR / 2 + 0.02) / ROW, base - row * TICKS / ROW / 2, row * BAR / ROW / 2
    _ticks(sheet, server.ready, base, row * TICKS / ROW, colour, 0.7)
    _ticks(sheet, server.unready, base, row * (TICKS + 0.12) / ROW, WRONG, 1.3)
    for begin, end, state in _spans(server, sheet.clock):
        sheet.bar(state, colour, begin, end, middle - half, middle + half)
    fit_lane_name(sheet.ax, server.name, name)
    told = [amount(len(server.ready), "answer")]
    if server.unready:
        told.append(f"{len(server.unready)} while not ready")
    _count(sheet, told, name)


def _lost(sheet: Sheet, lost: dict[str, list[int]], base: float, row: float) -> None:
    times, name = [at for each in lost.values() for at in each], base - row * TICKS / ROW / 2
    _ticks(sheet, times, base, row * TICKS / ROW, WRONG, 1.3)
    fit_lane_name(sheet.ax, "no answer", name)
    _count(sheet, [f"{len(each)} {plain(why, 18)}" for why, each in lost.items()], name)


def _ticks(sheet: Sheet, times: list[int], base: float, tall: float, colour: str, width: float) -> None:
    lines = [[(x, base), (x, base - tall)] for x in sheet.xs(times)]
    drawn_lines = LineCollection(lines, colors=colour, linewidths=width, zorder=2.2, gid="request")
    sheet.ax.add_collection(drawn_lines, autolim=False)


def _count(sheet: Sheet, told: list[str], y: float) -> None:
    beside(sheet.ax, "\n".join(drawn(text, 26) for text in told[:3]), y)


def _tell(frame: pd.DataFrame, found: Traffic, clock: Clock) -> list[str]:
    if not len(frame) and not found.servers:
        return ["Nothing recorded: no request in this time."]
    lost = sum(map(len, found.lost.values()))
    head = f"{amount(len(frame), 'request')}, {len(frame) - lost} answered, {lost} without an answer."
    lines = [head, *clock.in_words()]
    for name, row in distribution(frame).iterrows() if len(frame) else ():
        if row["answered"]:
            lines.append(
                f"{plain(name, 40)}: half of its answers within {row['p50_ms']:.1f} ms,"
                f" 99 of 100 within {row['p99_ms']:.1f} ms."
            )
    if len(found.servers) > MOST:
        lines.append(f"The first {MOST} servers are drawn.")
    for server in found.servers:
        told = [amount(len(server.ready) + len(server.unready), "answer")]
        if server.unready:
            told.append(f"{len(server.unready)} of them while not ready, {_between(server.unready, clock)}")
        told += [f"{TONES[state].label} from {clock.at(max(begin, clock.begin))} to {clock.at(end)}"
                 for begin, end, state in _spans(server, clock)]  # fmt: skip
        lines.append(f"{plain(server.name, 40)}: {', '.join(told)}.")
    lines += [
        f"No answer, {plain(why, 40)}: {amount(len(times), 'request')}, {_between(times, clock)}."
        for why, times in found.lost.items()
    ]
    return lines


def _between(times: list[int], clock: Clock) -> str:
    return f"from {clock.at(min(times))} to {clock.at(max(times))}" if len(times) > 1 else f"at {clock.at(times[0])}"

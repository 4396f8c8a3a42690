"""The traffic figure: each request of a client, one lane for each server that answered, and what the endpoints said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.path import Path

from kitlib.frames import distribution
from kitlib.plots.canvas import attach, bare, box_of, pixels
from kitlib.plots.lanes import KEY, add_bars, bar, draw_key, fit_lane_name, lane_axes
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing
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
        Time zero: monotonic ns or a step's name. Default is the begin of the last step.
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
    lanes = min(len(found.servers), MOST) + bool(found.lost)
    if ax is None:
        height = KEY + ROW * max(lanes, 1)
        ax = lane_axes(height, clock)
    attach(ax, "\n".join(_tell(frame, found, clock)))
    bare(ax)
    draw_axis(ax, clock)
    if lanes:
        _draw(ax, found, clock)
    else:
        nothing(ax, clock, "request")
    draw_steps(ax, clock)
    return ax


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


def _draw(ax: Axes, found: Traffic, clock: Clock) -> None:
    height = box_of(ax).height / (72 * pixels(ax))
    ax.set_ylim(height, 0)
    ax.set_yticks([])
    servers = found.servers[:MOST]
    row = (height - KEY) / (len(servers) + bool(found.lost))
    gaps = clock.gaps_of("EndpointSlice")
    used: dict[str, Tone] = {}
    for number, server in enumerate(servers):
        top = KEY + number * row
        base, colour = top + row * (TICKS + 0.16) / ROW, PALETTE[(0, 2, 3, 4)[number % 4]]
        _ticks(ax, clock, server.ready, base, row * TICKS / ROW, colour, 0.7)
        _ticks(ax, clock, server.unready, base, row * (TICKS + 0.12) / ROW, WRONG, 1.3)
        bars: dict[str, list[Path]] = {}
        middle = base + row * (BAR / 2 + 0.02) / ROW
        for begin, end, state in _spans(server, clock):
            for left, right in clock.known(begin, end, gaps):
                low, high = middle - row * BAR / ROW / 2, middle + row * BAR / ROW / 2
                bars.setdefault(state, []).append(bar(clock, left, right, low, high))
        for state, paths in bars.items():
            used[state] = TONES[state]
            add_bars(ax, paths, colour, state, TONES[state])
        fit_lane_name(ax, server.name, base - row * TICKS / ROW / 2)
        told = [amount(len(server.ready), "answer")]
        if server.unready:
            told.append(f"{len(server.unready)} while not ready")
        _beside(ax, told, base - row * TICKS / ROW / 2)
    if found.lost:
        base = KEY + len(servers) * row + row * (TICKS + 0.16) / ROW
        times = [at for each in found.lost.values() for at in each]
        _ticks(ax, clock, times, base, row * TICKS / ROW, WRONG, 1.3)
        fit_lane_name(ax, "no answer", base - row * TICKS / ROW / 2)
        _beside(ax, [f"{len(each)} {plain(why, 18)}" for why, each in found.lost.items()], base - row * TICKS / ROW / 2)
    draw_key(ax, {state: tone for state, tone in TONES.items() if state in used})
    bands = [(0.0, 1 - KEY / height)]
    draw_zero(ax, clock, bands)
    draw_gaps(ax, clock, bands, "EndpointSlice")


def _ticks(ax: Axes, clock: Clock, times: list[int], base: float, tall: float, colour: str, width: float) -> None:
    xs = [float(clock.x(at)) for at in times if clock.left <= at <= clock.right]
    lines = LineCollection(
        [[(x, base), (x, base - tall)] for x in xs], colors=colour, linewidths=width, zorder=2.2, gid="request"
    )
    ax.add_collection(lines, autolim=False)


def _beside(ax: Axes, told: list[str], y: float) -> None:
    """Say on the right of a lane how many it has."""
    box, point = box_of(ax), pixels(ax)
    ax.text(
        1 + 6 * point / box.width,
        y,
        "\n".join(drawn(text, 26) for text in told[:3]),
        transform=ax.get_yaxis_transform(),
        va="center",
        color=INK,
        fontsize=SMALL - 0.5,
        gid="count",
    )


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

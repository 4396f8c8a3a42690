"""The mirror figure: what a node's own runtime did with containers, and beside it what the API saw of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots.canvas import box_of, size_of
from kitlib.plots.containers import BAR, ROW, Lane, Run, lives, runs, told
from kitlib.plots.containers import NEEDS as SEEN
from kitlib.plots.containers import TONES as STATES
from kitlib.plots.lane import HEADER, KEY, Group, LaneFigure, Sheet, fit_lane_name, over, show
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = ("at_ns", "node", "what", "name", "container", "containerID", "exitCode")
SERVER = "kube-apiserver"
"""The container whose absence is shaded."""
ON_NODE, IN_API = PALETTE[0], PALETTE[3]
TONES = {"OnNode": Tone("runs, says the node", 0.5, 1.0), **STATES}
"""A run on the node, and the states that the API tells."""


@dataclass
class Life:
    """One container, twice.

    Parameters
    ----------
    pod, container, node : str
    runs : list of Run
        On the node, in order.
    told : Lane or None
        In the API, without runs if it was never there; None for the API server itself.
    """

    pod: str
    container: str
    node: str
    runs: list[Run] = field(default_factory=list)
    told: Lane | None = None


def mirror(
    runtime: pd.DataFrame, containers: pd.DataFrame, zero: int | str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what nodes did with containers above what the API saw of them; times without an API server are shaded.

    Parameters
    ----------
    runtime : DataFrame
        What `kitlib.frames.runtime` returned; its containers are those that are drawn.
    containers : DataFrame
        The frame `containers` of the same window.
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
    found, clock = _read(runtime, containers, zero)
    groups: dict[str, Group] = {}
    for life in found:
        head = f"{plain(life.pod, 60)} · on {plain(life.node, 40)}"
        rows = [(life, "node"), *([(life, "API")] if life.told else [])]
        groups.setdefault(life.pod, Group([], head)).rows += rows
    figure = LaneFigure("container", list(groups.values()), ROW, _draw, _tell(found, clock), tones=TONES)
    figure.shades = lambda row: row[1] == "API"
    figure.also = lambda sheet, _: _away(sheet, _absences(found, clock))
    return show(figure, clock, ax)


def mirror_text(runtime: pd.DataFrame, containers: pd.DataFrame, zero: int | str | None = None) -> str:
    """Say in words what `mirror` draws: two lines for each container.

    Parameters
    ----------
    runtime, containers, zero
        As for `mirror`.

    Returns
    -------
    str
        When each ran on its node, what the API saw of it, and when there was no API server.
    """
    return "\n".join(_tell(*_read(runtime, containers, zero)))


def _read(runtime: pd.DataFrame, containers: pd.DataFrame, zero: int | str | None) -> tuple[list[Life], Clock]:
    need(runtime, NEEDS, "runtime", "mirror")
    need(containers, SEEN, "containers", "mirror")
    clock = Clock.of([containers], zero, "mirror")
    found: dict[tuple[str, str], Life] = {}
    for row in runtime[runtime["container"] != ""].sort_values("at_ns").to_dict("records"):
        life = found.setdefault((row["name"], row["container"]), Life(row["name"], row["container"], row["node"]))
        at = int(row["at_ns"])
        if row["what"] == "running":
            life.runs.append(Run("OnNode", at if at > clock.begin else clock.left, clock.end))
        elif life.runs:
            life.runs[-1].end, life.runs[-1].word = at, f"exit {row['exitCode']}"
    for name, lanes in lives(containers, clock).values():
        for lane in lanes:
            if (name, lane.name) in found:
                before = found[name, lane.name].told
                if before is None:
                    found[name, lane.name].told = lane
                else:  # another mirror Pod of the same name
                    before.runs += lane.runs
                    before.count, before.gone = lane.count, lane.gone
    for life in found.values():
        if life.told is None and life.container != SERVER:
            life.told = Lane(life.container, "main")
    return sorted(found.values(), key=lambda life: (life.container != SERVER, life.pod)), clock


def _absences(found: list[Life], clock: Clock) -> list[tuple[int, int]]:
    """Return when no API server ran."""
    away, at = [], clock.begin
    for run in (run for life in found if life.container == SERVER for run in life.runs):
        if run.begin > at:
            away.append((at, run.begin))
        at = max(at, run.end)
    if clock.begin < at < clock.end:
        away.append((at, clock.end))
    return away


def _draw(sheet: Sheet, row: tuple[Life, str], top: float, tall: float) -> None:
    life, where = row
    lane = life.told if where == "API" and life.told else Lane(life.container, "main", life.runs)
    runs(sheet, lane, IN_API if where == "API" else ON_NODE, top, tall, TONES, cut=where == "API")
    words, middle = f"{life.container} · {where}", top + tall - tall * BAR / ROW / 2
    fit_lane_name(sheet.ax, words, middle, 24, family=None)


def _away(sheet: Sheet, absences: list[tuple[int, int]]) -> None:
    """Shade when there was no API server, and write it above its own lane, where it isn't."""
    ax, clock = sheet.ax, sheet.clock
    low, high = ax.get_xlim()
    wide, _ = size_of(ax, "no API server", SMALL, style="italic")
    half, taken = wide / box_of(ax).width * (high - low) / 2, low
    for begin, end in absences:
        x0, x1 = float(clock.x(begin)), float(clock.x(end))
        for bottom, top in sheet.bands:
            ax.axvspan(x0, x1, bottom, top, facecolor=INK, alpha=0.16, linewidth=0, zorder=0.3, gid="away")
        x = min(max(float(clock.x((begin + end) // 2)), low + half), high - half)
        if x - half >= taken:
            how = {"ha": "center", "style": "italic", "gid": "away label", "zorder": 3}
            over(ax, x, KEY + HEADER + (ROW - BAR) / 2, "no API server", SMALL, **how)
            taken = x + half * 1.1


def _tell(found: list[Life], clock: Clock) -> list[str]:
    if not found:
        return ["Nothing recorded: no container in this time."]
    starts = sum(run.begin > clock.begin for life in found for run in life.runs)
    lines = [f"{amount(len(found), 'container')}: {amount(starts, 'start')} on the nodes.", *clock.in_words()]
    lines += [f"No API server: from {clock.at(begin)} to {clock.at(end)}." for begin, end in _absences(found, clock)]
    for life in found:
        lines.append(f"{plain(life.pod, 60)} on {plain(life.node, 40)}: {plain(life.container, 60)}.")
        lines.append(f"  On the node: {'; '.join(_run(run, clock) for run in life.runs) or 'it never ran'}.")
        if life.told is not None:
            lines.append(f"  In the API: {told(life.told, clock) or 'nothing'}.")
    return lines


def _run(run: Run, clock: Clock) -> str:
    since = "from the beginning" if run.begin <= clock.begin else f"from {clock.at(run.begin)}"
    return f"{since} on" if run.end >= clock.end and not run.word else f"{since} to {clock.at(run.end)} ({run.word})"

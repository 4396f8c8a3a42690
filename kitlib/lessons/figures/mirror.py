"""The mirror figure: what a node's own runtime did with containers, and beside it what the API saw of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.path import Path

from kitlib.plots.canvas import attach, bare, box_of, pixels, size_of
from kitlib.plots.containers import BAR, ROW, Lane, Run, _life, _lives, _words
from kitlib.plots.containers import NEEDS as SEEN
from kitlib.plots.containers import TONES as STATES
from kitlib.plots.lanes import HEADER, KEY, add_bars, bar, draw_key, lane_axes, name_group, name_lane
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing
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
    lives, clock = _read(runtime, containers, zero)
    pods = {life.pod: life.node for life in lives}
    lanes = sum(1 + (life.told is not None) for life in lives)
    if ax is None:
        height = KEY + HEADER * len(pods) + ROW * lanes if lanes else 0.6
        ax = lane_axes(height, clock)
    attach(ax, "\n".join(_tell(lives, clock)))
    bare(ax)
    draw_axis(ax, clock)
    if lanes:
        _draw(ax, lives, clock)
    else:
        nothing(ax, clock, "container")
    draw_steps(ax, clock)
    return ax


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
    lives, clock = _read(runtime, containers, zero)
    return "\n".join(_tell(lives, clock))


def _read(runtime: pd.DataFrame, containers: pd.DataFrame, zero: int | str | None) -> tuple[list[Life], Clock]:
    need(runtime, NEEDS, "runtime", "mirror")
    need(containers, SEEN, "containers", "mirror")
    clock = Clock.of([containers], zero, "mirror")
    lives: dict[tuple[str, str], Life] = {}
    for row in runtime[runtime["container"] != ""].sort_values("at_ns").to_dict("records"):
        life = lives.setdefault((row["name"], row["container"]), Life(row["name"], row["container"], row["node"]))
        at = int(row["at_ns"])
        if row["what"] == "running":
            life.runs.append(Run("OnNode", at if at > clock.begin else clock.left, clock.end))
        elif life.runs:
            life.runs[-1].end, life.runs[-1].word = at, f"exit {row['exitCode']}"
    for name, lanes in _lives(containers, clock).values():
        for lane in lanes:
            if (name, lane.name) in lives:
                told = lives[name, lane.name].told
                if told is None:
                    lives[name, lane.name].told = lane
                else:  # another mirror Pod of the same name
                    told.runs += lane.runs
                    told.count, told.gone = lane.count, lane.gone
    for life in lives.values():
        if life.told is None and life.container != SERVER:
            life.told = Lane(life.container, "main")
    return sorted(lives.values(), key=lambda life: (life.container != SERVER, life.pod)), clock


def _absences(lives: list[Life], clock: Clock) -> list[tuple[int, int]]:
    """Return when no API server ran."""
    found, at = [], clock.begin
    for run in (run for life in lives if life.container == SERVER for run in life.runs):
        if run.begin > at:
            found.append((at, run.begin))
        at = max(at, run.end)
    if clock.begin < at < clock.end:
        found.append((at, clock.end))
    return found


def _draw(ax: Axes, lives: list[Life], clock: Clock) -> None:
    box, point = box_of(ax), pixels(ax)
    height = box.height / (72 * point)
    ax.set_ylim(height, 0)
    ax.set_yticks([])
    pods = list(dict.fromkeys(life.pod for life in lives))
    lanes = sum(1 + (life.told is not None) for life in lives)
    row = max(height - KEY - HEADER * len(pods), 0.2) / lanes
    thick = row * BAR / ROW
    gaps = clock.gaps_of("Pod")
    shapes: dict[tuple[str, str], list[Path]] = {}
    bands: list[tuple[float, float]] = []
    api: list[tuple[float, float]] = []
    y: float = KEY
    for pod in pods:
        mine = [life for life in lives if life.pod == pod]
        words = drawn(f"{plain(pod, 60)} · on {plain(mine[0].node, 40)}", 110)
        name_group(ax, words, y + HEADER * 0.56)
        y += HEADER
        top = y
        for life in mine:
            twice = [(life.runs, ON_NODE, "node")]
            if life.told is not None:
                twice.append((life.told.runs, IN_API, "API"))
            for runs, colour, name in twice:
                middle = y + row - thick / 2
                for run in runs:
                    tall = thick * TONES[run.state].height
                    for left, right in clock.known(run.begin, run.end, gaps if name == "API" else ()):
                        piece = bar(clock, left, right, middle - tall / 2, middle + tall / 2)
                        shapes.setdefault((run.state, colour), []).append(piece)
                _words(ax, Lane(life.container, "main", runs), clock, y + (row - thick) / 2)
                if name == "API":
                    api.append((1 - (y + row) / height, 1 - y / height))
                size = SMALL - 0.5
                label = drawn(f"{life.container} · {name}", 24)
                while size > 6.5 and size_of(ax, label, size)[0] > 100 * point:
                    size -= 0.5
                name_lane(ax, label, middle, size)
                y += row
        bands.append((1 - y / height, 1 - top / height))
    for (state, colour), paths in shapes.items():
        add_bars(ax, paths, colour, state, TONES[state])
    draw_key(ax, {state: tone for state, tone in TONES.items() if any(state == one for one, _ in shapes)})
    draw_zero(ax, clock, bands)
    draw_gaps(ax, clock, api, "Pod")
    for begin, end in _absences(lives, clock):
        x0, x1 = float(clock.x(begin)), float(clock.x(end))
        for low, high in bands:
            ax.axvspan(x0, x1, low, high, facecolor=INK, alpha=0.16, linewidth=0, zorder=0.3, gid="away")
    _name_absences(ax, lives, clock)


def _name_absences(ax: Axes, lives: list[Life], clock: Clock) -> None:
    """Write above the API server's own lane, where it isn't, that there is none."""
    low, high = ax.get_xlim()
    wide, _ = size_of(ax, "no API server", SMALL, style="italic")
    half = wide / box_of(ax).width * (high - low) / 2
    taken = low
    for begin, end in _absences(lives, clock):
        x = min(max(float(clock.x((begin + end) // 2)), low + half), high - half)
        if x - half < taken:
            continue
        y = KEY + HEADER + (ROW - BAR) / 2
        words = ax.text(x, y, "no API server", fontsize=SMALL, color=INK, style="italic", gid="away label")
        words.set(ha="center", va="center")
        taken = x + half * 1.1


def _tell(lives: list[Life], clock: Clock) -> list[str]:
    if not lives:
        return ["Nothing recorded: no container in this time."]
    starts = sum(run.begin > clock.begin for life in lives for run in life.runs)
    lines = [f"{amount(len(lives), 'container')}: {amount(starts, 'start')} on the nodes.", *clock.in_words()]
    lines += [f"No API server: from {clock.at(begin)} to {clock.at(end)}." for begin, end in _absences(lives, clock)]
    for life in lives:
        lines.append(f"{plain(life.pod, 60)} on {plain(life.node, 40)}: {plain(life.container, 60)}.")
        lines.append(f"  On the node: {'; '.join(_run(run, clock) for run in life.runs) or 'it never ran'}.")
        if life.told is not None:
            lines.append(f"  In the API: {_life(life.told, clock) or 'nothing'}.")
    return lines


def _run(run: Run, clock: Clock) -> str:
    since = "from the beginning" if run.begin <= clock.begin else f"from {clock.at(run.begin)}"
    return f"{since} on" if run.end >= clock.end and not run.word else f"{since} to {clock.at(run.end)} ({run.word})"

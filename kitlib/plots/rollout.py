"""The rollout figure: Pods by revision over time, stacked, within what the strategy promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from kitlib.plots import verdict as answers
from kitlib.plots.canvas import RIGHT, attach, bare, box_of, new_axes, new_figure, pixels, put_apart, size_of
from kitlib.plots.style import COUNTED, HEADLINE, INK, SMALL, TEXT, Colours, amount, drawn, plain, text_on
from kitlib.plots.timeaxis import STEP_ROW, Clock, Gap, draw_axis, draw_gaps, draw_steps, draw_zero, nothing, step_rows
from kitlib.plots.verdict import Verdict

KINDS = ("Pod", "ReplicaSet", "Deployment")
STRIDE = 2
"""Pixels between two columns in which labels look for room."""

HEADROOM = 44
"""Points above the stack: for the bracket that says how long it took, and for the names of states."""


def rollout(
    pods: pd.DataFrame,
    replicas: pd.DataFrame,
    deployment: str | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a Deployment's Pods by revision over time, within the envelope that its strategy promises.

    Available Pods are solid, those not yet available pale above them, terminating ones (which no bound counts) hatched
    on top. The dashed lines are the promise. The title is the answer: was it kept, and how long did it take?

    Parameters
    ----------
    pods, replicas : DataFrame
        The frames of those names.
    deployment : str, optional
        The Deployment's name; may be left out if there is one only.
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
        If a column is missing, or the Deployment or the step isn't there.
    """
    pods, replicas = answers.check(pods, replicas, "rollout")
    clock = Clock.of([pods, replicas], zero, "rollout")
    rows = step_rows(clock)
    if ax is None:
        ax = new_axes(new_figure(0.55 + 2.35 + 0.65 + rows * STEP_ROW / 72), bottom=0.55, height=2.35)
    if replicas.empty:
        attach(ax, rollout_text(pods, replicas, deployment, zero))
        bare(ax)
        draw_axis(ax, clock)
        nothing(ax, clock, "Deployment")
        return ax
    judged, colours = answers.judge(pods, replicas, deployment, clock), Colours(replicas, pods)
    attach(ax, "\n".join(tell(judged, colours, clock)))
    draw(ax, judged, colours, clock)
    draw_headline(ax, judged[0], clock, above=draw_steps(ax, clock) * STEP_ROW + 8)
    return ax


def rollout_text(
    pods: pd.DataFrame, replicas: pd.DataFrame, deployment: str | None = None, zero: int | str | None = None
) -> str:
    """Say in words what `rollout` draws.

    Parameters
    ----------
    pods, replicas : DataFrame
        The frames of those names.
    deployment : str, optional
        The Deployment's name; may be left out if there is one only.
    zero : int or str, optional
        Time zero, as for `rollout`.

    Returns
    -------
    str
        The promise, whether it was kept, how long it took, and what happened to each revision.
    """
    pods, replicas = answers.check(pods, replicas, "rollout")
    clock = Clock.of([pods, replicas], zero, "rollout")
    if replicas.empty:
        return "\n".join(["Nothing recorded: no Deployment in this time.", *clock.in_words()])
    judged = answers.judge(pods, replicas, deployment, clock)
    return "\n".join(tell(judged, Colours(replicas, pods), clock))


def tell(judged: tuple[Verdict, pd.DataFrame, pd.DataFrame], colours: Colours, clock: Clock) -> list[str]:
    """Return the text's lines."""
    verdict, _, long = judged
    lines = [f"{answers.headline(verdict, clock)[1]}.", f"Rollout of {answers.subject(verdict)}.", *clock.in_words()]
    lines += answers.in_words(verdict, clock)
    for name, rows in long.groupby("replicaset", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        total = rows["available"] + rows["unavailable"]
        if not (total.any() or rows["terminating"].any()):
            continue
        known = colours.label(str(name))
        lines.append(
            f"{known[:1].upper() + known[1:] if known else 'Revision unknown'} (ReplicaSet {plain(name, 60)}):"
            f" {first['available']} available at the beginning, {last['available']} at the end;"
            f" at most {amount(int(total.max()))}, {rows['terminating'].max()} terminating at once."
        )
    return lines


def draw(
    ax: Axes,
    judged: tuple[Verdict, pd.DataFrame, pd.DataFrame],
    colours: Colours,
    clock: Clock,
    labelled: bool = True,
) -> None:
    """Draw stack, envelope and labels into axes whose size is final."""
    verdict, times, long = judged
    bare(ax, left=True)
    draw_axis(ax, clock, labelled)
    bands = [(0.0, 1 - HEADROOM * pixels(ax) / box_of(ax).height)]
    draw_zero(ax, clock, bands)
    stack = _stack(long, times, clock)
    _scale(ax, stack, times)
    _fill(ax, stack, colours, clock)
    _envelope(ax, times, stack, colours, clock)
    _breaches(ax, verdict, clock)
    draw_gaps(ax, clock, bands, *KINDS)
    _name_revisions(ax, stack, times, colours, clock)
    _brackets(ax, verdict, clock)
    _name_areas(ax, stack, verdict, clock)
    _name_bounds(ax, verdict, times)
    ax.set_ylabel("Pods", color=INK, fontsize=TEXT)


def draw_headline(ax: Axes, verdict: Verdict, clock: Clock, above: float, title: str | None = None) -> None:
    """Write the answer, and over it the subject, so many points above the axes."""
    good, text = answers.headline(verdict, clock)
    text = drawn(text, 200)
    about = drawn(title or answers.subject(verdict), 110)
    mark = {True: "✓ ", False: "✗ ", None: ""}[good]
    box, point = box_of(ax), pixels(ax)
    left = -(box.x0 - 8 * point) / box.width
    width = box.width * (1 - left) + 1.4 * 72 * point
    height = 1 + above * point / box.height
    size = HEADLINE
    while size > TEXT and size_of(ax, mark + text, size, weight="bold")[0] > width:
        size -= 0.5
    common = {"transform": ax.transAxes, "color": INK, "va": "bottom", "clip_on": False}
    ax.text(left, height, mark + text, fontsize=size, weight="bold", gid="headline", **common)
    ax.text(left, height + 20 * point / box.height, about, fontsize=TEXT, gid="subject", **common)


def draw_title(ax: Axes, title: str, above: float) -> None:
    """Write a title so many points above axes that have no verdict."""
    box, point = box_of(ax), pixels(ax)
    left = -(box.x0 - 8 * point) / box.width
    ax.text(left, 1 + above * point / box.height, drawn(title, 80), transform=ax.transAxes, color=INK, va="bottom",
            clip_on=False, fontsize=HEADLINE, weight="bold", gid="headline")


@dataclass
class Layer:
    """One band of the stack: what of one ReplicaSet, from where to where.

    Parameters
    ----------
    kind : str
        available, unavailable or terminating.
    owner : str
        The ReplicaSet's name.
    low, high : ndarray
        Lower and upper edge at each time.
    revision : ndarray
        The ReplicaSet's revision at each time.
    """

    kind: str
    owner: str
    low: np.ndarray
    high: np.ndarray
    revision: np.ndarray


@dataclass
class Stack:
    """All bands over the same times.

    Parameters
    ----------
    ns : ndarray
        Times, monotonic ns; the last one is the window's end.
    layers : list of Layer
        From the bottom up.
    """

    ns: np.ndarray
    layers: list[Layer]

    def at(self, ns: np.ndarray) -> np.ndarray:
        """Return the index that holds at each time, -1 before the first."""
        return np.searchsorted(self.ns, ns, side="right") - 1


def _stack(long: pd.DataFrame, times: pd.DataFrame, clock: Clock) -> Stack:
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    versions = kept["resourceVersion"].to_numpy()
    ns = kept["monotonic_ns"].to_numpy()
    names = list(long.sort_values("revision", kind="stable")["replicaset"].unique())
    first = long.groupby("replicaset")["revision"].min()
    names.sort(key=lambda name: int(first[name]) or 10**9)
    base = np.zeros(len(ns), dtype="int64")
    layers = []
    tables = long.drop_duplicates(["resourceVersion", "replicaset"], keep="last").set_index("resourceVersion")
    for kind in COUNTED:
        for name in names:
            own = tables.loc[tables["replicaset"] == name, [kind, "revision"]].reindex(versions)
            count = own[kind].fillna(0).to_numpy(dtype="int64")
            if count.any():
                number = own["revision"].ffill().fillna(0).to_numpy(dtype="int64")
                layers.append(Layer(kind, str(name), base, base + count, number))
                base = base + count
    if len(ns) and ns[0] <= clock.begin:
        ns = ns.copy()
        ns[0] = min(ns[0], clock.left)
    return Stack(ns, layers)


def _scale(ax: Axes, stack: Stack, times: pd.DataFrame) -> None:
    """Leave room above the stack for the bracket and two labels."""
    top = max([int(layer.high.max()) for layer in stack.layers] + [int(times["upper"].max()), 1])
    room = HEADROOM * pixels(ax) / box_of(ax).height
    ax.set_ylim(0, top / (1 - min(room, 0.6)))
    ax.yaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top])
    ax.spines["left"].set_bounds(0, top)


def _steps(stack: Stack, low: np.ndarray, high: np.ndarray, clock: Clock, gaps: Sequence[Gap]) -> list[Path]:
    """Return closed paths around a band, one for each piece that is neither empty nor unknown."""
    paths = []
    edges = np.append(stack.ns, max(clock.end, stack.ns[-1]))
    inside = high > low
    index = 0
    while index < len(low):
        if not inside[index]:
            index += 1
            continue
        stop = index
        while stop < len(low) and inside[stop]:
            stop += 1
        for begin, end in clock.known(int(edges[index]), int(edges[stop]), gaps):
            use = [i for i in range(index, stop) if edges[i + 1] > begin and edges[i] < end]
            if not use:
                continue
            left = [max(int(edges[i]), begin) for i in use]
            right = [min(int(edges[i + 1]), end) for i in use]
            x = clock.x(np.column_stack([left, right]).ravel())
            top, bottom = np.repeat(high[use], 2), np.repeat(low[use], 2)
            points = np.concatenate([np.column_stack([x, top]), np.column_stack([x, bottom])[::-1]])
            paths.append(Path(np.vstack([points, points[:1]]), closed=True))
        index = stop
    return paths


def _fill(ax: Axes, stack: Stack, colours: Colours, clock: Clock) -> None:
    if not len(stack.ns):
        return
    gaps = clock.gaps_of("Pod", "ReplicaSet")
    for layer in stack.layers:
        paths = _steps(stack, layer.low, layer.high, clock, gaps)
        if paths:
            add_tone(ax, paths, colours.of(layer.owner), layer.kind)


def add_tone(ax: Axes, paths: Sequence[Path], colour: str, kind: str) -> None:
    """Draw areas in a tone of `COUNTED`."""
    tone = COUNTED[kind]
    area = Path.make_compound_path(*paths)
    if tone.fill:
        face = PathPatch(area, facecolor=colour, alpha=tone.fill, linewidth=0, zorder=2, gid=kind)
        face.set_snap(True)
        ax.add_patch(face)
    if tone.hatch or tone.edge:
        edge = PathPatch(
            area, facecolor="none", edgecolor=colour, linewidth=tone.edge, hatch=tone.hatch or None, zorder=2.2, gid=kind
        )
        if tone.hatch:
            edge.set_hatch_linewidth(0.8)
        edge.set_snap(True)
        ax.add_patch(edge)


def _bounds_lines(times: pd.DataFrame, column: str, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    ns = np.append(kept["monotonic_ns"].to_numpy(), clock.right)
    ns[0] = min(ns[0], clock.left) if ns[0] <= clock.begin else ns[0]
    values = kept[column].to_numpy(dtype=float)
    return clock.x(ns), np.append(values, values[-1])


def _envelope(ax: Axes, times: pd.DataFrame, stack: Stack, colours: Colours, clock: Clock) -> None:
    """Draw the bounds: in ink, and in white where they cross a solid area."""
    gaps = clock.gaps_of("Pod", "ReplicaSet")
    solid = [
        path
        for layer in stack.layers
        if layer.kind == "available"
        for path in _steps(stack, layer.low, layer.high, clock, gaps)
    ]
    styles = {"desired": (0, (1, 2.2)), "lower": (0, (5, 2.5)), "upper": (0, (5, 2.5))}
    for column, dashes in styles.items():
        x, y = _bounds_lines(times, column, clock)
        if column == "desired" and ((times["upper"] == times["desired"]) | (times["lower"] == times["desired"])).all():
            continue
        if column == "lower" and not times["lower"].any():
            continue
        how = {"linestyle": dashes, "linewidth": 1.5 if column != "desired" else 1.1, "drawstyle": "steps-post"}
        ax.plot(x, y, color=INK, zorder=3, gid=column, **how)
        if solid:
            (white,) = ax.plot(x, y, color="#ffffff", zorder=3.1, **how)
            white.set_clip_path(Path.make_compound_path(*solid), ax.transData)


def _breaches(ax: Axes, verdict: Verdict, clock: Clock) -> None:
    for breach in verdict.breaches:
        end = max(breach.end, breach.begin + (clock.right - clock.left) // 400)
        low, high = sorted((breach.value, breach.bound))
        x0, x1 = float(clock.x(breach.begin)), float(clock.x(end))
        path = Path([(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)], closed=True)
        patch = PathPatch(path, facecolor="none", edgecolor=INK, hatch="xxxx", linewidth=1.6, zorder=3.5, gid="breach")
        patch.set_hatch_linewidth(1.2)
        ax.add_patch(patch)


def _grid(ax: Axes, stack: Stack, clock: Clock) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixel columns of the axes, the stack's index at each, and which of them are not known."""
    box = box_of(ax)
    columns = np.arange(0.0, box.width, STRIDE)
    ns = clock.left + (columns / box.width * (clock.right - clock.left)).astype("int64")
    index = stack.at(ns)
    blind = (index < 0) | (ns > clock.end)
    for gap in clock.gaps_of(*KINDS):
        blind |= (ns >= gap.after) & (ns <= gap.until)
    return columns, index, blind


def roomiest(low: np.ndarray, high: np.ndarray, columns: int) -> tuple[float, float, float]:
    """Return where a box of so many columns has most room: its middle column, the room's bounds.

    Parameters
    ----------
    low, high : ndarray
        Edges of the room in each column, in pixels.
    columns : int
        Width needed.
    """
    if len(low) < columns:
        return 0.0, 0.0, 0.0
    bottoms = np.lib.stride_tricks.sliding_window_view(low, columns).max(axis=1)
    tops = np.lib.stride_tricks.sliding_window_view(high, columns).min(axis=1)
    room = tops - bottoms
    good = np.flatnonzero(room >= room.max() - 0.5)
    run = max(np.split(good, np.flatnonzero(np.diff(good) > 1) + 1), key=len)
    begin = int(run[len(run) // 2])
    return begin + columns / 2, float(bottoms[begin]), float(tops[begin])


def _name_revisions(ax: Axes, stack: Stack, times: pd.DataFrame, colours: Colours, clock: Clock) -> None:
    """Write each revision's name into its solid area; what has no room there goes to the panel's right or lanes."""
    if not stack.layers:
        return
    columns, index, blind = _grid(ax, stack, clock)
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    lines = [kept[column].to_numpy()[index] * per_pod for column in ("lower", "desired", "upper")]
    for layer in stack.layers:
        if layer.kind != "available":
            continue
        for number in dict.fromkeys(layer.revision[layer.high > layer.low]):
            hidden = blind | (layer.revision[index] != number)
            options = [(f"revision {number}", drawn(layer.owner, 24)), (f"revision {number}", ""), (f"rev. {number}", "")]
            for first, second in options if number else [(drawn(layer.owner, 24), "")]:
                words = first + (f"\n{second}" if second else "")
                width, height = size_of(ax, words, SMALL, weight="bold", linespacing=1.25)
                best = (0.0, 0.0, 0.0)
                for floor in [np.zeros(len(columns)), *lines]:
                    ceiling = np.full(len(columns), np.inf)
                    for line in lines:
                        ceiling = np.where(line > floor, np.minimum(ceiling, line), ceiling)
                    low = np.maximum(layer.low[index] * per_pod, floor)
                    high = np.where(hidden, low - 1, np.minimum(layer.high[index] * per_pod, ceiling))
                    found = roomiest(low, high, int(width + 12 * point) // STRIDE + 1)
                    if found[2] - found[1] > best[2] - best[1]:
                        best = found
                if best[2] - best[1] >= height + 4 * point:
                    ax.text(
                        best[0] * STRIDE / box.width,
                        (best[1] + best[2]) / 2 / box.height,
                        words,
                        transform=ax.transAxes,
                        ha="center",
                        va="center",
                        fontsize=SMALL,
                        weight="bold",
                        linespacing=1.25,
                        color=text_on(colours.of(layer.owner)),
                        zorder=4,
                        gid="revision",
                    )
                    break


def _brackets(ax: Axes, verdict: Verdict, clock: Clock) -> None:
    """Draw at the top how long each change took."""
    box, point = box_of(ax), pixels(ax)
    y = 1 - 6 * point / box.height
    low, high = ax.get_xlim()
    wanted: list[tuple[float, float]] = []
    texts: list[str] = []
    for change in verdict.changes:
        end = change.end
        if end is None and change.overtaken:
            later = [other.begin for other in verdict.changes if other.begin > change.begin]
            end_shown = min(later, default=clock.end)
            words = "overtaken"
        elif end is None:
            end_shown, words = clock.end, "not finished"
        else:
            end_shown, words = end, change.lasting(clock)
        x0, x1 = float(clock.x(change.begin)), float(clock.x(end_shown))
        trans = ax.get_xaxis_transform()
        ax.plot([x0, x1], [y, y], transform=trans, color=INK, linewidth=1.0, zorder=1, gid="took", solid_capstyle="butt")
        for x, style in ((x0, "-"), (x1, "-" if end is not None else (0, (1, 1)))):
            ax.plot([x, x], [y - 4 * point / box.height, y + 4 * point / box.height], transform=trans, color=INK,
                    linewidth=1.0, linestyle=style, zorder=1)
        if end is not None:
            ax.axvline(x1, ymax=1 - HEADROOM * point / box.height, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5, gid="finished")
        full = f"{change.name}: {words}" if len(verdict.changes) > 1 else (words if end is None else f"{change.done} in {words}")
        width = size_of(ax, full, SMALL)[0]
        if len(verdict.changes) > 1 and width > (x1 - x0) / (high - low) * box.width:
            full = words
            width = size_of(ax, full, SMALL)[0]
        texts.append(full)
        wanted.append((((x0 + x1) / 2 - low) / (high - low) * box.width, width))
    for words, centre, (asked, width) in zip(texts, put_apart(wanted, 0, box.width, 10 * point), wanted, strict=True):
        del asked, width
        ax.text(centre / box.width, y - 3 * point / box.height, words, transform=ax.transAxes, ha="center", va="top",
                fontsize=SMALL, color=INK, gid="took label")


def _name_areas(ax: Axes, stack: Stack, verdict: Verdict, clock: Clock) -> None:
    """Name the pale, the hatched and the forbidden areas from above, each with a line to where it is widest."""
    if not stack.layers:
        return
    columns, index, blind = _grid(ax, stack, clock)
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    edges: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind in ("unavailable", "terminating"):
        layers = [layer for layer in stack.layers if layer.kind == kind]
        if layers:
            edges[kind] = layers[0].low[index] * per_pod, layers[-1].high[index] * per_pod
    places: list[tuple[str, np.ndarray, np.ndarray]] = []  # words, columns it may point at, height there
    for kind, (low, high) in edges.items():
        thick = np.where(blind, 0, high - low)
        if not (thick > 0).any():
            continue
        run = _longest(thick >= 0.75 * thick.max())
        if kind == "unavailable" and "terminating" in edges:
            under_sky = thick * (edges["terminating"][1] <= edges["terminating"][0])
            open_run = _longest(under_sky >= max(0.6 * thick.max(), 1.0))
            run = open_run if len(open_run) * STRIDE > 10 * point else run
        places.append((COUNTED[kind].label, run, (low + high) / 2))
    for over in (True, False):
        worst = [breach for breach in verdict.breaches if breach.over is over]
        if worst:
            breach = max(worst, key=lambda one: (abs(one.value - one.bound), one.end - one.begin))
            begin, end = (float(clock.x(at)) for at in (breach.begin, breach.end))
            middle = np.full(len(columns), (breach.value + breach.bound) / 2 * per_pod)
            at = ((begin + end) / 2 - ax.get_xlim()[0]) / (ax.get_xlim()[1] - ax.get_xlim()[0]) * len(columns)
            words = f"✗ {breach.value} of at most {breach.bound}" if over else f"✗ {breach.value} of at least {breach.bound}"
            places.append((words, np.array([min(int(at), len(columns) - 1)]), middle))
    wanted = [(float(columns[run[len(run) // 2]]), size_of(ax, words, SMALL)[0]) for words, run, _ in places]
    y = box.height - 36 * point
    for (words, run, height), centre in zip(places, put_apart(wanted, 0, box.width, 12 * point), strict=True):
        column = int(run[np.abs(columns[run] - centre).argmin()])
        ax.text(
            centre / box.width,
            y / box.height,
            words,
            transform=ax.transAxes,
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color=INK,
            gid="state",
        )
        ax.plot(
            [centre / box.width, columns[column] / box.width],
            [(y - 1) / box.height, height[column] / box.height],
            transform=ax.transAxes,
            color=INK,
            linewidth=0.8,
            zorder=3.8,
            marker="o",
            markersize=3,
            markevery=[1],
            gid="leader",
        )


def _longest(good: np.ndarray) -> np.ndarray:
    """Return the longest run of neighbours that are true."""
    runs = np.flatnonzero(good)
    return max(np.split(runs, np.flatnonzero(np.diff(runs) > 1) + 1), key=len)


def _name_bounds(ax: Axes, verdict: Verdict, times: pd.DataFrame) -> None:
    """Write at the right what the lines mean, as of the window's end."""
    last = times.iloc[-1]
    desired, upper, lower = int(last["desired"]), int(last["upper"]), int(last["lower"])
    surge, unavailable = upper - desired, desired - lower
    written = verdict.written
    items: list[tuple[int, str, str]] = []
    if verdict.promise.strategy == "Recreate":
        items.append((upper, f"at most {upper}", "Recreate: no minimum"))
    else:
        plus = f"{surge} ({written[0]} of {desired})" if written[0].endswith("%") else f"maxSurge {surge}"
        minus = f"{unavailable} ({written[1]} of {desired})" if written[1].endswith("%") else f"maxUnavailable {unavailable}"
        items.append((upper, f"at most {upper}", f"{desired} + {plus}" if surge else "maxSurge 0"))
        if surge and unavailable:
            items.append((desired, amount(desired, "replica"), ""))
        items.append((lower, f"at least {lower}", f"{desired} − {minus}" if unavailable else "maxUnavailable 0"))
    box, point = box_of(ax), pixels(ax)
    per_pod = box.height / ax.get_ylim()[1]
    line = 11.5 * point
    wanted = [(y * per_pod, line * (2 if second else 1)) for y, _, second in items]
    centres = put_apart(wanted, -6 * point, box.height, 2 * point)
    for (y, first, second), centre in zip(items, centres, strict=True):
        at = y * per_pod
        ax.plot([1, 1 + 5 * point / box.width, 1 + 10 * point / box.width],
                [at / box.height, at / box.height, centre / box.height],
                transform=ax.transAxes, color=INK, linewidth=0.7, clip_on=False, zorder=3)
        how = {"transform": ax.transAxes, "color": INK, "fontsize": SMALL, "clip_on": False}
        x = 1 + 13 * point / box.width
        if second:
            ax.text(x, (centre + 0.5 * point) / box.height, first, va="bottom", weight="bold", gid="bound", **how)
            size = SMALL
            while size > 6 and size_of(ax, second, size)[0] > (RIGHT * 72 - 17) * point:
                size -= 0.5
            ax.text(x, (centre - 0.5 * point) / box.height, second, va="top", gid="bound", **{**how, "fontsize": size})
        else:
            ax.text(x, centre / box.height, first, va="center", gid="bound", **how)

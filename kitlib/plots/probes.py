"""The probes figure: each probe is a tick, up for success and down for failure, where failures add up it is shaded."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from kitlib.frames.probes import KINDS
from kitlib.plots.lane import Group, LaneFigure, Sheet, beside, fit_lane_name, show
from kitlib.plots.style import INK, PALETTE, SMALL, amount, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = (
    "monotonic_ns",
    "name",
    "uid",
    "container",
    "source",
    "probe",
    "outcome",
    "times",
    "streak",
    "failureThreshold",
)
LIVES = ("monotonic_ns", "uid", "container", "state", "ready", "restartCount")
ROW, TALL = 0.34, 0.13
"""Inches: of a lane, and of a tick above or below its middle."""
MOST = 24
"""More lanes than this are not drawn; the words tell of all."""
COLOURS = dict(zip(KINDS, (PALETTE[3], PALETTE[0], PALETTE[2]), strict=True))
WRONG = PALETTE[1]


@dataclass
class Lane:
    """The probes of a kind that one container gets.

    Parameters
    ----------
    container, probe : str
    passed, failed : list of int
        Monotonic ns.
    told : list of int
        When an Event told of a failure that the container didn't log.
    threshold : int or None
        failureThreshold.
    reached : list of (int, int)
        From the first failure of a row of them to the one that reached the threshold.
    short : list of (int, int, int)
        Rows of failures that ended before: first, last, and how many.
    """

    container: str
    probe: str
    passed: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    threshold: int | None = None
    reached: list[tuple[int, int]] = field(default_factory=list)
    short: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass
class Pod:
    """A Pod's lanes, and what became of its containers.

    Parameters
    ----------
    name : str
    lanes : list of Lane
    restarts, ready, unready : dict
        Container → monotonic ns.
    """

    name: str
    lanes: list[Lane] = field(default_factory=list)
    restarts: dict[str, list[int]] = field(default_factory=dict)
    ready: dict[str, list[int]] = field(default_factory=dict)
    unready: dict[str, list[int]] = field(default_factory=dict)


def probes(
    frame: pd.DataFrame,
    containers: pd.DataFrame | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each probe as a tick: up for success, down for failure; and shade failures that reach the threshold.

    Parameters
    ----------
    frame : DataFrame
        The frame `probes`.
    containers : DataFrame, optional
        The frame `containers`: restarts, and changes of ready, are then drawn beside the probes that caused them.
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
    clock, pods = _read(frame, containers, zero)
    groups, left = [], MOST
    for pod in pods:
        head = f"{pod.name} · ticks: up passes, down fails; shaded: failures up to the threshold"
        groups.append(Group([(pod, lane) for lane in pod.lanes[:left]], head))
        left -= len(groups[-1].rows)
    return show(LaneFigure("probe", groups, ROW, _draw, _tell(pods, clock), key=0.0), clock, ax)


def probes_text(frame: pd.DataFrame, containers: pd.DataFrame | None = None, zero: int | str | None = None) -> str:
    """Say in words what `probes` draws: a line for each container and kind of probe.

    Parameters
    ----------
    frame, containers, zero
        As for `probes`.

    Returns
    -------
    str
        How many passed and failed, and when failures reached the threshold.
    """
    clock, pods = _read(frame, containers, zero)
    return "\n".join(_tell(pods, clock))


def _read(frame: pd.DataFrame, containers: pd.DataFrame | None, zero: int | str | None) -> tuple[Clock, list[Pod]]:
    need(frame, NEEDS, "probes", "probes")
    if containers is not None:
        need(containers, LIVES, "containers", "probes")
    clock = Clock.of([frame], zero, "probes")
    return clock, _pods(frame, containers, clock.begin)


def _pods(frame: pd.DataFrame, containers: pd.DataFrame | None, begin: int) -> list[Pod]:
    pods: dict[str, Pod] = {}
    for (uid, container), mine in frame.groupby(["uid", "container"], sort=False):
        pod = pods.setdefault(str(uid), Pod(str(mine["name"].iloc[0])))
        for kind in KINDS:
            rows = mine[mine["probe"] == kind]
            if len(rows):
                pod.lanes.append(_lane(str(container), kind, rows, begin))
        if containers is not None:
            _life(pod, str(container), containers[(containers["uid"] == uid) & (containers["container"] == container)])
    return list(pods.values())


def _lane(container: str, kind: str, rows: pd.DataFrame, begin: int) -> Lane:
    known = rows["failureThreshold"].dropna()
    lane = Lane(container, kind, threshold=int(known.iloc[0]) if len(known) else None)
    answered = rows[rows["source"] == "container"].sort_values("monotonic_ns")
    passed = answered["outcome"] == "Success"
    lane.passed, lane.failed = (answered.loc[each, "monotonic_ns"].tolist() for each in (passed, ~passed))
    if not lane.failed:  # a closed port, a command that isn't there: the container knows nothing of it
        told = (rows["source"] == "event") & (rows["outcome"] != "Success") & (rows["monotonic_ns"] >= begin)
        lane.told = rows.loc[told, "monotonic_ns"].tolist()
    row: list[int] = []
    for now, failed, streak in zip(answered["monotonic_ns"], ~passed, answered["streak"], strict=True):
        if row and (not failed or streak == 1):
            lane.short.append((row[0], row[-1], len(row)))
            row = []
        if failed and (lane.threshold is None or streak <= lane.threshold):
            row.append(int(now))
        if failed and streak == lane.threshold:
            lane.reached.append((row[0], int(now)))
            row = []
    if row:
        lane.short.append((row[0], row[-1], len(row)))
    return lane


def _life(pod: Pod, container: str, rows: pd.DataFrame) -> None:
    count, ready = 0, False
    for now, state, is_ready, restarts in zip(
        rows["monotonic_ns"], rows["state"], rows["ready"], rows["restartCount"], strict=True
    ):
        if state == "Gone":
            break
        if restarts > count:
            pod.restarts.setdefault(container, []).append(int(now))
        if bool(is_ready) != ready:
            (pod.ready if is_ready else pod.unready).setdefault(container, []).append(int(now))
        count, ready = int(restarts), bool(is_ready)


def _draw(sheet: Sheet, both: tuple[Pod, Lane], top: float, row: float) -> None:
    (pod, lane), ax, clock = both, sheet.ax, sheet.clock
    middle, tall = top + row / 2, row * TALL / ROW
    ax.axhline(middle, color=INK, linewidth=0.5, zorder=1)
    for times, sign, colour, width in ((lane.passed, -1, COLOURS[lane.probe], 1.3), (lane.failed, 1, WRONG, 1.8)):
        pieces = [[(x, middle), (x, middle + sign * tall)] for x in sheet.xs(times)]
        ax.add_collection(
            LineCollection(pieces, colors=colour, linewidths=width, zorder=2.2, gid="probe"), autolim=False
        )
    told = sheet.xs(lane.told)
    ax.plot(told, [middle + tall * 0.7] * len(told), "v", color=WRONG, markersize=4, zorder=2.2, gid="event")
    for begin, end in lane.reached:
        x0, x1 = float(clock.x(begin)), float(clock.x(end))
        ax.add_patch(
            Rectangle(
                (x0, middle), x1 - x0, tall, facecolor=WRONG, alpha=0.25, linewidth=0, zorder=1.5, gid="threshold"
            )
        )
    acted = pod.restarts if lane.probe != "readiness" else pod.unready
    for at in acted.get(lane.container, ()):
        if lane.told or any(begin <= at for begin, _ in lane.reached):
            ax.plot([float(clock.x(at))], [middle], "X" if acted is pod.restarts else "o", color=INK, markersize=5.5,
                    markeredgewidth=0, zorder=3, gid="action")  # fmt: skip
    fit_lane_name(ax, f"{lane.container} {lane.probe}", middle, 30)
    count = f"{len(lane.passed)} passed, {len(lane.failed) or len(lane.told)} failed"
    beside(ax, f"{count}\nthreshold {lane.threshold or '?'}", middle, SMALL - 1, linespacing=0.95)


def _tell(pods: list[Pod], clock: Clock) -> list[str]:
    if not pods:
        return ["Nothing recorded: no probe in this time."]
    lanes = [lane for pod in pods for lane in pod.lanes]
    passed, failed = (sum(len(getattr(lane, name)) for lane in lanes) for name in ("passed", "failed"))
    lines = [f"{amount(passed + failed, 'probe')}: {passed} passed, {failed} failed.", *clock.in_words()]
    if len(lanes) > MOST:
        lines.append(f"The first {MOST} lanes are drawn.")
    for pod in pods:
        lines.append(f"{plain(pod.name, 40)}.")
        for lane in pod.lanes:
            told = [f"{len(lane.passed)} passed, {len(lane.failed)} failed"]
            if lane.told:
                told.append(f"Events tell of failures, first at {clock.at(lane.told[0])}")
            told += [f"{lane.threshold} in a row failed from {clock.at(begin)} to {clock.at(end)}"
                     for begin, end in lane.reached]  # fmt: skip
            lines.append(f"  {plain(lane.container, 40)}, {lane.probe}: {'; '.join(told)}.")
        for what, moments in (("restarted", pod.restarts), ("ready", pod.ready), ("not ready", pod.unready)):
            lines += [
                f"  {plain(name, 40)} seen {what} at {', '.join(clock.at(at) for at in times[:6])}."
                for name, times in moments.items()
            ]
    return lines

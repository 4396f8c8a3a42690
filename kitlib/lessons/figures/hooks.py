"""The hooks figure: hook, process and the API's word on one time axis, a lane a container, by the container's clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kitlib.plots.canvas import box_of, pixels, put_apart, size_of
from kitlib.plots.lane import Group, LaneFigure, Sheet, fit_lane_name, over, show
from kitlib.plots.style import INK, PALETTE, SMALL, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

LOGS = ("monotonic_ns", "name", "uid", "container", "run", "event", "line")
CONTAINERS = (
    *("observed_at", "monotonic_ns", "name", "uid", "container", "state", "restartCount", "exitCode"),
    *("startedAt", "finishedAt"),
)
PODS = ("observed_at", "monotonic_ns", "uid", "deletionTimestamp")

ROW = 0.6
"""Inches of a lane."""
PARTS = {"hook": (0.19, 0.10), "process": (0.31, 0.12), "api": (0.45, 0.08)}
"""Where in a lane a part begins, and how tall it is, in inches; words stand above."""
MOST = 16
"""More lanes than this are not drawn; the words tell of all."""
TERM = 15
"""SIGTERM's number."""

TONES = {
    "hook": Tone("hook", 0.5, 1.0),
    "cut": Tone("hook, cut off", 0.5, 0.0, "xxxxx", 0.9),
    "process": Tone("process", 0.78, 0.32, edge=0.9),
    "Waiting": Tone("API: waiting", 0.3, 0.0, edge=0.9),
    "Running": Tone("API: running", 0.3, 1.0),
    "Deleted": Tone("API: deleting", 0.3, 0.0, "/////", 0.6),
    "grace": Tone("grace period", 0.78, 0.12),
}
COLOURS = {"hook": PALETTE[1], "cut": PALETTE[1], "process": PALETTE[0]}


@dataclass
class Span:
    """Something that lasted: a hook, a run of the process, a state as the API had it.

    Parameters
    ----------
    what : str
        One of `TONES`.
    begin, end : int
        Monotonic ns.
    word : str
        What there is to say: the hook's name and handler, or how the process ended.
    ended : bool
        Whether its end was seen, rather than the window's.
    note : str
        How a hook ended, if not as it should.
    """

    what: str
    begin: int
    end: int
    word: str = ""
    ended: bool = True
    note: str = ""


@dataclass
class Lane:
    """One container.

    Parameters
    ----------
    pod, container : str
    hooks, runs, states : list of Span
        In order.
    signals : list of int
        Monotonic ns at which it got SIGTERM.
    deleted, grace : int or None
        When its Pod's deletion was received, and the stamp at which the grace period is over, a whole second.
    gone : int or None
        When the Pod was gone.
    """

    pod: str
    container: str
    hooks: list[Span] = field(default_factory=list)
    runs: list[Span] = field(default_factory=list)
    states: list[Span] = field(default_factory=list)
    signals: list[int] = field(default_factory=list)
    deleted: int | None = None
    grace: int | None = None
    gone: int | None = None


def hooks(
    logs: pd.DataFrame,
    containers: pd.DataFrame,
    pods: pd.DataFrame,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw when hooks and processes ran, by the containers' own words, and what the API said meanwhile.

    The words are those of the probe: its log tells a hook's begin and end, a signal's arrival, and the process's start
    and end. Where a Pod is deleted, its grace period is shaded: from the deletion to the server's stamp, which is a
    whole second and therefore drawn as one.

    Parameters
    ----------
    logs, containers, pods : DataFrame
        The frames of those names; a lane is drawn for each container of `containers`.
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
    clock = _clock(logs, containers, pods, zero)
    lanes = _lives(logs, containers, pods, clock)
    shown = lanes[:MOST]
    figure = LaneFigure("container", [Group(shown)], ROW, _draw, _tell(lanes, clock), ("Pod", "Log"), TONES)
    figure.band = PARTS["hook"][0] / ROW, 0.97
    figure.used = ["grace"] if any(lane.grace is not None for lane in shown) else []
    return show(figure, clock, ax)


def hooks_text(logs: pd.DataFrame, containers: pd.DataFrame, pods: pd.DataFrame, zero: int | str | None = None) -> str:
    """Say in words what `hooks` draws: a line for each container.

    Parameters
    ----------
    logs, containers, pods, zero
        As for `hooks`.

    Returns
    -------
    str
        When its process began, its hooks ran, SIGTERM came and it ended, and what the API said when.
    """
    clock = _clock(logs, containers, pods, zero)
    return "\n".join(_tell(_lives(logs, containers, pods, clock), clock))


def _clock(logs: pd.DataFrame, containers: pd.DataFrame, pods: pd.DataFrame, zero: int | str | None) -> Clock:
    for frame, columns, name in ((logs, LOGS, "logs"), (containers, CONTAINERS, "containers"), (pods, PODS, "pods")):
        need(frame, columns, name, "hooks")
    return Clock.of([containers, logs, pods], zero, "hooks")


def _lives(logs: pd.DataFrame, containers: pd.DataFrame, pods: pd.DataFrame, clock: Clock) -> list[Lane]:
    """Return what is known of each container; by name, so that those that belong together stand together."""
    said = {key: rows.to_dict("records") for key, rows in logs.groupby(["uid", "container"], sort=False)}
    lanes = []
    for (uid, container), rows in containers.groupby(["uid", "container"], sort=False):
        told = rows.to_dict("records")
        lane = Lane(str(told[0]["name"]), str(container))
        _ends(lane, pods[pods["uid"] == uid], clock)
        _states(lane, told, clock)
        _words(lane, said.get((uid, container), []), told, clock)
        if lane.states or lane.runs:
            lanes.append(lane)
    return sorted(lanes, key=lambda lane: (lane.pod, lane.container))


def _ends(lane: Lane, pod: pd.DataFrame, clock: Clock) -> None:
    """Find out when its Pod's deletion was received, and until when it has time."""
    going = pod[pod["deletionTimestamp"].notna()].head(1)
    for row in going.to_dict("records"):
        offset = row["observed_at"].value - int(row["monotonic_ns"])
        lane.deleted, lane.grace = int(row["monotonic_ns"]), row["deletionTimestamp"].value - offset


def _states(lane: Lane, told: list[dict[Any, Any]], clock: Clock) -> None:
    """Take the API's word, as it was received; a Pod that is to be deleted is so whatever its containers do."""
    spans = lane.states
    for row in told:
        now = int(row["monotonic_ns"])
        if spans:
            spans[-1].end = max(now, spans[-1].begin)
        if row["state"] == "Gone":
            lane.gone = now
            break
        begin = now if now > clock.begin else min(now, clock.left)
        if row["state"] == "Terminated":
            continue
        if not spans or spans[-1].what != row["state"] or spans[-1].end < begin:
            spans.append(Span(row["state"], begin, max(clock.end, begin), ended=False))
        else:
            spans[-1].end = max(clock.end, begin)
    if lane.deleted is not None:
        end = lane.gone if lane.gone is not None else clock.end
        kept = [span for span in spans if span.begin < lane.deleted]
        for span in kept:
            span.end = min(span.end, lane.deleted)
        lane.states[:] = [*kept, Span("Deleted", lane.deleted, max(end, lane.deleted), ended=lane.gone is not None)]


def _words(lane: Lane, said: Iterable[dict[Any, Any]], told: list[dict[Any, Any]], clock: Clock) -> None:
    """Take the container's own words, run by run; what they don't tell is filled up with what the API says."""
    starts: dict[int, int] = {}
    exits: dict[int, tuple[int, str]] = {}
    open_hooks: dict[tuple[int, str], Span] = {}
    for row in said:
        now, run = int(row["monotonic_ns"]), int(row["run"])
        what = json.loads(row["line"]) if row["event"] in ("start", "signal", "exit", "hook") else {}
        if row["event"] == "start":
            starts[run] = now
        elif row["event"] == "exit":
            exits[run] = now, f"exit {what.get('code')}"
        elif row["event"] == "signal" and what.get("signal") == TERM:
            lane.signals.append(now)
        elif row["event"] == "hook":
            word = f"{what.get('hook')} ({what.get('handler')})"
            if what.get("phase") == "begin":
                if (run, word) in open_hooks:  # it was called again: the call before has come to nothing by now
                    open_hooks[run, word].end = now
                open_hooks[run, word] = Span("cut", now, clock.end, word, False, "cut off")
                lane.hooks.append(open_hooks[run, word])
            elif (run, word) in open_hooks:
                hook = open_hooks.pop((run, word))
                hook.end, hook.ended = now, True
                hook.what = "hook" if what.get("whole", True) else "cut"
                hook.note = f"fails with {what['code']}" if what.get("code") else ""
    runs = _runs(lane, told, clock)
    runs += [(run, begin, clock.end, "") for run, begin in starts.items() if run not in {known[0] for known in runs}]
    for run, begin, end, word in sorted(runs):
        finished, how = exits.get(run, (end, word))
        lane.runs.append(Span("process", starts.get(run, begin), finished, how, ended=bool(how)))
    for hook in open_hooks.values():
        if not hook.ended:
            hook.end = min((run.end for run in lane.runs if run.begin <= hook.begin <= run.end), default=clock.end)


def _runs(lane: Lane, told: list[dict[Any, Any]], clock: Clock) -> list[tuple[int, int, int, str]]:
    """Return number, begin, end and manner of end of each run of a container, as the API has them."""
    runs: dict[int, tuple[int, int, str]] = {}
    for row in told:
        now, run = int(row["monotonic_ns"]), int(row["restartCount"])
        if row["state"] == "Running":
            # It may have run for long until the API had it: while its postStart hook ran. The stamp is a whole second.
            stamp, offset = row["startedAt"], row["observed_at"].value - now
            since = now if pd.isna(stamp) else min(now, stamp.value + 1_000_000_000 - offset)
            began = since if since > clock.begin else min(since, clock.left)
            runs.setdefault(run, (began, clock.end, ""))
        elif row["state"] == "Terminated":
            # The stamp is a whole second; what it names was over when the API had it.
            offset = row["observed_at"].value - now
            stamp = row["finishedAt"]
            end = now if pd.isna(stamp) else min(now, stamp.value + 1_000_000_000 - offset)
            begin = runs.get(run, (min(end, now), 0, ""))[0]
            code = row["exitCode"]
            word = "killed" if code == 137 else "ended" if pd.isna(code) else f"exit {code}"
            runs[run] = begin, max(end, begin), word
        elif row["state"] == "Gone" and run in runs and not runs[run][2]:
            runs[run] = runs[run][0], max(now, runs[run][0]), "gone"
    return [(run, *known) for run, known in runs.items()]


def _draw(sheet: Sheet, lane: Lane, top: float, row: float) -> None:
    first = top + row * PARTS["hook"][0] / ROW
    for part, spans in (("hook", lane.hooks), ("process", lane.runs), ("api", lane.states)):
        low, tall = (row * share / ROW for share in PARTS[part])
        for span in spans:
            colour = COLOURS.get(span.what, INK)
            sheet.bar(span.what, colour, span.begin, span.end, top + low, top + low + tall)
    _grace(sheet.ax, lane, sheet.clock, first, row * (sum(PARTS["api"]) - PARTS["hook"][0]) / ROW)
    low, tall = PARTS["process"]
    for x in (float(sheet.clock.x(at)) for at in lane.signals):
        sheet.ax.plot([x, x], [first, top + row * (low + tall) / ROW], color=INK, linewidth=1.6, zorder=3, gid="signal")
    _label(sheet.ax, lane, sheet.clock, top + row * 0.09 / ROW)
    fit_lane_name(sheet.ax, _called(lane), top + row * (low + tall / 2) / ROW, 24)


def _grace(ax: Axes, lane: Lane, clock: Clock, low: float, tall: float) -> None:
    """Shade the time that a Pod is given; the second of its stamp more lightly, for its end lies within."""
    if lane.deleted is None or lane.grace is None:
        return
    left, middle, right = (float(clock.x(at)) for at in (lane.deleted, lane.grace, lane.grace + 1_000_000_000))
    high = ax.get_xlim()[1]
    for begin, end, alpha in ((left, middle, TONES["grace"].fill), (middle, right, TONES["grace"].fill / 2)):
        if begin < min(end, high):
            corner = (begin, low)
            size = (min(end, high) - begin, tall)
            ax.add_artist(Rectangle(corner, *size, facecolor=INK, alpha=alpha, linewidth=0, zorder=0.8, gid="grace"))


def _label(ax: Axes, lane: Lane, clock: Clock, y: float) -> None:
    """Say above a lane what its marks mean, in the order of time, as far as there is room."""
    box = box_of(ax)
    low, high = ax.get_xlim()
    said: list[tuple[int, str]] = []
    for hook in lane.hooks:
        parts = [f"{drawn(hook.word, 30)} {clock.lasting(hook.end - hook.begin)}", *([hook.note] if hook.note else [])]
        said.append(((max(hook.begin, clock.left) + hook.end) // 2, ", ".join(parts)))
    said += [(at, "SIGTERM") for at in lane.signals]
    said += [(run.end, run.word) for run in lane.runs if run.word and run.ended]
    said = sorted(one for one in said if clock.left <= one[0] <= clock.right)
    size, gap = SMALL - 1, 8 * pixels(ax)
    wide = [size_of(ax, words, size)[0] for _, words in said]
    while said and sum(wide) + gap * len(said) > box.width:
        said, wide = said[:-1], wide[:-1]
    wanted = [((float(clock.x(at)) - low) / (high - low) * box.width, w) for (at, _), w in zip(said, wide, strict=True)]
    for (_, words), centre in zip(said, put_apart(wanted, 0, box.width, gap), strict=True):
        how = {"transform": ax.get_yaxis_transform(), "ha": "center", "gid": "state"}
        over(ax, centre / box.width, y, words, size, **how)


def _called(lane: Lane) -> str:
    return lane.pod if lane.container in (lane.pod, "web") else f"{lane.pod}/{lane.container}"


def _tell(lanes: list[Lane], clock: Clock) -> list[str]:
    if not lanes:
        return ["Nothing recorded: no container in this time."]
    ran, terms = sum(len(lane.hooks) for lane in lanes), sum(len(lane.signals) for lane in lanes)
    first = f"{amount(ran, 'hook')} and {amount(terms, 'SIGTERM')} in {amount(len(lanes), 'container')}."
    lines = [first, *clock.in_words()]
    if len(lanes) > MOST:
        lines.append(f"The first {MOST} containers are drawn.")
    return lines + [f"  {plain(_called(lane), 60)}: {_life(lane, clock)}." for lane in lanes]


def _life(lane: Lane, clock: Clock) -> str:
    known: list[tuple[int, str]] = []
    for run in lane.runs:
        known.append((run.begin, "process runs"))
        if run.ended:
            known.append((run.end, f"process ends ({run.word})"))
    for hook in lane.hooks:
        known.append((hook.begin, f"hook {plain(hook.word, 40)} begins"))
        known.append((hook.end, f"it {hook.note or 'is done'}" if hook.ended else "it is cut off"))
    known += [(at, "SIGTERM") for at in lane.signals]
    known += [(span.begin, TONES[span.what].label) for span in lane.states]
    if lane.gone is not None:
        known.append((lane.gone, "gone"))
    parts = [
        f"{words} {'from the beginning' if at <= clock.begin else f'at {clock.at(at)}'}"
        for at, words in sorted(known, key=lambda one: one[0])
    ]
    if lane.grace is not None and lane.deleted is not None:
        parts.append(f"grace period until {clock.at(lane.grace)} to {clock.at(lane.grace + 1_000_000_000)}")
    return ", ".join(parts)

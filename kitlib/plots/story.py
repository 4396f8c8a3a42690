"""The story: rollout, lanes and events on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from kitlib.errors import UsageError
from kitlib.plots.canvas import KitAxes, attach, new_axes, new_figure
from kitlib.plots.events import NEEDS as NEEDS_EVENTS
from kitlib.plots.events import collect
from kitlib.plots.events import figure_of as events_figure
from kitlib.plots.labels import draw_headline, draw_title
from kitlib.plots.lane import LaneFigure
from kitlib.plots.lane import draw as draw_lanes
from kitlib.plots.lanes import NEEDS as NEEDS_LANES
from kitlib.plots.lanes import figure_of as lanes_figure
from kitlib.plots.rollout import draw as draw_rollout
from kitlib.plots.rollout import tell as tell_rollout
from kitlib.plots.style import Colours, plain
from kitlib.plots.timeaxis import STEP_ROW, Clock, Mark, draw_steps, step_rows
from kitlib.rollout.identity import Deployment, which
from kitlib.rollout.verdict import Verdict, check, verdict
from kitlib.rollout.window import need

if TYPE_CHECKING:
    from kitlib.frames import Frames

TOP, STACK, BETWEEN, BOTTOM = 0.62, 2.3, 0.1, 0.55
"""Inches: of the headline, the rollout, the space between panels, the axis' label."""

FOLD = 24


def story(
    frames: Frames | Shown,
    deployment: str | None = None,
    zero: int | str | None = None,
    title: str | None = None,
    marks: Sequence[Mark] = (),
) -> Figure:
    """Draw what happened on one time axis: the rollout, the life of each Pod, and the Events.

    Parameters
    ----------
    frames : Frames
        Of a recording, or of a step: `recording.frames`, `step.frames`.
    deployment : str, optional
        Show this Deployment and its Pods only. May be left out if there is one only.
    zero : int or str, optional
        Time zero: monotonic ns or a step's name. Default is the start of the last step.
    title : str, optional
        Of the figure, instead of what was rolled out.
    marks : sequence of (str, int, int or None), optional
        What else is to be seen on the axis, such as a cause: its name, begin and end, monotonic ns.

    Returns
    -------
    Figure
        Which a notebook shows. `twin(figure)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or the Deployment or the step isn't there.
    """
    clock, colours, judged, lanes, events = _parts(frames, deployment, zero, marks)
    rows = step_rows(clock)
    top = TOP + rows * STEP_ROW / 72
    figure = new_figure(top + (STACK + BETWEEN if judged else 0) + lanes.height + BETWEEN + events.height + BOTTOM)
    ax_events = new_axes(figure, BOTTOM, events.height)
    ax_lanes = new_axes(figure, BOTTOM + events.height + BETWEEN, lanes.height)
    draw_lanes(ax_events, events, clock)
    draw_lanes(ax_lanes, lanes, clock, labelled=False)
    first: KitAxes = ax_lanes
    above = rows * STEP_ROW + 8
    if judged:
        first = new_axes(figure, BOTTOM + events.height + BETWEEN + lanes.height + BETWEEN, STACK)
        draw_rollout(first, judged, colours, clock, labelled=False)
        draw_headline(first, judged, clock, above, title)
    elif title:
        draw_title(first, title, above)
    draw_steps(first, clock)
    attach(figure, _tell(judged, lanes, events, colours, clock, title))
    return figure


def story_text(
    frames: Frames | Shown,
    deployment: str | None = None,
    zero: int | str | None = None,
    title: str | None = None,
    marks: Sequence[Mark] = (),
) -> str:
    """Say in words what `story` draws.

    Parameters
    ----------
    frames : Frames
        Of a recording, or of a step.
    deployment : str, optional
        This Deployment and its Pods only.
    zero : int or str, optional
        Time zero, as for `story`.
    title : str, optional
        Of the figure.
    marks : sequence of (str, int, int or None), optional
        As for `story`.

    Returns
    -------
    str
        The answer first, then rollout, Pods and Events.
    """
    clock, colours, judged, lanes, events = _parts(frames, deployment, zero, marks)
    return _tell(judged, lanes, events, colours, clock, title)


def _parts(
    frames: Frames | Shown, deployment: str | None, zero: int | str | None, marks: Sequence[Mark]
) -> tuple[Clock, Colours, Verdict | None, LaneFigure, LaneFigure]:
    pods, workloads, events, meant = _own(frames, deployment)
    clock = replace(Clock.of([pods, workloads, events], zero, "story"), marks=tuple(marks))
    colours = Colours(workloads, pods)
    judged = verdict(pods, workloads, meant) if meant else None
    lanes = lanes_figure(pods, colours, clock, FOLD)
    return clock, colours, judged, lanes, events_figure(collect(events, colours, clock), clock)


def _tell(
    judged: Verdict | None,
    lanes: LaneFigure,
    events: LaneFigure,
    colours: Colours,
    clock: Clock,
    title: str | None,
) -> str:
    parts = [[plain(title, 200)]] if title else []
    parts.append(tell_rollout(judged, colours, clock) if judged else clock.in_words())
    for name, panel in (("Pods", lanes), ("Events", events)):
        parts.append([f"{name}: {panel.text[0]}", *panel.text[1 + len(clock.in_words()) :]])
    return "\n\n".join("\n".join(part) for part in parts)


def _own(
    frames: Frames | Shown, deployment: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Deployment | None]:
    """Return the frames pods, workloads and events of one Deployment, or of all, and which it is if there is one."""
    missing = [name for name in ("pods", "workloads", "events") if not hasattr(frames, name)]
    if missing:
        raise UsageError(
            f"{type(frames).__name__} has no frame {', '.join(missing)}",
            step="story",
            next="give it recording.frames or step.frames",
        )
    pods, workloads, events = frames.pods, frames.workloads, frames.events
    check(pods, workloads, "story")
    need(pods, NEEDS_LANES, "pods", "story")
    need(events, NEEDS_EVENTS, "events", "story")
    if deployment is None and not (workloads["kind"] == "Deployment").any():
        return pods, workloads, events, None
    meant = which(workloads, deployment)
    if deployment is not None:
        pods, workloads, events = only(meant, pods, workloads, events)
    return pods, workloads, events, meant


class Shown(NamedTuple):
    """What a figure draws of a recording.

    Parameters
    ----------
    pods, workloads, events : DataFrame
        The rows of the frames of those names.
    """

    pods: pd.DataFrame
    workloads: pd.DataFrame
    events: pd.DataFrame


def of_deployment(frames: Frames, deployment: str) -> Shown:
    """Return what is about one Deployment, its ReplicaSets and their Pods, for a figure that draws what it is given.

    Raises
    ------
    UsageError
        If the Deployment isn't there, or two have its name.
    """
    return only(which(frames.workloads, deployment), frames.pods, frames.workloads, frames.events)


def only(meant: Deployment, pods: pd.DataFrame, workloads: pd.DataFrame, events: pd.DataFrame) -> Shown:
    """Return of each frame the rows that are about a Deployment, its ReplicaSets and their Pods."""
    sets = meant.sets(workloads)
    pods = pods[pods["owner.uid"].isin(set(sets["uid"]))]
    workloads = workloads[workloads["uid"].isin({meant.uid, *sets["uid"]})]
    about = {("Deployment", meant.name)}
    about |= {("ReplicaSet", one) for one in sets["name"]} | {("Pod", one) for one in pods["name"]}
    uids = {"", meant.uid, *sets["uid"], *pods["uid"]}
    columns = ("involvedObject.kind", "involvedObject.name", "involvedObject.uid", "namespace")
    told = zip(*(events[name] for name in columns), strict=True)
    kept = [(kind, name) in about and uid in uids and space == meant.namespace for kind, name, uid, space in told]
    return Shown(pods, workloads, events[kept])

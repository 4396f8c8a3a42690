"""The rollout figure: Pods by revision over time, stacked, within what the strategy promises."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from kitlib.plots import verdict as answers
from kitlib.plots.canvas import attach, bare, box_of, new_axes, new_figure, pixels
from kitlib.plots.labels import brackets, draw_headline, name_areas, name_bounds, name_revisions
from kitlib.plots.stack import HEADROOM, breaches, build, envelope, fill, scale
from kitlib.plots.style import INK, TEXT, Colours, amount, plain
from kitlib.plots.timeaxis import STEP_ROW, Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing, step_rows
from kitlib.rollout.verdict import KINDS, Verdict, check, verdict


def rollout(
    pods: pd.DataFrame,
    workloads: pd.DataFrame,
    deployment: str | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a Deployment's Pods by revision over time, within the envelope that its strategy promises.

    Available Pods are solid, those not yet available pale above them, terminating ones (which no bound counts) hatched
    on top. The dashed lines are the promise. The title is the answer: was it kept, and how long did it take?

    Parameters
    ----------
    pods, workloads : DataFrame
        The frames of those names.
    deployment : str, optional
        The Deployment's name; may be left out if there is one only.
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
        If a column is missing, or the Deployment or the step isn't there.
    """
    pods, workloads = check(pods, workloads, "rollout")
    clock = Clock.of([pods, workloads], zero, "rollout")
    rows = step_rows(clock)
    if ax is None:
        ax = new_axes(new_figure(0.55 + 2.35 + 0.65 + rows * STEP_ROW / 72), bottom=0.55, height=2.35)
    if workloads.empty:
        attach(ax, rollout_text(pods, workloads, deployment, zero))
        bare(ax)
        draw_axis(ax, clock)
        nothing(ax, clock, "Deployment")
        return ax
    judged, colours = verdict(pods, workloads, deployment), Colours(workloads, pods)
    attach(ax, "\n".join(tell(judged, colours, clock)))
    draw(ax, judged, colours, clock)
    draw_headline(ax, judged, clock, above=draw_steps(ax, clock) * STEP_ROW + 8)
    return ax


def rollout_text(
    pods: pd.DataFrame, workloads: pd.DataFrame, deployment: str | None = None, zero: int | str | None = None
) -> str:
    """Say in words what `rollout` draws.

    Parameters
    ----------
    pods, workloads : DataFrame
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
    pods, workloads = check(pods, workloads, "rollout")
    clock = Clock.of([pods, workloads], zero, "rollout")
    if workloads.empty:
        return "\n".join(["Nothing recorded: no Deployment in this time.", *clock.in_words()])
    judged = verdict(pods, workloads, deployment)
    return "\n".join(tell(judged, Colours(workloads, pods), clock))


def tell(judged: Verdict, colours: Colours, clock: Clock) -> list[str]:
    """Return the text's lines."""
    lines = [f"{answers.headline(judged, clock)[1]}.", f"Rollout of {answers.subject(judged)}.", *clock.in_words()]
    lines += answers.in_words(judged, clock)
    for (name, uid), rows in judged.by_revision.groupby(["replicaset", "uid"], sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        total = rows["available"] + rows["unavailable"]
        if not (total.any() or rows["terminating"].any()):
            continue
        known = colours.label(str(uid))
        lines.append(
            f"{known[:1].upper() + known[1:] if known else 'Revision unknown'} (ReplicaSet {plain(name, 60)}):"
            f" {first['available']} available at the beginning, {last['available']} at the end;"
            f" at most {amount(int(total.max()))}, {rows['terminating'].max()} terminating at once."
        )
    return lines


def draw(
    ax: Axes,
    judged: Verdict,
    colours: Colours,
    clock: Clock,
    labelled: bool = True,
) -> None:
    """Draw stack, envelope and labels into axes whose size is final."""
    times = judged.timeline
    bare(ax, left=True)
    draw_axis(ax, clock, labelled)
    bands = [(0.0, 1 - HEADROOM * pixels(ax) / box_of(ax).height)]
    draw_zero(ax, clock, bands)
    stack = build(judged, clock)
    scale(ax, stack, times)
    fill(ax, stack, colours, clock)
    envelope(ax, judged, stack, clock)
    breaches(ax, judged, clock)
    draw_gaps(ax, clock, bands, *KINDS)
    name_revisions(ax, stack, times, colours, clock)
    brackets(ax, judged, clock)
    name_areas(ax, stack, judged, clock)
    name_bounds(ax, judged)
    ax.set_ylabel("Pods", color=INK, fontsize=TEXT)

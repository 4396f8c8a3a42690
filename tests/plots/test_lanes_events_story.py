"""Lanes, events and the story: each thing once, at its time, and in the text as in the drawing."""

from __future__ import annotations

import re
import time

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.plots import style
from tests.plots import cases, drawing


def test_a_lane_for_each_pod() -> None:
    frames = cases.invented("six")
    axes = plots.lanes(frames.pods, frames.workloads)
    assert len(drawing.words(axes, "lane")) == frames.pods["name"].nunique() == 12
    for text in drawing.words(axes, "lane"):
        assert frames.pods["name"].str.endswith(text.removeprefix("…")).any()
    assert drawing.words(axes, "group")[0].startswith("revision 1 · web-")
    said = plots.twin(axes).splitlines()
    assert sum(line.startswith("  web-") for line in said) == 12


def test_bars_begin_when_the_state_was_received() -> None:
    frames = cases.real("rollout", "image")
    axes = plots.lanes(frames.pods, frames.workloads)
    zero = frames.pods.attrs["window"][0]
    for state in ("Ready", "Terminating"):
        first = frames.pods[frames.pods["state"] == state].groupby("uid")["monotonic_ns"].min()
        wanted = sorted((first[first > zero] - zero) / 1e9)
        shown = {x0 for patch in drawing.patches(axes, state) for x0, _, _, _ in drawing.rectangles(patch) if x0 > 0}
        assert sorted(shown) == pytest.approx(wanted)


def test_many_pods_fold() -> None:
    frames = cases.invented("hundred")
    axes = plots.lanes(frames.pods, frames.workloads)
    assert drawing.words(axes, "lane") == ["100 Pods", "100 Pods"]
    ready = {
        round((low + high) / 2, 6)
        for patch in drawing.patches(axes, "Ready")
        for _, _, low, high in drawing.rectangles(patch)
    }
    assert len(ready) == 200  # still each Pod
    assert axes.get_figure(root=True).get_size_inches()[1] < 6
    said = [line for line in plots.twin(axes).splitlines() if line.startswith("  ")]
    assert len(said) == 2
    last = frames.pods[frames.pods["state"] == "Ready"].groupby("uid")["monotonic_ns"].min().max()
    at = (last - frames.pods.attrs["steps"][0]["begin_ns"]) / 1e9
    assert re.search(rf"100 ready between [\d.]+ s and {at:.1f} s", said[1])


def test_folding_can_be_chosen() -> None:
    frames = cases.invented("six")
    assert len(drawing.words(plots.lanes(frames.pods, frames.workloads, fold=11), "lane")) == 2
    assert len(drawing.words(plots.lanes(frames.pods, frames.workloads, fold=12), "lane")) == 12


def test_a_stuck_pod_says_why() -> None:
    frames = cases.real("rollout", "hung")
    axes = plots.lanes(frames.pods, frames.workloads)
    (stuck,) = [text for text in drawing.words(axes, "group") if "pending" in text]
    assert "3 pending: 0/3 nodes are available" in stuck
    assert "Insufficient cpu" in plots.twin(axes)


def test_a_pod_s_colour_is_its_revision_s_in_every_panel() -> None:
    frames = cases.invented("rollback")
    upper, lower = plots.rollout(frames.pods, frames.workloads), plots.lanes(frames.pods, frames.workloads)

    def hues(axes: Axes, gid: str) -> set[str]:
        return {to_hex(patch.get_facecolor()) for patch in drawing.patches(axes, gid)}

    assert hues(upper, "available") == hues(lower, "Ready") == set(style.PALETTE[:4])


def test_pods_without_replicas_are_drawn_too() -> None:
    frames = cases.invented("six")
    axes = plots.lanes(frames.pods)
    assert len(drawing.words(axes, "lane")) == 12
    bare = frames.pods.assign(**{"owner.name": ""})
    bare.attrs = frames.pods.attrs
    assert drawing.words(plots.lanes(bare), "group") == ["Pods without a controller · 12 Pods"]


def test_a_stamp_is_drawn_as_long_as_it_is() -> None:
    frames = cases.real("rollout", "image")
    axes = plots.events(frames.events)
    left, right = axes.get_xlim()
    spans = {(x0, x1) for patch in drawing.patches(axes, "stamp") for x0, x1, _, _ in drawing.rectangles(patch)}
    whole = [(x0, x1) for x0, x1 in spans if x0 > left + 1e-6 and x1 < right - 1e-6]
    assert whole
    assert all(x1 - x0 == pytest.approx(1, abs=1e-3) for x0, x1 in whole)


def test_points_are_where_events_were_received() -> None:
    frames = cases.real("rollout", "image")
    axes = plots.events(frames.events)
    begin, end = frames.events.attrs["window"]
    inside = frames.events[frames.events["monotonic_ns"].between(begin, end)]
    shown = sorted(x for line in axes.lines if line.get_gid() == "received" for x in line.get_xdata())
    assert shown == pytest.approx(sorted((inside["monotonic_ns"] - begin) / 1e9))
    counts = inside.groupby("reason", sort=False)["occurrences"].sum()
    assert drawing.words(axes, "reason") == list(counts.index)
    assert drawing.words(axes, "count") == [f"{count} ×" for count in counts]
    said = plots.twin(axes)
    assert said.startswith(f"{counts.sum()} Events of {len(counts)} reasons")
    assert all(f"{reason}: {count} times" in said or count == 1 for reason, count in counts.items())


def test_a_warning_stands_out() -> None:
    axes = plots.events(cases.invented("hung").events)
    assert "⚠ FailedScheduling" in drawing.words(axes, "reason")
    assert "Warning FailedScheduling: 3 times" in plots.twin(axes)


def test_too_many_reasons_share_a_lane() -> None:
    events = cases.invented("six").events
    many = pd.concat([events.assign(reason=[f"Reason{n:02}"] * len(events)) for n in range(14)], ignore_index=True)
    many.attrs = events.attrs
    reasons = drawing.words(plots.events(many), "reason")
    assert len(reasons) == 10
    assert reasons[-1] == "5 more reasons"


def test_a_gap_is_shaded_in_the_panels_that_it_concerns() -> None:
    def shaded(name: str) -> list[bool]:
        figure = plots.story(cases.invented(name))
        return [any(patch.get_gid() == "gap" for patch in axes.patches) for axes in figure.axes]

    events, lanes, rollout = shaded("pod_gap")
    assert lanes and rollout and not events
    assert shaded("whole_gap") == [True, True, True]
    assert shaded("six") == [False, False, False]


def test_no_bar_is_drawn_where_nothing_was_recorded() -> None:
    frames = cases.invented("pod_gap")
    axes = plots.lanes(frames.pods, frames.workloads)
    zero = frames.pods.attrs["steps"][0]["begin_ns"]
    after, until = ((frames.pods.attrs["gaps"][0][edge] - zero) / 1e9 for edge in ("after_ns", "until_ns"))
    for state in style.TONES:
        for patch in drawing.patches(axes, state):
            for x0, x1, _, _ in drawing.rectangles(patch):
                assert x1 <= after + 1e-6 or x0 >= until - 1e-6


def test_a_story_shares_one_time_axis() -> None:
    figure = plots.story(cases.invented("six"))
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert len({round(axes.get_position().x0, 6) for axes in figure.axes}) == 1
    said = plots.twin(figure)
    assert said == plots.story_text(cases.invented("six"))
    assert said.startswith("Promise kept")
    assert "\nPods: 12 Pods" in said and "\nEvents: 35 Events" in said


def test_a_story_of_one_deployment_of_several() -> None:
    frames = cases.recording("deployment").frames
    with pytest.raises(UsageError, match="Deployments in these frames"):
        plots.story(frames)
    figure = plots.story(frames, "ten")
    groups = [text for text in drawing.words(figure, "group")]
    assert groups and all("ten-" in text for text in groups)


def test_a_title_replaces_the_subject_and_not_the_answer() -> None:
    figure = plots.story(cases.invented("six"), title="The image changes, costs $5")
    assert drawing.words(figure, "subject") == [r"The image changes, costs \$5"]
    assert drawing.words(figure, "headline")[0].startswith("✓ Promise kept")
    assert plots.twin(figure).startswith("The image changes, costs $5")


def test_an_empty_window_is_drawn_and_told() -> None:
    empty = Frames(cases.recording("rollout"), 1, 2)
    figure = plots.story(empty)
    assert len(drawing.words(figure, "nothing")) == 2
    assert not drawing.overlaps(figure)
    assert "no Pod in this time" in plots.story_text(empty)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: plots.lanes(f.pods.drop(columns=["uid", "name"])), "has no column name, uid"),
        (lambda f: plots.lanes(pd.DataFrame(columns=f.pods.columns)), "is empty"),
        (lambda f: plots.events(f.events.drop(columns="latest")), "has no column latest"),
        (lambda f: plots.events(f.pods), "the frame events has no column"),
        (lambda f: plots.story(f.pods), "has no frame"),
        (lambda f: plots.story(f, "wub"), "no Deployment 'wub'"),
    ],
)
def test_wrong_input_is_told(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        call(cases.invented("six"))  # type: ignore[operator]
    assert told.value.next


def test_a_story_of_a_hundred_pods_is_quick() -> None:
    frames = cases.invented("hundred")
    assert len(frames.pods) + len(frames.workloads) + len(frames.events) > 1500
    took = []
    for _ in range(3):
        begin = time.process_time()
        plots.story(frames)
        took.append(time.process_time() - begin)
    assert min(took) < 2

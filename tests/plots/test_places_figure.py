"""Ordinals, daemons and Jobs: a lane for each place, the same in words, legible with 100 Pods and 50 Jobs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.plots import style
from kitlib.recording import Recording
from tests.plots import drawing

DATA = Path(__file__).parents[1] / "data" / "workloads"
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def frames() -> Frames:
    return Recording.open(DATA).frames


def window(first: str, last: str) -> Frames:
    recording = Recording.open(DATA)
    steps = recording.frames.steps.set_index("name")
    return Frames(recording, int(steps.loc[first, "begin_ns"]), int(steps.loc[last, "end_ns"]))


def check(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    assert not drawing.overlaps(figure) and not drawing.outside(figure)
    for text in drawing.texts(figure):
        assert text.get_color() == style.INK and text.get_fontsize() >= 6.5, text.get_text()


def test_an_ordinal_has_a_lane_and_its_pods_follow_one_another() -> None:
    frames = window("statefulset: create", "statefulset: canary")
    axes = plots.ordinals(frames.pods, frames.statefulsets, "db", "statefulset: create")
    check(axes)
    assert drawing.words(axes, "lane") == [f"ordinal {number}" for number in range(4)]
    assert len({patch.get_edgecolor() for patch in drawing.patches(axes, "Scheduled")}) == 3  # a colour a revision
    words = plots.twin(axes)
    assert words == plots.ordinals_text(frames.pods, frames.statefulsets, "db", "statefulset: create")
    (second,) = [line for line in words.splitlines() if line.startswith("  ordinal 2:")]
    assert [f"revision {number}" in second for number in (1, 2, 3)] == [True] * 3
    crowd = plots.ordinals(frames.pods, frames.statefulsets, "crowd")
    assert drawing.words(crowd, "lane") == ["ordinal 5", "ordinal 6", "ordinal 7"]


def test_two_daemons_on_a_node_do_not_hide_each_other() -> None:
    frames = window("daemonset: create", "daemonset: labels")
    axes = plots.daemons(frames.pods, frames.daemonsets)
    check(axes)
    assert drawing.words(axes, "lane") == ["node-1", "node-2", "node-3"]
    ready = [box for patch in drawing.patches(axes, "Ready") for box in drawing.rectangles(patch)]
    for number, (x0, x1, y0, y1) in enumerate(ready):
        for left, right, low, high in ready[:number]:
            assert right <= x0 or x1 <= left or high <= y0 or y1 <= low
    assert plots.twin(axes) == plots.daemons_text(frames.pods, frames.daemonsets)


def test_jobs_stand_with_those_of_their_cronjob(frames: Frames) -> None:
    axes = plots.jobs(frames.jobs, "statefulset: create")
    check(axes)
    heads = drawing.words(axes, "group")
    assert {"cronjob/allow · 3 Jobs", "cronjob/forbid · 2 Jobs", "cronjob/replace · 3 Jobs"} < set(heads)
    assert len(drawing.words(axes, "lane")) == frames.jobs["uid"].nunique()
    words = plots.twin(axes)
    assert words == plots.jobs_text(frames.jobs, "statefulset: create")
    (later,) = [line for line in words.splitlines() if line.startswith("  later:")]
    assert later.index("suspended") < later.index("active") < later.index("complete")


def many(rows: pd.DataFrame, count: int, seconds: float) -> pd.DataFrame:
    """Return the rows of one object so many times, each later than the one before."""

    def again(number: int) -> pd.DataFrame:
        name = rows["name"].iloc[0].rpartition("-")[0] + f"-{number}"
        later = rows["monotonic_ns"] + round(number * seconds * SECOND)
        return rows.assign(uid=f"u{number}", name=name, monotonic_ns=later)

    return pd.concat([again(number) for number in range(count)], ignore_index=True)


@pytest.mark.parametrize("count", [100, 400])
def test_a_hundred_pods_read(frames: Frames, count: int) -> None:
    one = frames.pods[frames.pods["name"] == "db-3"]
    own = many(one[one["uid"] == one["uid"].iloc[0]], count, 0.05)
    sets = frames.statefulsets[frames.statefulsets["name"] == "db"]
    own.attrs = sets.attrs = {}
    axes = plots.ordinals(own, sets)
    check(axes)
    figure = axes.get_figure(root=True)
    assert figure is not None and figure.get_size_inches()[1] < 9 if count == 100 else True
    assert plots.twin(axes).count("ordinal ") >= count
    assert "ordinal 0" in drawing.words(axes, "lane") and len(drawing.words(axes, "lane")) > 20


def test_fifty_jobs_read(frames: Frames) -> None:
    jobs = many(frames.jobs[frames.jobs["name"] == "pi"].assign(name="pi-0"), 50, 1)
    jobs.attrs = {}
    axes = plots.jobs(jobs)
    check(axes)
    assert "50 Jobs" in drawing.words(axes, "group")[0] and plots.twin(axes).count("  pi-") == 50


def test_nothing_is_said_to_be_nothing_and_a_name_that_is_none_is_refused(frames: Frames) -> None:
    assert "Nothing recorded" in plots.jobs_text(frames.jobs[:0])
    with pytest.raises(UsageError, match="no DaemonSet"):
        plots.daemons(frames.pods, frames.daemonsets, "agnet")

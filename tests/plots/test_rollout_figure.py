"""The rollout figure shows what kitlib.rollout says, and its text the same numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from kitlib import plots
from kitlib import rollout as model
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.plots import style
from tests.plots import cases, drawing

REAL = [(name, step) for name, step in cases.real_steps() if cases.deployments(cases.real(name, step))]


def drawn(frames: Frames, deployment: str | None = None) -> Axes:
    return plots.rollout(frames.pods, frames.workloads, deployment)


@pytest.mark.parametrize(("name", "step"), REAL, ids=[f"{name}: {step}" for name, step in REAL])
def test_areas_and_bounds_of_real_rollouts_are_the_timeline_s(name: str, step: str) -> None:
    frames = cases.real(name, step)
    deployment = cases.busiest(frames)
    times = model.timeline(frames.pods, frames.workloads, deployment)
    axes = drawn(frames, deployment)
    zero = frames.pods.attrs["window"][0]
    kept = times.drop_duplicates("monotonic_ns", keep="last")
    begin = kept["monotonic_ns"].to_numpy()
    end = np.append(begin[1:], frames.pods.attrs["window"][1])
    for kind in ("available", "unavailable", "terminating"):
        wanted = (kept[kind].to_numpy() * (end - begin)).sum() / 1e9
        shapes = [patch for patch in drawing.patches(axes, kind) if patch.get_hatch() or patch.get_facecolor()[3] > 0]
        area = sum(abs(surface(patch)) for patch in shapes)
        lead = kept[kind].iloc[0] * max(-axes.get_xlim()[0], 0) if begin[0] <= zero else 0
        assert area == pytest.approx(wanted + lead, rel=1e-6, abs=1e-6), kind
    for bound in ("upper", "lower"):
        if bound == "lower" and not times["lower"].any():
            continue
        x, y = drawing.line(axes, bound).get_data()
        at = (begin - zero) / 1e9
        shown = y[np.searchsorted(x, np.maximum(at, x[0]) + 1e-9, side="right") - 1]
        assert (shown == kept[bound].to_numpy()).all()


def surface(patch: object) -> float:
    total = 0.0
    for polygon in patch.get_path().to_polygons(closed_only=False):  # type: ignore[attr-defined]
        x, y = np.asarray(polygon).T
        total += 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return total


def test_the_answer_comes_first() -> None:
    axes = drawn(cases.invented("six"))
    (answer,) = drawing.texts(axes, "headline")
    assert answer.get_fontsize() == max(text.get_fontsize() for text in drawing.texts(axes))
    assert re.fullmatch(r"✓ Promise kept · rolled out in 2\.\d s", answer.get_text())
    assert plots.twin(axes).startswith(answer.get_text().removeprefix("✓ "))


def test_the_bracket_is_as_long_as_the_text_says() -> None:
    axes = drawn(cases.invented("six"))
    begin, end = drawing.line(axes, "took").get_xdata()
    said = float(re.search(r"rolled out in ([\d.]+) s", plots.twin(axes)).group(1))  # type: ignore[union-attr]
    assert end - begin == pytest.approx(said, abs=0.051)


def test_the_bounds_are_named_at_their_lines() -> None:
    said = drawing.words(drawn(cases.invented("long_names")), "bound")
    assert said == ["at most 9", "6 + 3 (50% of 6)", "6 replicas", "at least 4", "6 − 2 (34% of 6)"]
    text = plots.twin(drawn(cases.invented("long_names")))
    assert "at most 9 Pods" in text and "at least 4 available" in text


def test_a_broken_promise_is_seen_and_said() -> None:
    axes = drawn(cases.invented("broken"))
    assert drawing.words(axes, "headline")[0].startswith("✗ Promise broken: 10 Pods, 8 allowed")
    assert {"✗ 10 of at most 8", "✗ 3 of at least 5"} <= set(drawing.words(axes, "state"))
    spans = [rectangle for patch in drawing.patches(axes, "breach") for rectangle in drawing.rectangles(patch)]
    assert {(low, high) for _, _, low, high in spans} >= {(8, 10), (3, 5)}
    assert "3 Pods available instead of at least 5" in plots.twin(axes)


@pytest.mark.parametrize("name", ["created", "scaling"])
def test_what_is_not_there_yet_breaks_no_promise(name: str) -> None:
    axes = drawn(cases.invented(name))
    assert not drawing.patches(axes, "breach")
    assert drawing.words(axes, "headline")[0].startswith("✓ Promise kept")


def test_a_hung_rollout_says_so_first() -> None:
    axes = drawn(cases.invented("hung"))
    assert drawing.words(axes, "headline") == ["Not finished after 12.0 s · promise kept"]
    assert drawing.words(axes, "took label") == ["not finished"]


def test_more_changes_than_names_fit_are_told_as_one() -> None:
    frames = cases.invented("many")
    (told,) = drawing.words(drawn(frames), "took label")
    changes = model.revisions(frames.workloads)["revision"].nunique()
    assert re.fullmatch(rf"{changes - 1} changes, [\d.]+ s to [\d.]+ s each", told)


def test_recreate_says_how_long_nothing_was_available() -> None:
    axes = drawn(cases.invented("recreate"))
    (answer,) = drawing.words(axes, "headline")
    said = float(re.search(r"no Pod available for ([\d.]+) s", answer).group(1))  # type: ignore[union-attr]
    times = model.timeline(cases.invented("recreate").pods, cases.invented("recreate").replicas)
    length = times["monotonic_ns"].shift(-1) - times["monotonic_ns"]
    assert said == pytest.approx(length[times["available"] == 0].sum() / 1e9, abs=0.051)


def test_each_revision_keeps_its_colour() -> None:
    axes = drawn(cases.invented("rollback"))
    solid = [patch for patch in drawing.patches(axes, "available") if patch.get_facecolor()[3] == 1]
    from matplotlib.colors import to_hex

    assert [to_hex(patch.get_facecolor()) for patch in solid] == list(style.PALETTE[:4])
    assert [text.split("\n")[0] for text in drawing.words(axes, "revision")] == [f"revision {n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("name", ["pod_gap", "whole_gap"])
def test_a_gap_is_shaded_labelled_and_left_empty(name: str) -> None:
    frames = cases.invented(name)
    axes = drawn(frames)
    (gap,) = frames.pods.attrs["gaps"]
    zero = frames.pods.attrs["steps"][0]["begin_ns"]
    after, until = ((gap[edge] - zero) / 1e9 for edge in ("after_ns", "until_ns"))
    shades = [patch for patch in axes.patches if patch.get_gid() == "gap"]
    assert len(shades) == 1
    left = shades[0].get_x()
    assert (left, left + shades[0].get_width()) == (pytest.approx(after), pytest.approx(until, abs=0.01))
    assert drawing.words(axes, "gap label") == ["not recorded"]
    x, y = drawing.line(axes, "upper").get_data()
    inside = y[(x > after - 1e-9) & (x < until - 0.01)]
    assert len(inside) and np.isnan(inside).all()
    for kind in ("available", "unavailable", "terminating"):
        for patch in drawing.patches(axes, kind):
            for x0, x1, _, _ in drawing.rectangles(patch):
                assert x1 <= after + 1e-6 or x0 >= until - 1e-6
    assert drawing.words(axes, "headline")[0].startswith("No promise broken in what was recorded")
    assert f"from {after:.2f} s to {until:.1f} s (410 Gone)" in plots.twin(axes)


def test_before_a_gap_stands_what_was_known_then() -> None:
    """A deletion that only the list after the gap showed must not change what was before."""
    frames, whole = cases.invented("pod_gap"), cases.invented("six")
    after = frames.pods.attrs["gaps"][0]["after_ns"]

    def until(frames: Frames) -> pd.DataFrame:
        times = model.timeline(frames.pods, frames.workloads)
        return times.loc[times["monotonic_ns"] < after, ["monotonic_ns", "total", "available", "upper"]]

    pd.testing.assert_frame_equal(until(frames), until(whole))


def test_steps_are_bracketed_and_named() -> None:
    axes = drawn(cases.invented("rollback"))
    assert drawing.words(axes, "step") == ["v2", "v3, a mistake", "roll back to v1"]
    assert len([line for line in axes.lines if line.get_gid() == "step line"]) == 3


def test_zero_is_said_and_can_be_chosen() -> None:
    frames = cases.invented("rollback")
    assert drawn(frames).get_xlabel() == "seconds since “roll back to v1” began"
    axes = plots.rollout(frames.pods, frames.workloads, zero="v2")
    assert axes.get_xlabel() == "seconds since “v2” began"
    assert axes.get_xlim()[0] == pytest.approx(-1.5)
    begin = frames.pods.attrs["window"][0]
    assert plots.rollout(frames.pods, frames.workloads, zero=begin).get_xlim()[0] <= 0


def test_text_without_drawing_is_the_twin() -> None:
    frames = cases.invented("six")
    assert plots.rollout_text(frames.pods, frames.workloads) == plots.twin(drawn(frames))
    assert plots.rollout_text(frames.pods, frames.workloads, "deployment/web") == plots.twin(drawn(frames, "web"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: plots.rollout(f.pods.drop(columns="state"), f.replicas), "has no column state"),
        (lambda f: plots.rollout(f.pods, f.replicas, "wub"), "no Deployment 'wub'"),
        (lambda f: plots.rollout(f.pods, f.replicas, zero="wub"), "no step 'wub'"),
        (lambda f: plots.rollout(f.pods, f.replicas, zero=1.5), "neither monotonic ns nor a step"),
        (lambda f: plots.rollout(f.pods, None), "not a DataFrame"),
        (lambda f: plots.rollout(pd.DataFrame(columns=f.pods.columns), f.replicas), "is empty"),
    ],
)
def test_wrong_input_is_told(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        call(cases.invented("six"))  # type: ignore[operator]
    assert told.value.next


def test_an_empty_window_says_so() -> None:
    empty = Frames(cases.recording("rollout"), 1, 2)
    axes = drawn(empty)
    assert drawing.words(axes, "nothing") == ["nothing recorded: no Deployment in this time"]
    assert plots.twin(axes).startswith("Nothing recorded")


def test_twin_of_something_else() -> None:
    from matplotlib.figure import Figure

    assert plots.twin(Figure()) == ""  # it is shown as it ever was, without words
    with pytest.raises(UsageError, match="no text belongs"):
        plots.twin("a name")  # type: ignore[arg-type]

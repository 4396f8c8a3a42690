"""Every figure, of invented and of real rollouts: nothing overlaps, nothing is cut, text has contrast."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.frames import Frames
from kitlib.plots import style
from tests.plots import cases, drawing

pytestmark = pytest.mark.slow
REAL = cases.real_steps()


def check(figure: Figure) -> None:
    assert not drawing.overlaps(figure)
    assert not drawing.outside(figure)
    for text in drawing.texts(figure):
        if text.get_gid() == "revision":
            assert text.get_color() in (style.ON_DARK, style.ON_LIGHT)
        else:
            assert text.get_color() == style.INK, text.get_text()
        assert text.get_fontsize() >= 6.5, text.get_text()


@pytest.mark.parametrize("name", cases.INVENTED)
def test_stories_of_invented_rollouts(name: str) -> None:
    check(plots.story(cases.invented(name)))


@pytest.mark.parametrize("name", cases.INVENTED)
def test_single_figures_of_invented_rollouts(name: str) -> None:
    frames = cases.invented(name)
    for axes in (
        plots.rollout(frames.pods, frames.workloads),
        plots.lanes(frames.pods, frames.workloads),
        plots.events(frames.events),
    ):
        figure = axes.get_figure(root=True)
        assert isinstance(figure, Figure)
        check(figure)


@pytest.mark.parametrize(("name", "step"), REAL, ids=[f"{name}: {step}" for name, step in REAL])
def test_stories_of_real_rollouts(name: str, step: str) -> None:
    frames = cases.real(name, step)
    check(plots.story(frames, cases.busiest(frames)))


def test_a_whole_recording_with_many_steps() -> None:
    check(plots.story(cases.recording("rollout").frames))
    check(plots.story(cases.recording("deployment").frames, "web"))


def test_a_revision_is_named_on_its_own_colour() -> None:
    frames = cases.invented("six")
    axes = plots.rollout(frames.pods, frames.workloads)
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    named = drawing.texts(axes, "revision")
    assert [text.get_text().splitlines()[0] for text in named] == ["revision 1", "revision 2"]
    pixels = drawing.picture(figure)
    for text, colour in zip(named, style.PALETTE, strict=False):
        box = text.get_window_extent()
        rows = slice(pixels.shape[0] - int(box.y1) - 1, pixels.shape[0] - int(box.y0) + 1)
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        for column in (int(box.x0) - 2, int(box.x1) + 2):
            assert np.abs(pixels[rows, column, :3] - wanted).max() <= 2
        assert style.contrast(str(text.get_color()), colour) >= 4.5


def test_the_page_shows_through() -> None:
    pixels = drawing.picture(plots.story(cases.invented("six")))
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3]
    assert (corners == 0).all()


def test_what_stands_on_the_page_has_contrast_on_both() -> None:
    figure = plots.story(cases.invented("rollback"))
    colours = {text.get_color() for text in drawing.texts(figure) if text.get_gid() != "revision"}
    colours |= {line.get_color() for axes in figure.axes for line in axes.lines} - {style.ON_DARK}
    for page in style.PAGES.values():
        assert min(style.contrast(str(colour), page) for colour in colours) >= 3


def test_names_from_a_cluster_do_no_harm() -> None:
    frames = cases.invented("six")
    bad = "$\\frac{1}{$\u202e\x1b[2J" + "long" * 60
    pods, workloads, events = frames.pods.copy(), frames.workloads.copy(), frames.events.copy()
    pods["name"] = [bad + name[-5:] for name in pods["name"]]
    pods["owner.name"] = bad + pods["owner.name"]
    pods["state"] = pods["state"].astype("str").replace("Running", "Pending")
    pods["message"] = bad
    workloads["name"] = bad + workloads["name"]
    events["reason"] = bad + events["reason"]
    events["message"] = bad
    for frame, other in ((pods, frames.pods), (workloads, frames.workloads), (events, frames.events)):
        frame.attrs = {**other.attrs, "steps": [{**other.attrs["steps"][0], "name": bad}]}

    class Bad:
        pass

    given = Bad()
    given.pods, given.workloads, given.events = pods, workloads, events  # type: ignore[attr-defined]
    figure = plots.story(given, title=bad)  # type: ignore[arg-type]
    check(figure)
    said = plots.twin(figure)
    assert "\x1b" not in said and "\u202e" not in said
    assert all("\x1b" not in text and len(text) < 220 for text in drawing.words(figure))


def test_what_a_notebook_shows() -> None:
    from IPython.core.formatters import DisplayFormatter
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    frames: Frames = cases.invented("six")
    for shown in (plots.story(frames), plots.rollout(frames.pods, frames.workloads)):
        data, about = DisplayFormatter().format(shown)
        assert data["text/plain"] == plots.twin(shown)
        assert about["image/png"]["width"] == 800
        assert about["image/png"]["alt"].startswith("Promise kept")
        assert len(about["image/png"]["alt"]) <= 900
    assert pyplot.get_fignums() == before  # nothing that pyplot would show once more

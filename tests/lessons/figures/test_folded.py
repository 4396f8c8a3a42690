"""The folded figure: legible, told in words, and what is missing is seen."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from tests.plots import drawing

TOLD = pd.DataFrame(
    [
        ("40 Pods of one ReplicaSet", 40, 25, 10),
        ("a Pod that is refused again and again", 11, 11, 1),
        ("a readiness probe that fails each second", 60, 25, 1),
    ],
    columns=["what", "happened", "written", "events"],
)


def test_nothing_overlaps_and_nothing_is_cut() -> None:
    figure = figures.folded(TOLD).get_figure(root=True)
    assert not drawing.outside(figure)
    assert not drawing.overlaps(figure)


def test_a_bar_is_as_long_as_its_number_and_what_is_missing_is_outlined() -> None:
    axes = figures.folded(TOLD.head(1))
    bars = {str(patch.get_gid()): patch.get_width() for patch in axes.patches if patch.get_gid() != "gone"}
    assert bars == {"happened there": 40, "written there": 25, "Events there": 10}
    gone = [patch for patch in axes.patches if patch.get_gid() == "gone"]
    assert [(patch.get_x(), patch.get_width(), patch.get_fill()) for patch in gone] == [
        (25, 15, False),
        (10, 15, False),
    ]
    assert drawing.words(axes, "missing") == ["15 dropped", "15 folded"]


def test_where_nothing_is_missing_nothing_is_outlined() -> None:
    axes = figures.folded(pd.DataFrame({"what": ["a Pod"], "happened": [3], "written": [3], "events": [3]}))
    assert not [patch for patch in axes.patches if patch.get_gid() == "gone"]
    assert not drawing.words(axes, "missing")


def test_the_words_say_the_same() -> None:
    said = plots.twin(figures.folded(TOLD))
    assert said == figures.folded_text(TOLD)
    assert said.splitlines()[0] == (
        "40 Pods of one ReplicaSet: happened 40 times, written 25 times (15 dropped), in 10 Events (15 folded)."
    )


def test_nothing_and_a_wrong_frame() -> None:
    with pytest.raises(UsageError, match="nothing happened"):
        figures.folded(TOLD.head(0))
    with pytest.raises(UsageError, match="no column events"):
        figures.folded(TOLD.drop(columns="events"))

"""The blows figure: each request stands where who answered it does, and the longest silence is told."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from tests.plots import drawing
from tests.plots.test_legible import check


def table(**blows: list[tuple[float, str]]) -> pd.DataFrame:
    """For each blow when requests were sent, and who answered; "" is nobody."""
    rows = [(blow, since, bool(who), who) for blow, told in blows.items() for since, who in told]
    return pd.DataFrame(rows, columns=["blow", "since", "answered", "who"])


TWO = table(
    SIGTERM=[(-0.1, "a"), (0.1, ""), (0.2, "b"), (0.3, "b")],
    cable=[(-0.2, "b"), (0.1, ""), (3.0, ""), (8.0, "c")],
)


def test_each_request_is_a_tick_where_who_answered_it_stands_and_the_words_say_the_same() -> None:
    axes = figures.blows(TWO)
    ticks = {lines.get_gid(): [] for lines in axes.collections}
    for lines in axes.collections:
        ticks[lines.get_gid()] += [round(float(segment[0][0]), 1) for segment in lines.get_segments()]
    assert ticks == {"a": [-0.1], "b": [0.2, 0.3, -0.2], "c": [8.0], "nobody": [0.1, 0.1, 3.0]}
    assert drawing.words(axes, "who") == ["a", "b", "nobody", "b", "c", "nobody"]
    assert plots.twin(axes) == figures.blows_text(TWO)
    assert figures.blows_text(TWO).splitlines() == [
        "Nobody answered for 0.3 s (SIGTERM), 8.2 s (cable).",
        "SIGTERM: longest silence 0.3 s; of 4 requests answered a 1, b 2, nobody 1.",
        "cable: longest silence 8.2 s; of 4 requests answered b 1, c 1, nobody 2.",
    ]


def test_one_who_answers_after_several_blows_keeps_a_colour() -> None:
    axes = figures.blows(TWO)
    colours = {lines.get_gid(): {tuple(colour) for colour in lines.get_colors()} for lines in axes.collections}
    assert len(colours["b"]) == 1 and len({next(iter(each)) for each in colours.values()}) == 4


def test_a_silence_without_an_end_is_told_as_such() -> None:
    assert "no end (cable)" in figures.blows_text(table(cable=[(-1.0, "a"), (1.0, "")]))


@pytest.mark.parametrize("count", [0, 1, 4])
def test_it_is_legible(count: int) -> None:
    names = [f"what was done to it, number {number}" for number in range(count)]
    told = table(**{name: [(-1.0, "control-plane"), (0.5, ""), (9.0, "control-plane2")] for name in names})
    figure = figures.blows(told, title="Who $answered$ what").get_figure(root=True)
    assert not drawing.outside(figure) and not drawing.overlaps(figure)
    check(figures.blows(TWO).get_figure(root=True))


def test_other_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="no column"):
        figures.blows(TWO.drop(columns="since"))

"""The rivals figure: each round is a point, and what overlaps isn't told apart."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from tests.plots import drawing
from tests.plots.test_legible import check


def table(**measures: tuple[list[float], list[float]]) -> pd.DataFrame:
    rows = [
        (measure, who, value)
        for measure, both in measures.items()
        for who, values in zip(("traefik", "nginx"), both, strict=True)
        for value in values
    ]
    return pd.DataFrame(rows, columns=["measure", "who", "value"])


TWO = table(p50=([4, 6, 5], [1, 2, 2]), CPU=([3, 4], [2, 3.5]))


def test_each_round_is_a_point_and_the_words_say_the_same() -> None:
    axes = figures.rivals(TWO, "nginx")
    points = [line.get_xdata().tolist() for line in axes.lines if line.get_gid() == "round"]
    assert points[:2] == [[0.5, 1.0, 1.0], [2.0, 3.0, 2.5]]
    assert drawing.words(axes, "who") == ["p50, nginx", "p50, traefik", "CPU, nginx", "CPU, traefik"]
    assert plots.twin(axes) == figures.rivals_text(TWO, "nginx")
    assert figures.rivals_text(TWO, "nginx").splitlines() == [
        "1 of 2 measures tell the two apart in every round.",
        "p50, nginx: 2, 1 to 2 in 3 rounds.",
        "p50, traefik: 5, 4 to 6 in 3 rounds.",
        "CPU, nginx: 2.75, 2 to 3.5 in 2 rounds.",
        "CPU, traefik: 3.5, 3 to 4 in 2 rounds.",
    ]


def test_what_was_not_measured_is_left_out() -> None:
    some = table(p50=([4], [float("nan")]), CPU=([3], [2]))
    assert figures.rivals_text(some, "nginx").splitlines()[1:] == [
        "CPU, nginx: 2, 2 to 2 in 1 round.",
        "CPU, traefik: 3, 3 to 3 in 1 round.",
    ]
    with pytest.raises(UsageError, match="who"):
        figures.rivals(TWO.drop(columns="who"), "nginx")


@pytest.mark.parametrize("count", [0, 1, 6])
def test_it_is_legible(count: int) -> None:
    many = {f"measure number {number}": ([40.0, 900.5], [1.0, 2.0]) for number in range(count)}
    figure = figures.rivals(table(**many), "nginx", title="What a $request$ takes").get_figure(root=True)
    assert not drawing.outside(figure) and not drawing.overlaps(figure)
    check(figures.rivals(TWO, "nginx").get_figure(root=True))

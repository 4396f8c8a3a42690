"""The splits figure: what was seen, its interval and what was wanted are drawn, and told."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from kitlib.lessons.entry import wilson
from kitlib.lessons.figures.splits import COLUMNS
from tests.plots import drawing
from tests.plots.test_legible import check


def table(*rows: tuple[str, int, int, float]) -> pd.DataFrame:
    """Rule, requests, hits, what was wanted."""
    made = [(rule, total, hits, hits / total, *wilson(hits, total), wanted) for rule, total, hits, wanted in rows]
    return pd.DataFrame(made, columns=list(COLUMNS))


THREE = table(("weight 0", 300, 0, 0.0), ("weight 30", 1500, 452, 0.3), ("weight 50", 1500, 452, 0.5))


def test_each_rule_has_a_point_an_interval_and_a_ring_and_the_words_say_the_same() -> None:
    axes = figures.splits(THREE)
    drawn = {
        gid: [[round(float(x), 1) for x in line.get_xdata()] for line in axes.lines if line.get_gid() == gid]
        for gid in ("share", "wanted", "interval")
    }
    assert drawn["share"] == [[0.0], [30.1], [30.1]] and drawn["wanted"] == [[0.0], [30.0], [50.0]]
    assert drawn["interval"][1] == drawn["interval"][2] == [25.7, 34.9]
    colours = [line.get_color() for line in axes.lines if line.get_gid() == "share"]
    assert colours[0] == colours[1] != colours[2], "what was wanted lies beyond the interval"
    assert drawing.words(axes, "count") == ["0 of 300", "452 of 1,500", "452 of 1,500"]
    assert plots.twin(axes) == figures.splits_text(THREE)
    assert figures.splits_text(THREE).splitlines() == [
        "In 2 of 3 rules what was wanted lies in the interval of what was seen.",
        "weight 0: 0 of 300 requests, 0.0 %; between 0.0 and 4.8 %; wanted were 0 %.",
        "weight 30: 452 of 1500 requests, 30.1 %; between 25.7 and 34.9 %; wanted were 30 %.",
        "weight 50: 452 of 1500 requests, 30.1 %; between 25.7 and 34.9 %; wanted were 50 %.",
    ]


@pytest.mark.parametrize("count", [0, 1, 12])
def test_it_is_legible(count: int) -> None:
    rows = [
        (f"rule {number} " * 4, 10 ** (number % 6), 10 ** (number % 6) // 3, number / 12) for number in range(count)
    ]
    figure = figures.splits(table(*rows), title="Which share of $all$ went there").get_figure(root=True)
    assert not drawing.outside(figure) and not drawing.overlaps(figure)
    check(figures.splits(THREE).get_figure(root=True))


def test_other_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="no column"):
        figures.splits(THREE.drop(columns="wanted"))

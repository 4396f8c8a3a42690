"""The figure of delays: every one is drawn, and its twin tells the same numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from tests.plots.test_legible import check
from tests.plots.test_traffic_figure import artists, figure


def test_each_delay_is_a_dot_and_the_share_ends_at_all() -> None:
    frame = pd.DataFrame({"delay": [0.4, 0.1, None, 0.2, 0.3]})
    axes = plots.delays(frame, what="firing")
    (dots,) = artists(axes, "delay")
    assert list(dots.get_xdata()) == [0.1, 0.2, 0.3, 0.4]
    (share,) = artists(axes, "share")
    assert list(share.get_ydata()) == [0, 0.25, 0.5, 0.75, 1, 1]
    check(figure(axes))
    assert plots.delays_text(frame, what="firing").startswith(
        "4 firings: the shortest 0.10 s, half of them within 0.25 s"
    )
    assert plots.twin(axes) == plots.delays_text(frame, what="firing")


@pytest.mark.parametrize("count", [1, 100])
def test_one_and_a_hundred_are_legible(count: int) -> None:
    check(figure(plots.delays(pd.DataFrame({"delay": [0.05 * number for number in range(count)]}))))


def test_what_cant_be_drawn_is_said() -> None:
    with pytest.raises(UsageError, match="no column delay"):
        plots.delays(pd.DataFrame({"x": [1]}))
    with pytest.raises(UsageError, match="no delay to draw"):
        plots.delays(pd.DataFrame({"delay": [None]}))

"""How long something may take, as people write it."""

from __future__ import annotations

import pytest
import typer

from kitlib.cli.durations import lasting

RIGHT = {
    "90": 90,
    "0.5": 0.5,
    "10s": 10,
    "1m30s": 90,
    "2h": 7200,
    "1.5h": 5400,
    "500ms": 0.5,
    " 3m ": 180,
    "1h1m1s": 3661,
}
WRONG = ["", "soon", "10 seconds", "10s!", "s", "-5", "-5s", "0", "0s", "nan", "inf", "1d"]


@pytest.mark.parametrize("text", RIGHT)
def test_a_length_of_time_is_taken(text):
    assert lasting(text) == RIGHT[text]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_none_is_refused(text):
    with pytest.raises(typer.BadParameter, match="no length of time"):
        lasting(text)

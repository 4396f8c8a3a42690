"""A row that came late was written some time before: what depends on when is unknown, and what doesn't is told."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib.claims import happens_before, judge, within

SECOND = 1_000_000_000
START = pd.Timestamp("2026-03-01T10:00:00Z")


def row(at: float, late: float = 0.0) -> pd.DataFrame:
    """One row, received so many seconds after the start; it was written at most so many seconds before."""
    observed = START + pd.Timedelta(seconds=at)
    before = observed - pd.Timedelta(seconds=late)
    columns = {"observed_at": [observed], "not_before": [before], "monotonic_ns": [round(at * SECOND)]}
    return pd.DataFrame({**columns, "resourceVersion": [round(at * 10)]})


@pytest.mark.parametrize(
    ("start", "end", "verdict"),
    [
        (row(0), row(5), "holds"),
        (row(0), row(15), "fails"),
        (row(0), row(15, late=4), "fails"),  # at least 11 s
        (row(0), row(15, late=6), "unknown"),  # 9 to 15 s
        (row(0), row(5, late=4), "holds"),  # 1 to 5 s
        (row(0), row(5, late=6), "unknown"),  # or before the first one
        (row(4, late=3), row(13), "unknown"),  # 9 to 12 s
        (row(4, late=3), row(10), "holds"),  # 6 to 9 s
        (row(4, late=3), row(15), "fails"),  # 11 to 14 s
        (row(4, late=3), row(12, late=1), "unknown"),  # 7 to 11 s
        (row(6), row(3), "fails"),  # it was there before
        (row(6, late=2), row(3), "fails"),  # 1 to 3 s before
        (row(6, late=4), row(3), "unknown"),  # from 3 s before to 1 s after
        (row(0), row(10), "holds"),
        (row(1, late=1), row(10), "holds"),  # at most 10 s, which is allowed
        (row(0), row(12, late=2), "unknown"),  # at least 10 s, which is allowed
    ],
)
def test_within_has_bounds(start: pd.DataFrame, end: pd.DataFrame, verdict: str) -> None:
    found, why = judge(within(10, start, end))
    assert found == verdict, why
    assert ("came late" in why) == (verdict == "unknown")


def test_the_bounds_are_said() -> None:
    assert judge(within(10, row(4, late=3), row(12, late=1)))[1] == "7.00 to 11.00 s, of 10 s: a row came late"
    assert judge(within(10, row(0), row(5, late=6)))[1] == "0.00 to 5.00 s, of 10 s: a row came late"
    assert judge(within(10, row(0), row(5, late=4)))[1] == "5.00 s, of 10 s"


@pytest.mark.parametrize("by", ["observed_at", "monotonic_ns"])
@pytest.mark.parametrize(
    ("first", "then", "verdict"),
    [
        (row(1), row(2), "holds"),
        (row(2), row(1), "fails"),
        (row(1), row(5, late=3), "holds"),  # after 2 s at the earliest
        (row(1), row(5, late=5), "unknown"),  # perhaps at 0 s
        (row(1), row(5, late=4), "unknown"),  # perhaps at once
        (row(5, late=3), row(9), "holds"),  # only still earlier
        (row(5), row(3), "fails"),
        (row(5, late=1), row(3), "fails"),  # at 4 s at the earliest
        (row(5, late=3), row(3), "unknown"),  # perhaps at 2 s
        (row(5), row(3, late=3), "fails"),  # only still earlier
    ],
)
def test_an_order_of_receipt_has_bounds(first: pd.DataFrame, then: pd.DataFrame, verdict: str, by: str) -> None:
    found, why = judge(happens_before(first, then, by=by))
    assert found == verdict, why
    assert ("can't be told" in why) == (verdict == "unknown")


def test_the_server_s_own_order_has_none() -> None:
    assert judge(happens_before(row(1), row(5, late=5)))[0] == "holds"
    assert judge(happens_before(row(5, late=5), row(1)))[0] == "fails"


def test_the_rows_that_decide_are_the_last_of_the_first_and_the_first_of_the_second() -> None:
    first, then = pd.concat([row(0), row(3)]), pd.concat([row(5, late=3), row(8)])
    assert judge(happens_before(first, then, by="monotonic_ns"))[0] == "unknown"
    assert judge(happens_before(first.head(1), then, by="monotonic_ns"))[0] == "holds"
    assert judge(within(4, first, then))[0] == "unknown"
    assert judge(within(4, first, then.tail(1)))[0] == "fails"

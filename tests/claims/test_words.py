"""What a check found is said as people say it: without a quote, a bracket or a boolean of Python's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kitlib.claims import always, at_least, at_most, equal, eventually, happens_before, never
from kitlib.claims.words import condition, rows, value

READ = {
    "phase == 'Running' and nodeName != ''": "phase is Running and nodeName isn't empty",
    "`owner.name` == 'web'": "owner.name is web",
    "not reused": "not reused",
    "level in ['warning', 'error']": "level is one of warning, error",
    "level not in @usual": "level is none of usual",
    "message.str.contains('soft error') and level == 'error'": "message contains soft error and level is error",
    "name.str.startswith('a') or name.str.endswith('b')": "name begins with a or name ends with b",
    "(a == 1 or b) and ~c": "(a is 1 or b) and not c",
    "(a == 1) & (b < 2)": "a is 1 and b is below 2",
    "named - 5 <= grace <= named + 1": "grace is from named - 5 to named + 1",
    "`last.exitCode` == 3 and restartCount > 0": "last.exitCode is 3 and restartCount is above 0",
    "not (a == 1)": "not (a is 1)",
    "since.isna()": "since isn't known",
    "`a b`.notna()": "a b is known",
    "total + terminating > upper": "total + terminating is above upper",
    "sizes.round(1) == 2": "sizes.round(1) is 2",
    "1 <": "1 <",
}


@pytest.mark.parametrize("text", READ)
def test_a_condition_is_read_aloud(text: str) -> None:
    assert condition(text) == READ[text]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (None, "none"),
        ("", "none"),
        ("web", "web"),
        (600, "600"),
        (1 / 3, "0.333333"),
        (15.0, "15"),
        ([], "none"),
        ([True, True, False], "yes, yes, no"),
        (("refused", True, "admitted"), "refused, yes, admitted"),
        ({"b", "a"}, "a, b"),
        ([["control-plane", "file"], ["worker", "none"]], "control-plane, file; worker, none"),
        ({"near": {}, "far": ["192.0.2.1"]}, "near: none; far: 192.0.2.1"),
        (pd.Series([1, 2]), "1, 2"),
        (pd.Series(["web"], dtype="str").unique(), "web"),
    ],
)
def test_a_value_is_written_as_people_write_it(found: Any, said: str) -> None:
    assert value(found) == said


def test_rows_are_counted_as_it_is_said() -> None:
    assert [rows(each) for each in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]


def test_no_check_says_a_word_of_python() -> None:
    frame = pd.DataFrame({"phase": ["Running", "Pending"], "seconds": [1.25, 2.5], "monotonic_ns": [10**9, 3 * 10**9]})
    first, then = frame.head(1), frame.tail(1)
    assert [
        never(frame, "phase == 'Failed'").why,
        always(first, "phase == 'Running'").why,
        always(frame, "phase == 'Running'").why,
        eventually(frame, "phase == ''").why,
        at_most(frame, "seconds", 3).why,
        at_least(first, "seconds", 2).why,
        happens_before(first, then, "monotonic_ns").why,
        happens_before(then, first, "monotonic_ns").why,
        equal([True], [False], what="ready").why,
        equal(("a", 1), ("a", 1), what="who, how many").why,
    ] == [
        "none of 2 rows: phase is Failed",
        "the only row: phase is Running",
        "1 of 2 rows not: phase is Running",
        "none of 2 rows: phase is empty",
        "seconds is 1.25 to 2.5, never above 3, in 2 rows",
        "seconds is below 2 in 1 of 1 row",
        "2 s earlier",
        "2 s later, not earlier",
        "ready: yes, not no",
        "who, how many: a, 1",
    ]

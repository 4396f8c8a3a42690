"""Logs through faults, judged by what their writer counted; and the judge finds what is wrong with a recording."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitlib.recording import Interval
from tests.faults import logs
from tests.faults.later import LATER
from tests.faults.plan import LogFault, LogPlan
from tests.faults.scenarios import EARLIER, scenario

PLANS = {plan.family: plan for plan in map(scenario, range(EARLIER, EARLIER + len(LATER))) if plan.log}
QUICK = [family for family in PLANS if family != "long log"]


@pytest.mark.parametrize("family", QUICK)
def test_nothing_of_a_log_is_lost_unnoticed(tmp_path: Path, family: str) -> None:
    plan = PLANS[family]
    assert plan.log is not None
    told = logs.follow(plan.log, tmp_path)
    assert not (told.unreported or told.duplicates or told.needless_gaps or told.others), vars(told)
    assert all(told.hurts.get(name) for name in plan.must), told.hurts
    assert told.recorded + told.in_gaps == told.written > 0


def test_a_log_that_was_cut_before_its_first_line_may_have_lost_some(tmp_path: Path) -> None:
    fault = LogFault("fin", 0, ("rotate", "write 5"))
    told = logs.follow(LogPlan(("write 30",), ("write 1",), (fault,)), tmp_path)
    assert told.in_gaps >= 30 and not told.unreported


# The judge.


def written(count: int, lost_ns: int | None = None) -> logs.Writer:
    writer = logs.Writer()
    writer.do(f"write {count}")
    for line in writer.lines:
        line.written_ns = line.number * 10**9
    writer.lines[-1].lost_ns = lost_ns
    return writer


def recorded(*numbers: int, run: int = 0) -> list[Any]:
    lines = [f"2026-03-01T12:00:00Z run {run} line {number}" for number in numbers]
    return [SimpleNamespace(kind="Log", object=json.dumps({"lines": lines}))]


def span(begin: int, end: int, covered: bool) -> Interval:
    return Interval("logs/p/c", "Log", "kitlib", "n", begin * 10**9, end * 10**9, covered)


def test_a_line_that_is_missing_from_a_covered_time_is_unreported() -> None:
    writer = written(3, lost_ns=5 * 10**9)
    assert logs.judge(writer, recorded(0, 1), [span(0, 9, True)], 0, True, False).unreported
    gap = [span(0, 4, True), span(4, 6, False), span(6, 9, True)]
    assert logs.judge(writer, recorded(0, 1), gap, 0, True, False).in_gaps == 1


def test_a_line_that_could_be_read_all_the_time_has_no_excuse_but_an_end_that_is_not_covered() -> None:
    assert logs.judge(written(3), recorded(0, 1), [span(0, 4, False), span(4, 9, True)], 0, True, False).unreported
    assert not logs.judge(written(3), recorded(0, 1), [span(0, 4, True), span(4, 9, False)], 0, True, False).unreported


def test_lines_that_came_twice_out_of_order_or_from_another_run_are_wrong() -> None:
    covered = [span(0, 9, True)]
    assert logs.judge(written(2), recorded(0, 1, 1), covered, 0, True, False).duplicates
    assert logs.judge(written(2), recorded(1, 0), covered, 0, True, False).others
    assert logs.judge(written(2), [*recorded(0, 1), *recorded(7, run=1)], covered, 0, True, False).others
    assert logs.judge(written(2), recorded(0, 1), [span(0, 9, False)], 0, True, True).needless_gaps
    assert logs.judge(written(2), recorded(0, 1), covered, 0, False, False).others

"""How late a change is: what came after a break, or was held up on its way, carries an interval; the rest is timely."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from kitlib.api.answers import ahead
from kitlib.watch import changes
from kitlib.watch.lateness import Judge, newest_stamp

SECOND = 1_000_000_000
NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


def change(version: int, written: float | None = None, type: str = "MODIFIED") -> changes.Change:
    stamp = "" if written is None else datetime.fromtimestamp(int(written), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"managedFields": [{"time": "2020-01-01T00:00:00Z"}, {"time": stamp}]} if stamp else {}
    item = {"metadata": {"name": "a", "uid": "u", "resourceVersion": str(version), **fields}}
    return changes.item(json.dumps(item, separators=(",", ":")).encode(), type)


def judge(known: float, store: int | None = None, low: float = 0.0) -> Judge:
    return Judge(int(known * SECOND), store, SimpleNamespace(ahead=(low, low + 1)))  # type: ignore[arg-type]


def at(seconds: float) -> tuple[int, int]:
    return int((NOON + seconds) * SECOND), int(seconds * SECOND)


def test_what_the_store_had_when_the_watch_was_opened_anew_was_written_since_the_break() -> None:
    one = judge(known=10, store=50)
    assert one.late_ns(change(50), at(30)) == 20 * SECOND
    assert one.late_ns(change(51), at(30)) == 0


def test_what_comes_as_it_happens_is_timely_also_after_a_silence() -> None:
    assert judge(known=10).late_ns(change(7, NOON + 30), at(30.4)) == 0


def test_what_was_held_up_for_twenty_seconds_says_so_and_so_does_all_that_comes_with_it() -> None:
    one = judge(known=10)
    late = one.late_ns(change(7, NOON + 12), at(30))
    assert 17 * SECOND <= late <= 18 * SECOND  # written at 12, in a whole second; received at 30
    one.batch_ended(at(30)[1])
    assert one.late_ns(change(8, NOON + 25), at(30.01)) >= 4 * SECOND
    assert one.late_ns(change(9, type="DELETED"), at(30.01)) > 0  # nobody stamps a deletion
    assert one.late_ns(change(10, NOON + 30), at(30.02)) == 0
    one.batch_ended(at(30.02)[1])
    assert one.late_ns(change(11, NOON + 1), at(30.03)) == 0  # no silence, no stall


def test_a_silence_is_judged_by_the_first_stamp_after_it_also_where_only_deletions_came_before() -> None:
    one = judge(known=10)
    assert one.late_ns(change(7, type="DELETED"), at(30)) == 0  # nothing tells yet
    one.batch_ended(at(30)[1])
    assert one.late_ns(change(8, NOON + 12), at(30.01)) >= 17 * SECOND
    assert one.late_ns(change(9, type="DELETED"), at(30.02)) > 0
    assert one.late_ns(change(10), at(30.02)) > 0, "without a stamp it goes by what it comes with"
    two = judge(known=10)
    assert two.late_ns(change(7, type="DELETED"), at(30)) == 0
    two.batch_ended(at(30)[1])
    assert two.late_ns(change(8, NOON + 30), at(30.5)) == 0
    assert two.late_ns(change(9, NOON + 12), at(30.6)) == 0  # it was told: there was no stall


def test_the_stamp_of_a_deletion_counts_too() -> None:
    deleted = {"deletionTimestamp": "2026-03-01T12:00:40Z", "deletionGracePeriodSeconds": 10}
    fields = {"managedFields": [{"time": "2026-03-01T12:00:05Z"}]}
    item = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "7", **deleted, **fields}}
    marked = changes.item(json.dumps(item, separators=(",", ":")).encode(), "MODIFIED")
    assert newest_stamp(marked.raw) == (NOON + 30) * SECOND
    assert judge(known=10).late_ns(marked, at(30.4)) == 0, "it had been quiet for 20 s, and was deleted just now"


@pytest.mark.parametrize("wrong", [-3600.0, 3600.0])
def test_a_server_whose_clock_is_wrong_makes_nothing_late(wrong: float) -> None:
    one = judge(known=10, low=wrong)
    assert one.late_ns(change(7, NOON + 30 + wrong), at(30.4)) == 0
    again = judge(known=10, low=wrong)
    assert again.late_ns(change(7, NOON + 12 + wrong), at(30)) >= 17 * SECOND


def test_where_the_servers_clock_is_not_known_stamps_say_nothing() -> None:
    assert judge(known=10, low=-math.inf).late_ns(change(7, NOON - 3600), at(30)) == 0
    assert newest_stamp(change(7).raw) is None


def test_the_servers_clock_is_told_by_the_date_of_its_answers() -> None:
    nothing = (-math.inf, math.inf)
    once = ahead(nothing, "Sun, 01 Mar 2026 12:00:00 GMT", NOON + 0.2, NOON + 0.4)
    assert once == pytest.approx((-0.4, 0.8))
    twice = ahead(once, "Sun, 01 Mar 2026 12:00:02 GMT", NOON + 2.7, NOON + 2.9)
    assert twice == pytest.approx((-0.4, 0.3))  # each answer narrows it
    assert ahead(twice, "Sun, 01 Mar 2026 13:00:00 GMT", NOON + 3, NOON + 3)[0] == pytest.approx(3597)  # it was set
    assert ahead(twice, None, 0, 0) == ahead(twice, "yesterday", 0, 0) == twice

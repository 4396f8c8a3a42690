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


def judge(known: float, store: int | None = None, low: float = 0.0, asked: float = 0.0) -> Judge:
    ahead = SimpleNamespace(ahead=(low, low + 1))
    return Judge(int(known * SECOND), store, int((asked or known) * SECOND), ahead)  # type: ignore[arg-type]


def at(seconds: float) -> tuple[int, int]:
    return int((NOON + seconds) * SECOND), int(seconds * SECOND)


def late(one: Judge, *came: changes.Change, seconds: float) -> list[int]:
    """Return how late each change of a batch is that came at a time."""
    one.batch(at(seconds)[1])
    return [one.late_ns(each, at(seconds)) for each in came]


def test_what_the_store_had_when_the_watch_was_opened_anew_was_written_since_the_break() -> None:
    one = judge(known=10, store=50)
    assert late(one, change(50), change(51), seconds=30) == [20 * SECOND, 20 * SECOND]
    two = judge(known=10, store=50, asked=29.5)
    assert late(two, change(50), change(51), seconds=30) == [20 * SECOND, 0], "what is newer is no older than the watch"


def test_what_the_store_had_and_came_late_says_that_the_watch_is_late() -> None:
    one = judge(known=10, store=50, asked=12)
    old, gone, new = late(one, change(50), change(51, type="DELETED"), change(52, NOON + 30), seconds=30)
    assert (old, gone, new) == (20 * SECOND, 18 * SECOND, 0)


def test_what_comes_as_it_happens_is_timely_also_after_a_silence() -> None:
    assert late(judge(known=10), change(7, NOON + 30), seconds=30.4) == [0]


def test_what_was_held_up_for_twenty_seconds_says_so_and_so_does_all_that_comes_with_it() -> None:
    one = judge(known=10)
    (first,) = late(one, change(7, NOON + 12), seconds=30)
    assert 17 * SECOND <= first <= 18 * SECOND  # written at 12, in a whole second; received at 30
    second, gone = late(one, change(8, NOON + 25), change(9, type="DELETED"), seconds=30.01)
    assert second >= 4 * SECOND
    assert second <= gone <= 6 * SECOND, "nobody stamps a deletion: it was written after what came before it"
    assert late(one, change(10, NOON + 30), seconds=30.02) == [0]
    assert late(one, change(11, NOON + 1), seconds=30.03) == [0]  # a stamp has just told


def test_a_silence_is_judged_by_the_first_stamp_after_it_also_where_only_deletions_came_before() -> None:
    one = judge(known=10)
    assert late(one, change(7, type="DELETED"), seconds=30) == [0]  # nothing tells yet
    assert late(one, change(8, NOON + 12), seconds=30.01)[0] >= 17 * SECOND
    gone, bare = late(one, change(9, type="DELETED"), change(10), seconds=30.02)
    assert gone > 0
    assert bare > 0, "without a stamp it goes by what it comes with"
    two = judge(known=10)
    assert late(two, change(7, type="DELETED"), seconds=30) == [0]
    assert late(two, change(8, NOON + 30), seconds=30.5) == [0]
    assert late(two, change(9, NOON + 12), seconds=30.6) == [0]  # it was told: there was no stall


def test_a_stream_that_falls_behind_little_by_little_says_so_without_any_silence() -> None:
    one = judge(known=10)
    found = [late(one, change(7 + n, NOON + 10 + n / 20), seconds=10 + n / 10) for n in range(100)]
    assert found[5] == [0]
    assert all(each[0] >= 3 * SECOND for each in found[90:]), "each comes a tenth of a second after the one before it"


@pytest.mark.parametrize("first", [(), (changes.item(b'{"metadata":{"resourceVersion":"6"}}', "BOOKMARK"),)])
def test_a_part_of_a_line_or_a_bookmark_that_comes_first_tells_nothing(first: tuple[changes.Change, ...]) -> None:
    one = judge(known=10)
    assert late(one, *first, seconds=30) == [0] * len(first)
    assert late(one, change(7, NOON + 12), seconds=30.01)[0] >= 17 * SECOND


def test_what_came_late_before_a_silence_was_not_known_in_time_either() -> None:
    one = judge(known=10)
    assert late(one, change(7, NOON + 11), seconds=16)[0] >= 4 * SECOND
    (second,) = late(one, change(8, NOON + 12), seconds=18)
    assert second >= 5 * SECOND, "it was written before the one before it came"
    assert second <= 8 * SECOND, "and after the watch was opened"
    assert late(judge(known=10), change(9, NOON - 7200), seconds=30) == [20 * SECOND], "an odd stamp is no harm"


def test_the_stamp_of_a_deletion_counts_too() -> None:
    deleted = {"deletionTimestamp": "2026-03-01T12:00:40Z", "deletionGracePeriodSeconds": 10}
    fields = {"managedFields": [{"time": "2026-03-01T12:00:05Z"}]}
    item = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "7", **deleted, **fields}}
    marked = changes.item(json.dumps(item, separators=(",", ":")).encode(), "MODIFIED")
    assert newest_stamp(marked.raw) == (NOON + 30) * SECOND
    assert late(judge(known=10), marked, seconds=30.4) == [0], "it had been quiet for 20 s, and was deleted just now"


@pytest.mark.parametrize("wrong", [-3600.0, 3600.0])
def test_a_server_whose_clock_is_wrong_makes_nothing_late(wrong: float) -> None:
    assert late(judge(known=10, low=wrong), change(7, NOON + 30 + wrong), seconds=30.4) == [0]
    assert late(judge(known=10, low=wrong), change(7, NOON + 12 + wrong), seconds=30)[0] >= 17 * SECOND


def test_where_the_servers_clock_is_not_known_stamps_say_nothing() -> None:
    assert late(judge(known=10, low=-math.inf), change(7, NOON - 3600), seconds=30) == [0]
    assert newest_stamp(change(7).raw) is None


def test_the_servers_clock_is_told_by_the_date_of_its_answers() -> None:
    nothing = (-math.inf, math.inf)
    once = ahead(nothing, "Sun, 01 Mar 2026 12:00:00 GMT", NOON + 0.2, NOON + 0.4)
    assert once == pytest.approx((-0.4, 0.8))
    twice = ahead(once, "Sun, 01 Mar 2026 12:00:02 GMT", NOON + 2.7, NOON + 2.9)
    assert twice == pytest.approx((-0.4, 0.3))  # each answer narrows it
    assert ahead(twice, "Sun, 01 Mar 2026 13:00:00 GMT", NOON + 3, NOON + 3)[0] == pytest.approx(3597)  # it was set
    assert ahead(twice, None, 0, 0) == ahead(twice, "yesterday", 0, 0) == twice

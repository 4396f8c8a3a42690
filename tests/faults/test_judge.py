"""The judge finds every kind of wrong recording: each is planted here in one that was right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from kitlib.recording import WatchEvent
from tests.faults.judge import Evidence, Verdict, judge
from tests.faults.planted import SECOND, change, covers, gap, instead, left, mark, right, row, seen, timed, without


def test_a_right_recording_is_good() -> None:
    verdict = judge(right())
    assert verdict.good, vars(verdict)
    # One object was there at 10, ten changes came after it; 25 and 30 are in the gap.
    assert (verdict.changes, verdict.recorded, verdict.in_gaps, verdict.gaps) == (10, 8, 2, 1)


@pytest.mark.parametrize(
    ("name", "version"), [("old", 8), ("a", 11), ("a", 14), ("b", 17), ("b", 20), ("c", 45), ("end", 50)]
)
def test_a_row_that_was_dropped_is_an_unreported_loss(name: str, version: int) -> None:
    verdict = judge(without(right(), name, version))
    assert [f" {version} " in text for text in verdict.unreported] == [True]
    assert verdict.changes == verdict.recorded + verdict.in_gaps + 1


def test_what_a_relist_shows_may_be_missing_for_it_lies_in_the_gap() -> None:
    verdict = judge(without(right(), "a", 35))
    assert verdict.good
    assert verdict.in_gaps == 3


def test_a_gap_that_was_dropped_leaves_its_losses_unreported() -> None:
    verdict = judge(instead(right(), lambda each: each.type == "GAP"))
    assert len(verdict.unreported) == 2
    assert verdict.others  # and the deletion that the list showed is explained by nothing


@pytest.mark.parametrize("bounds", [(26, 40), (20, 27)])
def test_a_gap_too_narrow_leaves_a_loss_unreported(bounds: tuple[int, int]) -> None:
    verdict = judge(instead(right(), lambda each: each.type == "GAP", gap(*bounds)))
    assert len(verdict.unreported) == 1


@pytest.mark.parametrize("type", ["ADDED", "MODIFIED"])
def test_a_row_that_came_twice_is_a_duplicate(type: str) -> None:
    twice = [row("a", 14, "MODIFIED"), row("a", 14, type)]
    verdict = judge(instead(right(), lambda each: each.resourceVersion == "14", *twice))
    assert len(verdict.duplicates) == 1


def test_a_deletion_that_came_twice_is_a_duplicate() -> None:
    twice = [row("b", 20, "DELETED")] * 2
    assert len(judge(instead(right(), lambda each: each.resourceVersion == "20", *twice)).duplicates) == 1


def test_a_gap_that_nothing_explains_is_needless() -> None:
    rows = [*right().rows[:-1], gap(50, 60, 60)]
    assert len(judge(replace(right(), rows=rows)).needless_gaps) == 1


def test_a_gap_without_a_410_is_needless() -> None:
    log = [each for each in right().log if each.what != "status"]
    assert len(judge(replace(right(), log=log)).needless_gaps) == 1


def test_a_410_to_a_list_explains_no_gap() -> None:
    log = [replace(each, verb="list") if each.what == "status" else each for each in right().log]
    assert len(judge(replace(right(), log=log)).needless_gaps) == 1


def test_a_410_explains_one_gap_only() -> None:
    log = [*right().log, seen(59, 6, "list", "listed", 60)]
    rows = [*right().rows[:-1], gap(50, 60, 60)]
    assert len(judge(replace(right(), rows=rows, log=log)).needless_gaps) == 1


def test_a_410_as_an_event_explains_a_gap() -> None:
    log = [replace(each, what="error") if each.what == "status" else each for each in right().log]
    assert judge(replace(right(), log=log)).good


def test_that_a_kind_was_forbidden_explains_a_gap() -> None:
    log = [replace(each, value=403) if each.what == "status" else each for each in right().log]
    assert judge(replace(right(), log=log)).good


@pytest.mark.parametrize("bounds", [(20, 39), (19, 40), (14, 40)])
def test_a_gap_with_other_bounds_than_the_servers_is_needless(bounds: tuple[int, int]) -> None:
    verdict = judge(instead(right(), lambda each: each.type == "GAP", gap(*bounds)))
    assert len(verdict.needless_gaps) == 1


def test_a_gap_that_reaches_back_behind_what_was_recorded_is_needless() -> None:
    log = [replace(each, value={**each.value, "resourceVersion": "10"}) if each.at == 36 * SECOND and
           each.what == "request" else each for each in right().log]  # fmt: skip
    verdict = judge(instead(replace(right(), log=log), lambda each: each.type == "GAP", gap(14, 40)))
    assert len(verdict.needless_gaps) == 1


def test_an_empty_gap_is_needless_unless_it_closes_an_open_one() -> None:
    alone = [*right().rows[:-1], gap(50, 50, 60)]
    assert len(judge(replace(right(), rows=alone)).needless_gaps) == 1
    closed = [*right().rows[:-1], gap(50, None, 60), gap(50, 50, 61)]
    verdict = judge(replace(right(), rows=closed))
    assert verdict.good
    assert verdict.gaps == 1


def test_a_gap_that_was_open_and_got_its_end_is_one() -> None:
    evidence = instead(right(), lambda each: each.type == "GAP", gap(20, None, 36), gap(20, 40))
    verdict = judge(evidence)
    assert verdict.good
    assert verdict.gaps == 1


def test_a_gap_that_stays_open_is_wrong() -> None:
    assert not judge(instead(right(), lambda each: each.type == "GAP", gap(20, None))).good


def test_that_nothing_is_promised_behind_the_end_is_no_gap() -> None:
    verdict = judge(replace(right(), rows=[*right().rows, gap(50, None, 60)]))
    assert verdict.good
    assert verdict.gaps == 1


def test_a_promise_reaches_further_than_what_was_asked_for() -> None:
    later = [*right().changes, change("late", 55, "ADDED")]
    assert judge(replace(right(), changes=later)).good
    rows = [*right().rows[:-1], mark("END", 60, known_ns=60 * SECOND, rv="56")]
    assert len(judge(replace(right(), changes=later, rows=rows)).unreported) == 1


@pytest.mark.parametrize("said", [b"{}", b"x", b'{"after_rv": "x", "until_rv": "3", "after_ns": 1, "until_ns": 2}'])
def test_a_gap_that_can_not_be_read_is_wrong(said: bytes) -> None:
    broken = WatchEvent(1, 1, "", "", "", "Thing", "", "", "GAP", "kitlib", "things", said)
    assert judge(replace(right(), rows=[*right().rows, broken])).others


def test_a_gap_that_ends_before_it_begins_is_wrong() -> None:
    verdict = judge(instead(right(), lambda each: each.type == "GAP", gap(40, 20)))
    assert any("ends before it begins" in text for text in verdict.others)


def test_gaps_that_overlap_are_wrong() -> None:
    verdict = judge(instead(right(), lambda each: each.type == "GAP", gap(20, 40), gap(30, 40)))
    assert any("overlap" in text for text in verdict.others)


def test_what_never_happened_is_wrong() -> None:
    for planted in (row("a", 16, "MODIFIED"), row("x", 17, "ADDED"), row("a", 17, "DELETED")):
        rows = [*right().rows[:-1], planted]
        assert any("never happened" in text for text in judge(replace(right(), rows=rows)).others)


def test_a_deletion_that_a_list_did_not_show_is_wrong() -> None:
    rows = [*right().rows[:-1], row("c", 45, "DELETED", "relist", at=55)]
    assert any("was not deleted" in text for text in judge(replace(right(), rows=rows)).others)


def test_another_type_than_the_witness_saw_is_wrong() -> None:
    verdict = judge(instead(right(), lambda each: each.resourceVersion == "14", row("a", 14, "ADDED")))
    assert verdict.others == ["things/a 14 MODIFIED was recorded as ADDED"]


def test_rows_out_of_order_are_wrong() -> None:
    rows = list(right().rows)
    rows[1], rows[2] = rows[2], rows[1]
    assert any("comes after" in text for text in judge(replace(right(), rows=rows)).others)


def test_an_object_that_did_not_come_through_is_wrong() -> None:
    good = row("a", 14, "MODIFIED")
    for said in (good.object[:-1], good.object.replace(b"14 ", b"15 "), good.object.replace(b"uid-a", b"uid-b")):
        values = [getattr(good, name) for name in good.__struct_fields__]
        values[good.__struct_fields__.index("object")] = said
        assert said != good.object
        assert judge(instead(right(), lambda each: each.resourceVersion == "14", WatchEvent(*values))).others


def test_a_stream_that_was_never_watched_has_lost_everything() -> None:
    assert judge(replace(right(), rows=[], log=[])).unreported


def test_a_recorder_that_asks_too_early_is_impatient() -> None:
    log = right().log
    asked = [seen(60, 6, "watch", "status", 429), seen(60, 6, "watch", "retry", 2)]
    for at, patient in ((61, False), (62, True)):
        verdict = judge(replace(right(), log=[*log, *asked, seen(at, 7, "watch", "request", {})]))
        assert verdict.good == patient


def test_a_recorder_that_asks_without_end_is_impatient() -> None:
    log = [*right().log, *(seen(60, number, "watch", "request", {}) for number in range(100))]
    assert judge(replace(right(), log=log)).others


def test_a_recorder_that_writes_is_wrong() -> None:
    log = [*right().log, seen(60, 9, "other", "refused", "DELETE /x")]
    assert judge(replace(right(), log=log)).others


def killed(evidence: Evidence, at: int, interval: int) -> Verdict:
    kept = [each for each in evidence.rows if each.type != "END"]
    return judge(
        replace(
            evidence,
            rows=kept,
            ends={"things": max((int(each.resourceVersion) for each in kept if each.uid), default=0)},
            complete=False,
            killed_ns=at * SECOND,
            interval_ns=interval * SECOND,
        )
    )


def test_what_came_just_before_a_kill_may_be_missing() -> None:
    evidence = without(without(right(), "end", 50), "c", 45)
    assert killed(evidence, 51, 7).good
    assert len(killed(evidence, 51, 3).unreported) == 1
    assert len(killed(evidence, 60, 3).unreported) == 2


def test_a_killed_recording_must_not_say_that_it_is_complete() -> None:
    evidence = replace(right(), killed_ns=60 * SECOND, interval_ns=1)
    assert judge(evidence).others
    assert judge(replace(right(), complete=False)).others  # nor one that was closed that it isn't


# Coverage, what was left out, and late rows.


def test_what_is_missing_from_a_time_that_counts_as_covered_is_unreported() -> None:
    changes = [*right().changes, change("late", 55, "ADDED")]
    evidence = timed(replace(right(), changes=changes))
    honest = [covers(10, 20, True), covers(20, 40, False), covers(40, 51, True), covers(51, 60, False)]
    assert judge(replace(evidence, coverage=honest, silenced=("things",))).good
    verdict = judge(replace(evidence, coverage=[*honest[:2], covers(40, 60, True)]))
    assert verdict.unreported == ["things/late 55 ADDED is missing from a time that is said to be covered"]


def test_a_stream_that_reached_its_end_is_covered_there_and_no_other() -> None:
    evidence = timed(right())
    whole = [covers(10, 20, True), covers(20, 40, False), covers(40, 51, True)]
    assert judge(replace(evidence, coverage=whole)).good
    assert any("isn't covered at its end" in text for text in judge(replace(evidence, coverage=[])).others)
    open_ = [*whole, covers(51, 60, False, "because")]
    assert any("isn't covered at its end" in text for text in judge(replace(evidence, coverage=open_)).others)
    dead = replace(evidence, silenced=("things",), says="because")
    assert judge(replace(dead, coverage=open_)).good
    assert any("is said to be covered there" in text for text in judge(replace(dead, coverage=whole)).others)
    assert any("no reason tells" in text for text in judge(replace(dead, coverage=open_, says="why")).others)


def test_a_stream_that_is_behind_need_not_be_covered_at_its_end() -> None:
    open_ = [covers(10, 20, True), covers(20, 40, False), covers(40, 51, True), covers(51, 60, False, "because")]
    evidence = replace(timed(right()), coverage=open_)
    assert any("isn't covered at its end" in text for text in judge(evidence).others)
    more = replace(evidence, changes=[*evidence.changes, change("late", 55, "ADDED")])
    assert not judge(more).others
    gone = replace(evidence, changes=[*evidence.changes, change("c", 47, "DELETED")])
    assert not any("isn't covered" in text for text in judge(gone).others)
    spanning = [*open_[:3], replace(open_[3], after_rv=51, until_rv=60)]
    assert not judge(replace(evidence, coverage=spanning)).others


def test_a_recorder_that_was_killed_has_an_end_that_says_why() -> None:
    rows = [*right().rows[:-1], row("end", 51, "MODIFIED", at=55)]
    evidence = replace(right(), rows=rows, complete=False, killed_ns=1, changes=[])
    short = [covers(10, 40, True)]
    assert any("nothing says why" in text for text in judge(replace(evidence, coverage=short)).others)
    told = judge(replace(evidence, coverage=[*short, covers(40, 56, False)])).others
    assert not any("nothing says why" in text for text in told)


def test_what_could_not_be_read_is_excused_by_its_own_gap_alone() -> None:
    lost = without(timed(right()), "c", 45)
    garbled = replace(lost, log=[*lost.log, seen(45, 5, "watch", "garbled", (45, "ADDED"))])
    assert len(judge(garbled).unreported) == 1  # nobody says so
    named = replace(garbled, rows=[*garbled.rows, left(45)])
    assert judge(named).good
    assert len(judge(without(named, "end", 50)).unreported) == 1  # what stood beside it isn't excused
    needless = judge(replace(right(), rows=[*right().rows, left(45)])).needless_gaps
    assert len(needless) == 1 and "all could be read" in needless[0]


def test_a_list_of_two_moments_excuses_what_was_written_between_them() -> None:
    lost = without(timed(right()), "old", 8)
    moments = replace(lost, log=[seen(8, 1, "list", "moments"), *lost.log])
    assert len(judge(moments).unreported) == 1
    assert judge(replace(moments, rows=[left(9, "the list was taken at 2 moments"), *moments.rows])).good


def test_what_came_late_says_so() -> None:
    whole = timed(right())
    late = row("c", 45, "ADDED", at=52)  # seven seconds after it was written, after a silence
    rows = [each for each in whole.rows if each.resourceVersion not in ("45", "50")]
    evidence = replace(whole, rows=[*rows[:-1], late, row("end", 50, "ADDED", at=52), rows[-1]])
    assert any("came 7.00 s late, and says 0.00 s" in text for text in judge(evidence).others)
    told = structs.replace(late, late_ns=6 * SECOND)
    assert judge(instead(evidence, lambda each: each.resourceVersion == "45", told)).good


def test_a_history_that_is_gone_is_not_asked_for_again() -> None:
    log = [*right().log, seen(52, 6, "watch", "request", {"resourceVersion": "50"}), seen(52, 6, "watch", "gone")]
    assert not any("which is gone" in text for text in judge(replace(right(), log=log)).others)
    again = [*log, seen(53, 7, "watch", "request", {"resourceVersion": "50"})]
    assert any("which is gone" in text for text in judge(replace(right(), log=again)).others)


@pytest.mark.parametrize(("step", "good"), [(1, True), (0, False)])
def test_a_server_in_trouble_is_not_hurried(step: int, good: bool) -> None:
    log = list(right().log)
    for turn in range(7):
        log += [
            seen(60 + turn * step, 9 + turn, "watch", "request", {}),
            seen(60 + turn * step, 9, "watch", "status", 500),
        ]
    assert any("after refusal" in text for text in judge(replace(right(), log=log)).others) != good


def test_a_gap_where_a_place_could_have_been_kept_is_needless() -> None:
    assert judge(replace(right(), gapless=True)).needless_gaps

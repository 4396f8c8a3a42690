"""The verb `kept`, on what a StatefulSet did, and on the same with one write planted in it."""

from __future__ import annotations

import json

import msgspec
import pytest

from kitlib import rollout
from kitlib.claims import judge, kept
from kitlib.errors import UsageError
from kitlib.recording import Recording, WatchEvent
from tests.rollout.test_controllers import DATA, told

NAME = "db"


@pytest.fixture(scope="module")
def rows() -> list[WatchEvent]:
    return list(Recording.open(DATA).rows)


def answer(rows: list[WatchEvent]) -> rollout.Answer:
    frames = told(rows)
    return rollout.statefulset(frames.pods, frames.statefulsets, NAME)


def twice(rows: list[WatchEvent]) -> list[WatchEvent]:
    """Plant a second Pod of one ordinal, beside the first."""
    at = next(
        number
        for number, row in enumerate(rows)
        if row.kind == "Pod" and row.name == f"{NAME}-1" and row.type == "ADDED"
    )
    body = json.loads(rows[at].object)
    body["metadata"]["uid"] = "twin"
    second = msgspec.structs.replace(rows[at], uid="twin", object=json.dumps(body).encode())
    return [*rows[: at + 1], second, *rows[at + 1 :]]


def test_a_kept_promise_holds_and_says_how_often_it_was_tested(rows):
    verdict, why = judge(kept(answer(rows), "create", "identity"))
    assert verdict == "holds"
    assert "times, never broken" in why and "never two Pods of one ordinal" in why


def test_a_broken_one_fails_and_shows_the_write(rows):
    check = kept(answer(twice(rows)), "identity")
    assert judge(check)[0] == "fails"
    assert set(check.evidence["object"]) == {f"{NAME}-1"} and "another Pod of ordinal 1" in check.why
    assert judge(kept(answer(twice(rows)), "range"))[0] == "holds", "the other promises stand"


def test_without_a_name_all_that_were_tested_count(rows):
    assert judge(kept(answer(rows)))[0] == "holds"
    assert judge(kept(answer(twice(rows))))[0] == "fails"


def test_what_nothing_has_tested_is_unknown(rows):
    idle = answer([row for row in rows if row.kind == "StatefulSet"])
    assert judge(kept(idle, "create")) == ("unknown", "nothing has put it to the test: create")
    assert judge(kept(idle))[0] == "unknown"


def test_a_gap_makes_it_unknown(rows):
    found = answer(rows)
    found.gaps.append(rollout.Gap(0, 1, "Pod", "cut off"))
    assert judge(kept(found, "create")) == ("unknown", "the recording has a gap of Pod here")


def test_a_promise_that_it_does_not_make_is_refused(rows):
    with pytest.raises(UsageError, match="no promise 'surge'"):
        kept(answer(rows), "surge")

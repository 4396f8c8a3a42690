"""Real causes, made on real clusters and recorded: what `why` says of each. `make causes` makes them anew."""

from __future__ import annotations

from collections import defaultdict

import pytest

from kitlib.rollout import why
from tests.why.judged import Judged, answers, cases, corpora, judge

EVERY = [(corpus, str(found["case"])) for corpus in corpora() for found in cases(corpus)]
LACKING = (("Event",), ("Node",), ("ReplicaSet",), ("Pod",), ("Event", "Node", "ReplicaSet"))


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return [each for corpus in corpora() for each in answers(corpus).values()]


def test_there_are_at_least_24_causes_each_made_three_ways() -> None:
    ways: dict[str, int] = defaultdict(int)
    for corpus in corpora():
        for found in cases(corpus):
            ways[found["cause"]] += bool(found["cause"])
    assert sum(count >= 3 for count in ways.values()) >= 24, dict(ways)


def test_the_right_cause_comes_first(judged: list[Judged]) -> None:
    broken = [each for each in judged if each.cause]
    wrong = [f"{each.case}: {each.named}, {each.answer.sentence}" for each in broken if not each.right]
    assert len(wrong) <= len(broken) * 0.05, "\n".join(wrong)


@pytest.mark.parametrize(("corpus", "case"), EVERY)
def test_a_wrong_cause_is_never_named_as_certain(corpus: str, case: str) -> None:
    told = answers(corpus)[case]
    assert not told.wrong_as_certain, told.answer.sentence


def test_of_what_is_healthy_nothing_is_said(judged: list[Judged]) -> None:
    healthy = [each for each in judged if not each.cause]
    assert healthy
    assert not [f"{each.case}: {each.answer.sentence}" for each in healthy if each.answer.state != why.FINE]


@pytest.mark.parametrize("kinds", LACKING, ids=lambda kinds: "-".join(kinds))
def test_what_may_not_be_read_is_told_and_makes_nothing_wrong_certain(kinds: tuple[str, ...]) -> None:
    for corpus in corpora():
        for found in cases(corpus):
            if not found["cause"] or why.parse(found["subject"])[0] in kinds:
                continue
            told = judge(corpus, found, kinds)
            assert not told.wrong_as_certain, f"{found['case']} without {kinds}: {told.answer.sentence}"
            if not told.right:
                assert set(kinds) & set(told.answer.unseen), f"{found['case']} without {kinds}: {told.answer.sentence}"


def test_each_answer_has_its_evidence(judged: list[Judged]) -> None:
    for each in judged:
        for finding in each.answer.findings:
            assert finding.rows and finding.chain and finding.command.startswith("kubectl "), each.case
            assert "{" not in finding.sentence.replace("{app", ""), finding.sentence
            assert finding.rows[0].version.isdigit(), each.case


def test_the_page_about_the_causes_is_what_the_table_and_the_corpus_say() -> None:
    from tools import causes

    assert causes.PAGE.read_text(encoding="utf-8") == causes.page(), "run python tools/causes.py"

"""What a node says is changed, and nothing else; what is planted so turns the claims that stand on it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kitlib.frames.runtime import MARK
from tests.lessons.logedits import rewritten
from tests.lessons.mutants import one, rows_of
from tests.lessons.runtimeedits import RUNTIME
from tests.lessons.test_mutants import wanted

AT = 100_000_000_000
WHO = {"node": "worker", "namespace": "space", "name": "web-worker", "containerID": "c"}
STARTED: dict[str, Any] = {"at": AT, "said": {"what": "running", **WHO}}
ENDED = {"at": AT, "said": {"what": "ended", **WHO}}
WRITTEN = {"at": AT, "said": {"what": "written", "node": "worker", "path": "/etc/account.yaml"}}
ACCOUNT = {"name": "account-worker", "containerID": "of account-worker"}
EARLIER, LATER = {"at": AT - 5_000_000_000}, {"at": AT + 5_000_000_000}
EDITS: list[tuple[str, list[Any], list[Any]]] = [
    (
        "starts and ends are exchanged",
        [STARTED, ENDED, WRITTEN],
        [{"at": AT, "said": {"what": "ended", **WHO}}, {"at": AT, "said": {"what": "running", **WHO}}, WRITTEN],
    ),
    ("no end is told of", [STARTED, ENDED, WRITTEN], [STARTED, WRITTEN]),
    ("no start is told of", [STARTED, ENDED, WRITTEN], [ENDED, WRITTEN]),
    (
        "each container starts twice",
        [STARTED, ENDED],
        [STARTED, {"at": AT, "said": {"what": "running", **WHO, "containerID": "cf"}}, ENDED],
    ),
    ("ends come five seconds earlier", [STARTED, ENDED], [STARTED, ENDED | EARLIER]),
    ("ends come five seconds later", [STARTED, ENDED], [STARTED, ENDED | LATER]),
    ("starts come five seconds earlier", [STARTED, ENDED], [STARTED | EARLIER, ENDED]),
    (
        "each file that is written starts a container",
        [STARTED, WRITTEN],
        [STARTED, WRITTEN, {"at": AT, "said": {**STARTED["said"], **ACCOUNT}}],
    ),
]
PLANTED = [
    ("starts and ends are exchanged", "With the API server stopped, a static Pod starts"),
    ("each container starts twice", "Deleting the mirror doesn't stop the container: the same one keeps running"),
    ("ends come five seconds earlier", "A URL that can't be read ends nothing: what ran keeps running"),
    (
        "each file that is written starts a container",
        "It is refused before it runs: nothing of it starts, no mirror appears",
    ),
]


@pytest.mark.parametrize(("name", "before", "after"), EDITS)
def test_what_a_node_says_becomes_something_else(name, before, after):
    model = next(row for row in rows_of("static-pods") if row.type == MARK)
    made = RUNTIME[name]([rewritten(model, mark) for mark in before], random.Random(1))
    assert [json.loads(row.object) for row in made] == after


def test_each_change_is_tried():
    assert {name for name, *_ in EDITS} == {*RUNTIME}


@pytest.mark.parametrize("name", RUNTIME)
def test_what_no_node_says_stays(name):
    rows = [row for row in rows_of("static-pods") if row.type != MARK]
    assert RUNTIME[name](rows, random.Random(1)) == rows


@pytest.mark.parametrize(("name", "text"), PLANTED)
def test_another_word_of_a_node_turns_a_claim(name, text):
    found = one(("static-pods", f"nodes: {name}", [text]))
    assert found is not None, "this changes nothing"
    assert found[text] not in ("unknown", wanted("static-pods", text))

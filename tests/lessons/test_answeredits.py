"""A wrong answer that is planted in a recording turns the claims that stand on it, and only an answer is changed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kitlib.lab.keeping import DISCOVER, EXCHANGE, KIND
from kitlib.recording import WatchEvent
from tests.lessons.answeredits import OTHER, REPLIES
from tests.lessons.mutants import one, rows_of
from tests.lessons.test_mutants import wanted

REFUSED = {"code": 403, "warnings": [], "value": {"message": "no", "code": 403}}
ADMITTED = {"code": 201, "warnings": ['299 - "old"'], "value": {"metadata": {"uid": "1"}}}
SERVED = {
    "kind": "Pod",
    "plural": "pods",
    "singular": "pod",
    "group_version": "v1",
    "namespaced": True,
    "short_names": [],
}
UNKNOWN = {"error": {"type": "UsageError", "message": f"serves no kind {OTHER}"}}
EDITS: list[tuple[str, str, Any, Any]] = [
    ("refused for another reason", "refused", {"refusal": "no"}, {"refusal": OTHER}),
    (
        "refused for another reason",
        "GET",
        {"error": {"type": "E", "message": "no"}},
        {"error": {"type": "E", "message": OTHER}},
    ),
    ("refused for another reason", EXCHANGE, REFUSED, {**REFUSED, "value": {"message": OTHER, "code": 403}}),
    ("each is refused", EXCHANGE, ADMITTED, {**ADMITTED, "code": 403, "value": {"message": OTHER}}),
    (
        "each is taken",
        EXCHANGE,
        REFUSED,
        {**REFUSED, "code": 200, "value": {"metadata": {}, "spec": {"containers": []}}},
    ),
    ("nobody is warned", EXCHANGE, ADMITTED, {**ADMITTED, "warnings": []}),
    ("each is warned", EXCHANGE, REFUSED, {**REFUSED, "warnings": [f'299 - "{OTHER}"']}),
    ("nothing is served", DISCOVER, {"value": SERVED}, UNKNOWN),
    ("everything is served", DISCOVER, {"error": {}}, {"value": {**SERVED, "kind": "Pod", "plural": "pod"}}),
    (
        "lists lack their first",
        "GET",
        {"value": {"items": [{"a": [1]}, {"a": [2]}]}},
        {"value": {"items": [{"a": []}]}},
    ),
    (
        "no interface has an address that is one alone",
        "run",
        {"value": "eth0 inet 10.9.0.2/16 brd\n inet 10.9.0.200/32 scope"},
        {"value": "eth0 inet 10.9.0.2/16 brd\n inet scope"},
    ),
    ("what was removed was added", "run", {"value": '{"what":"removed"}'}, {"value": '{"what":"added"}'}),
    ("each status is 200", "run", {"value": "000\n"}, {"value": "200"}),
    (
        "each Service has an address",
        "get",
        {"value": {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}},
        {"value": {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "10.9.8.1"}]}}}},
    ),
    ("lists are doubled", "owned", {"value": [1]}, {"value": [1, 1]}),
    ("tables lack their first row", "logs", {"table": [{"text": "a"}, {"text": "b"}]}, {"table": [{"text": "b"}]}),
    ("numbers are others", "ask", {"value": {"sent": 3, "so": True}}, {"value": {"sent": 4, "so": True}}),
    ("counters are others", "GET", {"text": "# of\nasked{x} 3\nin 2\n"}, {"text": "# of\nasked{x} 4\nin 3\n"}),
    ("what is so isn't", "ask", {"value": [{"ready": True}]}, {"value": [{"ready": False}]}),
    (
        "names are others",
        "ask",
        {"value": {"name": "db-0", "metadata": {"name": "a"}}},
        {"value": {"name": OTHER, "metadata": {"name": OTHER}}},
    ),
    ("texts are others", "ask", {"value": {"text": "a", "who": "b"}}, {"value": {"text": OTHER, "who": "b"}}),
    ("what is said is another text", "answer_of", {"value": "cart"}, {"value": OTHER}),
    ("nothing is said", "answer_of", {"value": "a\nb"}, {"value": ""}),
    ("what a word of a lesson's own found lacks its first", "answer_of", {"value": [1, 2]}, {"value": [2]}),
    (
        "addresses are others",
        "ask",
        {"value": {"addresses": [{"address": "10.1.2.3/24"}]}},
        {"value": {"addresses": [{"address": "10.9.9.1/24"}]}},
    ),
    (
        "properties of schemas are others",
        "GET",
        {"value": {"a": {"properties": {"exec": {"type": "object"}}}}},
        {"value": {"a": {"properties": {f"{OTHER} 0": {"type": "object"}}}}},
    ),
    (
        "schemas have two properties at most",
        "GET",
        {"value": {"properties": {"c": 1, "b": 2, "a": 3}}},
        {"value": {"properties": {"a": 3, "b": 2}}},
    ),
    ("each is the first one to its question", "ask", {"value": 1}, {"value": 1}),  # of several: see below
    ("each dnsPolicy is Default", "get", {"value": {"dnsPolicy": "None"}}, {"value": {"dnsPolicy": "Default"}}),
    (
        "versions and uids are others",
        "get",
        {"value": {"metadata": {"uid": "u"}}},
        {"value": {"metadata": {"uid": "u1"}}},
    ),
]
PLANTED = [
    (
        "pod",
        "refused for another reason",
        "The QoS class is fixed when the Pod is made: a resize that would change it is refused",
    ),
    ("pod", "numbers are others", "They reach each other on localhost"),
    ("pod", "each is the first one to its question", "Every container that mounts the volume sees the change"),
    ("pod", "addresses are others", "The containers of a Pod have the same addresses, the Pod's IP among them"),
    (
        "hooks",
        "properties of schemas are others",
        "A hook's handler is a command in the container (exec) or a request (HTTP)",
    ),
    ("hooks", "schemas have two properties at most", "There is no third kind of handler"),
    ("pod", "lists are doubled", "What is bound to a node is the Pod, and nothing else"),
    ("hooks", "nothing is said", "`kubectl describe` shows it"),
    (
        "hooks",
        "refused for another reason",
        "A preStop sleep that is longer than the grace period is refused when the Pod is created",
    ),
]


def asked(word: str, answer: dict[str, Any]) -> WatchEvent:
    """Return a row of an answer, as a lab writes it."""
    model = next(row for row in rows_of("pod") if row.kind == KIND)
    told = {"asked": ["Pod", "v1"], "began_ns": 1, **answer}
    return WatchEvent(
        *[
            {"name": word, "object": json.dumps(told).encode()}.get(field, getattr(model, field))
            for field in model.__struct_fields__
        ]
    )


@pytest.mark.parametrize(("name", "word", "before", "after"), EDITS)
def test_an_answer_becomes_another_one(name, word, before, after):
    (row,) = REPLIES[name]([asked(word, before)], random.Random(1))
    told = json.loads(row.object)
    assert {key: value for key, value in told.items() if key not in ("asked", "began_ns")} == after


def test_what_is_asked_again_gets_its_first_answer():
    rows = [asked("ask", {"value": 1}), asked("ask", {"value": 2}), asked("get", {"value": 3})]
    told = [
        json.loads(row.object)["value"]
        for row in REPLIES["each is the first one to its question"](rows, random.Random(1))
    ]
    assert told == [1, 1, 3]


def test_each_change_is_tried():
    assert {name for name, *_ in EDITS} == {*REPLIES}


@pytest.mark.parametrize("name", REPLIES)
def test_what_is_no_answer_stays(name):
    rows = [row for row in rows_of("pod") if row.kind != KIND]
    assert REPLIES[name](rows, random.Random(1)) == rows


@pytest.mark.parametrize(("lesson", "name", "text"), PLANTED)
def test_a_wrong_answer_turns_a_claim(lesson, name, text):
    found = one((lesson, f"answers: {name}", [text]))
    assert found is not None, "this changes nothing"
    assert found[text] not in ("unknown", wanted(lesson, text))

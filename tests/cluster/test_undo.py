"""What a lab notes before it changes what isn't its own: what is sent, in which order, and what is never noted."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from kitlib.api.transport import Connection, Resource
from kitlib.cluster.undo import ANNOTATION, Notes
from kitlib.errors import ServerError, UsageError
from tests.api.stub import Stub

NAMESPACE = "/api/v1/namespaces/lab"
COREFILE = "/api/v1/namespaces/shop/configmaps/coredns"
NODE = Resource("Node", "nodes", "node", "v1", False)
TOKEN = "Bearer abc"


def item(kind: str = "ConfigMap", version: str = "v1", name: str = "coredns", **what: Any) -> dict[str, Any]:
    meta = {"name": name, "uid": "u", "resourceVersion": "7", "namespace": "shop", **what.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **what}


def notes(stub: Stub, metadata: dict[str, Any] | None = None) -> Notes:
    return Notes(cast(Connection, stub), "lab", metadata)


def noted(stub: Stub) -> list[dict[str, Any]]:
    """Return what the annotation says now."""
    body = [body for _, path, body in stub.sent if path == NAMESPACE][-1]
    return json.loads(body["metadata"]["annotations"][ANNOTATION] or "[]")


@pytest.mark.parametrize(
    ("now", "patch", "before"),
    [
        ({"data": {"Corefile": "a", "b": "c"}}, {"data": {"Corefile": "x"}}, {"data": {"Corefile": "a"}}),
        ({"data": {"Corefile": "a"}}, {"data": {"new": "x"}}, {"data": {"new": None}}),
        ({}, {"data": {"new": "x"}}, {"data": None}),
        ({"data": {}}, {"data": {"new": "x"}}, {"data": {"new": None}}),
        ({"data": {"Corefile": "a"}}, {"data": None}, {"data": {"Corefile": "a"}}),
        ({"spec": {"replicas": 2}}, {"spec": {"replicas": 0}}, {"spec": {"replicas": 2}}),
        ({"args": [{"name": "a"}, {"name": "b"}]}, {"args": [{"name": "b", "c": 1}]},
         {"args": [{"name": "a"}, {"name": "b"}]}),
        ({}, {"metadata": {"resourceVersion": "7", "labels": {"a": "b"}}}, {"metadata": {"labels": None}}),
    ],
)  # fmt: skip
def test_what_a_patch_changes_is_noted_as_it_was_and_put_back(now: dict, patch: dict, before: dict) -> None:
    stub = Stub(item(**now))
    made = notes(stub)
    made.fields("configmap/coredns", patch, "shop")
    assert [each["fields"] for each in noted(stub)] == [before]
    assert made.put_back() == []
    assert [body for _, path, body in stub.sent if path == COREFILE] == [before]
    assert noted(stub) == []


def test_a_note_that_cannot_be_written_lets_nothing_be_changed() -> None:
    stub = Stub(item(data={"Corefile": "a"}))

    def refuse(*_: Any) -> None:
        raise ServerError("annotations: too long", status={"code": 422})

    stub.answer = refuse
    made = notes(stub)
    with pytest.raises(ServerError, match="too long"):
        made.fields("configmap/coredns", {"data": {"Corefile": "x"}}, "shop")
    with pytest.raises(ServerError, match="not found"):
        made.fields("configmap/other", {"data": {"Corefile": "x"}}, "shop")
    assert made.put_back() == [] and not [path for _, path, _ in stub.sent if path != NAMESPACE]


@pytest.mark.parametrize(
    ("ref", "patch", "why"),
    [
        ("secret/coredns", {"data": {"a": "x"}}, "holds a secret"),
        ("configmap/coredns", {"data": {"login": "x"}}, "holds a secret"),
        ("configmap/coredns", {"metadata": {"annotations": {"the-password": "x"}}}, "holds a secret"),
        ("configmap/coredns", {"data": {"$patch": "replace"}}, r"\$patch"),
    ],
)
def test_what_is_secret_or_cannot_be_undone_is_refused_and_noted_nowhere(ref: str, patch: dict, why: str) -> None:
    stub = Stub(item("Secret", data={"a": "eHl6"}))
    stub.put(item(data={"login": TOKEN}, metadata={"annotations": {"the-password": "xyz"}}))
    with pytest.raises(UsageError, match=why):
        notes(stub).fields(ref, patch, "shop")
    assert stub.sent == []


def test_what_was_noted_before_is_not_noted_again() -> None:
    stub = Stub(item(data={"Corefile": "a"}))
    made = notes(stub)
    for text in ("b", "c"):
        made.fields("configmap/coredns", {"data": {"Corefile": text}}, "shop")
        stub.put(item(data={"Corefile": text}))
    made.fields("configmap/coredns", {"data": {"other": "d"}}, "shop")
    assert [each["fields"]["data"] for each in noted(stub)] == [{"Corefile": "a"}, {"other": None}]
    made.put_back()
    put = [body["data"] for _, path, body in stub.sent if path == COREFILE]
    assert put == [{"other": None}, {"Corefile": "a"}], "the youngest change first"


@pytest.mark.parametrize(
    ("there", "words", "after"),
    [
        ([], "example.com/a=b:NoSchedule", []),
        (["b"], "example.com/a=c:NoSchedule", ["b"]),
        (["b"], "example.com/a:NoSchedule-", ["b"]),
    ],
)
def test_a_taint_is_noted_by_its_key_and_effect(there: list[str], words: str, after: list[str]) -> None:
    stub = Stub()
    stub.kinds.append(NODE)
    taints = [{"key": "example.com/a", "value": value, "effect": "NoSchedule"} for value in there]
    other = {"key": "others", "value": "", "effect": "NoExecute"}
    stub.put(item("Node", name="n", spec={"taints": [*taints, other]}))
    made = notes(stub)
    made.taint("n", words)
    stub.put(item("Node", name="n", spec={"taints": [{**other, "key": "younger"}]}))
    assert made.put_back() == []
    (sent,) = [body["spec"]["taints"] for _, path, body in stub.sent if path == "/api/v1/nodes/n"]
    assert [each["value"] for each in sent if each["key"] == "example.com/a"] == after
    assert [each["key"] for each in sent if each["key"] != "example.com/a"] == ["younger"]


def test_one_that_fails_is_told_and_spoils_no_other() -> None:
    stub = Stub(item(data={"Corefile": "b"}))
    good = {"apiVersion": "v1", "kind": "ConfigMap", "name": "coredns", "namespace": "shop", "uid": "u"}
    good["fields"] = {"data": {"Corefile": "a"}}
    left = [{**good, "kind": "Secret"}, {**good, "kind": "Gone"}, {"name": "odd"}, 3]
    other = [{**good, "uid": "another"}, {**good, "name": "deleted"}]
    metadata = {"annotations": {ANNOTATION: json.dumps([good, *other, *left])}}
    told = notes(stub, metadata).put_back()
    assert [body for _, path, body in stub.sent if path == COREFILE] == [good["fields"]]
    assert len(told) == 4 and "serves no kind 'Gone'" in told[2] and "holds a secret" in told[3]
    assert noted(stub) == left


def test_a_note_that_nobody_can_read_is_told() -> None:
    assert len(notes(Stub(), {"annotations": {ANNOTATION: "{nonsense"}}).put_back()) == 1
    assert notes(Stub(), {}).put_back() == []

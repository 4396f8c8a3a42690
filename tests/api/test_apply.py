"""Applying: a definition and an object of its kind in one go, lists, and what must not be sent."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.api import apply as applying
from kitlib.api import definitions
from kitlib.api.transport import Resource
from kitlib.errors import UsageError, WaitTimeout
from tests.api.stub import Stub, thing

NAME = "orders.shop.example"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": NAME},
    "spec": {"group": "shop.example", "names": {"kind": "Order", "plural": "orders"}},
}
ORDER = {"apiVersion": "shop.example/v1", "kind": "Order", "metadata": {"name": "first"}, "spec": {"of": "tea"}}


class Defines(Stub):
    """Serves a kind some questions after its definition says that it is established."""

    def __init__(self, late: int = 2, *events: dict[str, Any]) -> None:
        super().__init__()
        self.late = late
        self.watched = [[event] for event in events]

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        if name == "Order" and CRDS + f"/{NAME}" in self.objects:
            self.late -= 1
            if self.late < 0:
                return Resource("Order", "orders", "order", "shop.example/v1", True)
        return super().discover(name, group_version)

    def request(self, method: str, path: str, query: Any = None, body: Any = None, content_type: str = "") -> bytes:
        answer = super().request(method, path, query, body, content_type)
        if path.startswith(CRDS) and not (query or {}).get("dryRun"):
            self.objects[path] = {**DEFINITION, "metadata": {"name": NAME, "resourceVersion": "1"}}
        return answer


def event(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    condition = {"type": kind, "status": status, **more}
    metadata = {"name": NAME, "resourceVersion": "2"}
    return {"type": "MODIFIED", "object": {"metadata": metadata, "status": {"conditions": [condition]}}}


@pytest.mark.parametrize("source", [[DEFINITION, ORDER], [ORDER, DEFINITION], {"kind": "List", "apiVersion": "v1"}])
def test_a_definition_and_its_object_in_one_go(source: Any) -> None:
    if isinstance(source, dict):
        source = {**source, "items": [DEFINITION, ORDER]}
    connection: Any = Defines(2, event("NamesAccepted"), event("Established"))
    changes = applying.apply(connection, source, "shop")
    assert [change.object for change in changes] == [
        f"customresourcedefinition.apiextensions.k8s.io/{NAME}",
        "order.shop.example/first",
    ]
    assert connection.late < 0 and not connection.watched


VERSIONED = {**DEFINITION, "spec": {**DEFINITION["spec"], "versions": [{"name": "v1", "served": True}]}}


def test_a_lab_s_definition_alone_is_served_when_it_has_been_applied() -> None:
    connection: Any = Defines(2, event("Established"))
    connection.objects["/api/v1/namespaces/shop"] = {"metadata": {"uid": "u", "resourceVersion": "1"}}
    applying.apply(connection, VERSIONED, "shop", owner="shop")
    assert connection.late < 0 and not connection.watched


def test_a_definition_alone_is_waited_for_by_nobody_else_as_with_kubectl() -> None:
    connection: Any = Defines(2)
    assert [change.verb for change in applying.apply(connection, VERSIONED, "shop")] == ["created"]
    assert connection.late == 2


def test_what_is_being_deleted_is_waited_for_and_then_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    path, looks = f"{CRDS}/{NAME}", []
    going = {**DEFINITION, "metadata": {"name": NAME, "deletionTimestamp": "2026-01-01T00:00:00Z"}}

    def look(connection: Any, asked: str) -> dict[str, Any] | None:
        looks.append(asked)
        return going if len(looks) < 3 else None

    monkeypatch.setattr(applying, "get_or_none", look)
    monkeypatch.setattr(applying, "AGAIN", 0)
    assert applying._standing(Defines(), path) is None
    assert looks == [path] * 3
    monkeypatch.setattr(applying, "GONE_SECONDS", -1)
    looks.clear()
    with pytest.raises(WaitTimeout, match="it is being deleted"):
        applying._standing(Defines(), path)


def test_a_definition_whose_names_are_taken_is_told() -> None:
    connection: Any = Defines(0, event("NamesAccepted", "False", message="orders is taken"))
    with pytest.raises(UsageError, match="its names are not accepted: orders is taken"):
        applying.apply(connection, [DEFINITION, ORDER], "shop")


def test_a_definition_that_is_never_established_ends_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    connection: Any = Defines(0)
    connection.objects[CRDS + f"/{NAME}"] = event("NamesAccepted")["object"]
    with pytest.raises(WaitTimeout, match="not established within 0 s"):
        definitions.served(connection, NAME, "Order", "shop.example/v1", timeout=0.1)
    connection = Defines(10**9, event("Established"))
    connection.objects[CRDS + f"/{NAME}"] = event("NamesAccepted")["object"]
    with pytest.raises(WaitTimeout, match="does not serve Order"):
        definitions.served(connection, NAME, "Order", "shop.example/v1", timeout=0.3)


def test_a_dry_run_says_why_the_object_can_t_be_tried() -> None:
    connection: Any = Defines()
    with pytest.raises(UsageError, match="which a dry run doesn't make"):
        applying.apply(connection, [DEFINITION, ORDER], "shop", dry_run=True)


def test_others_keep_their_order() -> None:
    connection: Any = Stub()
    items = [thing("ConfigMap", name) for name in "bca"]
    assert [change.object for change in applying.apply(connection, items, "shop")] == [f"configmap/{n}" for n in "bca"]


def test_managed_fields_are_never_sent() -> None:
    connection: Any = Stub()
    applying.apply(connection, thing("ConfigMap", "a", metadata={"managedFields": [{"manager": "x"}]}), "shop")
    assert "managedFields" not in connection.sent[-1][2]["metadata"]

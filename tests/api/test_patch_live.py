"""A patch of a kind that has no strategic merge: a custom resource's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.errors import ServerError

pytestmark = pytest.mark.live
LISTED = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "patched.test.example"},
    "spec": {
        "group": "test.example",
        "scope": "Namespaced",
        "names": {"plural": "patched", "singular": "patched", "kind": "Patched"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": LISTED}}],
    },
}


@pytest.fixture(scope="module")
def custom(connection: Connection) -> Iterator[None]:
    objects.apply(connection, CRD, "default")
    objects.wait(connection, "crd/patched.test.example", "", condition="Established")
    yield
    objects.delete(connection, "crd/patched.test.example", "")
    objects.wait(connection, "crd/patched.test.example", "", deleted=True)


def test_a_custom_resource_is_patched_by_a_merge_as_kubectl_must_be_told(
    connection: Connection, namespace: str, custom: None
) -> None:
    made = {
        "apiVersion": "test.example/v1",
        "kind": "Patched",
        "metadata": {"name": "one"},
        "spec": {"list": [{"name": "a"}]},
    }
    objects.apply(connection, made, namespace)
    change = objects.patch(connection, "patched/one", {"spec": {"list": [{"name": "b"}]}}, namespace)
    assert change.verb == "patched" and "kubectl patch patched one --type=merge -p" in change.kubectl
    assert objects.get(connection, "patched/one", namespace)["spec"] == {"list": [{"name": "b"}]}
    with pytest.raises(ServerError, match="unknown format"):
        objects.patch(connection, "patched/one", {"spec": {}}, namespace, objects.STRATEGIC)


def test_what_knows_a_strategic_merge_is_patched_by_one(connection: Connection, namespace: str) -> None:
    objects.apply(connection, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}, namespace)
    change = objects.patch(connection, "configmap/one", {"data": {"a": "b"}}, namespace)
    assert "--type" not in change.kubectl

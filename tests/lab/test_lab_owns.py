"""What a lab makes that lives in no namespace goes with the lab's own; what was there before it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import kitlib
from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster

pytestmark = pytest.mark.live


def ingress_class(name: str, controller: str = "example.com/one") -> dict[str, Any]:
    about = {"metadata": {"name": name}, "spec": {"controller": controller}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", **about}


def owners(connection: Connection, name: str) -> list[str]:
    found = objects.get(connection, f"ingressclass/{name}", "")["metadata"].get("ownerReferences") or []
    return [each["name"] for each in found]


def test_what_lives_in_no_namespace_goes_with_the_lab_and_what_was_there_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, connection: Connection, namespace: str
) -> None:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    mine, before = f"mine-{namespace}", f"before-{namespace}"
    objects.apply(connection, ingress_class(before), namespace)
    first = kitlib.open("test", kinds=("pods",))
    for _ in range(2):  # what is applied again keeps its owner
        first.apply(ingress_class(mine))
        assert owners(connection, mine) == [first.namespace]
    second = kitlib.open("test", kinds=("pods",))  # which ends the first
    second.apply(ingress_class(mine))
    second.apply(ingress_class(before))
    assert owners(connection, mine) == [second.namespace], "who applied it last has it"
    assert owners(connection, before) == []
    objects.wait(connection, f"namespace/{first.namespace}", "", deleted=True, timeout=60)
    assert owners(connection, mine) == [second.namespace]
    second.close()
    objects.wait(connection, f"ingressclass/{mine}", "", deleted=True, timeout=60)
    assert owners(connection, before) == []
    objects.delete(connection, f"ingressclass/{before}", "")

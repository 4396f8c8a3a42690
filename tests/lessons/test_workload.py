"""A workload cluster's own address and keys: only those of this machine are used, and nothing else of a kubeconfig."""

from __future__ import annotations

import base64
import json
import subprocess
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from kitlib.api.transport import Connection
from kitlib.errors import RefusedError
from kitlib.lab import Lab
from kitlib.lessons import clusterapi
from tests.frames.test_machines import condition

PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false", "interactiveMode": "Never"}


def holding(server: str) -> Connection:
    """Stand for a cluster that has the Secret of a workload cluster, and nothing else."""
    data = {name: base64.b64encode(name.encode()).decode() for name in ("authority", "certificate", "key")}
    user = {"client-certificate-data": data["certificate"], "client-key-data": data["key"]}
    kubeconfig = {
        "clusters": [{"name": "shop", "cluster": {"server": server, "certificate-authority-data": data["authority"]}}],
        "users": [{"name": "admin", "user": {**user, "exec": PLUGIN, "tokenFile": "/etc/shadow"}}],
    }
    asked: list[str] = []

    def get(path: str) -> dict[str, Any]:
        asked.append(path)
        return {"data": {"value": base64.b64encode(yaml.safe_dump(kubeconfig).encode()).decode()}}

    return cast(Connection, SimpleNamespace(get=get, asked=asked))


def test_its_address_and_its_keys_are_used_and_nothing_else() -> None:
    manager = holding("https://127.0.0.1:20000")
    made = clusterapi.workload(manager, "ns", "shop")
    assert vars(manager)["asked"] == ["/api/v1/namespaces/ns/secrets/shop-kubeconfig"]
    assert made.server == "https://127.0.0.1:20000" and made.writable
    assert made.authority == b"authority"
    held = json.dumps([dict(made._entry.cluster), dict(made._entry.user)])
    assert "exec" not in held and "tokenFile" not in held and "/etc/shadow" not in held
    assert base64.b64decode(made._entry.user["client-key-data"]) == b"key"


@pytest.mark.parametrize(
    "server", ["https://10.0.0.1:6443", "https://127.0.0.1.example.com", "https://localhost:20000"]
)
def test_one_that_is_not_on_this_machine_is_refused(server: str) -> None:
    with pytest.raises(RefusedError, match=r"(?s)not on this machine.*Next: use a cluster of kitlib's own"):
        clusterapi.workload(holding(server), "ns", "shop")


def test_a_node_is_turned_by_what_its_twin_sends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = "2026-11-30T12:00:00Z"
    ready = {"type": "Ready", "status": "True", "reason": "it's ready", "lastTransitionTime": long_ago}
    other = {"type": "MemoryPressure", "status": "False", "lastTransitionTime": long_ago}
    sent: list[tuple[Any, ...]] = []

    def request(method: str, path: str, **more: Any) -> None:
        sent.append((method, path, more["content_type"], more["body"]))

    node = {"status": {"conditions": [ready, other]}}
    there = SimpleNamespace(get=lambda path: node, request=request)
    monkeypatch.setattr(clusterapi, "workload", lambda *_: there)
    lab = SimpleNamespace(
        connection=None, namespace="ns", answer_of=lambda call, *given: call(*given), _show=lambda *changes: changes
    )
    (change,) = cast(Any, clusterapi.fail(cast(Lab, lab), "shop", "n"))
    ((method, path, kind, body),) = sent
    assert (method, path, kind) == ("PATCH", "/api/v1/nodes/n", "application/merge-patch+json")
    turned, same = body["status"]["conditions"]
    assert same == other and turned["status"] == "False" and turned["lastTransitionTime"] > long_ago
    assert change.diff == [("status.conditions[Ready].status", "True", "False")]
    text = change.kubectl.split(" patch node n --type merge --patch ")[1]
    said = json.loads(subprocess.run(["sh", "-c", f"printf %s {text}"], capture_output=True, check=True).stdout)
    assert said["status"]["conditions"][1] == other
    assert {**said["status"]["conditions"][0], "lastTransitionTime": None} == {**turned, "lastTransitionTime": None}
    assert said["status"]["conditions"][0]["lastTransitionTime"] >= turned["lastTransitionTime"]


def recorded(machines: list[dict[str, Any]], healthy: int) -> Lab:
    """Stand for a lab that has recorded one MachineDeployment of two, its health check, and these machines."""
    latest = {
        "machines": machines,
        "machinedeployments": [{"spec": {"replicas": 2}}],
        "machinehealthchecks": [{"status": {"currentHealthy": healthy}}, {}],
    }
    return cast(Lab, SimpleNamespace(recorder=SimpleNamespace(latest=lambda kind: latest.get(kind, []))))


def test_it_is_at_rest_when_all_run_and_are_found_healthy() -> None:
    ready = {"phase": "Running", "conditions": [condition("NodeReady", "True")]}
    one, two = ({"metadata": {"name": name}, "status": ready} for name in "ab")
    going = {"metadata": {"name": "c", "deletionTimestamp": "2026-11-30T12:00:00Z"}, "status": ready}
    starting = {"metadata": {"name": "d"}, "status": {"phase": "Provisioned"}}
    assert clusterapi.at_rest(recorded([one, two], healthy=2))
    assert not clusterapi.at_rest(recorded([one, two], healthy=1))
    assert clusterapi.all_run(recorded([one, two], healthy=1))
    assert not clusterapi.at_rest(recorded([one, two, going], healthy=2))
    assert not clusterapi.at_rest(recorded([one, starting], healthy=2))
    assert not clusterapi.at_rest(recorded([], healthy=0))
    assert clusterapi.running([one, two, going, starting]) == ["a", "b"]

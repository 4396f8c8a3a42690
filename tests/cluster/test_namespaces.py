"""A namespace a notebook: gone at its end, and swept up after a crash, but never another process's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster, namespaces

pytestmark = pytest.mark.live

MAKE = """
import sys, time
from kitlib.connection import Connection
from kitlib.cluster import namespaces
print(namespaces.create(Connection(sys.argv[1], sys.argv[2], writable=True), "crash"), flush=True)
sys.stdin.read()
"""

CHANGE = """
import sys
import kitlib
lab = kitlib.open("crash", kinds=("pods",))
place, node = sys.argv[1:]
lab.patch("configmap/settings", {"data": {"Corefile": "changed", "more": "x"}}, namespace=place)
lab.patch("deployment/dns", {"spec": {"replicas": 0}}, namespace=place)
lab.patch("configmap/gone", {"data": {"a": "changed"}}, namespace=place)
lab.taint(node, "example.com/test=yes:PreferNoSchedule")
lab.label_node(node, "example.com/test=yes")
lab.cordon(node)
print()
print(lab.namespace, flush=True)
sys.stdin.read()
"""
DNS = """
# what stands for a part of the cluster: the embedded one has none
apiVersion: apps/v1
kind: Deployment
metadata: {name: dns}
spec:
  replicas: 2
  selector: {matchLabels: {app: dns}}
  template:
    metadata: {labels: {app: dns}}
    spec: {containers: [{name: dns, image: "dns:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {Corefile: before}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone}
data: {a: before}
"""


def about(connection: Connection, node: str) -> tuple[dict, list, bool]:
    """Return a node's labels, its taints but the one by which it is cordoned, and whether it is."""
    found = objects.get(connection, f"node/{node}", "")
    taints = [each for each in found["spec"].get("taints") or () if each["key"] != "node.kubernetes.io/unschedulable"]
    return found["metadata"]["labels"], taints, found["spec"].get("unschedulable", False)


def standing(connection: Connection) -> set[str]:
    items = connection.get("/api/v1/namespaces", {"labelSelector": namespaces.LABEL})["items"]
    return {item["metadata"]["name"] for item in items if not item["metadata"].get("deletionTimestamp")}


def test_what_a_killed_process_left_is_swept_and_nothing_else(
    cluster: Cluster, connection: Connection, namespace: str
) -> None:
    command = [sys.executable, "-c", MAKE, str(cluster.kubeconfig), cluster.context]
    maker = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    left = maker.stdout.readline().strip()
    assert left in standing(connection)
    assert left not in namespaces.sweep(connection), "its process still runs"
    os.kill(maker.pid, signal.SIGKILL)
    maker.wait()
    assert left in namespaces.sweep(connection)
    assert left not in standing(connection)
    assert namespace in standing(connection)


def test_a_namespace_is_ready_for_pods_and_gone_in_the_end(connection: Connection) -> None:
    name = namespaces.create(connection, "brief")
    accounts = connection.get(f"/api/v1/namespaces/{name}/serviceaccounts")["items"]
    assert [account["metadata"]["name"] for account in accounts] == ["default"]
    namespaces.delete(connection, name)
    found = connection.get("/api/v1/namespaces", {"fieldSelector": f"metadata.name={name}"})
    assert found["items"] == []
    namespaces.delete(connection, name)  # once more does no harm


def test_what_a_killed_lab_had_changed_elsewhere_is_put_back(
    cluster: Cluster, connection: Connection, namespace: str, tmp_path: Path
) -> None:
    objects.apply(connection, DNS, namespace)
    node = connection.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    before = about(connection, node)
    command = [sys.executable, "-c", CHANGE, namespace, node]
    env = {**os.environ, "KITLIB_BUILD": str(tmp_path), "KITLIB_CLUSTER": cluster.name}
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=env)
    assert lab.stdout is not None
    said = [line.rstrip() for line in takewhile(lambda line: line != "\n", lab.stdout)]
    left = lab.stdout.readline().strip()
    assert f'  $ kubectl --namespace {namespace} patch deployment dns -p \'{{"spec": {{"replicas": 0}}}}\'' in said
    changed = objects.get(connection, "configmap/settings", namespace)["data"]
    assert changed == {"Corefile": "changed", "more": "x"}
    assert objects.get(connection, "deployment/dns", namespace)["spec"]["replicas"] == 0
    assert about(connection, node) != before
    objects.delete(connection, "configmap/gone", namespace)
    os.kill(lab.pid, signal.SIGKILL)
    lab.wait()
    assert left in namespaces.sweep(connection)
    assert objects.get(connection, "configmap/settings", namespace)["data"] == {"Corefile": "before"}
    assert objects.get(connection, "deployment/dns", namespace)["spec"]["replicas"] == 2
    assert about(connection, node) == before
    assert left not in standing(connection)

"""A namespace a notebook: gone at its end, and swept up after a crash, but never another process's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

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

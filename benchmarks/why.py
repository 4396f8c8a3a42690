"""How long `kitlib why` takes on a namespace of 1,000 Pods: the whole command, from its start to its answer."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks._contest import Aim, BenchmarkError, Result, alone, shown
from benchmarks._own import own_cluster

PROMISED = 2.0
"""Seconds."""
PATIENCE = 600.0
"""Seconds in which the cluster must have made what is asked about."""
BROKEN, FINE = "broken", "fine"
ON_A_NODE, FIRST_NODE = 100, 100
"""How many Pods a simulated node is given, and the number of the first one that is made for them."""


def measure(count: int = 1_000, rounds: int = 5) -> list[Result]:
    """Ask about a Deployment of so many Pods that fit on no node, and one whose Pods run; each has a namespace."""
    found: list[Result] = []
    with own_cluster("why") as (kubeconfig, _):
        for name, replicas in ((BROKEN, count), (FINE, count)):
            shown(f"why: a Deployment {name} of {count:,} Pods")
            alone(_fill, kubeconfig, name, replicas)
            found += _asked(kubeconfig, name, count, rounds)
    return found


def _asked(kubeconfig: Path, name: str, count: int, rounds: int) -> list[Result]:
    """Run the command again and again, and see that its answer is the right one."""
    command = [
        *(str(Path(sys.executable).with_name("kitlib")), "why", f"deployment/{name}", "--namespace", name),
        *("--kubeconfig", str(kubeconfig)),
    ]
    wall: list[float] = []
    own: list[float] = []
    for _ in range(rounds):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        said = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}, check=False)
        wall.append(time.monotonic() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        own.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        right = "is what it should be" if name == FINE else "can't be scheduled"
        if right not in said.stdout:
            raise BenchmarkError(f"`kitlib why` answers {said.stdout[:200]!r} {said.stderr[:200]!r}")
    label = f"kitlib why, {count:,} Pods that {'run' if name == FINE else 'fit on no node'}"
    median, spread = statistics.median(wall), (min(wall), max(wall))
    aim = Aim(f"within {PROMISED:g} s", 1)
    return [
        Result(label, median, "s", spread, "what is promised", PROMISED, aim, "wall"),
        Result("of it kitlib's own CPU time", statistics.median(own), "s", (min(own), max(own)), clock="CPU"),
    ]


def _fill(kubeconfig: Path, name: str, count: int) -> int:
    """Make a namespace with one Deployment, and wait until all of its Pods are what they are to be."""
    from kitlib.api.transport import Connection
    from kitlib.cluster.embedded import controlplane
    from kitlib.watch import Recorder

    connection = Connection(kubeconfig, writable=True)
    labels = {"app": name}
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": "web:1"}], "terminationGracePeriodSeconds": 1}
    if name == BROKEN:
        spec["nodeSelector"] = {"kitlib/no-node": "has-this"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": count,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for number in range(count // ON_A_NODE + 1 if name == FINE else 0):
        connection.request("POST", "/api/v1/nodes", body=controlplane.node(FIRST_NODE + number))
    with Recorder(connection, ("pods",), namespace=name) as recorder:
        connection.request("POST", "/api/v1/namespaces", body=namespace)
        connection.request("POST", f"/apis/apps/v1/namespaces/{name}/deployments", body=body)
        done = _ready if name == FINE else _refused
        if not recorder.wait_for(lambda: sum(map(done, recorder.latest("pods"))) >= count, PATIENCE):
            raise BenchmarkError(f"the cluster has not made {count:,} Pods within {PATIENCE:.0f} s")
        return count


def _ready(pod: dict[str, Any]) -> bool:
    return _condition(pod, "Ready") == "True"


def _refused(pod: dict[str, Any]) -> bool:
    return _condition(pod, "PodScheduled") == "False"


def _condition(pod: dict[str, Any], kind: str) -> str:
    found = (pod.get("status") or {}).get("conditions") or ()
    return next((str(each["status"]) for each in found if each["type"] == kind), "")

"""Nodes that are lost, cordoned, or not there."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, condition, event, template, there, word, workload
from tests.why.cases.controllers import available, blocked, budget
from tests.why.cases.scheduling import on, tainted


def silent(name: str) -> dict[str, Any]:
    """Return a node without a kubelet, simulated or not: nobody speaks for it."""
    node = tainted(name, [])
    del node["metadata"]["annotations"]
    return node


@case("node-lost")
def lost(rng: random.Random, way: int, namespace: str) -> Case:
    """A node whose kubelet has never said a word; for a lost one that had, see the cases for containers."""
    name = word(rng)
    node = silent(namespace)
    unready = condition("nodes", "Ready", "Unknown")
    mine = there(
        "nodes",
        lambda each: (
            each["metadata"]["name"] == namespace
            and any(one["type"] == "Ready" for one in (each.get("status") or {}).get("conditions") or ())
        ),
    )
    if way == 0:
        return Case(f"node/{namespace}", [node], mine)
    kind = ("Deployment", "StatefulSet")[way - 1]
    spec = on(namespace)
    item = workload(kind, name, template(name, spec))
    return Case(f"{kind.lower()}/{name}", [node, item], both(mine, unready, event("FailedScheduling", "taint")))


@case(
    "node-missing", ways=0
)  # the garbage collector of Pods removes them within 40 s: left for a cluster that shows it
def missing(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    return Case(f"pod/{name}", [workload("Pod", name, template(name, {"nodeName": "nowhere"}))], there("pods", bool))


@case("node-cordoned")
def cordoned(rng: random.Random, way: int, namespace: str) -> Case:
    node = tainted(namespace, [])
    then: list[tuple[Any, ...]] = []
    if way == 0:
        node["spec"]["unschedulable"] = True
    else:
        then = [("patch", f"node/{namespace}", {"spec": {"unschedulable": True}})]
        then += [
            (
                "await",
                there(
                    "nodes", lambda each: each["metadata"]["name"] == namespace and each["spec"].get("unschedulable")
                ),
            )
        ]
    ready = there("nodes", lambda each: each["metadata"]["name"] == namespace and _ready(each))
    return Case(f"node/{namespace}", [node], ready, then)


def _ready(node: dict[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@case("pdb", name="drain")
def drain(rng: random.Random, way: int, namespace: str) -> Case:
    """A node is cordoned to be drained, and a budget keeps its Pods."""
    name = word(rng)
    node = tainted(namespace, [])
    item = workload("Deployment", name, template(name, on(namespace)), way + 1)
    kept = budget(name, **({"maxUnavailable": 0} if way % 2 else {"minAvailable": "100%"}))
    cordon = there("nodes", lambda each: each["metadata"]["name"] == namespace and each["spec"].get("unschedulable"))
    then = [("patch", f"node/{namespace}", {"spec": {"unschedulable": True}}), ("await", cordon), ("evict", name)]
    sign = both(available("deployments"), there("poddisruptionbudgets", blocked))
    return Case(f"node/{namespace}", [node, item, kept], sign, then)

"""Nodes that are cordoned, or not there; a simulated one is never lost: its kubelet speaks for every node."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, template, there, word, workload
from tests.why.cases.controllers import available, blocked, budget
from tests.why.cases.scheduling import on, tainted


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

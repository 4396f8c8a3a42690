"""Odd objects, made by a seeded generator: what a cluster's API, or somebody's operator, may one day send."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

STAMP = "2026-03-01T10:00:00Z"
ODD: tuple[Any, ...] = (
    None,
    "",
    "many",
    -1,
    7,
    10**30,
    1.5,
    True,
    [],
    [None],
    [[]],
    {},
    {"a": None},
    {"Ready": {"status": "True"}},
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-03-01T10:00:00",
    "2026-03-01T10:00:00+0000",
    "2026-02-31T10:00:00Z",
    "\ud800",
    "²",
)
"""What may stand where something else is expected."""
FOREIGN = ("storage.example.io/v1", "calendar.example/v1beta1", "cluster.x-k8s.io/v1")


def good(kind: str, name: str, version: int) -> dict[str, Any]:
    """An object as Kubernetes writes it."""
    ready = {"type": "Ready", "status": "True", "reason": "R", "message": "M", "lastTransitionTime": STAMP}
    meta = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": STAMP,
        "labels": {"pod-template-hash": "abc"},
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "o", "controller": True}],
    }
    state = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": STAMP, "finishedAt": STAMP}}
    status = {"name": "c", "ready": True, "restartCount": 1, "state": {"running": {"startedAt": STAMP}}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), 1)
    bodies: dict[str, dict[str, Any]] = {
        "Pod": {
            "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "conditions": [ready],
                "containerStatuses": [{**status, "lastState": state, "image": "i", "containerID": "x"}],
            },
        },
        "Deployment": {
            "spec": {"replicas": 1, "minReadySeconds": 1, "strategy": {"type": "RollingUpdate"}, "template": template},
            "status": {**counts, "observedGeneration": 1, "conditions": [ready]},
        },
        "StatefulSet": {"spec": {"replicas": 1, "template": template}, "status": counts},
        "Node": {
            "spec": {"taints": [{"key": "k", "effect": "NoExecute", "timeAdded": STAMP}]},
            "status": {"conditions": [ready]},
        },
        "Lease": {"spec": {"renewTime": STAMP, "leaseDurationSeconds": 40}},
        "Event": {
            "type": "Normal",
            "reason": "Pulled",
            "message": "m",
            "count": 1,
            "involvedObject": {"kind": "Pod", "name": "p", "uid": "u"},
            "source": {"component": "kubelet"},
            "firstTimestamp": STAMP,
            "lastTimestamp": STAMP,
        },
        "EndpointSlice": {
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "targetRef": {"kind": "Pod"}}]
        },
        "Volume": {"status": {"conditions": [ready]}},
    }
    if kind == "Lease":
        meta["namespace"] = "kube-node-lease"
    return {"apiVersion": API[kind], "kind": kind, "metadata": meta, **copy.deepcopy(bodies[kind])}


API = {
    "Pod": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Node": "v1",
    "Lease": "coordination.k8s.io/v1",
    "Event": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Volume": "storage.example.io/v1",
}


def places(node: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in an object that something odd may stand in; its identity stays."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        here = (*path, key)
        if here[0] in ("apiVersion", "kind") or here in (("metadata",), *IDENTITY):
            yield from places(value, here) if here == ("metadata",) else ()
            continue
        yield here
        yield from places(value, here)


IDENTITY = tuple(("metadata", key) for key in ("name", "namespace", "uid"))


def odd(kind: str, name: str, version: int, dice: random.Random) -> tuple[str, dict[str, Any] | bytes]:
    """An object of which something is odd, and in words what."""
    made = good(kind, name, version)
    if dice.random() < 0.1:
        made["apiVersion"] = dice.choice(FOREIGN)
    if dice.random() < 0.05:
        return "it is cut off", json.dumps(made).encode()[: dice.randrange(20, 200)]
    said = []
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        place = dice.choice(list(places(made)))
        value = dice.choice(ODD)
        node: Any = made
        try:
            for key in place[:-1]:
                node = node[key]
            if dice.random() < 0.2 and isinstance(node, dict):
                del node[place[-1]]
                value = "nothing"
            else:
                node[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
        said.append(f"{'.'.join(map(str, place))} is {value!r}")
    return "; ".join(said), made

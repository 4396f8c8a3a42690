"""Pods that no node can take."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, condition, event, template, there, word, workload

KINDS = ("Deployment", "StatefulSet", "Job")
HOST = "kubernetes.io/hostname"


def unschedulable(words: str) -> Any:
    return event("FailedScheduling", words)


def made(rng: random.Random, way: int, spec: dict[str, Any], container: dict[str, Any] | None, words: str) -> Case:
    kind, name = KINDS[way % 3], word(rng)
    item = workload(kind, name, template(name, spec, container), *([rng.randint(1, 3)] if kind != "Job" else []))
    return Case(f"{kind.lower()}/{name}", [item], unschedulable(words))


def asking(resource: str, amount: str) -> dict[str, Any]:
    return {"resources": {"requests": {resource: amount}, "limits": {resource: amount}}}


@case("cpu")
def cpu(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, {}, asking("cpu", str(rng.randint(100, 900))), "Insufficient cpu")


@case("memory")
def memory(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, {}, asking("memory", f"{rng.randint(2, 9)}Ti"), "Insufficient memory")


@case("resource")
def resource(rng: random.Random, way: int, namespace: str) -> Case:
    named = ("example.com/gpu", "ephemeral-storage", "hugepages-2Mi")[way]
    amount = ("1", "900Ti", "2Mi")[way]
    container = asking(named, amount)
    if way == 2:
        container["resources"]["requests"]["memory"] = container["resources"]["limits"]["memory"] = "8Mi"
    return made(rng, way, {}, container, f"Insufficient {named}")


@case("node-affinity")
def affinity(rng: random.Random, way: int, namespace: str) -> Case:
    values = [word(rng)]
    term = {"matchExpressions": [{"key": "example.com/disk", "operator": "In", "values": values}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    spec = ({"nodeSelector": {"example.com/disk": values[0]}}, {"affinity": {"nodeAffinity": required}})[way % 2]
    if way == 2:
        spec = {"nodeSelector": {HOST: f"node-{rng.randint(50, 90)}"}}
    return made(rng, way, spec, None, "node affinity/selector")


@case("pod-affinity")
def pods(rng: random.Random, way: int, namespace: str) -> Case:
    if way == 0:
        term = {"labelSelector": {"matchLabels": {"app": "nobody"}}, "topologyKey": HOST}
        return made(
            rng,
            0,
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}},
            None,
            "affinity rules",
        )
    name = word(rng)
    key = HOST if way == 1 else "kubernetes.io/os"
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": key}
    spec = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    kind = ("Deployment", "StatefulSet")[way - 1]
    more = {"podManagementPolicy": "Parallel"} if kind == "StatefulSet" else {}
    item = workload(kind, name, template(name, spec), 12 if way == 1 else 2, **more)
    return Case(f"{kind.lower()}/{name}", [item], unschedulable("anti-affinity rules"))


@case("topology")
def topology(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    spread = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": name}}}
    more = ({"topologyKey": "example.com/rack"}, {"topologyKey": HOST, "minDomains": 60}, {"topologyKey": HOST})[way]
    spec: dict[str, Any] = {"topologySpreadConstraints": [{**spread, **more}]}
    if way == 2:
        spec["topologySpreadConstraints"][0]["minDomains"] = 40
    kind = ("Deployment", "Deployment", "StatefulSet")[way]
    parallel = {"podManagementPolicy": "Parallel"} if kind == "StatefulSet" else {}
    item = workload(kind, name, template(name, spec), 12 if way else 2, **parallel)
    return Case(f"{kind.lower()}/{name}", [item], unschedulable("topology spread"))


@case("port")
def port(rng: random.Random, way: int, namespace: str) -> Case:
    number = 20000 + rng.randint(0, 9) + 100 * way
    container = {"ports": [{"containerPort": 8080, "hostPort": number}]}
    name = word(rng)
    if way == 2:
        first = workload("DaemonSet", "agent", template("agent", {"tolerations": [{"operator": "Exists"}]}, container))
        second = workload("Deployment", name, template(name, {}, container))
        return Case(f"deployment/{name}", [first, second], unschedulable("free ports"))
    kind = KINDS[way]
    more = {"podManagementPolicy": "Parallel"} if kind == "StatefulSet" else {}
    item = workload(kind, name, template(name, {}, container), 12, **more)
    return Case(f"{kind.lower()}/{name}", [item], unschedulable("free ports"))


@case("taint")
def taint(rng: random.Random, way: int, namespace: str) -> Case:
    node = tainted(namespace, [{"key": f"example.com/{word(rng)}", "value": word(rng), "effect": "NoSchedule"}])
    if way == 1:
        node["spec"]["taints"][0]["effect"] = "NoExecute"
    found = made(rng, way, on(namespace), None, "taint")
    return Case(found.subject, [node, *found.objects], found.sign)


@case("cordoned")
def cordoned(rng: random.Random, way: int, namespace: str) -> Case:
    node = tainted(namespace, [])
    node["spec"]["unschedulable"] = True
    found = made(rng, way, on(namespace), None, "unschedulable")
    return Case(found.subject, [node, *found.objects], found.sign)


OWN = {"key": "example.com/corpus", "effect": "NoSchedule"}
"""The taint that keeps all other Pods off a case's node."""


def on(node: str) -> dict[str, Any]:
    """Return what lets a Pod go to a case's own node, and to no other."""
    return {"nodeSelector": {HOST: node}, "tolerations": [{**OWN, "operator": "Exists"}]}


def tainted(name: str, taints: list[dict[str, str]]) -> dict[str, Any]:
    """Return a simulated node of a case's own."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {HOST: name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
        "spec": {"podCIDR": f"10.99.{sum(name.encode()) % 250}.0/24", "taints": [OWN, *taints]},
        "status": {
            **{"capacity": room, "allocatable": room},
            "addresses": [{"type": "InternalIP", "address": f"10.250.0.{sum(name.encode()) % 250 + 1}"}],
        },
    }


@case("scheduling-gate")
def gate(rng: random.Random, way: int, namespace: str) -> Case:
    found = made(rng, way, {"schedulingGates": [{"name": f"example.com/{word(rng)}"}]}, None, "")
    return Case(found.subject, found.objects, condition("pods", "PodScheduled", "False", "SchedulingGated"))


@case("scheduler")
def scheduler(rng: random.Random, way: int, namespace: str) -> Case:
    found = made(rng, way, {"schedulerName": f"{word(rng)}-scheduler"}, None, "")
    return Case(found.subject, found.objects, there("pods", lambda pod: True))


@case("volume-zone")
def zone(rng: random.Random, way: int, namespace: str) -> Case:
    name, claim = word(rng), f"{word(rng)}-data"
    key = (HOST, "topology.kubernetes.io/zone", "topology.kubernetes.io/region")[way]
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": ["elsewhere"]}]}
    room = {"storage": "1Gi"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-volume"},
        "spec": {
            "capacity": room,
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "claimRef": {"namespace": namespace, "name": claim},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
            "hostPath": {"path": "/var/none"},
        },
    }
    asked = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": room}}
    asked["volumeName"] = f"{namespace}-volume"
    wanted = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim}, "spec": asked}
    mounted = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}
    kind = KINDS[way]
    item = workload(kind, name, template(name, mounted))
    bound = there("persistentvolumeclaims", lambda each: (each.get("status") or {}).get("phase") == "Bound")
    return Case(
        f"{kind.lower()}/{name}",
        [volume, wanted, item],
        both(bound, there("pods", lambda pod: "affinity" in _said(pod))),
    )


def _said(pod: dict[str, Any]) -> str:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each.get("message", "") for each in conditions if each["type"] == "PodScheduled"), "")

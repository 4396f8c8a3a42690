"""Controllers that wait: paused, held by a partition, out of time; and budgets."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, condition, template, there, word, workload

ANOTHER = "localhost/probe:another"


def available(plural: str) -> Any:
    """Wait until all Pods of a workload are there."""

    def all_there(each: dict[str, Any]) -> bool:
        status, wanted = each.get("status") or {}, each["spec"].get("replicas", 1)
        return status.get("availableReplicas") == wanted == status.get("updatedReplicas")

    return there(plural, all_there)


def image(to: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": to}]}}}}


@case("paused")
def paused(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = workload("Deployment", name, template(name), rng.randint(2, 4))
    if way == 2:  # never begun
        item["spec"]["paused"] = True
        seen = there("deployments", lambda each: (each.get("status") or {}).get("observedGeneration"))
        return Case(f"deployment/{name}", [item], seen)
    change = image(ANOTHER) if way == 0 else {"spec": {"template": {"metadata": {"labels": {"tier": word(rng)}}}}}
    seen = there(
        "deployments", lambda each: each["status"].get("observedGeneration") == each["metadata"]["generation"] > 2
    )
    then = [
        ("patch", f"deployment/{name}", {"spec": {"paused": True}}),
        ("patch", f"deployment/{name}", change),
        ("await", both(seen, there("deployments", lambda each: each["status"].get("updatedReplicas", 0) == 0))),
    ]
    return Case(f"deployment/{name}", [item], available("deployments"), then)


@case("progress-deadline")
def deadline(rng: random.Random, way: int, namespace: str) -> Case:
    """Nothing is wrong with its Pods: they only take longer than the deadline."""
    name = word(rng)
    pod = template(name)
    pod["metadata"]["annotations"] = {("kitlib/create-delay", "kitlib/ready-delay")[way % 2]: "5h"}
    more = {"strategy": {"type": "Recreate"}} if way == 2 else {}
    item = workload("Deployment", name, pod, rng.randint(1, 3), progressDeadlineSeconds=rng.randint(3, 6), **more)
    return Case(
        f"deployment/{name}", [item], condition("deployments", "Progressing", "False", "ProgressDeadlineExceeded")
    )


@case("min-ready")
def min_ready(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    kind = ("Deployment", "StatefulSet", "Deployment")[way]
    item = workload(kind, name, template(name), 1 + way, minReadySeconds=rng.randint(9000, 9900))
    if kind == "StatefulSet":
        item["spec"]["replicas"] = 1
    else:
        item["spec"]["progressDeadlineSeconds"] = 10_000  # the server wants it longer than minReadySeconds
    wanted = item["spec"]["replicas"]
    return Case(
        f"{kind.lower()}/{name}",
        [item],
        there(f"{kind.lower()}s", lambda each: (each.get("status") or {}).get("readyReplicas") == wanted),
    )


@case("partition")
def partition(rng: random.Random, way: int, namespace: str) -> Case:
    name, replicas = word(rng), 3 + way
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": replicas - way}}
    item = workload(
        "StatefulSet", name, template(name), replicas, updateStrategy=strategy, podManagementPolicy="Parallel"
    )
    changed = there(
        "statefulsets",
        lambda each: (
            each["status"].get("updatedReplicas", 0) == way
            and each["status"]["updateRevision"] != each["status"]["currentRevision"]
            and each["status"].get("availableReplicas") == replicas
        ),
    )
    then = [("patch", f"statefulset/{name}", image(ANOTHER)), ("await", changed)]
    return Case(f"statefulset/{name}", [item], available("statefulsets"), then)


@case("on-delete")
def on_delete(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    if way == 2:
        item = workload("DaemonSet", name, template(name), updateStrategy={"type": "OnDelete"})
        up = there("daemonsets", lambda each: (each.get("status") or {}).get("numberAvailable", 0) > 0)
        old = there(
            "daemonsets",
            lambda each: (
                each["status"].get("observedGeneration") == 2 and not each["status"].get("updatedNumberScheduled")
            ),
        )
        return Case(f"daemonset/{name}", [item], up, [("patch", f"daemonset/{name}", image(ANOTHER)), ("await", old)])
    item = workload(
        "StatefulSet",
        name,
        template(name),
        way + 1,
        updateStrategy={"type": "OnDelete"},
        podManagementPolicy="Parallel",
    )
    changed = there("statefulsets", lambda each: each["status"]["updateRevision"] != each["status"]["currentRevision"])
    then = [("patch", f"statefulset/{name}", image(ANOTHER)), ("await", changed)]
    return Case(f"statefulset/{name}", [item], available("statefulsets"), then)


@case("no-node")
def no_node(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    key = {"matchExpressions": [{"key": "example.com/rack", "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [key]}}
    spec = (
        {"nodeSelector": {"disk": word(rng)}},
        {"affinity": {"nodeAffinity": required}},
        {"nodeSelector": {"kubernetes.io/os": "windows"}},
    )
    item = workload("DaemonSet", name, template(name, spec[way]))
    return Case(
        f"daemonset/{name}",
        [item],
        there("daemonsets", lambda each: "observedGeneration" in (each.get("status") or {})),
    )


def budget(name: str, **spec: Any) -> dict[str, Any]:
    found = {"selector": {"matchLabels": {"app": name}}, **spec}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": f"{name}-budget"},
        "spec": found,
    }


def blocked(each: dict[str, Any]) -> bool:
    status = each.get("status") or {}
    ready = status.get("expectedPods", 0) > 0 and status.get("currentHealthy") == status.get("expectedPods")
    return ready and status.get("disruptionsAllowed") == 0


@case("pdb")
def pdb(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    spec = ({"maxUnavailable": 0}, {"minAvailable": "100%"}, {"minAvailable": 2})[way]
    kind = ("Deployment", "StatefulSet", "Deployment")[way]
    item = workload(kind, name, template(name), 2)
    sign = both(available(f"{kind.lower()}s"), there("poddisruptionbudgets", blocked))
    return Case(f"pdb/{name}-budget", [item, budget(name, **spec)], sign, [("evict", name)])


@case("pdb-selector")
def pdb_selector(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = budget(name, minAvailable=1)
    item["spec"]["selector"]["matchLabels"] = ({"app": f"{name}s"}, {"tier": name}, {"app": name, "tier": name})[way]
    seen = there("poddisruptionbudgets", lambda each: "expectedPods" in (each.get("status") or {}))
    return Case(
        f"pdb/{name}-budget", [workload("Deployment", name, template(name)), item], both(available("deployments"), seen)
    )


@case("hpa-metrics")
def metrics(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    kind = ("Deployment", "StatefulSet", "Deployment")[way]
    container = {"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}
    item = workload(kind, name, template(name, {}, container), 1)
    resource = {"type": "Resource", "resource": {"name": ("cpu", "memory")[way % 2], "target": PERCENT}}
    pods = {
        "type": "Pods",
        "pods": {"metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": "10"}},
    }
    return Case(
        f"hpa/{name}",
        [item, scaler(name, kind, [pods if way == 2 else resource])],
        condition("horizontalpodautoscalers", "ScalingActive", "False"),
    )


PERCENT = {"type": "Utilization", "averageUtilization": 50}


def scaler(name: str, kind: str, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4, "metrics": metrics}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


@case("hpa-target")
def target(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": PERCENT}}
    item = scaler(name, ("Deployment", "StatefulSet", "ReplicaSet")[way], [cpu])
    return Case(f"hpa/{name}", [item], condition("horizontalpodautoscalers", "AbleToScale", "False"))


@case("hpa-disabled")
def disabled(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    kind = ("Deployment", "StatefulSet", "Deployment")[way]
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": PERCENT}}
    items = [workload(kind, name, template(name), 0), scaler(name, kind, [cpu])]
    return Case(
        f"hpa/{name}", items, condition("horizontalpodautoscalers", "ScalingActive", "False", "ScalingDisabled")
    )

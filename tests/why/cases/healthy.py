"""Rollouts with which nothing is the matter."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, case, template, there, word, workload
from tests.why.cases.controllers import ANOTHER, available, image

STEPS: tuple[tuple[str | int, str | int], ...] = (
    *(("25%", "25%"), (1, 0), (0, 1), ("100%", 0), (2, "50%"), (0, "100%")),
)
"""maxSurge and maxUnavailable."""


def strategy(surge: str | int, down: str | int, way: int) -> dict[str, Any]:
    """Return a Deployment's strategy; every fourth is Recreate."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": down}}
    return {"type": "Recreate"} if way % 4 == 3 else rolling


@case("", name="rollout", ways=36)
def rollout(rng: random.Random, way: int, namespace: str) -> Case:
    """A Deployment that was updated, with every sort of strategy."""
    name = word(rng)
    chosen = rng.choice(STEPS)
    how = strategy(*(chosen if way < 12 else STEPS[way % len(STEPS)]), way)
    item = workload("Deployment", name, template(name), rng.randint(1, 5), strategy=how)
    new = there("deployments", lambda each: each["spec"]["template"]["spec"]["containers"][0]["image"] == ANOTHER)
    then = [("patch", f"deployment/{name}", image(ANOTHER)), ("await", new), ("await", _over("deployments"))]
    return Case(f"deployment/{name}", [item], available("deployments"), then)


@case("", name="served", containers=True, ways=12)
def served(rng: random.Random, way: int, namespace: str) -> Case:
    """The same with containers, of which a probe lets each in."""
    name = word(rng)
    probe = {"httpGet": {"path": "/readiness", "port": 8080}, "periodSeconds": 1}
    pod = template(name, None, {"readinessProbe": probe, "livenessProbe": {**probe, "failureThreshold": 5}})
    item = workload("Deployment", name, pod, 1 + way % 3, strategy=strategy(*STEPS[way % len(STEPS)], way))
    change = {"spec": {"template": {"metadata": {"labels": {"tier": "new"}}}}}
    new = there("deployments", lambda each: "tier" in each["spec"]["template"]["metadata"]["labels"])
    then = [("patch", f"deployment/{name}", change), ("await", new), ("await", _over("deployments"))]
    return Case(f"deployment/{name}", [item], available("deployments"), then)


def _over(plural: str):  # type: ignore[no-untyped-def]
    def over(each: dict) -> bool:  # type: ignore[type-arg]
        status, wanted = each.get("status") or {}, each["spec"].get("replicas", 1)
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")}
        return counts == {wanted} and status.get("observedGeneration") == each["metadata"]["generation"]

    return there(plural, over)


@case("", name="ordered", ways=8)
def ordered(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    policy = ("OrderedReady", "Parallel")[way % 2]
    item = workload("StatefulSet", name, template(name), rng.randint(1, 3), podManagementPolicy=policy)
    done = there(
        "statefulsets",
        lambda each: (
            each["status"]["updateRevision"] == each["status"]["currentRevision"]
            and each["metadata"]["generation"] == 2
        ),
    )
    then = [("patch", f"statefulset/{name}", image(ANOTHER)), ("await", _over("statefulsets")), ("await", done)]
    return Case(f"statefulset/{name}", [item], available("statefulsets"), then)


@case("", name="once", ways=6)
def once(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = workload("Job", name, template(name), completions=way + 1, parallelism=1 + way // 2)
    complete = there(
        "jobs",
        lambda each: any(one["type"] == "Complete" for one in (each.get("status") or {}).get("conditions") or ()),
    )
    return Case(f"job/{name}", [item], complete)


@case("", name="everywhere", ways=2)
def everywhere(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = workload("DaemonSet", name, template(name, {"nodeSelector": {"type": "kwok"}}))

    def over(each: dict) -> bool:  # type: ignore[type-arg]
        status = each.get("status") or {}
        return 0 < status.get("desiredNumberScheduled", 0) == status.get("numberAvailable")

    return Case(f"daemonset/{name}", [item], there("daemonsets", over))

"""Rollouts with which nothing is the matter."""

from __future__ import annotations

import random

from tests.why.cases.case import Case, case, template, there, word, workload
from tests.why.cases.controllers import ANOTHER, available, image


@case("", name="rollout", ways=12)
def rollout(rng: random.Random, way: int, namespace: str) -> Case:
    """A Deployment that was updated, with every sort of strategy."""
    name = word(rng)
    surge, down = rng.choice((("25%", "25%"), (1, 0), (0, 1), ("100%", 0), (2, "50%"), (0, "100%")))
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": down}}
    strategy = {"type": "Recreate"} if way % 4 == 3 else rolling
    item = workload("Deployment", name, template(name), rng.randint(1, 5), strategy=strategy)
    new = there("deployments", lambda each: each["spec"]["template"]["spec"]["containers"][0]["image"] == ANOTHER)
    then = [("patch", f"deployment/{name}", image(ANOTHER)), ("await", new), ("await", _over("deployments"))]
    return Case(f"deployment/{name}", [item], available("deployments"), then)


def _over(plural: str):  # type: ignore[no-untyped-def]
    def over(each: dict) -> bool:  # type: ignore[type-arg]
        status, wanted = each.get("status") or {}, each["spec"].get("replicas", 1)
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")}
        return counts == {wanted} and status.get("observedGeneration") == each["metadata"]["generation"]

    return there(plural, over)


@case("", name="ordered", ways=6)
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


@case("", name="once", ways=4)
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

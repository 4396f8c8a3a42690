"""Jobs that gave up, and CronJobs that make none; what ends their Pods is the API server, not a container."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, case, condition, event, template, there, word, workload


def lasting(name: str, **spec: Any) -> dict[str, Any]:
    """Return a Job whose simulated Pods run for long."""
    pod = template(name)
    pod["metadata"]["annotations"] = {"kitlib/run-for": "20m"}
    return workload("Job", name, pod, **spec)


@case("job-backoff")
def backoff(rng: random.Random, way: int, namespace: str) -> Case:
    """A Pod that is deleted before its end counts as failed."""
    name = word(rng)
    count = way + 1
    item = lasting(name, backoffLimit=0, parallelism=count, completions=count)
    running = there("pods", lambda each: (each.get("status") or {}).get("phase") == "Running", count)
    then = [("delete-first", "pods"), ("await", condition("jobs", "Failed", "True"))]
    return Case(f"job/{name}", [item], running, then)


@case("job-deadline")
def deadline(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = lasting(name, activeDeadlineSeconds=rng.randint(2, 4), parallelism=way + 1, completions=way + 1)
    return Case(f"job/{name}", [item], condition("jobs", "Failed", "True"))


@case("job-suspended")
def suspended(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    if way == 0:
        return Case(f"job/{name}", [lasting(name, suspend=True)], condition("jobs", "Suspended", "True"))
    item = lasting(name, parallelism=way, completions=way)
    then = [("patch", f"job/{name}", {"spec": {"suspend": True}}), ("await", condition("jobs", "Suspended", "True"))]
    return Case(f"job/{name}", [item], there("pods", lambda each: True), then)


def cron(name: str, schedule: str, **spec: Any) -> dict[str, Any]:
    job = {"spec": lasting(name)["spec"]}
    found = {"schedule": schedule, "jobTemplate": job, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": found}


@case("cron-suspended")
def cron_suspended(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = cron(name, ("* * * * *", "0 3 * * *", "@hourly")[way], suspend=True)
    return Case(f"cronjob/{name}", [item], there("cronjobs", bool))


@case("cron-missed", ways=0)  # a deadline that is over hides the time that was missed: no Event tells of it
def missed(rng: random.Random, way: int, namespace: str) -> Case:
    """Its minute passes while it is suspended; when it is resumed, the deadline is over."""
    name = word(rng)
    item = cron(name, "* * * * *", suspend=True, startingDeadlineSeconds=(1, 2, 3)[way])
    then = [
        ("minute", 5 + way),
        ("patch", f"cronjob/{name}", {"spec": {"suspend": False}}),
        ("await", event("MissSchedule")),
    ]
    return Case(f"cronjob/{name}", [item], there("cronjobs", bool), then)


@case("cron-forbidden")
def forbidden(rng: random.Random, way: int, namespace: str) -> Case:
    """Its Job lasts: because its Pod does, or because that gets no node."""
    name = word(rng)
    item = cron(name, "* * * * *", concurrencyPolicy="Forbid")
    pod = item["spec"]["jobTemplate"]["spec"]["template"]
    if way == 1:
        pod["spec"]["nodeSelector"] = {"disk": "none"}
    if way == 2:
        item["spec"]["jobTemplate"]["spec"]["suspend"] = True
    why = ((), ("node-affinity",), ("job-suspended",))[way]
    return Case(f"cronjob/{name}", [item], event("JobAlreadyActive"), accepted=why)

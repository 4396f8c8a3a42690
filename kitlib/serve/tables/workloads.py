"""Workloads as a server shows them: what is wanted of them, and how much of it is there."""

from __future__ import annotations

from typing import Any

from kitlib.serve.tables.pods import POD
from kitlib.serve.tables.words import (
    AGE,
    NAME,
    NONE,
    SELECTOR,
    TEMPLATE,
    UNSET,
    Body,
    Column,
    Printer,
    age,
    condition,
    containers,
    get,
    lasting,
    named,
    number,
    pairs,
    selector,
    since,
    stamp,
    truth,
)


def _deployment(body: Body, now_ns: int) -> list[Any]:
    template = get(body, "spec.template")
    return [
        named(body),
        f"{get(body, 'status.readyReplicas', 0)}/{get(body, 'spec.replicas', 0)}",
        get(body, "status.updatedReplicas", 0),
        get(body, "status.availableReplicas", 0),
        age(body, now_ns),
        *containers(template),
        selector(get(body, "spec.selector"), none=""),
    ]


def _replicas(body: Body, now_ns: int) -> list[Any]:
    counts = [get(body, path, 0) for path in ("spec.replicas", "status.replicas", "status.readyReplicas")]
    return [named(body), *counts, age(body, now_ns), *containers(get(body, "spec.template"))]


def _replicaset(body: Body, now_ns: int) -> list[Any]:
    return [*_replicas(body, now_ns), selector(get(body, "spec.selector"))]


def _controller(body: Body, now_ns: int) -> list[Any]:
    return [*_replicas(body, now_ns), pairs(get(body, "spec.selector"))]


def _statefulset(body: Body, now_ns: int) -> list[Any]:
    ready = f"{get(body, 'status.readyReplicas', 0)}/{get(body, 'spec.replicas', 0)}"
    return [named(body), ready, age(body, now_ns), *containers(get(body, "spec.template"))]


def _daemonset(body: Body, now_ns: int) -> list[Any]:
    names = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    counts = [get(body, f"status.{name}", 0) for name in (*names, "numberAvailable")]
    chosen = pairs(get(body, "spec.template.spec.nodeSelector"))
    template = containers(get(body, "spec.template"))
    return [named(body), *counts, chosen, age(body, now_ns), *template, selector(get(body, "spec.selector"))]


def _job(body: Body, now_ns: int) -> list[Any]:
    done, wanted, width = (get(body, path) for path in ("status.succeeded", "spec.completions", "spec.parallelism"))
    completions = f"{done or 0}/{1 if wanted is None else wanted}"
    if wanted is None and (width or 0) > 1:
        completions += f" of {width}"
    begun, ended = (stamp(get(body, f"status.{name}")) for name in ("startTime", "completionTime"))
    took = "" if begun is None else lasting((now_ns if ended is None else ended) - begun)
    template = containers(get(body, "spec.template"))
    return [
        named(body),
        _job_status(body),
        completions,
        took,
        age(body, now_ns),
        *template,
        selector(get(body, "spec.selector")),
    ]


def _job_status(body: Body) -> str:
    for name, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if condition(body, name).get("status") == "True":
            return word
    if get(body, "metadata.deletionTimestamp"):
        return "Terminating"
    for name, word in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if condition(body, name).get("status") == "True":
            return word
    return "Running"


def _cronjob(body: Body, now_ns: int) -> list[Any]:
    last = get(body, "status.lastScheduleTime")
    return [
        named(body),
        get(body, "spec.schedule", ""),
        get(body, "spec.timeZone", NONE),
        truth(get(body, "spec.suspend")),
        len(get(body, "status.active", [])),
        NONE if last is None else since(last, now_ns),
        age(body, now_ns),
        *containers(get(body, "spec.jobTemplate.spec.template")),
        selector(get(body, "spec.jobTemplate.spec.selector")),
    ]


def _budget(body: Body, now_ns: int) -> list[Any]:
    bounds = [str(get(body, f"spec.{name}", "N/A")) for name in ("minAvailable", "maxUnavailable")]
    return [named(body), *bounds, get(body, "status.disruptionsAllowed", 0), age(body, now_ns)]


def _revision(body: Body, now_ns: int) -> list[Any]:
    owner = next((each for each in get(body, "metadata.ownerReferences", []) if each.get("controller")), None)
    whose = NONE
    if owner:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        whose = f"{owner.get('kind', '')}{'.' if group else ''}{group}".lower() + f"/{owner.get('name', '')}"
    return [named(body), whose, get(body, "revision", 0), age(body, now_ns)]


def _autoscaler(body: Body, now_ns: int) -> list[Any]:
    target = get(body, "spec.scaleTargetRef", {})
    least = get(body, "spec.minReplicas")
    return [
        named(body),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(get(body, "spec.metrics", []), get(body, "status.currentMetrics") or []),
        UNSET if least is None else str(least),
        get(body, "spec.maxReplicas", 0),
        get(body, "status.currentReplicas", 0),
        age(body, now_ns),
    ]


def _metrics(wanted: list[Body], seen: list[Body]) -> str:
    """Return what each metric is, and what it should be; at most two."""
    if not wanted:
        return NONE
    said = [_metric(each, seen[place] if place < len(seen) else {}) for place, each in enumerate(wanted)]
    return f"{', '.join(said[:2])} + {len(said) - 2} more..." if len(said) > 2 else ", ".join(said)


def _metric(wanted: Body, seen: Body) -> str:
    kind = str(wanted.get("type", ""))
    key = kind[:1].lower() + kind[1:]
    about, current = wanted.get(key) or {}, get(seen, f"{key}.current", {})
    mean = get(about, "target.averageValue")
    if kind in ("Resource", "ContainerResource"):
        if mean is not None:
            return f"{about.get('name', '')}: {current.get('averageValue', '<unknown>')}/{mean}"
        used, limit = current.get("averageUtilization"), get(about, "target.averageUtilization")
        shown = "<unknown>" if used is None else f"{used}%"
        return f"{about.get('name', '')}: {shown}/{'<auto>' if limit is None else f'{limit}%'}"
    if kind == "Pods":
        return f"{current.get('averageValue', '<unknown>')}/{mean}"
    if kind in ("External", "Object"):
        if mean is not None:
            return f"{current.get('averageValue', '<unknown>')}/{mean} (avg)"
        return f"{current.get('value', '<unknown>')}/{get(about, 'target.value', '0')}"
    return "<unknown type>"


_COUNTS = (number("Desired"), number("Current"), number("Ready"))
WORKLOADS = {
    ("", "Pod"): POD,
    ("apps", "Deployment"): Printer(
        (NAME, Column("Ready"), Column("Up-to-date"), Column("Available"), AGE, *TEMPLATE, SELECTOR), _deployment
    ),
    ("apps", "ReplicaSet"): Printer((NAME, *_COUNTS, AGE, *TEMPLATE, SELECTOR), _replicaset),
    ("", "ReplicationController"): Printer((NAME, *_COUNTS, AGE, *TEMPLATE, SELECTOR), _controller),
    ("apps", "StatefulSet"): Printer((NAME, Column("Ready"), AGE, *TEMPLATE), _statefulset),
    ("apps", "DaemonSet"): Printer(
        (
            *(NAME, *_COUNTS, number("Up-to-date"), number("Available"), Column("Node Selector"), AGE),
            *(*TEMPLATE, SELECTOR),
        ),
        _daemonset,
    ),
    ("batch", "Job"): Printer(
        (NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, *TEMPLATE, SELECTOR), _job
    ),
    ("batch", "CronJob"): Printer(
        (
            *(NAME, Column("Schedule"), Column("Timezone"), Column("Suspend", "boolean"), number("Active")),
            *(Column("Last Schedule"), AGE, *TEMPLATE, SELECTOR),
        ),
        _cronjob,
    ),
    ("policy", "PodDisruptionBudget"): Printer(
        (NAME, Column("Min Available"), Column("Max Unavailable"), number("Allowed Disruptions"), AGE), _budget
    ),
    ("apps", "ControllerRevision"): Printer((NAME, Column("Controller"), Column("Revision"), AGE), _revision),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            *(NAME, Column("Reference"), Column("Targets"), Column("MinPods"), Column("MaxPods"), Column("Replicas")),
            AGE,
        ),
        _autoscaler,
    ),
}
"""How each kind is shown."""

__all__ = ["WORKLOADS"]

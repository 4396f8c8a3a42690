"""Edits of an object's fields, for changes of a recording: each takes an object, and tells whether it changed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

Object = dict[str, Any]


def at(thing: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Yield each container and key that a path leads to: "status.conditions[].status"; "*" stands for any key."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(thing, dict):
        return
    for key in list(thing) if name == "*" else [name]:
        if key not in thing:
            continue
        if head.endswith("[]"):
            for number, each in enumerate(thing[key] if isinstance(thing[key], list) else ()):
                yield from at(each, rest) if rest else iter([(thing[key], number)])
        elif rest:
            yield from at(thing[key], rest)
        else:
            yield thing, key


def edit(
    path: str, new: Callable[[Any], Any], where: Callable[[Any], bool] = lambda _: True
) -> Callable[[Object], bool]:
    """Return an edit that gives each value at a path, of a container for which something is so, a new value."""

    def made(obj: Object) -> bool:
        found = False
        for container, key in [*at(obj, path)]:
            if not where(container):
                continue
            fresh = new(container[key])
            if fresh is None and isinstance(container, dict):
                del container[key]
                found = True
            elif fresh != container[key]:
                container[key] = fresh
                found = True
        return found

    return made


def later(seconds: float) -> Callable[[Any], Any]:
    """Return what moves a stamp."""

    def moved(stamp: Any) -> Any:
        try:
            found = pd.Timestamp(stamp)
        except (ValueError, TypeError):
            return stamp
        if found is pd.NaT:
            return stamp
        text = (found + pd.Timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        return text

    return moved


def flip(value: Any) -> Any:
    """Turn a condition's status, or a truth."""
    return {"True": "False", "False": "True", "Unknown": "True", True: False, False: True}.get(value, value)


def plus(count: int) -> Callable[[Any], Any]:
    """Return what adds to a number, and lets it not fall below zero."""
    return lambda value: max(value + count, 0) if isinstance(value, int) and not isinstance(value, bool) else value


COUNTS = [
    "replicas",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "currentReplicas",
    "unavailableReplicas",
    "active",
    "succeeded",
    "failed",
    "ready",
    "terminating",
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "numberAvailable",
    "updatedNumberScheduled",
    "numberMisscheduled",
    "observedGeneration",
]
WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController")
STATES = ("running", "waiting", "terminated")


def _states(field: str, new: Callable[[Any], Any]) -> Callable[[Object], bool]:
    paths = [
        f"status.{kind}[].{state}.{which}.{field}"
        for kind in ("containerStatuses", "initContainerStatuses")
        for state in ("state", "lastState")
        for which in STATES
    ]
    edits = [edit(path, new) for path in paths]
    return lambda obj: any([each(obj) for each in edits])


def _ended(obj: Object) -> bool:
    """Let what runs have ended."""
    found = False
    for each in obj.get("status", {}).get("containerStatuses", ()):
        if "running" in each.get("state", {}):
            started = each["state"]["running"].get("startedAt")
            each["state"] = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": started}}
            found = True
    return found


def _reasoned(obj: Object) -> bool:
    """Let each condition that has a reason be of that type."""
    found = [each for each in obj.get("status", {}).get("conditions") or () if each.get("reason")]
    for each in found:
        each["type"] = each["reason"]
    return bool(found)


def _named_notes(obj: Object) -> bool:
    """Let each annotation say what it is called."""
    notes = obj["metadata"].get("annotations") or {}
    notes.update({name: name for name in notes})
    return bool(notes)


def _port(obj: Object) -> bool:
    """Give each port of a Service a port of the nodes."""
    for number, port in enumerate(obj["spec"].get("ports", ())):
        port["nodePort"] = 30000 + number
    return True


def _placed(obj: Object) -> bool:
    """Give a Pod that has no node one."""
    if obj["spec"].get("nodeName"):
        return False
    obj["spec"]["nodeName"] = "elsewhere"
    return True


def put(path: str, value: Any) -> Callable[[Object], bool]:
    """Return an edit that sets a field, whether or not it is there; what leads to it must be there."""
    *ways, last = path.split(".")

    def made(obj: Object) -> bool:
        for way in ways:
            obj = obj.get(way)
            if not isinstance(obj, dict):
                return False
        changed = obj.get(last) != value
        obj[last] = value
        return changed

    return made


def _scheduled(seconds: float) -> Callable[[Object], bool]:
    moved = edit("metadata.annotations.*", later(seconds))
    return lambda obj: "cronjob-scheduled-timestamp" in json.dumps(obj["metadata"].get("annotations")) and moved(obj)


FIELDS: dict[str, tuple[Sequence[str], Callable[[Object], bool]]] = {
    "phase is Failed": (["Pod"], edit("status.phase", lambda _: "Failed")),
    "phase is Running": (["Pod"], edit("status.phase", lambda _: "Running")),
    "phase is Pending": (["Pod"], edit("status.phase", lambda _: "Pending")),
    "phase is Succeeded": (["Pod"], edit("status.phase", lambda _: "Succeeded")),
    "conditions are turned": ([*WORKLOADS, "Pod", "Node"], edit("status.conditions[].status", flip)),
    "Ready is turned": (
        ["Pod"],
        edit("status.conditions[].status", flip, lambda each: each.get("type") in ("Ready", "ContainersReady")),
    ),
    "condition's reason is another": (
        [*WORKLOADS, "Pod", "Node"],
        edit("status.conditions[].reason", lambda _: "Otherwise"),
    ),
    "conditions are of the type of their reason": ([*WORKLOADS, "Pod", "Node"], _reasoned),
    "conditions are gone": ([*WORKLOADS, "Pod", "Node"], edit("status.conditions", lambda _: None)),
    "status' reason is another": (["Pod"], edit("status.reason", lambda _: "Otherwise")),
    "status' message is another": (["Pod"], edit("status.message", lambda _: "otherwise")),
    "exit code is another": (["Pod"], _states("exitCode", lambda code: 0 if code else 1)),
    "exit code is 137": (["Pod"], _states("exitCode", lambda _: 137)),
    "state's reason is another": (["Pod"], _states("reason", lambda _: "Otherwise")),
    "restarted once more": (["Pod"], edit("status.containerStatuses[].restartCount", plus(1))),
    "never restarted": (["Pod"], edit("status.containerStatuses[].restartCount", lambda _: 0)),
    "what runs has ended": (["Pod"], _ended),
    "containers aren't ready": (["Pod"], edit("status.containerStatuses[].ready", flip)),
    "all on one node": (["Pod"], edit("spec.nodeName", lambda _: "elsewhere")),
    "who has no node is elsewhere": (["Pod"], _placed),
    "nowhere": (["Pod"], edit("spec.nodeName", lambda _: None)),
    "dnsPolicy is turned": (
        ["Pod"],
        edit(
            "spec.dnsPolicy",
            lambda now: {"ClusterFirst": "Default", "Default": "ClusterFirst"}.get(now, "ClusterFirst"),
        ),
    ),
    "address is another": (["Pod"], edit("status.podIP", lambda _: "10.9.9.9")),
    "image is another": (["Pod"], edit("spec.containers[].image", lambda _: "other:9")),
    "labels are gone": (["Pod"], edit("metadata.labels", lambda _: {})),
    "owners are gone": ([*WORKLOADS, "Pod"], edit("metadata.ownerReferences", lambda _: None)),
    "annotations are gone": ([*WORKLOADS, "Pod"], edit("metadata.annotations", lambda _: None)),
    "owners are of another kind": (
        [*WORKLOADS, "Pod"],
        edit("metadata.ownerReferences[].kind", lambda kind: "ReplicaSet" if kind == "Node" else "Node"),
    ),
    "each annotation says what it is called": ([*WORKLOADS, "Pod"], _named_notes),
    "annotations' stamps are two minutes later": ([*WORKLOADS, "Pod"], edit("metadata.annotations.*", later(120))),
    "never marked for deletion": ([*WORKLOADS, "Pod"], edit("metadata.deletionTimestamp", lambda _: None)),
    "marked for deletion": (
        [*WORKLOADS, "Pod", "PersistentVolumeClaim"],
        put("metadata.deletionTimestamp", "2026-11-29T00:00:00Z"),
    ),
    "an init container is there": (
        ["Pod"],
        lambda obj: any(
            [
                put("spec.initContainers", [{"name": "first", "image": "x"}])(obj),
                put("status.initContainerStatuses", [{"name": "first", "image": "x", "state": {"running": {}}}])(obj),
            ]
        ),
    ),
    "tolerations are gone": (["Pod"], edit("spec.tolerations", lambda _: [])),
    "requests are gone": (["Pod"], edit("spec.containers[].resources", lambda _: {})),
    "hash is another": (
        ["Pod", "ReplicaSet"],
        edit("metadata.labels.*", lambda _: "other", lambda labels: "app" in labels or len(labels) > 1),
    ),
    "counts are one more": (WORKLOADS, lambda obj: any([edit(f"status.{name}", plus(1))(obj) for name in COUNTS])),
    "counts are one less": (WORKLOADS, lambda obj: any([edit(f"status.{name}", plus(-1))(obj) for name in COUNTS])),
    "status is empty": ([*WORKLOADS, "Pod"], edit("status", lambda _: {})),
    "wanted is one more": (
        WORKLOADS,
        lambda obj: any([edit(f"spec.{name}", plus(1))(obj) for name in ("replicas", "parallelism", "completions")]),
    ),
    "retries are one more": (["Job"], edit("spec.backoffLimit", plus(1))),
    "a failure is counted": (["Job"], put("status.failed", 9)),
    "suspend is turned": (["CronJob", "Job"], edit("spec.suspend", flip)),
    "deadline is set": (["CronJob", "Job"], put("spec.startingDeadlineSeconds", 7)),
    "time zone is another": (["CronJob"], put("spec.timeZone", "Asia/Kathmandu")),
    "scheduled for a later time": (["Job"], _scheduled(100_000)),
    "scheduled for an earlier time": (["Job"], _scheduled(-100_000)),
    "strategy is another": (["DaemonSet", "StatefulSet"], put("spec.updateStrategy", {"type": "OnDelete"})),
    "finished for another reason": (
        ["Job"],
        edit("status.conditions[].type", lambda kind: {"Complete": "Failed", "Failed": "Complete"}.get(kind, kind)),
    ),
    "indexes are others": (
        ["Job"],
        lambda obj: any([edit(f"status.{name}", lambda _: "7")(obj) for name in ("completedIndexes", "failedIndexes")]),
    ),
    "generation is one more": (WORKLOADS, edit("metadata.generation", plus(1))),
    "stamps are a minute later": (
        ["Pod", *WORKLOADS],
        lambda obj: any(
            [
                edit("metadata.creationTimestamp", later(60))(obj),
                edit("status.startTime", later(60))(obj),
                edit("status.conditions[].lastTransitionTime", later(60))(obj),
            ]
        ),
    ),
    "containers start a minute later": (["Pod"], _states("startedAt", later(60))),
    "containers end a minute earlier": (["Pod"], _states("finishedAt", later(-60))),
    "containers end a minute later": (["Pod"], _states("finishedAt", later(60))),
    "taints are gone": (["Node"], edit("spec.taints", lambda _: None)),
    "Event's reason is another": (["Event"], edit("reason", lambda _: "Otherwise")),
    "Event's message is another": (["Event"], edit("message", lambda _: "otherwise")),
    "Event is of another object": (["Event"], edit("involvedObject.name", lambda _: "other")),
    "Event's type is turned": (
        ["Event"],
        edit("type", lambda kind: {"Normal": "Warning", "Warning": "Normal"}.get(kind, kind)),
    ),
    "Event's count is more": (["Event"], edit("count", plus(3))),
    "Event is a minute later": (
        ["Event"],
        lambda obj: any([edit(name, later(60))(obj) for name in ("firstTimestamp", "lastTimestamp", "eventTime")]),
    ),
    "Event is of a ConfigMap": (["Event"], edit("involvedObject.kind", lambda _: "ConfigMap")),
    "Event names the user": (["Event"], edit("message", lambda said: f"{said}, as kubernetes-admin wanted it")),
    "Event has a stamp of seconds": (["Event"], edit("lastTimestamp", lambda stamp: stamp or "2026-01-01T00:00:00Z")),
    "Event has a finer stamp": (["Event"], edit("lastTimestamp", lambda stamp: stamp and stamp.replace("Z", ".5Z"))),
    "endpoints are turned": (["EndpointSlice"], edit("endpoints[].conditions.*", flip)),
    "endpoints are another Pod's": (["EndpointSlice"], edit("endpoints[].targetRef.name", lambda _: "other")),
    "endpoints are gone": (["EndpointSlice"], edit("endpoints", lambda _: [])),
    "node ports are one": (["Service"], edit("spec.ports[].nodePort", lambda _: 30000)),
    "Services have a node port": (["Service"], _port),
    "Ingress is served elsewhere": (["Ingress"], put("status.loadBalancer", {"ingress": [{"ip": "10.9.9.9"}]})),
    "Ingress is served nowhere": (["Ingress"], put("status.loadBalancer", {})),
    "Ingress' spec was changed": (["Ingress"], edit("metadata.generation", plus(1))),
    "HTTPRoute's conditions are True": (["HTTPRoute"], edit("status.parents[].conditions[].status", lambda _: "True")),
    "claims are of another volume": (["PersistentVolumeClaim"], edit("spec.volumeName", lambda _: "other")),
}


__all__ = ["FIELDS", "Object", "edit"]

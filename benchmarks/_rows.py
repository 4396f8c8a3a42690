"""A DataFrame of Pods as a caller of each client makes it: the columns of kitlib's frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

COLUMNS = (
    "namespace",
    "name",
    "uid",
    "resourceVersion",
    "phase",
    "state",
    "ready",
    "nodeName",
    "podIP",
    "pod-template-hash",
    "owner.kind",
    "owner.name",
    "owner.uid",
    "creationTimestamp",
    "deletionTimestamp",
    "readyTransition",
    "reason",
    "message",
    "restartCount",
    "image",
)
"""What kitlib's frame `pods` holds of a Pod; the frames of the others hold the same."""
TIMES = ("creationTimestamp", "deletionTimestamp", "readyTransition")


def frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Make a DataFrame of rows in the order of COLUMNS."""
    found = pd.DataFrame.from_records(list(rows), columns=list(COLUMNS))
    for column in TIMES:
        found[column] = pd.to_datetime(found[column], utc=True, format="ISO8601")
    return found


def state(phase: str, ready: bool, deleted: Any, node: str | None) -> str:
    """Return a Pod's state as kitlib's frame names it."""
    if phase in ("Succeeded", "Failed"):
        return phase
    if deleted:
        return "Terminating"
    if ready:
        return "Ready"
    if phase == "Running":
        return phase
    return "Scheduled" if node else "Pending"


def of_dict(pod: dict[str, Any]) -> tuple[Any, ...]:
    """Return a frame's row from a decoded Pod."""
    meta, spec, status = pod["metadata"], pod["spec"], pod["status"]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    is_ready = ready is not None and ready["status"] == "True"
    owners = meta.get("ownerReferences") or ()
    owner: dict[str, Any] = next((owner for owner in owners if owner.get("controller")), {})
    statuses = status.get("containerStatuses") or ()
    reason, message = status.get("reason"), status.get("message")
    waiting: dict[str, str] = next(
        (each["state"]["waiting"] for each in statuses if each.get("state", {}).get("waiting")), {}
    )
    if scheduled is not None and scheduled["status"] == "False":
        reason, message = scheduled.get("reason"), scheduled.get("message")
    elif waiting.get("reason"):
        reason, message = waiting["reason"], waiting.get("message")
    phase, node, deleted = status.get("phase", ""), spec.get("nodeName"), meta.get("deletionTimestamp")
    return (
        meta["namespace"],
        meta["name"],
        meta["uid"],
        int(meta["resourceVersion"]),
        phase,
        state(phase, is_ready, deleted, node),
        is_ready,
        node or "",
        status.get("podIP") or "",
        (meta.get("labels") or {}).get("pod-template-hash", ""),
        owner.get("kind", ""),
        owner.get("name", ""),
        owner.get("uid", ""),
        meta.get("creationTimestamp"),
        deleted,
        ready["lastTransitionTime"] if ready else None,
        reason or "",
        message or "",
        sum(each.get("restartCount", 0) for each in statuses),
        ",".join(container.get("image") or "" for container in spec["containers"]),
    )


def of_official(pod: Any) -> tuple[Any, ...]:
    """Return a frame's row from a V1Pod of the official client."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    is_ready = ready is not None and ready.status == "True"
    owner = next((owner for owner in meta.owner_references or () if owner.controller), None)
    statuses = status.container_statuses or ()
    reason, message = status.reason, status.message
    waiting = next((each.state.waiting for each in statuses if each.state and each.state.waiting), None)
    if scheduled is not None and scheduled.status == "False":
        reason, message = scheduled.reason, scheduled.message
    elif waiting is not None and waiting.reason:
        reason, message = waiting.reason, waiting.message
    return (
        meta.namespace,
        meta.name,
        meta.uid,
        int(meta.resource_version),
        status.phase,
        state(status.phase, is_ready, meta.deletion_timestamp, spec.node_name),
        is_ready,
        spec.node_name or "",
        status.pod_ip or "",
        (meta.labels or {}).get("pod-template-hash", ""),
        owner.kind if owner else "",
        owner.name if owner else "",
        owner.uid if owner else "",
        meta.creation_timestamp,
        meta.deletion_timestamp,
        ready.last_transition_time if ready else None,
        reason or "",
        message or "",
        sum(each.restart_count or 0 for each in statuses),
        ",".join(container.image or "" for container in spec.containers),
    )


def of_lightkube(pod: Any) -> tuple[Any, ...]:
    """Return a frame's row from a Pod of lightkube."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    is_ready = ready is not None and ready.status == "True"
    owner = next((owner for owner in meta.ownerReferences or () if owner.controller), None)
    statuses = status.containerStatuses or ()
    reason, message = status.reason, status.message
    waiting = next((each.state.waiting for each in statuses if each.state and each.state.waiting), None)
    if scheduled is not None and scheduled.status == "False":
        reason, message = scheduled.reason, scheduled.message
    elif waiting is not None and waiting.reason:
        reason, message = waiting.reason, waiting.message
    return (
        meta.namespace,
        meta.name,
        meta.uid,
        int(meta.resourceVersion),
        status.phase,
        state(status.phase, is_ready, meta.deletionTimestamp, spec.nodeName),
        is_ready,
        spec.nodeName or "",
        status.podIP or "",
        (meta.labels or {}).get("pod-template-hash", ""),
        owner.kind if owner else "",
        owner.name if owner else "",
        owner.uid if owner else "",
        meta.creationTimestamp,
        meta.deletionTimestamp,
        ready.lastTransitionTime if ready else None,
        reason or "",
        message or "",
        sum(each.restartCount or 0 for each in statuses),
        ",".join(container.image or "" for container in spec.containers),
    )

"""The frame `pods`: one row for each observed version of a Pod."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kitlib.frames.columns import HASH
from kitlib.frames.objects import Condition, ObjectMeta, PodSpec, images, named, observed, version
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Pod",)
CONTROLLER_REVISION = "controller-revision-hash"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"


class _Waiting(msgspec.Struct, gc=False):
    reason: str | None = None
    message: str | None = None


class _State(msgspec.Struct, gc=False):
    waiting: _Waiting | None = None


class _ContainerStatus(msgspec.Struct, gc=False):
    restartCount: int = 0  # noqa: N815
    state: _State | None = None


class _PodStatus(msgspec.Struct, gc=False):
    phase: str = ""
    podIP: str | None = None  # noqa: N815
    reason: str | None = None
    message: str | None = None
    conditions: list[Condition] | None = None
    containerStatuses: list[_ContainerStatus] | None = None  # noqa: N815


class _Pod(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: PodSpec
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


_pod = msgspec.json.Decoder(_Pod)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        pod = decode(_pod, row, left)
        if pod is None:
            continue
        meta, status = pod.metadata, pod.status
        ready = scheduled = None
        for condition in status.conditions or ():
            if condition.type == "Ready":
                ready = condition
            elif condition.type == "PodScheduled":
                scheduled = condition
        is_ready = ready is not None and ready.status == "True"
        owner, labels = meta.owner(), meta.labels or {}
        index = meta.annotations.get(COMPLETION_INDEX, "") if meta.annotations else ""
        statuses = status.containerStatuses or ()
        reason, message = _why(status, scheduled)
        yield (
            *observed(row),
            row.type,
            row.origin,
            *named(row),
            status.phase,
            _state(row, pod, is_ready),
            is_ready,
            pod.spec.nodeName,
            status.podIP,
            labels.get(HASH),
            labels.get(CONTROLLER_REVISION),
            version(index) if index.isdecimal() else None,
            owner.kind,
            owner.name,
            owner.uid,
            meta.creationTimestamp,
            meta.deletionTimestamp,
            ready.lastTransitionTime if ready else None,
            reason,
            message,
            statuses[0].restartCount if len(statuses) == 1 else sum([each.restartCount for each in statuses]),
            images(pod.spec),
        )


def _why(status: _PodStatus, scheduled: Condition | None) -> tuple[str | None, str | None]:
    """Return why it isn't further, and the message that belongs to it."""
    if scheduled is not None and scheduled.status == "False":
        return scheduled.reason, scheduled.message
    if status.reason:  # the Pod's own; an evicted one's container may still say ContainerCreating
        return status.reason, status.message
    for each in status.containerStatuses or ():
        if each.state and each.state.waiting:
            if each.state.waiting.reason:
                return each.state.waiting.reason, each.state.waiting.message
            break
    return None, status.message


def _state(row: WatchEvent, pod: _Pod, ready: bool) -> str:
    if row.type == "DELETED":
        return "Gone"
    if pod.status.phase in ("Succeeded", "Failed"):
        return pod.status.phase
    if pod.metadata.deletionTimestamp:
        return "Terminating"
    if ready:
        return "Ready"
    if pod.status.phase == "Running":
        return "Running"
    return "Scheduled" if pod.spec.nodeName else "Pending"

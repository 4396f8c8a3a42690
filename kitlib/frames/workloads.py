"""The frame `workloads`: one row for each observed version of a controller of Pods, and of a CronJob.

It has what they have in common. What only one kind has stands in the frames `statefulsets`, `daemonsets`, `jobs` and
`cronjobs`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec

from kitlib.frames.columns import HASH, REVISION
from kitlib.frames.objects import (
    ObjectMeta,
    PodSpec,
    RollingUpdate,
    Strategy,
    images,
    int_or_percent,
    named,
    observed,
    version,
)
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob")


COUNTS = {
    "Deployment": ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"),
    "ReplicaSet": ("replicas", "readyReplicas", "availableReplicas"),
    "ReplicationController": ("replicas", "readyReplicas", "availableReplicas"),
    "StatefulSet": ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
}
"""The counts that a kind's status has: the API leaves them out where they are 0 (`omitempty`)."""


UNOBSERVED = ("Job", "CronJob")
"""Kinds whose status doesn't say which generation its controller has seen."""


class _PodTemplate(msgspec.Struct, gc=False):
    spec: PodSpec | None = None


class _JobSpec(msgspec.Struct, gc=False):
    template: msgspec.Raw = msgspec.Raw(b"")


class _JobTemplate(msgspec.Struct, gc=False):
    spec: _JobSpec | None = None


class _ReplicasSpec(msgspec.Struct, gc=False):
    replicas: int | None = None
    minReadySeconds: int | None = None  # noqa: N815
    paused: bool | None = None
    revisionHistoryLimit: int | None = None  # noqa: N815
    progressDeadlineSeconds: int | None = None  # noqa: N815
    strategy: Strategy | None = None
    updateStrategy: Strategy | None = None  # noqa: N815
    template: msgspec.Raw = msgspec.Raw(b"")
    jobTemplate: _JobTemplate | None = None  # noqa: N815


class _ReplicasStatus(msgspec.Struct, gc=False):
    observedGeneration: int | None = None  # noqa: N815
    replicas: int | None = None
    updatedReplicas: int | None = None  # noqa: N815
    readyReplicas: int | None = None  # noqa: N815
    availableReplicas: int | None = None  # noqa: N815
    unavailableReplicas: int | None = None  # noqa: N815
    terminatingReplicas: int | None = None  # noqa: N815


class _Replicas(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _ReplicasSpec = msgspec.field(default_factory=_ReplicasSpec)
    status: _ReplicasStatus = msgspec.field(default_factory=_ReplicasStatus)


_replicas = msgspec.json.Decoder(_Replicas)
_decoder = msgspec.json.Decoder(_PodTemplate)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        thing = decode(_replicas, row, left)
        if thing is None:
            continue
        meta, spec, status = thing.metadata, thing.spec, thing.status
        owner = meta.owner()
        strategy = spec.strategy or spec.updateStrategy or Strategy()
        rolling = strategy.rollingUpdate or RollingUpdate()
        job = spec.jobTemplate and spec.jobTemplate.spec
        revision = (meta.annotations or {}).get(REVISION, "")
        yield (
            *observed(row),
            row.type,
            row.origin,
            row.kind,
            *named(row),
            meta.generation,
            *_counts(row.kind, spec, status),
            version(revision) if revision.isdecimal() else None,
            (meta.labels or {}).get(HASH),
            owner.name,
            owner.uid,
            strategy.type,
            int_or_percent(rolling.maxSurge),
            int_or_percent(rolling.maxUnavailable),
            spec.minReadySeconds or 0,
            bool(spec.paused),
            spec.revisionHistoryLimit,
            spec.progressDeadlineSeconds,
            *_template(bytes(job.template if job else spec.template)),
            meta.deletionTimestamp,
        )


def _counts(kind: str, spec: _ReplicasSpec, status: _ReplicasStatus) -> tuple[int | None, ...]:
    """Return the counts in the order of the columns: what the API leaves out is 0, where the kind has that count."""
    has = COUNTS.get(kind, ())
    found = (
        (name, getattr(status, name))
        for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    )
    counts = (0 if value is None and name in has else value for name, value in found)
    observed = status.observedGeneration or (None if kind in UNOBSERVED else 0)
    return observed, spec.replicas, *counts, status.terminatingReplicas


@lru_cache(1024)
def _template(raw: bytes) -> tuple[str, str]:
    """Return a template's images and its digest; most versions of an object have the same one."""
    if not raw:
        return "", ""
    try:
        spec, body = _decoder.decode(raw).spec, json.loads(raw)
    except (msgspec.MsgspecError, ValueError):
        return "", ""
    meta = body.get("metadata")
    labels = meta.get("labels") if isinstance(meta, dict) else None
    if isinstance(labels, dict):
        labels.pop(HASH, None)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
    return images(spec) if spec else "", digest

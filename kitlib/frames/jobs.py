"""The frame `jobs`: one row for each observed version of a Job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kitlib.frames.objects import Condition, ObjectMeta, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Job",)
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
INSTANTIATE = "cronjob.kubernetes.io/instantiate"
"""The annotation of a Job that somebody made of a CronJob by hand."""
FINISHED = ("Complete", "Failed")
"""The conditions by which a Job says that it is at its end."""


class _Spec(msgspec.Struct, gc=False):
    completions: int | None = None
    parallelism: int | None = None
    backoffLimit: int | None = None  # noqa: N815 - the API's own spelling, here and below
    backoffLimitPerIndex: int | None = None  # noqa: N815
    completionMode: str | None = None  # noqa: N815
    suspend: bool | None = None
    activeDeadlineSeconds: int | None = None  # noqa: N815
    ttlSecondsAfterFinished: int | None = None  # noqa: N815
    podFailurePolicy: Any = None  # noqa: N815
    successPolicy: Any = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    active: int | None = None
    ready: int | None = None
    terminating: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    startTime: str | None = None  # noqa: N815
    completionTime: str | None = None  # noqa: N815
    completedIndexes: str | None = None  # noqa: N815
    failedIndexes: str | None = None  # noqa: N815
    conditions: list[Condition] | None = None


class _Job(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_job = msgspec.json.Decoder(_Job)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        thing = decode(_job, row, left)
        if thing is None:
            continue
        meta, spec, status = thing.metadata, thing.spec, thing.status
        owner = meta.owner()
        finished = [each for each in status.conditions or () if each.type in FINISHED and each.status == "True"]
        annotations = meta.annotations or {}
        yield (
            *observed(row),
            row.type,
            row.origin,
            *named(row),
            meta.generation,
            owner.name,
            owner.uid,
            spec.completions,
            1 if spec.parallelism is None else spec.parallelism,
            spec.backoffLimit,
            spec.backoffLimitPerIndex,
            spec.completionMode or "NonIndexed",
            bool(spec.suspend),
            spec.activeDeadlineSeconds,
            spec.ttlSecondsAfterFinished,
            spec.podFailurePolicy is not None,
            spec.successPolicy is not None,
            status.active or 0,
            status.ready or 0,
            status.terminating,
            status.succeeded or 0,
            status.failed or 0,
            status.completedIndexes,
            status.failedIndexes,
            finished[0].type if finished else None,
            finished[0].reason if finished else None,
            status.startTime,
            status.completionTime,
            annotations.get(SCHEDULED),
            annotations.get(INSTANTIATE) == "manual",
            meta.creationTimestamp,
            meta.deletionTimestamp,
        )

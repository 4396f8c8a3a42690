"""The frame `cronjobs`: one row for each observed version of a CronJob."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kitlib.frames.objects import ObjectMeta, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("CronJob",)


class _Spec(msgspec.Struct, gc=False):
    schedule: str | None = None
    timeZone: str | None = None  # noqa: N815 - the API's own spelling, here and below
    concurrencyPolicy: str | None = None  # noqa: N815
    suspend: bool | None = None
    startingDeadlineSeconds: int | None = None  # noqa: N815
    successfulJobsHistoryLimit: int | None = None  # noqa: N815
    failedJobsHistoryLimit: int | None = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    active: list[Any] | None = None
    lastScheduleTime: str | None = None  # noqa: N815
    lastSuccessfulTime: str | None = None  # noqa: N815


class _CronJob(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_cronjob = msgspec.json.Decoder(_CronJob)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        thing = decode(_cronjob, row, left)
        if thing is None:
            continue
        meta, spec, status = thing.metadata, thing.spec, thing.status
        yield (
            *observed(row),
            row.type,
            row.origin,
            *named(row),
            meta.generation,
            spec.schedule,
            spec.timeZone,
            spec.concurrencyPolicy or "Allow",
            bool(spec.suspend),
            spec.startingDeadlineSeconds,
            spec.successfulJobsHistoryLimit,
            spec.failedJobsHistoryLimit,
            len(status.active or ()),
            status.lastScheduleTime,
            status.lastSuccessfulTime,
            meta.deletionTimestamp,
        )

"""The frame `daemonsets`: one row for each observed version of a DaemonSet, with what only that kind has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kitlib.frames.objects import ObjectMeta, RollingUpdate, Strategy, int_or_percent, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("DaemonSet",)


class _Spec(msgspec.Struct, gc=False):
    minReadySeconds: int | None = None  # noqa: N815 - the API's own spelling, here and below
    updateStrategy: Strategy | None = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    observedGeneration: int | None = None  # noqa: N815
    desiredNumberScheduled: int | None = None  # noqa: N815
    currentNumberScheduled: int | None = None  # noqa: N815
    updatedNumberScheduled: int | None = None  # noqa: N815
    numberReady: int | None = None  # noqa: N815
    numberAvailable: int | None = None  # noqa: N815
    numberUnavailable: int | None = None  # noqa: N815
    numberMisscheduled: int | None = None  # noqa: N815


class _DaemonSet(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_set = msgspec.json.Decoder(_DaemonSet)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        thing = decode(_set, row, left)
        if thing is None:
            continue
        meta, spec, status = thing.metadata, thing.spec, thing.status
        strategy = spec.updateStrategy or Strategy()
        rolling = strategy.rollingUpdate or RollingUpdate()
        yield (
            *observed(row),
            row.type,
            row.origin,
            *named(row),
            meta.generation,
            status.observedGeneration or 0,
            status.desiredNumberScheduled or 0,
            status.currentNumberScheduled or 0,
            status.updatedNumberScheduled or 0,
            status.numberReady or 0,
            status.numberAvailable or 0,
            status.numberUnavailable or 0,
            status.numberMisscheduled or 0,
            strategy.type or "RollingUpdate",
            int_or_percent(rolling.maxSurge),
            int_or_percent(rolling.maxUnavailable),
            spec.minReadySeconds or 0,
            meta.deletionTimestamp,
        )

"""The frame `statefulsets`: one row for each observed version of a StatefulSet, with what only that kind has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kitlib.frames.objects import ObjectMeta, int_or_percent, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("StatefulSet",)


class _RollingUpdate(msgspec.Struct, gc=False):
    partition: int | None = None
    maxUnavailable: int | str | None = None  # noqa: N815 - the API's own spelling, here and below


class _Strategy(msgspec.Struct, gc=False):
    type: str | None = None
    rollingUpdate: _RollingUpdate | None = None  # noqa: N815


class _Ordinals(msgspec.Struct, gc=False):
    start: int | None = None


class _Retention(msgspec.Struct, gc=False):
    whenDeleted: str | None = None  # noqa: N815
    whenScaled: str | None = None  # noqa: N815


class _Spec(msgspec.Struct, gc=False):
    replicas: int | None = None
    serviceName: str | None = None  # noqa: N815
    podManagementPolicy: str | None = None  # noqa: N815
    minReadySeconds: int | None = None  # noqa: N815
    ordinals: _Ordinals | None = None
    updateStrategy: _Strategy | None = None  # noqa: N815
    persistentVolumeClaimRetentionPolicy: _Retention | None = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    observedGeneration: int | None = None  # noqa: N815
    replicas: int | None = None
    readyReplicas: int | None = None  # noqa: N815
    availableReplicas: int | None = None  # noqa: N815
    currentReplicas: int | None = None  # noqa: N815
    updatedReplicas: int | None = None  # noqa: N815
    currentRevision: str | None = None  # noqa: N815
    updateRevision: str | None = None  # noqa: N815


class _StatefulSet(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_set = msgspec.json.Decoder(_StatefulSet)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns."""
    for row in events:
        thing = decode(_set, row, left)
        if thing is None:
            continue
        meta, spec, status = thing.metadata, thing.spec, thing.status
        strategy = spec.updateStrategy or _Strategy()
        rolling = strategy.rollingUpdate or _RollingUpdate()
        retention = spec.persistentVolumeClaimRetentionPolicy or _Retention()
        yield (
            *observed(row),
            row.type,
            row.origin,
            *named(row),
            meta.generation,
            status.observedGeneration or 0,
            1 if spec.replicas is None else spec.replicas,
            status.replicas or 0,
            status.readyReplicas or 0,
            status.availableReplicas or 0,
            status.currentReplicas or 0,
            status.updatedReplicas or 0,
            status.currentRevision,
            status.updateRevision,
            spec.podManagementPolicy or "OrderedReady",
            (spec.ordinals.start if spec.ordinals else None) or 0,
            strategy.type or "RollingUpdate",
            rolling.partition or 0,
            int_or_percent(rolling.maxUnavailable),
            spec.minReadySeconds or 0,
            spec.serviceName,
            retention.whenScaled,
            retention.whenDeleted,
            meta.deletionTimestamp,
        )

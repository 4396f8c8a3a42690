"""The frame `containers`: one row for each change of a container's status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pandas as pd

from kitlib.frames.objects import ObjectMeta, changes, identity, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Pod",)


class _Waiting(msgspec.Struct, gc=False):
    reason: str | None = None
    message: str | None = None


class _Running(msgspec.Struct, gc=False):
    startedAt: str | None = None  # noqa: N815


class _Terminated(msgspec.Struct, gc=False):
    exitCode: int = 0  # noqa: N815
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    startedAt: str | None = None  # noqa: N815
    finishedAt: str | None = None  # noqa: N815


class _State(msgspec.Struct, gc=False):
    waiting: _Waiting | None = None
    running: _Running | None = None
    terminated: _Terminated | None = None


class _Status(msgspec.Struct, gc=False):
    name: str
    restartCount: int = 0  # noqa: N815
    ready: bool = False
    started: bool | None = None
    image: str | None = None
    containerID: str | None = None  # noqa: N815
    state: _State | None = None
    lastState: _State | None = None  # noqa: N815


class _PodStatus(msgspec.Struct, gc=False):
    initContainerStatuses: list[_Status] | None = None  # noqa: N815
    containerStatuses: list[_Status] | None = None  # noqa: N815
    ephemeralContainerStatuses: list[_Status] | None = None  # noqa: N815


class _Container(msgspec.Struct, gc=False):
    name: str = ""
    restartPolicy: str | None = None  # noqa: N815


class _Spec(msgspec.Struct, gc=False):
    initContainers: list[_Container] | None = None  # noqa: N815


class _Pod(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


_pod = msgspec.json.Decoder(_Pod)
VALUE = [
    "state",
    "reason",
    "message",
    "ready",
    "started",
    "restartCount",
    "exitCode",
    "signal",
    "startedAt",
    "finishedAt",
    "last.exitCode",
    "last.reason",
    "last.message",
    "last.startedAt",
    "last.finishedAt",
    "image",
    "containerID",
]


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; the first of each container among these events, too."""
    last: dict[tuple[str, str], tuple] = {}
    for row in events:
        pod = decode(_pod, row, left)
        if pod is None:
            continue
        status, uid = pod.status, identity(row)
        sidecars = {each.name for each in pod.spec.initContainers or () if each.restartPolicy == "Always"}
        for role, statuses in (
            ("init", status.initContainerStatuses),
            ("main", status.containerStatuses),
            ("ephemeral", status.ephemeralContainerStatuses),
        ):
            for each in statuses or ():
                value = _value(each, row.type == "DELETED")
                if last.get((uid, each.name)) != value:
                    last[uid, each.name] = value
                    mine = "sidecar" if role == "init" and each.name in sidecars else role
                    yield (*observed(row), *named(row), each.name, mine, *value)


def _value(status: _Status, deleted: bool) -> tuple:
    state = status.state or _State()
    ended, before = state.terminated or _Terminated(), (status.lastState or _State()).terminated
    told: _Waiting | _Terminated = state.terminated or state.waiting or _Waiting()
    kind = "Terminated" if state.terminated else "Running" if state.running else "Waiting"
    return (
        "Gone" if deleted else kind,
        told.reason,
        told.message,
        status.ready,
        status.started,
        status.restartCount,
        ended.exitCode if state.terminated else None,
        ended.signal,
        state.running.startedAt if state.running else ended.startedAt,
        ended.finishedAt,
        before.exitCode if before else None,
        before.reason if before else None,
        before.message if before else None,
        before.startedAt if before else None,
        before.finishedAt if before else None,
        status.image,
        status.containerID,
    )


def deduplicate(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what only repeats the value before: the first rows of a part do."""
    return changes(frame, ["uid", "container"], VALUE)

"""Recording → tidy DataFrames: pods, replicas, conditions, events, gaps, steps.

Each frame has one row for each thing observed, in the order of receipt. Columns copied from the API keep its spelling;
ours are snake_case. Objects are decoded into narrow structs that know just the fields below.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import pandas as pd

from kitlib.errors import UsageError
from kitlib.recording import Recording, WatchEvent

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
STATES = ("Pending", "Scheduled", "Running", "Ready", "Terminating", "Succeeded", "Failed", "Gone")
"""A Pod's state as a lane shows it, in the order of a Pod's life."""


@dataclass(frozen=True)
class Column:
    """What a column of a frame holds.

    Parameters
    ----------
    dtype : str
        pandas' name of its type.
    unit : str
        Of what its numbers count; empty where there is none.
    text : str
        What it means, and where it comes from.
    """

    dtype: str
    unit: str
    text: str


_TIME = "datetime64[ns, UTC]"
_OBSERVED = {
    "observed_at": Column(_TIME, "wall clock", "when kitlib received it: a point"),
    "monotonic_ns": Column("int64", "ns", "the same on the monotonic clock; only differences mean something"),
    "seq": Column("int64", "", "order of receipt in the recording, from 0"),
    "resourceVersion": Column("int64", "", "metadata.resourceVersion: the server's order of all writes"),
}
_WATCHED = {
    **_OBSERVED,
    "type": Column("str", "", "ADDED, MODIFIED or DELETED, as the watch said"),
    "origin": Column("str", "", "list, watch or relist"),
}
_NAMED = {
    "namespace": Column("str", "", "metadata.namespace"),
    "name": Column("str", "", "metadata.name"),
    "uid": Column("str", "", "metadata.uid"),
}

COLUMNS: dict[str, dict[str, Column]] = {
    "pods": {
        **_WATCHED,
        **_NAMED,
        "phase": Column("str", "", "status.phase"),
        "state": Column("category", "", "Pending, Scheduled, Running (not ready), Ready, Terminating, …: see STATES"),
        "ready": Column("bool", "", "status of the condition Ready is True"),
        "nodeName": Column("str", "", "spec.nodeName; empty until scheduled"),
        "podIP": Column("str", "", "status.podIP"),
        "pod-template-hash": Column("str", "", "the label of that name"),
        "owner.kind": Column("str", "", "kind of the owner reference that is the controller"),
        "owner.name": Column("str", "", "its name"),
        "owner.uid": Column("str", "", "its uid"),
        "creationTimestamp": Column(_TIME, "whole seconds", "metadata.creationTimestamp, the server's clock"),
        "deletionTimestamp": Column(_TIME, "whole seconds", "metadata.deletionTimestamp; NaT unless deleted"),
        "readyTransition": Column(_TIME, "whole seconds", "lastTransitionTime of the condition Ready"),
        "reason": Column("str", "", "why it isn't further: of PodScheduled, of a waiting container, or status.reason"),
        "message": Column("str", "", "the message that belongs to reason"),
        "restartCount": Column("int64", "restarts", "sum over its containers"),
        "image": Column("str", "", "spec.containers[].image, joined by a comma"),
    },
    "replicas": {
        **_WATCHED,
        "kind": Column("str", "", "Deployment, ReplicaSet, ReplicationController, StatefulSet or DaemonSet"),
        **_NAMED,
        "generation": Column("int64", "", "metadata.generation: rises when the spec changes"),
        "observedGeneration": Column("Int64", "", "status.observedGeneration: what the controller has seen"),
        "spec.replicas": Column("Int64", "Pods", "spec.replicas"),
        "status.replicas": Column("Int64", "Pods", "status.replicas: without the terminating ones"),
        "updatedReplicas": Column("Int64", "Pods", "status.updatedReplicas"),
        "readyReplicas": Column("Int64", "Pods", "status.readyReplicas"),
        "availableReplicas": Column("Int64", "Pods", "status.availableReplicas"),
        "unavailableReplicas": Column("Int64", "Pods", "status.unavailableReplicas"),
        "terminatingReplicas": Column("Int64", "Pods", "status.terminatingReplicas, where the version has it"),
        "revision": Column("Int64", "", f"the annotation {REVISION}"),
        "pod-template-hash": Column("str", "", "the label of that name"),
        "owner.name": Column("str", "", "name of the controller that owns it; empty if none does"),
        "owner.uid": Column("str", "", "its uid"),
        "strategy": Column("str", "", "spec.strategy.type: RollingUpdate or Recreate"),
        "maxSurge": Column("str", "Pods or %", "spec.strategy.rollingUpdate.maxSurge as written"),
        "maxUnavailable": Column("str", "Pods or %", "spec.strategy.rollingUpdate.maxUnavailable as written"),
        "minReadySeconds": Column("Int64", "s", "spec.minReadySeconds"),
        "paused": Column("bool", "", "spec.paused"),
        "revisionHistoryLimit": Column("Int64", "ReplicaSets", "spec.revisionHistoryLimit"),
        "progressDeadlineSeconds": Column("Int64", "s", "spec.progressDeadlineSeconds"),
        "image": Column("str", "", "spec.template.spec.containers[].image, joined by a comma"),
        "template": Column("str", "", "digest of spec.template without pod-template-hash: equal means same template"),
        "deletionTimestamp": Column(_TIME, "whole seconds", "metadata.deletionTimestamp; NaT unless deleted"),
    },
    "conditions": {
        **_OBSERVED,
        "kind": Column("str", "", "kind of the object that has the condition"),
        **_NAMED,
        "condition": Column("str", "", "status.conditions[].type"),
        "status": Column("str", "", "True, False or Unknown"),
        "reason": Column("str", "", "status.conditions[].reason"),
        "message": Column("str", "", "status.conditions[].message"),
        "lastTransitionTime": Column(_TIME, "whole seconds", "status.conditions[].lastTransitionTime"),
    },
    "events": {
        **_OBSERVED,
        **_NAMED,
        "eventType": Column("str", "", "the Event's own type: Normal or Warning"),
        "reason": Column("str", "", "reason"),
        "message": Column("str", "", "message (core/v1) or note (events.k8s.io/v1)"),
        "count": Column("int64", "occurrences", "count or series.count: how often up to here"),
        "involvedObject.kind": Column("str", "", "kind of the object it is about"),
        "involvedObject.name": Column("str", "", "its name"),
        "involvedObject.uid": Column("str", "", "its uid"),
        "component": Column("str", "", "source.component or reportingComponent: who says so"),
        "occurrences": Column("int64", "occurrences", "how many this row adds to the one before"),
        "earliest": Column(_TIME, "whole seconds", "begin of the interval in which the newest of them fell"),
        "latest": Column(_TIME, "whole seconds", "end of that interval: server stamps are whole seconds"),
    },
    "gaps": {
        "observed_at": _OBSERVED["observed_at"],
        "monotonic_ns": _OBSERVED["monotonic_ns"],
        "seq": _OBSERVED["seq"],
        "stream": Column("str", "", "the watch that lost something"),
        "kind": Column("str", "", "kind of the objects that may be missing"),
        "after_ns": Column("int64", "ns", "monotonic: all before was recorded"),
        "until_ns": Column("int64", "ns", "monotonic: all after is recorded again"),
        "reason": Column("str", "", "what went wrong"),
    },
    "steps": {
        "name": Column("str", "", "the step's name"),
        "begin_at": Column(_TIME, "wall clock", "when it began"),
        "begin_ns": Column("int64", "ns", "the same on the monotonic clock"),
        "end_ns": Column("Int64", "ns", "when it ended; NA while it goes on"),
    },
}


class _Owner(msgspec.Struct):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    creationTimestamp: str | None = None  # noqa: N815 - the API's own spelling, here and below
    deletionTimestamp: str | None = None  # noqa: N815
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ownerReferences: list[_Owner] | None = None  # noqa: N815

    def owner(self) -> _Owner:
        return next((owner for owner in self.ownerReferences or () if owner.controller), _NOBODY)


_NOBODY = _Owner()


class _Condition(msgspec.Struct):
    type: str
    status: str = ""
    reason: str | None = None
    message: str | None = None
    lastTransitionTime: str | None = None  # noqa: N815


class _Container(msgspec.Struct):
    image: str | None = None


class _Waiting(msgspec.Struct):
    reason: str | None = None
    message: str | None = None


class _State(msgspec.Struct):
    waiting: _Waiting | None = None


class _ContainerStatus(msgspec.Struct):
    restartCount: int = 0  # noqa: N815
    state: _State | None = None


class _PodSpec(msgspec.Struct):
    nodeName: str | None = None  # noqa: N815
    containers: list[_Container] = []


class _PodStatus(msgspec.Struct):
    phase: str = ""
    podIP: str | None = None  # noqa: N815
    reason: str | None = None
    message: str | None = None
    conditions: list[_Condition] | None = None
    containerStatuses: list[_ContainerStatus] | None = None  # noqa: N815


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _PodSpec
    status: _PodStatus


class _RollingUpdate(msgspec.Struct):
    maxSurge: int | str | None = None  # noqa: N815
    maxUnavailable: int | str | None = None  # noqa: N815


class _Strategy(msgspec.Struct):
    type: str | None = None
    rollingUpdate: _RollingUpdate | None = None  # noqa: N815


class _Template(msgspec.Struct):
    spec: _PodSpec | None = None


class _ReplicasSpec(msgspec.Struct):
    replicas: int | None = None
    minReadySeconds: int | None = None  # noqa: N815
    paused: bool = False
    revisionHistoryLimit: int | None = None  # noqa: N815
    progressDeadlineSeconds: int | None = None  # noqa: N815
    strategy: _Strategy | None = None
    template: msgspec.Raw = msgspec.Raw(b"")


class _ReplicasStatus(msgspec.Struct):
    observedGeneration: int | None = None  # noqa: N815
    replicas: int | None = None
    updatedReplicas: int | None = None  # noqa: N815
    readyReplicas: int | None = None  # noqa: N815
    availableReplicas: int | None = None  # noqa: N815
    unavailableReplicas: int | None = None  # noqa: N815
    terminatingReplicas: int | None = None  # noqa: N815


class _Replicas(msgspec.Struct):
    metadata: _Meta
    spec: _ReplicasSpec
    status: _ReplicasStatus = msgspec.field(default_factory=_ReplicasStatus)


class _Conditions(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _Conditioned(msgspec.Struct):
    status: _Conditions | None = None


class _Reference(msgspec.Struct):
    kind: str = ""
    name: str = ""
    uid: str = ""


class _Source(msgspec.Struct):
    component: str | None = None


class _Series(msgspec.Struct):
    count: int = 0
    lastObservedTime: str | None = None  # noqa: N815


class _Event(msgspec.Struct):
    metadata: _Meta
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    type: str | None = None
    count: int | None = None
    involvedObject: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815
    source: _Source | None = None
    reportingComponent: str | None = None  # noqa: N815
    firstTimestamp: str | None = None  # noqa: N815
    lastTimestamp: str | None = None  # noqa: N815
    eventTime: str | None = None  # noqa: N815
    series: _Series | None = None


_pod = msgspec.json.Decoder(_Pod)
_replicas = msgspec.json.Decoder(_Replicas)
_template = msgspec.json.Decoder(_Template)
_conditioned = msgspec.json.Decoder(_Conditioned)
_event = msgspec.json.Decoder(_Event)

REPLICA_KINDS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet")


class Frames:
    """The frames of a recording, or of a window of it, each made when it is asked for.

    Parameters
    ----------
    recording : Recording
        Where rows come from; a snapshot of them is taken now.
    begin_ns, end_ns : int, optional
        A window on the monotonic clock, both ends included. Each object's last version before `begin_ns` is carried
        in, with its own time, so that what stood there at the beginning is known.
    namespace : str, optional
        Only its objects.

    Attributes
    ----------
    pods, replicas, conditions, events, gaps, steps : DataFrame
        See `COLUMNS` for their columns. Each has `attrs`: `gaps` and `steps` (lists of dicts), `window`
        (begin_ns, end_ns) and `now_ns`.
    """

    def __init__(
        self,
        recording: Recording,
        begin_ns: int | None = None,
        end_ns: int | None = None,
        namespace: str | None = None,
    ) -> None:
        rows = recording.rows
        self._all = rows
        self._now = rows[-1].monotonic_ns if rows else 0
        self._begin = begin_ns if begin_ns is not None else (rows[0].monotonic_ns if rows else 0)
        self._end = end_ns if end_ns is not None else self._now
        carried: dict[tuple[str, str], int] = {}
        inside: list[int] = []
        for seq, row in enumerate(rows):
            if row.origin == "kitlib" or (namespace is not None and row.namespace != namespace):
                continue
            if row.monotonic_ns < self._begin:
                if row.type == "DELETED":
                    carried.pop((row.kind, row.uid), None)
                else:
                    carried[row.kind, row.uid] = seq
            elif row.monotonic_ns <= self._end:
                inside.append(seq)
        self._rows = [(seq, rows[seq]) for seq in [*sorted(carried.values()), *inside]]

    def __repr__(self) -> str:
        return f"<Frames of {len(self._rows)} rows: {', '.join(COLUMNS)}>"

    @cached_property
    def pods(self) -> pd.DataFrame:
        """One row for each observed version of a Pod."""
        return self._frame("pods", (_pod_row(seq, row) for seq, row in self._of("Pod")))

    @cached_property
    def replicas(self) -> pd.DataFrame:
        """One row for each observed version of a Deployment, ReplicaSet or other controller of Pods."""
        return self._frame("replicas", (_replicas_row(seq, row) for seq, row in self._of(*REPLICA_KINDS)))

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row for each change of a condition of any object."""
        return self._frame("conditions", _condition_rows(self._rows))

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row for each observed update of an Event, with the number of occurrences that it adds."""
        return self._frame("events", _event_rows(self._of("Event")))

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """One row for each gap: what may be missing, and between which times."""
        found = [
            {**_observed(seq, row), "stream": row.stream, **json.loads(row.object)}
            for seq, row in enumerate(self._all)
            if row.type == "GAP"
        ]
        found = [gap for gap in found if gap["until_ns"] >= self._begin and gap["after_ns"] <= self._end]
        return _typed("gaps", found)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row for each named step."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._all:
            if row.type != "STEP":
                continue
            what = json.loads(row.object)
            if what["edge"] == "begin":
                found[what["id"]] = {
                    "name": row.name,
                    "begin_at": row.received_at,
                    "begin_ns": row.monotonic_ns,
                    "end_ns": None,
                }
            elif what["id"] in found:
                found[what["id"]]["end_ns"] = row.monotonic_ns
        return _typed("steps", found.values())

    def _of(self, *kinds: str) -> Iterable[tuple[int, WatchEvent]]:
        return ((seq, row) for seq, row in self._rows if row.kind in kinds)

    def _frame(self, name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
        frame = _typed(name, rows)
        frame.attrs = {
            "gaps": self.gaps[["kind", "after_ns", "until_ns", "reason"]].to_dict("records"),
            "steps": [
                {**step, "end_ns": None if pd.isna(step["end_ns"]) else int(step["end_ns"])}
                for step in self.steps[["name", "begin_ns", "end_ns"]].to_dict("records")
            ],
            "window": (self._begin, self._end),
            "now_ns": self._now,
        }
        return frame


def _typed(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Make the frame with the columns and dtypes that COLUMNS promises, also when there is no row."""
    columns = COLUMNS[name]
    listed = list(rows)
    data: dict[str, Any] = {}
    for column, about in columns.items():
        values = [row.get(column) for row in listed]
        if about.dtype == _TIME:
            if column in ("observed_at", "begin_at"):
                data[column] = pd.to_datetime(pd.Series(values, dtype="int64"), unit="ns", utc=True)
            else:
                parsed = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
                data[column] = parsed.astype("datetime64[ns, UTC]")
        elif about.dtype == "category":
            data[column] = pd.Series(pd.Categorical(values, categories=STATES, ordered=True))
        elif about.dtype == "str":
            data[column] = pd.Series(["" if value is None else value for value in values], dtype="str")
        else:
            data[column] = pd.Series(values, dtype=about.dtype)
    return pd.DataFrame(data, columns=list(columns))


def _observed(seq: int, row: WatchEvent) -> dict[str, Any]:
    return {
        "observed_at": row.received_at,
        "monotonic_ns": row.monotonic_ns,
        "seq": seq,
        "resourceVersion": int(row.resourceVersion or 0),
    }


def _watched(seq: int, row: WatchEvent) -> dict[str, Any]:
    return {
        **_observed(seq, row),
        "type": row.type,
        "origin": row.origin,
        "kind": row.kind,
        "namespace": row.namespace,
        "name": row.name,
        "uid": row.uid,
    }


def _decode(decoder: msgspec.json.Decoder, row: WatchEvent) -> Any:
    try:
        return decoder.decode(row.object)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"this object is not what its kind promises: {error}",
            step="frames",
            object=f"{row.kind} {row.namespace}/{row.name}",
            next="report it with the object: `Recording.open(path).rows` has its bytes",
        ) from error


def _pod_row(seq: int, row: WatchEvent) -> dict[str, Any]:
    pod: _Pod = _decode(_pod, row)
    owner = pod.metadata.owner()
    conditions = {condition.type: condition for condition in pod.status.conditions or ()}
    ready = conditions.get("Ready")
    scheduled = conditions.get("PodScheduled")
    is_ready = ready is not None and ready.status == "True"
    reason, message = pod.status.reason, pod.status.message
    statuses = pod.status.containerStatuses or ()
    waiting = next((status.state.waiting for status in statuses if status.state and status.state.waiting), None)
    if scheduled is not None and scheduled.status == "False":
        reason, message = scheduled.reason, scheduled.message
    elif waiting is not None and waiting.reason:
        reason, message = waiting.reason, waiting.message
    if row.type == "DELETED":
        state = "Gone"
    elif pod.status.phase in ("Succeeded", "Failed"):
        state = pod.status.phase
    elif pod.metadata.deletionTimestamp:
        state = "Terminating"
    elif is_ready:
        state = "Ready"
    elif pod.status.phase == "Running":
        state = "Running"
    else:
        state = "Scheduled" if pod.spec.nodeName else "Pending"
    return {
        **_watched(seq, row),
        "phase": pod.status.phase,
        "state": state,
        "ready": is_ready,
        "nodeName": pod.spec.nodeName,
        "podIP": pod.status.podIP,
        HASH: (pod.metadata.labels or {}).get(HASH),
        "owner.kind": owner.kind,
        "owner.name": owner.name,
        "owner.uid": owner.uid,
        "creationTimestamp": pod.metadata.creationTimestamp,
        "deletionTimestamp": pod.metadata.deletionTimestamp,
        "readyTransition": ready.lastTransitionTime if ready else None,
        "reason": reason,
        "message": message,
        "restartCount": sum(status.restartCount for status in statuses),
        "image": ",".join(container.image or "" for container in pod.spec.containers),
    }


def _replicas_row(seq: int, row: WatchEvent) -> dict[str, Any]:
    thing: _Replicas = _decode(_replicas, row)
    meta, spec, status = thing.metadata, thing.spec, thing.status
    owner = meta.owner()
    rolling = (spec.strategy and spec.strategy.rollingUpdate) or _RollingUpdate()
    revision = (meta.annotations or {}).get(REVISION, "")
    return {
        **_watched(seq, row),
        "generation": meta.generation,
        "observedGeneration": status.observedGeneration,
        "spec.replicas": spec.replicas,
        "status.replicas": status.replicas,
        "updatedReplicas": status.updatedReplicas,
        "readyReplicas": status.readyReplicas,
        "availableReplicas": status.availableReplicas,
        "unavailableReplicas": status.unavailableReplicas,
        "terminatingReplicas": status.terminatingReplicas,
        "revision": int(revision) if revision.isdigit() else None,
        HASH: (meta.labels or {}).get(HASH),
        "owner.name": owner.name,
        "owner.uid": owner.uid,
        "strategy": spec.strategy and spec.strategy.type,
        "maxSurge": None if rolling.maxSurge is None else str(rolling.maxSurge),
        "maxUnavailable": None if rolling.maxUnavailable is None else str(rolling.maxUnavailable),
        "minReadySeconds": spec.minReadySeconds,
        "paused": spec.paused,
        "revisionHistoryLimit": spec.revisionHistoryLimit,
        "progressDeadlineSeconds": spec.progressDeadlineSeconds,
        "image": _images(spec.template),
        "template": _digest(spec.template),
        "deletionTimestamp": meta.deletionTimestamp,
    }


def _images(template: msgspec.Raw) -> str:
    spec = _template.decode(template).spec if bytes(template) else None
    return ",".join(container.image or "" for container in spec.containers) if spec else ""


def _digest(template: msgspec.Raw) -> str:
    if not bytes(template):
        return ""
    body = json.loads(bytes(template))
    meta = body.get("metadata") or {}
    (meta.get("labels") or {}).pop(HASH, None)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]


def _condition_rows(rows: Iterable[tuple[int, WatchEvent]]) -> Iterable[dict[str, Any]]:
    last: dict[tuple[str, str], tuple] = {}
    for seq, row in rows:
        if row.type == "DELETED" or row.kind == "Event":
            continue
        status = _decode(_conditioned, row).status
        for condition in (status and status.conditions) or ():
            value = (condition.status, condition.reason, condition.message, condition.lastTransitionTime)
            if last.get((row.uid, condition.type)) == value:
                continue
            last[row.uid, condition.type] = value
            yield {
                **_watched(seq, row),
                "condition": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
                "lastTransitionTime": condition.lastTransitionTime,
            }


def _event_rows(rows: Iterable[tuple[int, WatchEvent]]) -> Iterable[dict[str, Any]]:
    counts: dict[str, int] = {}
    for seq, row in rows:
        if row.type == "DELETED":
            continue
        event: _Event = _decode(_event, row)
        count = max(event.count or 0, event.series.count if event.series else 0, 1)
        before = counts.get(row.uid, 0)
        if count <= before:
            continue
        counts[row.uid] = count
        latest = (event.series and event.series.lastObservedTime) or event.lastTimestamp or event.eventTime
        latest = latest or event.firstTimestamp or event.metadata.creationTimestamp
        yield {
            **_watched(seq, row),
            "eventType": event.type,
            "reason": event.reason,
            "message": event.message or event.note,
            "count": count,
            "involvedObject.kind": event.involvedObject.kind,
            "involvedObject.name": event.involvedObject.name,
            "involvedObject.uid": event.involvedObject.uid,
            "component": (event.source and event.source.component) or event.reportingComponent,
            "occurrences": count - before,
            "earliest": latest,
            "latest": _second_later(latest),
        }


def _second_later(stamp: str | None) -> str | None:
    """End of the interval that a stamp names: whole seconds last one second, microseconds are a point."""
    if stamp is None or "." in stamp:
        return stamp
    return (pd.Timestamp(stamp) + pd.Timedelta(seconds=1)).isoformat()


def latest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the last observed version of each object that still exists, one row an object.

    Parameters
    ----------
    frame : DataFrame
        `pods` or `replicas`.
    """
    last = frame.groupby("uid", sort=False).tail(1)
    return last[last["type"] != "DELETED"]

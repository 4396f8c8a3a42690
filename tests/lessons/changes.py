"""Changes of a recording, one at a time: what a lesson's claims must notice.

A change takes the rows of a recording and returns others, which could have come from a cluster that behaves otherwise.
Each is seeded. None leaves a hole that the recording itself would notice: rows are numbered anew, so a claim that
notices a change does so because it looks at what was changed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pandas as pd

from kitlib.recording import WatchEvent

Rows = list[WatchEvent]
Object = dict[str, Any]
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Change:
    """One way in which a recording is changed.

    Parameters
    ----------
    name : str
        In words: what is changed, and of which objects.
    apply : callable
        Takes rows and a random generator, returns rows.
    """

    name: str
    apply: Callable[[Rows, random.Random], Rows]


def numbered(rows: Sequence[WatchEvent]) -> Rows:
    """Return rows in the order of their receipt, numbered without a hole."""
    ordered = sorted(rows, key=lambda row: (row.monotonic_ns, row.seq))
    return [msgspec.structs.replace(row, seq=number) for number, row in enumerate(ordered)]


# Edits of an object's fields: each returns whether it found what it changes.


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
    "conditions are gone": ([*WORKLOADS, "Pod", "Node"], edit("status.conditions", lambda _: None)),
    "status' reason is another": (["Pod"], edit("status.reason", lambda _: "Otherwise")),
    "status' message is another": (["Pod"], edit("status.message", lambda _: "otherwise")),
    "exit code is another": (["Pod"], _states("exitCode", lambda code: 0 if code else 1)),
    "state's reason is another": (["Pod"], _states("reason", lambda _: "Otherwise")),
    "restarted once more": (["Pod"], edit("status.containerStatuses[].restartCount", plus(1))),
    "never restarted": (["Pod"], edit("status.containerStatuses[].restartCount", lambda _: 0)),
    "what runs has ended": (["Pod"], _ended),
    "containers aren't ready": (["Pod"], edit("status.containerStatuses[].ready", flip)),
    "all on one node": (["Pod"], edit("spec.nodeName", lambda _: "elsewhere")),
    "nowhere": (["Pod"], edit("spec.nodeName", lambda _: None)),
    "address is another": (["Pod"], edit("status.podIP", lambda _: "10.9.9.9")),
    "image is another": (["Pod"], edit("spec.containers[].image", lambda _: "other:9")),
    "labels are gone": (["Pod"], edit("metadata.labels", lambda _: {})),
    "owners are gone": ([*WORKLOADS, "Pod"], edit("metadata.ownerReferences", lambda _: None)),
    "annotations are gone": ([*WORKLOADS, "Pod"], edit("metadata.annotations", lambda _: None)),
    "never marked for deletion": ([*WORKLOADS, "Pod"], edit("metadata.deletionTimestamp", lambda _: None)),
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
    "endpoints are turned": (["EndpointSlice"], edit("endpoints[].conditions.*", flip)),
    "endpoints are gone": (["EndpointSlice"], edit("endpoints", lambda _: [])),
    "claims are of another volume": (["PersistentVolumeClaim"], edit("spec.volumeName", lambda _: "other")),
}


def _fields(name: str, share: float) -> Change:
    kinds, change = FIELDS[name]

    def apply(rows: Rows, rng: random.Random) -> Rows:
        chosen: dict[str, bool] = {}
        made = []
        for row in rows:
            if row.kind in kinds and row.object and chosen.setdefault(row.uid, rng.random() < share):
                obj = json.loads(row.object)
                if change(obj):
                    row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return Change(f"{name} ({'all' if share == 1 else 'half'})", apply)


# Changes of rows.


def _drop(name: str, which: Callable[[WatchEvent, int, int], bool], kinds: Sequence[str] = ()) -> Change:
    """Leave out rows; `which` is told a row, its place among its object's, and how many these are."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        total: dict[str, int] = {}
        for row in rows:
            total[row.uid] = total.get(row.uid, 0) + 1
        place: dict[str, int] = {}
        made = []
        for row in rows:
            place[row.uid] = place.get(row.uid, -1) + 1
            mine = row.uid and row.origin in ("watch", "list", "relist") and (not kinds or row.kind in kinds)
            if not (mine and which(row, place[row.uid], total[row.uid])):
                made.append(row)
        return numbered(made)

    return Change(name, apply)


def _objects_gone(kinds: Sequence[str], share: float) -> Change:
    def apply(rows: Rows, rng: random.Random) -> Rows:
        uids = sorted({row.uid for row in rows if row.kind in kinds})
        gone = {uid for uid in uids if rng.random() < share}
        return numbered([row for row in rows if row.uid not in gone])

    return Change(f"{', '.join(kinds)}: {'all' if share == 1 else 'half of them'} never seen", apply)


def _doubled(kinds: Sequence[str]) -> Change:
    """Let each object have a twin of the same owner, a moment later."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        twins = []
        for row in rows:
            if row.kind in kinds and row.uid and row.object:
                obj = json.loads(row.object)
                obj["metadata"]["uid"] = f"{row.uid[:-4]}ffff"
                twins.append(
                    msgspec.structs.replace(
                        row,
                        uid=obj["metadata"]["uid"],
                        object=json.dumps(obj).encode(),
                        monotonic_ns=row.monotonic_ns + 1,
                    )
                )
        return numbered([*rows, *twins])

    return Change(f"{', '.join(kinds)} doubled", apply)


def _renamed(kinds: Sequence[str]) -> Change:
    """Exchange the names of objects of a kind: what one did, another did."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        first: dict[str, str] = {}
        for row in rows:
            if row.kind in kinds:
                first.setdefault(row.uid, row.name)
        uids = list(first)
        other = dict(zip(uids, [first[uid] for uid in reversed(uids)], strict=True))
        made = []
        for row in rows:
            if row.uid in other and row.object:
                obj = json.loads(row.object)
                obj["metadata"]["name"] = other[row.uid]
                row = msgspec.structs.replace(row, name=other[row.uid], object=json.dumps(obj).encode())
            made.append(row)
        return made

    return Change(f"names of {', '.join(kinds)} exchanged", apply)


def _moved(kinds: Sequence[str], seconds: float, types: Sequence[str] = ()) -> Change:
    """Receive rows of a kind later or earlier."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        def moved(row: WatchEvent) -> WatchEvent:
            if row.kind not in kinds or (types and row.type not in types):
                return row
            delta = round(seconds * SECOND)
            return msgspec.structs.replace(
                row, monotonic_ns=row.monotonic_ns + delta, received_at=row.received_at + delta
            )

        return numbered([moved(row) for row in rows])

    of = f"{'/'.join(types)} rows of " if types else ""
    return Change(f"{of}{', '.join(kinds)} come {abs(seconds):g} s {'later' if seconds > 0 else 'earlier'}", apply)


def _reversed(kinds: Sequence[str]) -> Change:
    """Exchange the order of a kind's rows: the times stay, what comes at them is turned round."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        mine = [number for number, row in enumerate(rows) if row.kind in kinds and row.origin == "watch"]
        made = list(rows)
        for place, source in zip(mine, reversed(mine), strict=True):
            made[place] = msgspec.structs.replace(
                rows[source],
                monotonic_ns=rows[place].monotonic_ns,
                received_at=rows[place].received_at,
                seq=rows[place].seq,
                resourceVersion=rows[place].resourceVersion,
            )
        return made

    return Change(f"order of {', '.join(kinds)} turned round", apply)


def _lines(name: str, kept: Callable[[Object, random.Random], Object | None]) -> Change:
    """Change what containers log: each line that is JSON, after the stamp of the kubelet."""

    def changed(line: str, rng: random.Random) -> str | None:
        stamp, _, said = line.partition(" ")
        try:
            fresh = kept(json.loads(said), rng)
        except (ValueError, AttributeError, TypeError):
            return line
        return None if fresh is None else f"{stamp} {json.dumps(fresh)}"

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.origin == "log" and row.object:
                obj = json.loads(row.object)
                lines = [changed(line, rng) for line in obj.get("lines", ())]
                obj["lines"] = [line for line in lines if line is not None]
                row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return Change(f"logs: {name}", apply)


KINDS = (
    "Pod",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Deployment",
    "ReplicaSet",
    "Node",
    "Event",
    "EndpointSlice",
)


def changes() -> list[Change]:
    """Return all changes."""
    made = [_fields(name, share) for name in FIELDS for share in (1, 0.5)]
    made += [
        _drop("DELETED rows dropped", lambda row, place, count: row.type == "DELETED"),
        _drop("first rows dropped", lambda row, place, count: place == 0 and count > 1),
        _drop("last rows dropped", lambda row, place, count: place == count - 1 and count > 1),
        _drop("only first rows kept", lambda row, place, count: place > 0),
        _drop("only last rows kept", lambda row, place, count: place < count - 1),
        _drop("each second row dropped", lambda row, place, count: place % 2 == 1),
    ]
    for kind in KINDS:
        made += [_objects_gone([kind], 1), _objects_gone([kind], 0.5), _doubled([kind]), _reversed([kind])]
        made += [
            _moved([kind], 30),
            _moved([kind], -30),
            _moved([kind], 30, ["DELETED"]),
            _moved([kind], -30, ["ADDED"]),
        ]
    made += [_renamed([kind]) for kind in KINDS[:7]]
    made += [
        _lines("none", lambda said, rng: None),
        _lines("half", lambda said, rng: said if rng.random() < 0.5 else None),
        _lines("another status", lambda said, rng: {**said, "status": 500} if "status" in said else said),
        _lines("another address", lambda said, rng: {**said, "answers": ["10.9.9.9"]} if "answers" in said else said),
        _lines("a refusal", lambda said, rng: {**said, "error": "refused", "ok": False}),
    ]
    return made


__all__ = ["Change", "changes", "numbered"]

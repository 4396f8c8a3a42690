"""Rows of a recording, changed so that a promise is broken; a PodDisruptionBudget as its controller would write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from kitlib.frames import Frames
from kitlib.recording import Recording, WatchEvent
from tests.conftest import CHECKOUT, SAMPLES

Rows = list[WatchEvent]
Object = dict[str, Any]
NOON = "2026-11-30T12:00:00Z"
ROOM = 10
"""Between two writes there is room for so many more."""


def read(name: str) -> Rows:
    """Return the rows of a lesson's recording but for logs, with room between their resourceVersions."""
    kept = SAMPLES / name
    recording = Recording.open(kept if kept.exists() else CHECKOUT / "recordings" / name)
    return [roomy(row) for row in recording.rows if row.kind != "Log"]


def roomy(row: WatchEvent) -> WatchEvent:
    if not row.resourceVersion.isdecimal():
        return row
    return msgspec.structs.replace(row, resourceVersion=str(ROOM * int(row.resourceVersion)))


def told(rows: Rows) -> Frames:
    """Make the frames of rows, in their order."""
    recording = Recording()
    for number, row in enumerate(rows):
        recording._append(msgspec.structs.replace(row, seq=number))
    return recording.frames


def body(row: WatchEvent) -> Object:
    return json.loads(row.object)  # type: ignore[no-any-return]


def with_object(row: WatchEvent, obj: Object, **fields: Any) -> WatchEvent:
    return msgspec.structs.replace(row, object=json.dumps(obj).encode(), **fields)


def edit(rows: Rows, which: Callable[[WatchEvent], bool], change: Callable[[Object], None]) -> Rows:
    """Return the rows with the objects of some of them changed; at least one must be."""
    made, found = [], 0
    for row in rows:
        if row.object and row.uid and which(row):
            obj = body(row)
            change(obj)
            found += 1
            row = with_object(row, obj)
        made.append(row)
    assert found
    return made


def of(rows: Rows, kind: str, start: str, type: str = "", having: str = "") -> list[int]:
    """Return where versions of objects of a kind stand whose name begins so."""
    return [
        number
        for number, row in enumerate(rows)
        if row.kind == kind and row.name.startswith(start) and type in ("", row.type) and having.encode() in row.object
    ]


def ready(row: WatchEvent) -> bool:
    obj = body(row)
    conditions = obj.get("status", {}).get("conditions", ())
    so = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return so and row.type != "DELETED" and "deletionTimestamp" not in obj["metadata"]


def streams(rows: Rows, kind: str, stream: str) -> Rows:
    """Return the rows with the marks of a stream of another kind, that lives as that of Pods does."""
    made: Rows = []
    for row in rows:
        made.append(row)
        if row.origin == "kitlib" and row.stream == "pods":
            what = body(row)
            if "kind" in what:
                what["kind"] = kind
            made.append(with_object(row, what, stream=stream, name=kind if row.name == "Pod" else row.name))
    return made


def with_budget(rows: Rows, labels: dict[str, str], least: int, evicted: tuple[str, ...] = ()) -> Rows:
    """Return the rows with a budget "guarded" over Pods with these labels, that keeps what it promises.

    The Pods named `evicted` go by an eviction: it is taken off before they are marked. There is no recording with a
    budget yet; this does what the disruption controller and the API server of Kubernetes 1.37 do.
    """
    rows = streams(rows, "PodDisruptionBudget", "poddisruptionbudgets")
    first = next(number for number, row in enumerate(rows) if row.kind == "Pod" and row.origin == "watch")
    healthy: dict[str, bool] = {}
    disrupted: set[str] = set()
    made = rows[:first]
    template = rows[first]

    def write(like: WatchEvent, after: int, type: str = "MODIFIED") -> WatchEvent:
        current = sum(so for name, so in healthy.items() if name not in disrupted)
        counted = current + (len(disrupted) if after < 0 else 0)
        status = {
            "observedGeneration": 1, "currentHealthy": counted, "desiredHealthy": least, "expectedPods": len(healthy),
            "disruptionsAllowed": max(current - least, 0), "disruptedPods": dict.fromkeys(disrupted, NOON),
        }  # fmt: skip
        meta = {"name": "guarded", "namespace": template.namespace, "uid": "budget", "generation": 1}
        obj = {"metadata": meta, "spec": {"minAvailable": least, "selector": {"matchLabels": labels}}, "status": status}
        return with_object(
            like, obj, kind="PodDisruptionBudget", apiVersion="policy/v1", name="guarded", uid="budget", type=type,
            origin="watch", resourceVersion=str(int(like.resourceVersion) + after), stream="poddisruptionbudgets",
            namespace=template.namespace,
        )  # fmt: skip

    made.append(write(template, -2, "ADDED"))
    for row in rows[first:]:
        mine = row.kind == "Pod" and row.object and row.uid
        if not mine or not labels.items() <= (body(row)["metadata"].get("labels") or {}).items():
            made.append(row)
            continue
        obj = body(row)
        if row.name in evicted and "deletionTimestamp" in obj["metadata"]:
            if healthy.get(row.name):
                disrupted.add(row.name)
                made.append(write(row, -3))
            what = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
            obj["status"].setdefault("conditions", []).append(what)
            row = with_object(row, obj)
        if row.type == "DELETED":
            healthy.pop(row.name, None)
            disrupted.discard(row.name)
        else:
            healthy[row.name] = ready(row)
        made += [row, write(row, 1)]
    return made

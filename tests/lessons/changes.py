"""Changes of a recording, one at a time: what a lesson's claims must notice.

A change takes the rows of a recording and returns others, which could have come from a cluster that behaves otherwise.
Each is seeded. None leaves a hole that the recording itself would notice: rows are numbered anew, so a claim that
notices a change does so because it looks at what was changed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from kitlib.recording import WatchEvent
from tests.lessons.answeredits import REPLIES
from tests.lessons.edits import FIELDS
from tests.lessons.leaseedits import LEASES
from tests.lessons.lifeedits import LIFE
from tests.lessons.logedits import LOGS, Rows, rewritten
from tests.lessons.machineedits import MACHINES
from tests.lessons.nameedits import called, exchanged_reasons, renamed, renumbered
from tests.lessons.runtimeedits import RUNTIME

SECOND = 1_000_000_000
EDITS = FIELDS | MACHINES | LEASES


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


def _edited(rows: Rows, name: str, which: Callable[[WatchEvent], bool]) -> Rows:
    """Return rows with an edit of those objects of its kinds that are chosen."""
    kinds, change = EDITS[name]
    made = []
    for row in rows:
        if row.kind in kinds and row.object and which(row):
            obj = json.loads(row.object)
            if change(obj):
                row = rewritten(row, obj)
        made.append(row)
    return made


def _fields(name: str, share: float) -> Change:
    def apply(rows: Rows, rng: random.Random) -> Rows:
        chosen: dict[str, bool] = {}
        return _edited(rows, name, lambda row: chosen.setdefault(row.uid, rng.random() < share))

    return Change(f"{name} ({'all' if share == 1 else 'half'})", apply)


def _half_way(name: str) -> Change:
    """Change a field of objects from the middle of what is known of each on."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        total = Counter(row.uid for row in rows)
        seen: Counter[str] = Counter()
        later = set()
        for row in rows:
            seen[row.uid] += 1
            if 2 * seen[row.uid] > total[row.uid]:
                later.add(id(row))
        return _edited(rows, name, lambda row: id(row) in later)

    return Change(f"{name} (from half way on)", apply)


def _latecomers(name: str) -> Change:
    """Change a field of those objects of its kinds that come later than as many others."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        uids = list(dict.fromkeys(row.uid for row in rows if row.kind in EDITS[name][0]))
        late = {*uids[(len(uids) + 1) // 2 :]}
        return _edited(rows, name, lambda row: row.uid in late)

    return Change(f"{name} (of those that come later)", apply)


def _drop(name: str, which: Callable[[WatchEvent, int, int], bool], kinds: Sequence[str] = ()) -> Change:
    """Leave out rows; `which` is told a row, its place among its object's, and how many these are."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        total = Counter(row.uid for row in rows)
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


def _doubled(kinds: Sequence[str], seconds: float = 0) -> Change:
    """Let each object have a twin of the same name and owner, a moment later."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        twins = []
        for row in rows:
            if row.kind in kinds and row.uid and row.object:
                obj = json.loads(row.object)
                obj["metadata"]["uid"] = f"{row.uid[:-4]}ffff"
                late = row.monotonic_ns + round(seconds * SECOND) + 1
                twins.append(rewritten(row, obj, uid=obj["metadata"]["uid"], monotonic_ns=late))
        return numbered([*rows, *twins])

    return Change(f"{', '.join(kinds)} doubled{f' after {seconds:g} s' if seconds else ''}", apply)


def _again(kinds: Sequence[str]) -> Change:
    """Write each version of an object once more, as it is."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.kind in kinds and row.object and row.resourceVersion.isdecimal() and row.type != "DELETED":
                obj = json.loads(row.object)
                version = obj["metadata"]["resourceVersion"] = str(int(row.resourceVersion) + 1)
                at = row.monotonic_ns + 1
                made.append(rewritten(row, obj, type="MODIFIED", resourceVersion=version, monotonic_ns=at))
        return numbered([*rows, *made])

    return Change(f"{', '.join(kinds)} written once more", apply)


def _half_lives(kinds: Sequence[str]) -> Change:
    """Let each object be gone half way through what is known of it."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        total = Counter(row.uid for row in rows)
        seen: dict[str, int] = {}
        made = []
        for row in rows:
            if row.kind in kinds and row.uid:
                place = seen[row.uid] = seen.get(row.uid, 0) + 1
                half = total[row.uid] // 2 + 1
                if place > half:
                    continue
                if place == half:
                    row = msgspec.structs.replace(row, type="DELETED")
            made.append(row)
        return numbered(made)

    return Change(f"{', '.join(kinds)} gone half way", apply)


def _everywhere() -> Change:
    """Let each DaemonSet have a Pod on each node, as its first one is."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        nodes = sorted({row.name for row in rows if row.kind == "Node"})
        first: dict[str, str] = {}
        places: dict[str, set[str]] = {}
        for row in rows:
            if row.kind == "Pod" and row.object:
                obj = json.loads(row.object)
                for owner in obj["metadata"].get("ownerReferences", ()):
                    if owner["kind"] == "DaemonSet":
                        first.setdefault(owner["uid"], row.uid)
                        places.setdefault(owner["uid"], set()).add(obj["spec"].get("nodeName", ""))
        twins = []
        for owner_uid, model in first.items():
            for number, node in enumerate(each for each in nodes if each not in places[owner_uid]):
                for row in rows:
                    if row.uid == model and row.object:
                        obj = json.loads(row.object)
                        fresh = {"name": f"{row.name}{number}", "uid": f"{model[:-4]}{number:04x}"}
                        obj["metadata"].update(fresh)
                        obj["spec"]["nodeName"] = node
                        twins.append(rewritten(row, obj, **fresh))
        return numbered([*rows, *twins])

    return Change("each DaemonSet has a Pod on each node", apply)


def _failed_twins(kind: str, owner: str) -> Change:
    """Let each owner that has none have an object that failed: a twin of another one's."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        objects = {row.uid: json.loads(row.object) for row in rows if row.kind == kind and row.object}
        having = {each["uid"] for obj in objects.values() for each in obj["metadata"].get("ownerReferences", ())}
        failed = sorted(
            uid
            for uid, obj in objects.items()
            if any(each["type"] == "Failed" for each in obj.get("status", {}).get("conditions", ()))
        )
        if not failed:
            return rows
        model = failed[rng.randrange(len(failed))]
        mine = [row for row in rows if row.uid == model and row.type != "DELETED"]
        twins = []
        for number, uid in enumerate(sorted({row.uid for row in rows if row.kind == owner} - having)):
            last = [row for row in rows if row.uid == uid][-1]
            for row in mine:
                obj = json.loads(row.object)
                of = {"kind": owner, "name": last.name, "uid": uid, "controller": True}
                fresh = {"name": f"{last.name}-1", "uid": f"{model[:-4]}{number:04x}", "ownerReferences": [of]}
                obj["metadata"].update(fresh, namespace=last.namespace)
                at = max(row.monotonic_ns, last.monotonic_ns) + 1
                twins.append(rewritten(row, obj, name=fresh["name"], uid=fresh["uid"], monotonic_ns=at))
        return numbered([*rows, *twins])

    return Change(f"each {owner} without a {kind} has one that failed", apply)


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


def _overlapping(kind: str) -> Change:
    """Let what comes after something has gone be there before it goes: the two exchange their times and versions."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = list(rows)
        gone: list[int] = []
        for number, row in enumerate(rows):
            if row.kind == kind and row.type == "DELETED":
                gone.append(number)
            elif row.kind == kind and row.type == "ADDED" and row.origin == "watch" and gone:
                other = gone.pop(0)
                for place, source in ((number, other), (other, number)):
                    told = {name: getattr(rows[source], name) for name in ("monotonic_ns", "received_at")}
                    version = rows[source].resourceVersion
                    obj = json.loads(rows[place].object)
                    obj["metadata"]["resourceVersion"] = version
                    made[place] = rewritten(rows[place], obj, resourceVersion=version, **told)
        return numbered(made)

    return Change(f"{kind} is made before another one goes", apply)


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
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "Machine",
)


def changes() -> list[Change]:
    """Return all changes."""
    made = [_fields(name, share) for name in EDITS for share in (1, 0.5)]
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
        made += [_again([kind]), _half_lives([kind])]
        made += [
            _moved([kind], 30),
            _moved([kind], -30),
            _moved([kind], 30, ["DELETED"]),
            _moved([kind], -30, ["ADDED"]),
        ]
    made += [
        _everywhere(),
        _doubled(["Job"], 20),
        _doubled(["Pod"], 60),
        Change("numbers of Job are others", renumbered("Job")),
        _failed_twins("Job", "CronJob"),
        Change("each Deployment is called kube-dns", called("Deployment", "kube-dns")),
        _overlapping("Machine"),
        _half_way("all on one node"),
        _latecomers("annotations' stamps are two minutes later"),
        Change("reasons of Events exchanged", exchanged_reasons()),
    ]
    made += [Change(f"names of {kind} exchanged", renamed([kind])) for kind in KINDS[:7]]
    made += [Change(f"logs: {name}", apply) for name, apply in (LOGS | LIFE).items()]
    made += [Change(f"nodes: {name}", apply) for name, apply in RUNTIME.items()]
    made += [Change(f"answers: {name}", apply) for name, apply in REPLIES.items()]
    return made


__all__ = ["Change", "Rows", "changes", "numbered", "rewritten"]

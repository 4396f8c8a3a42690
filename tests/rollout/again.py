"""A recording as another run would have it: all that a cluster makes up is otherwise, and nothing else is."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from kitlib.recording import Recording, WatchEvent
from tests.conftest import CHECKOUT

SIGNS = "bcdfghjklmnpqrstvwxz2456789"
UID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(rb'("(?:known|begin|end|after|until)_ns": )(\d+)')
ADDRESS = re.compile(rb"\b(10\.244\.\d+\.)(\d+)\b(?!/)")


def rows_of(lesson: str) -> list[WatchEvent]:
    """Return the rows of a lesson's recording but for its logs."""
    return [row for row in Recording.open(CHECKOUT / "recordings" / lesson).rows if row.kind not in ("Log", "Answer")]


def recording(lesson: str, rows: Iterable[WatchEvent], **info: Any) -> Recording:
    """Return a recording of rows; streams of an earlier format, which don't say what they cover, cover all of it."""
    rows = list(rows)
    said = {row.stream for row in rows if row.type == "LISTED"}
    end = rows[-1].monotonic_ns
    listed = {row.stream: (row.stream, row.kind, row.apiVersion, end) for row in rows if row.kind}
    older = [each for stream, each in listed.items() if stream not in said]
    about = Recording.open(CHECKOUT / "recordings" / lesson).info
    made = Recording(info={**about, "listed": older, **info})
    for number, row in enumerate(rows):
        made._append(msgspec.structs.replace(row, seq=number))
    return made


def another_run(lesson: str, rows: Iterable[WatchEvent], seed: int = 1, pace: float = 1.3) -> Recording:
    """Return what another run of the same would have recorded.

    Its namespace, uids, resourceVersions, the hashes and ends of generated names, addresses and the nodes of Pods are
    others, and it is slower.
    """
    rng, rows = random.Random(seed), list(rows)
    begin, names = rows[0].monotonic_ns, _names(rows, rng)
    space = str(Recording.open(CHECKOUT / "recordings" / lesson).info["namespace"])
    names[space] = f"{space[:-6]}{rng.randrange(16**6):06x}"
    word = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)).encode())
    nodes = sorted({obj["metadata"]["name"] for row in rows if row.kind == "Node" for obj in [json.loads(row.object)]})
    turned = dict(zip(nodes, nodes[1:] + nodes[:1], strict=True))

    def later(moment_ns: int) -> int:
        return begin + round((moment_ns - begin) * pace)

    def new(raw: bytes) -> bytes:
        raw = word.sub(lambda found: names[found.group().decode()].encode(), raw)
        raw = UID.sub(lambda found: _uid(found.group()), raw)
        raw = MOMENT.sub(lambda found: found[1] + str(later(int(found[2]))).encode(), raw)
        return ADDRESS.sub(lambda found: found[1] + str((int(found[2]) + 100) % 256).encode(), raw)

    made = []
    for row in rows:
        obj = json.loads(row.object) if row.kind == "Pod" and turned else None
        raw = row.object
        if obj and (node := obj["spec"].get("nodeName")) and obj["metadata"].get("generateName"):
            obj["spec"]["nodeName"] = turned.get(node, node)
            raw = json.dumps(obj).encode()
        made.append(
            msgspec.structs.replace(
                row,
                object=new(raw),
                name=new(row.name.encode()).decode(),
                namespace=new(row.namespace.encode()).decode(),
                uid=new(row.uid.encode()).decode(),
                resourceVersion=str(int(row.resourceVersion) + 7000) if row.resourceVersion.isdecimal() else "",
                monotonic_ns=later(row.monotonic_ns),
            )
        )
    return recording(lesson, made, namespace=names[space], created=0)


def _uid(old: bytes) -> bytes:
    return random.Random(old).randbytes(4).hex().encode() + old[8:]


def _names(rows: Iterable[WatchEvent], rng: random.Random) -> dict[str, str]:
    """Return new names for hashes, and for what generateName made."""
    found: dict[str, str] = {}

    def other(length: int) -> str:
        return "".join(rng.choice(SIGNS) for _ in range(length))

    for row in rows:
        if not row.object or row.kind in ("Event", ""):
            continue
        meta = json.loads(row.object)["metadata"]
        for key in ("pod-template-hash", "controller-revision-hash"):
            if (value := (meta.get("labels") or {}).get(key)) and len(value.rpartition("-")[2]) > 7:
                short = value.rpartition("-")[2]
                found.setdefault(short, other(len(short)))
        if (prefix := meta.get("generateName")) and row.name.startswith(prefix):
            tail = row.name[len(prefix) :]
            found.setdefault(f"-{tail}", f"-{other(len(tail))}")
    return found


def changed(rows: Iterable[WatchEvent], kind: str, name: str, change: Callable[[Any], object]) -> list[WatchEvent]:
    """Return rows in which one object was always otherwise."""
    made = []
    for row in rows:
        if row.kind == kind and row.name == name:
            obj = json.loads(row.object)
            change(obj)
            row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
        made.append(row)
    return made

"""Rows that are wrong: twice, invented, out of order, or not whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tests.faults.judge.evidence import PUT, sort_of, watched
from tests.faults.judge.marks import Gap
from tests.faults.witness import Change
from tests.faults.workload import whole


def duplicates(rows: Iterable[Any]) -> list[str]:
    """Name what was recorded twice: the same version of the same object; that it is gone is another matter."""
    counted = Counter(
        (row.stream, row.name, row.uid, row.resourceVersion, sort_of(row.type)) for row in rows if row.uid
    )
    return [
        f"{stream}/{name} {version} {sort}, {count} times"
        for (stream, name, _, version, sort), count in counted.items()
        if count > 1
    ]


def phantoms(rows: Iterable[Any], changes: Iterable[Change], kinds: dict[str, str], found: Sequence[Gap]) -> list[str]:
    """Name what was recorded and never happened.

    That an object was found gone by a list is recorded with the version it was last seen with; it must have been
    deleted within a gap.
    """
    known = {(kinds[change.stream], change.name, change.revision, sort_of(change.type)) for change in changes}
    deleted = [change for change in changes if change.type == "DELETED"]
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        key = (row.kind, row.name, int(row.resourceVersion))
        if row.type == "DELETED" and row.origin == "relist":
            fits = any(
                change.name == row.name and change.stream == row.stream and any(gap.covers(change) for gap in found)
                for change in deleted
            )
            if not fits or (*key, PUT) not in known:
                wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} was not deleted in a gap, as recorded")
        elif (*key, sort_of(row.type)) not in known:
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} {row.type} never happened")
    return wrong


def disorder(rows: Iterable[Any]) -> list[str]:
    """Name rows that don't stand in the order in which they came, or came in the wrong one."""
    wrong = []
    versions: dict[str, int] = {}
    monotonic: dict[str, int] = {}
    for row in rows:
        if not row.uid:
            continue
        if row.monotonic_ns < monotonic.get(row.stream, 0):
            wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} was received before the row before it")
        monotonic[row.stream] = row.monotonic_ns
        if watched(row):
            version = int(row.resourceVersion)
            if version <= versions.get(row.stream, 0):
                wrong.append(f"{row.stream}/{row.name} {version} comes after {versions[row.stream]}")
            versions[row.stream] = max(version, versions.get(row.stream, 0))
    return wrong


def broken(rows: Iterable[Any]) -> list[str]:
    """Name rows whose object isn't the one that the row says, or didn't come through whole."""
    wrong = []
    for row in rows:
        if not row.uid:
            continue
        try:
            body = json.loads(bytes(row.object))
            meta = body["metadata"]
            names = ("name", "namespace", "uid", "resourceVersion")
            known = {"uid": f"{row.namespace}/{row.name}", **meta}  # where an object has no uid
            same = all(known.get(name, "") == getattr(row, name) for name in names)
            holders = (body.get("data"), body.get("spec"), meta.get("annotations"))
            if same and all(whole(holder) for holder in holders if isinstance(holder, dict)):
                continue
            reason = "is another object, or not whole"
        except (ValueError, KeyError, AttributeError) as error:
            reason = f"can't be read: {error!r}"
        wrong.append(f"{row.stream}/{row.name} {row.resourceVersion} {reason}")
    return wrong

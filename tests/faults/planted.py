"""A recording that was right, with all it is judged by, and the ways to plant a mistake in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from msgspec import structs

from kitlib.recording import Interval, WatchEvent
from tests.faults.judge import Evidence
from tests.faults.proxy import Seen
from tests.faults.witness import Change
from tests.faults.workload import ballast

KINDS = {"things": "Thing"}
SECOND = 10**9


def row(name: str, version: int, type: str, origin: str = "watch", uid: str = "", at: int | None = None) -> WatchEvent:
    body = {
        "metadata": {"name": name, "namespace": "n", "uid": uid or f"uid-{name}", "resourceVersion": str(version)},
        "spec": ballast(20, version),
    }
    at = (version if at is None else at) * SECOND
    said = json.dumps(body).encode()
    meta = body["metadata"]
    return WatchEvent(at, at, "v1", "Thing", "n", name, meta["uid"], str(version), type, origin, "things", said)


def mark(type: str, at: int, **what: Any) -> WatchEvent:
    said = json.dumps({"kind": "Thing", **what}).encode()
    return WatchEvent(at * SECOND, at * SECOND, "", "", "", "Thing", "", "", type, "kitlib", "things", said)


def gap(after: int, until: int | None, at: int = 40) -> WatchEvent:
    until_ns = None if until is None else until * SECOND
    bounds = {"after_rv": str(after), "until_rv": None if until is None else str(until)}
    return mark("GAP", at, **bounds, after_ns=after * SECOND, until_ns=until_ns, reason="410")


def change(name: str, version: int, type: str) -> Change:
    return Change(version, "things", "n", name, type)


def seen(at: int, request: int, verb: str, what: str, value: Any = None) -> Seen:
    return Seen(at * SECOND, request, "things", verb, what, value)


def right() -> Evidence:
    """A list at 10; a watch up to 20; 410; a list at 40 that hides 25 and 30; a watch up to 50."""
    changes = [
        change("old", 3, "ADDED"),
        change("gone", 4, "ADDED"),
        change("gone", 5, "DELETED"),
        change("old", 8, "MODIFIED"),
        change("a", 11, "ADDED"),
        change("a", 14, "MODIFIED"),
        change("b", 17, "ADDED"),
        change("b", 20, "DELETED"),
        change("a", 25, "MODIFIED"),
        change("old", 30, "DELETED"),
        change("a", 35, "MODIFIED"),
        change("c", 45, "ADDED"),
        change("end", 50, "ADDED"),
    ]
    rows = [
        row("old", 8, "ADDED", "list"),
        row("a", 11, "ADDED"),
        row("a", 14, "MODIFIED"),
        row("b", 17, "ADDED"),
        row("b", 20, "DELETED"),
        gap(20, 40),
        row("a", 35, "MODIFIED", "relist", at=40),
        row("old", 8, "DELETED", "relist", at=40),
        row("c", 45, "ADDED"),
        row("end", 50, "ADDED"),
        mark("END", 51, known_ns=51 * SECOND, rv="50"),
    ]
    log = [
        seen(9, 1, "list", "request", {"limit": "500"}),
        seen(10, 1, "list", "listed", 10),
        seen(10, 2, "watch", "request", {"watch": "1", "resourceVersion": "10"}),
        *(seen(version, 2, "watch", "line", (version, "MODIFIED")) for version in (11, 14, 17)),
        seen(20, 2, "watch", "line", (20, "DELETED")),
        seen(36, 3, "watch", "request", {"watch": "1", "resourceVersion": "20"}),
        seen(36, 3, "watch", "status", 410),
        seen(39, 4, "list", "request", {"limit": "500"}),
        seen(40, 4, "list", "listed", 40),
        seen(41, 5, "watch", "request", {"watch": "1", "resourceVersion": "40"}),
        *(seen(version, 5, "watch", "line", (version, "ADDED")) for version in (45, 50)),
    ]
    return Evidence(rows, changes, log, KINDS, {"things": 50}, complete=True)


def without(evidence: Evidence, name: str, version: int) -> Evidence:
    kept = [each for each in evidence.rows if (each.name, each.resourceVersion) != (name, str(version))]
    assert len(kept) < len(evidence.rows)
    return replace(evidence, rows=kept)


def instead(evidence: Evidence, old: Callable[[Any], bool], *new: WatchEvent) -> Evidence:
    rows: list[Any] = []
    for each in evidence.rows:
        rows += new if old(each) else [each]
    assert rows != list(evidence.rows)
    return replace(evidence, rows=rows)


def covers(begin: int, end: int, covered: bool, reason: str = "", stream: str = "things") -> Interval:
    return Interval(stream, "Thing", "v1", "n", begin * SECOND, end * SECOND, covered, reason)


def timed(evidence: Evidence) -> Evidence:
    """Have the witness see each change at the second of its revision, and the list say how late it is."""
    changes = [replace(each, seen_ns=each.revision * SECOND) for each in evidence.changes]
    rows = [structs.replace(each, late_ns=20 * SECOND) if each.origin == "relist" else each for each in evidence.rows]
    return replace(evidence, changes=changes, rows=rows)


def left(at: int, reason: str = "left out") -> WatchEvent:
    bounds = {"after_rv": None, "until_rv": None, "after_ns": (at - 1) * SECOND, "until_ns": at * SECOND}
    return mark("GAP", at, **bounds, reason=reason)

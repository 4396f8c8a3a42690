"""Changes of what containers log of their own life, for changes of a recording: starts, hooks, probes, signals, ends.

Lines are those of the probe: see docs/probe.md.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.lessons.edits import Object
from tests.lessons.logedits import Edit, Rows, compact, logged, logs

MILLISECOND = 1_000_000
STAMPS = ("wall_ns", "mono_ns")
EVENTS = ("start", "set", "listen", "hook", "probe", "signal", "exit")
NEXT = {"startup": "readiness", "readiness": "liveness", "liveness": "startup"}


def _said(line: str) -> Object:
    """Return what a line says; nothing where it is no JSON."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _of(event: str, changed: Callable[[Object], Object | None]) -> Edit:
    """Change each line that tells of an event; None leaves it out."""

    def line(text: str, rng: random.Random) -> Sequence[str]:
        said = _said(text)
        if said.get("event") != event:
            return [text]
        fresh = changed(said)
        return [] if fresh is None else [text if fresh == said else compact(fresh)]

    return logs(line)


def _like(said: Object, part: Object) -> bool:
    return said | part == said


def _moved(event: str, seconds: float, part: Object | None = None) -> Edit:
    """Let what is told of an event have come later, or before."""
    by = round(seconds * 1000 * MILLISECOND)

    def moved(said: Object) -> Object:
        return said | {name: said[name] + by for name in STAMPS if name in said} if _like(said, part or {}) else said

    return _of(event, moved)


def _pieces(rows: Rows) -> Iterator[tuple[str, Object]]:
    """Yield each line that says something, with the uid of the log that it is in."""
    for row in rows:
        if row.origin == "log" and row.object:
            piece = json.loads(row.object)
            for line in piece["lines"]:
                yield piece["metadata"]["uid"], _said(line.partition(" ")[2])


def _when(event: str, other: Object) -> Edit:
    """Let what is told of an event have come some milliseconds after the first line that tells of something else."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        first: dict[str, Object] = {}
        for uid, said in _pieces(rows):
            if _like(said, other):
                first.setdefault(uid, {name: said[name] for name in STAMPS if name in said})
        count: Counter[str] = Counter()

        def moved(piece: Object, rng: random.Random) -> Sequence[Object]:
            uid = piece["metadata"]["uid"]
            return [{**piece, "lines": [line(text, uid) for text in piece["lines"]]}] if uid in first else [piece]

        def line(text: str, uid: str) -> str:
            stamp, _, rest = text.partition(" ")
            said = _said(rest)
            if said.get("event") != event:
                return text
            count[uid] += 1
            at = {name: value + count[uid] * 2 * MILLISECOND for name, value in first[uid].items()}
            return f"{stamp} {compact(said | at)}"

        return logged(moved)(rows, rng)

    return apply


def _before_ends(rows: Rows, rng: random.Random) -> Rows:
    """Let each hook that was called anywhere have been called right before each end that is told of."""
    known: dict[tuple[str, str], Object] = {}
    for _, said in _pieces(rows):
        if said.get("event") == "hook":
            known.setdefault((said["hook"], said["phase"]), said)

    def called(line: str, rng: random.Random) -> Sequence[str]:
        said = _said(line)
        if said.get("event") != "exit":
            return [line]
        at = {name: said[name] - 1 for name in STAMPS if name in said}
        return [*(compact({**each, **at}) for each in known.values()), line]

    return logs(called)(rows, rng)


LIFE: dict[str, Edit] = {
    **{f"no {event} is told of": _of(event, lambda said: None) for event in EVENTS},
    **{f"each {event} comes a minute later": _moved(event, 60) for event in EVENTS},
    **{f"each {event} comes a minute earlier": _moved(event, -60) for event in EVENTS},
    "each start comes when the first hook has ended": _when("start", {"event": "hook", "phase": "end"}),
    "each hook comes when its container listens": _when("hook", {"event": "listen"}),
    "hooks end a minute later": _moved("hook", 60, {"phase": "end"}),
    "no hook ends": _of("hook", lambda said: None if said.get("phase") == "end" else said),
    "each hook ends with another code": _of(
        "hook", lambda said: {**said, "code": 0 if said["code"] else 1} if "code" in said else said
    ),
    "each hook has another name": _of("hook", lambda said: {**said, "hook": "other"}),
    "each hook is called before each end": _before_ends,
    "each signal is another": _of("signal", lambda said: {**said, "signal": 2}),
    "each probe passes": _of("probe", lambda said: {**said, "status": 200}),
    "each probe fails": _of("probe", lambda said: {**said, "status": 503}),
    "each probe is of another kind": _of("probe", lambda said: {**said, "probe": NEXT.get(said["probe"], "other")}),
}
"""What is logged otherwise, in words, and how the rows of a recording are changed."""

__all__ = ["EVENTS", "LIFE"]

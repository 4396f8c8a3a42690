"""Changes of what containers log, for changes of a recording: lines of JSON, of which lookups are some, and others."""

from __future__ import annotations

import bisect
import json
import random
import re
from collections.abc import Callable, Collection, Sequence

import msgspec

from kitlib.recording import WatchEvent
from tests.lessons.edits import Object

Rows = list[WatchEvent]


def logs(changed: Callable[[str, random.Random], Sequence[str]]) -> Callable[[Rows, random.Random], Rows]:
    """Return a change of each line that containers log: after the stamp of the kubelet, which stays."""

    def of(line: str, rng: random.Random) -> list[str]:
        stamp, _, said = line.partition(" ")
        return [f"{stamp} {each}" for each in changed(said, rng)]

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.origin == "log" and row.object:
                obj = json.loads(row.object)
                obj["lines"] = [each for line in obj.get("lines", ()) for each in of(line, rng)]
                row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return apply


def _lines(kept: Callable[[Object, random.Random], Object | None]) -> Callable[[Rows, random.Random], Rows]:
    """Change each line that is JSON."""

    def changed(line: str, rng: random.Random) -> list[str]:
        try:
            fresh = kept(json.loads(line), rng)
        except (ValueError, AttributeError, TypeError):
            return [line]
        return [] if fresh is None else [json.dumps(fresh)]

    return logs(changed)


def _texts(changed: Callable[[str], Sequence[str]]) -> Callable[[Rows, random.Random], Rows]:
    """Change each line that is no JSON."""
    return logs(lambda line, rng: [line] if line.startswith("{") else changed(line))


def _looked_up(said: Object, rcode: str | None, addresses: Sequence[str]) -> Object:
    """Return what was logged of a lookup with another answer; where there was none, only if a code is given."""
    if "queries" not in said or not (said["answers"] or rcode):
        return said
    queries = [{**each, "rcode": rcode or each.get("rcode", ""), "error": ""} for each in said["queries"]]
    return {**said, "queries": queries, "answers": [{"data": each, "ttl": 0} for each in addresses]}


def _kept(said: Object, seconds: int) -> Object:
    """Return what was logged of a lookup with another TTL."""
    if "queries" not in said:
        return said
    return {**said, "answers": [{**each, "ttl": each["ttl"] + seconds} for each in said["answers"]]}


def _asked(said: Object, **otherwise: object) -> Object:
    """Return what was logged of a request with another answer."""
    return {**said, **otherwise} if "late_ns" in said else said


def _exchanged(first: str, second: str) -> Callable[[Rows, random.Random], Rows]:
    """Exchange what two containers of a Pod logged, where their names end so."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.origin == "log" and row.object:
                obj = json.loads(row.object)
                head, _, last = obj.get("container", "").rpartition("-")
                if head and last in (first, second):
                    obj["container"] = f"{head}-{second if last == first else first}"
                    row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return apply


def _asked_more(said: Object, rng: random.Random) -> Object:
    return {**said, "queries": [*said["queries"], *said["queries"][-1:]]} if "queries" in said else said


def _logged_by(name: str, of: Collection[str]) -> Callable[[Rows, random.Random], Rows]:
    """Let what some Pods logged have been logged by another."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.origin == "log" and row.object and row.name in of:
                obj = json.loads(row.object)
                obj["metadata"]["name"] = name
                row = msgspec.structs.replace(row, name=name, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return apply


def _told_at(seconds: float) -> Callable[[Rows, random.Random], Rows]:
    """Let each lookup have been answered as one of the same client was so many seconds later, or before."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        known: dict[tuple[str, str], list[tuple[int, Object]]] = {}
        for row in rows:
            if row.origin == "log" and row.object:
                obj = json.loads(row.object)
                found = [said for line in obj["lines"] if (said := _lookup(line))]
                known.setdefault((row.name, obj["container"]), []).extend((said["wall_ns"], said) for said in found)
        made = []
        for row in rows:
            if row.origin == "log" and row.object:
                obj = json.loads(row.object)
                mine = sorted(known.get((row.name, obj["container"]), ()), key=lambda each: each[0])
                times = [at for at, _ in mine]
                obj["lines"] = [_answered_at(line, mine, times, seconds) for line in obj["lines"]]
                row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
            made.append(row)
        return made

    return apply


def _lookup(line: str) -> Object | None:
    """Return what a line tells of a lookup; None where it is of something else."""
    try:
        told = json.loads(line.partition(" ")[2])
    except ValueError:
        return None
    return told if isinstance(told, dict) and "queries" in told and "wall_ns" in told else None


def _answered_at(line: str, known: Sequence[tuple[int, Object]], times: Sequence[int], seconds: float) -> str:
    said = _lookup(line)
    if said is None:
        return line
    place = bisect.bisect_right(times, said["wall_ns"] + round(seconds * 1e9))
    other = known[min(max(place - 1, 0), len(known) - 1)][1]
    return f"{line.partition(' ')[0]} {json.dumps({**said, 'queries': other['queries'], 'answers': other['answers']})}"


def _sent(to: dict[str, str]) -> Callable[[Rows, random.Random], Rows]:
    """Let requests have arrived at one Pod or another by the second part of their path: what it says to whom."""
    part = re.compile(r'"event":"request".*"path":"/[^/"]*/([^/"]*)/')

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            if row.origin != "log" or not row.object or row.name not in to.values():
                made.append(row)
                continue
            obj = json.loads(row.object)
            for name in to.values():
                lines = [line for line in obj["lines"] if to.get((part.findall(line) or [""])[0], row.name) == name]
                if lines:
                    moved = {"name": name, "uid": f"{obj['metadata']['uid']}{'' if name == row.name else ' (moved)'}"}
                    what = {**obj, "metadata": {**obj["metadata"], **moved}, "lines": lines}
                    made.append(msgspec.structs.replace(row, name=name, object=json.dumps(what).encode()))
        return made

    return apply


def _found_all_along(rows: Rows, rng: random.Random) -> Rows:
    """Let each container that was always answered with 404 have been answered with 200."""
    told: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if row.origin == "log" and row.object:
            obj = json.loads(row.object)
            seen = re.findall(r'"late_ns":.*"status":(\d+)', "\n".join(obj["lines"]))
            told.setdefault((row.name, obj["container"]), set()).update(map(int, seen))
    made = []
    for row in rows:
        if row.origin == "log" and row.object:
            obj = json.loads(row.object)
            if told[row.name, obj["container"]] == {404}:
                obj["lines"] = [line.replace('"status":404', '"status":200') for line in obj["lines"]]
                row = msgspec.structs.replace(row, object=json.dumps(obj).encode())
        made.append(row)
    return made


LOGS = {
    "none": _lines(lambda said, rng: None),
    "half": _lines(lambda said, rng: said if rng.random() < 0.5 else None),
    "another status": _lines(lambda said, rng: {**said, "status": 500} if "status" in said else said),
    "each request is answered": _lines(lambda said, rng: {**said, "error": ""} if "late_ns" in said else said),
    "each request is answered by another": _lines(lambda said, rng: _asked(said, who="other", status=200, error="")),
    "each request is answered by cart": _lines(lambda said, rng: _asked(said, who="cart", status=200, error="")),
    "each request is answered by shop": _lines(lambda said, rng: _asked(said, who="shop", status=200, error="")),
    "each is asked for another path": _lines(
        lambda said, rng: {**said, "path": "/other"} if said.get("event") == "request" else said
    ),
    "one request of all was lost": _lines(
        lambda said, rng: {**said, "answered": said["answered"] - 1} if "summary" in said else said
    ),
    "traefik and nginx are exchanged": _exchanged("traefik", "nginx"),
    "no signal was sent": _lines(lambda said, rng: None if said.get("event") == "sent" else said),
    "no request is answered": _lines(lambda said, rng: _asked(said, error="refused", who="", status=0)),
    "each request is answered with 200": _lines(lambda said, rng: _asked(said, status=200, error="")),
    "each request is answered with 404": _lines(lambda said, rng: _asked(said, status=404, error="")),
    "each arrives at old": _logged_by("old", ("new",)),
    "each arrives at new": _logged_by("new", ("old",)),
    "each arrives at new by always, at old by never": _sent({"always": "new", "never": "old"}),
    "what was nowhere to be found was there all along": _found_all_along,
    "each arrives by another path": _lines(
        lambda said, rng: {**said, "path": "/other"} if said.get("event") == "request" else said
    ),
    "who answers isn't ready": _lines(lambda said, rng: _asked(said, ready="false")),
    "passed on to another": _lines(
        lambda said, rng: {**said, "upstream": "10.9.9.9:80"} if "upstream" in said else said
    ),
    "another address": _lines(lambda said, rng: _looked_up(said, None, ["10.9.9.9"])),
    "each name is answered": _lines(lambda said, rng: _looked_up(said, "NOERROR", ["10.9.9.9"])),
    "no name is answered": _lines(lambda said, rng: _looked_up(said, "NXDOMAIN", [])),
    "each answer may be kept for longer": _lines(lambda said, rng: _kept(said, 9)),
    "each answer may be kept for a minute": _lines(lambda said, rng: _kept(said, 60)),
    "each answer is that of 20 s before": _told_at(-20),
    "each answer is that of 4 s later": _told_at(4),
    "each is a warning": _lines(lambda said, rng: {**said, "level": "warning"} if "level" in said else said),
    "each lookup took a query more": _lines(_asked_more),
    "each file is another": _lines(lambda said, rng: {**said, "text": "search x"} if "text" in said else said),
    "no Warning": _lines(lambda said, rng: json.loads(json.dumps(said).replace('"Warning"', '"Normal"'))),
    "no text": _texts(lambda line: []),
    "each text twice": _texts(lambda line: [line, line]),
    "another name in each text": _texts(lambda line: [line.replace(" IN ", " IN other.")]),
    "another error in each text": _texts(lambda line: [line.replace("irective", "irector").replace("lop", "x")]),
    "a refusal": _lines(lambda said, rng: {**said, "error": "refused", "ok": False}),
}
"""What is logged otherwise, in words, and how the rows of a recording are changed."""

__all__ = ["LOGS"]

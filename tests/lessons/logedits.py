"""Changes of what containers log, for changes of a recording: lines of JSON, of which lookups are some, and others."""

from __future__ import annotations

import bisect
import json
import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import msgspec

from kitlib.recording import WatchEvent
from tests.lessons.edits import Object

Rows = list[WatchEvent]
Edit = Callable[[Rows, random.Random], Rows]


def logged(changed: Callable[[Object, random.Random], Iterable[Object]]) -> Edit:
    """Return a change of what containers log: of each piece of a log that was recorded, what is there instead."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        return [made for row in rows for made in (_made(row, changed, rng) if _is_log(row) else [row])]

    return apply


def _is_log(row: WatchEvent) -> bool:
    return row.origin == "log" and bool(row.object)


def _made(
    row: WatchEvent, changed: Callable[[Object, random.Random], Iterable[Object]], rng: random.Random
) -> Iterator[WatchEvent]:
    before = json.loads(row.object)
    for piece in changed(json.loads(row.object), rng):
        name = piece["metadata"]["name"]
        yield row if piece == before else rewritten(row, piece, name=name)


def rewritten(row: WatchEvent, obj: Object, **fields: object) -> WatchEvent:
    """Return a row of another object, and with other fields."""
    return msgspec.structs.replace(row, object=compact(obj).encode(), **fields)


def compact(value: object) -> str:
    """Write JSON as programs log it: what is looked for as text in a line is found in a changed one, too."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def logs(changed: Callable[[str, random.Random], Iterable[str]]) -> Edit:
    """Return a change of each line that containers log: after the stamp of the kubelet, which stays."""

    def of(line: str, rng: random.Random) -> list[str]:
        stamp, _, said = line.partition(" ")
        return [f"{stamp} {each}" for each in changed(said, rng)]

    def lines(piece: Object, rng: random.Random) -> list[Object]:
        return [{**piece, "lines": [each for line in piece.get("lines", ()) for each in of(line, rng)]}]

    return logged(lines)


def _lines(kept: Callable[[Object, random.Random], Object | None]) -> Edit:
    """Change each line that is JSON."""

    def changed(line: str, rng: random.Random) -> list[str]:
        try:
            said = json.loads(line)
            fresh = kept(said, rng)
        except (ValueError, AttributeError, TypeError):
            return [line]
        return [] if fresh is None else [line if fresh == said else compact(fresh)]

    return logs(changed)


def _texts(changed: Callable[[str], Sequence[str]]) -> Edit:
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


def _exchanged(first: str, second: str) -> Edit:
    """Exchange what two containers of a Pod logged, where their names end so."""

    def changed(piece: Object, rng: random.Random) -> list[Object]:
        head, _, last = piece.get("container", "").rpartition("-")
        other = {first: second, second: first}.get(last) if head else None
        return [{**piece, "container": f"{head}-{other}"} if other else piece]

    return logged(changed)


def _asked_more(said: Object, rng: random.Random) -> Object:
    return {**said, "queries": [*said["queries"], *said["queries"][-1:]]} if "queries" in said else said


def _by(piece: Object, **whom: str) -> Object:
    """Return a piece of a log as that of another Pod."""
    return {**piece, "metadata": {**piece["metadata"], **whom}}


def _logged_by(name: str, of: Collection[str]) -> Edit:
    """Let what some Pods logged have been logged by another."""
    return logged(lambda piece, rng: [_by(piece, name=name) if piece["metadata"]["name"] in of else piece])


def _told_at(seconds: float) -> Edit:
    """Let each lookup have been answered as one of the same client was so many seconds later, or before."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        known: dict[tuple[str, str], list[tuple[int, Object]]] = {}
        for piece in (json.loads(row.object) for row in rows if _is_log(row)):
            found = [said for line in piece["lines"] if (said := _lookup(line))]
            known.setdefault(_whose(piece), []).extend((said["wall_ns"], said) for said in found)
        known = {whose: sorted(mine, key=lambda each: each[0]) for whose, mine in known.items()}

        def told(piece: Object, rng: random.Random) -> list[Object]:
            mine = known.get(_whose(piece), [])
            times = [at for at, _ in mine]
            return [{**piece, "lines": [_answered_at(line, mine, times, seconds) for line in piece["lines"]]}]

        return logged(told)(rows, rng)

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
    fresh = {**said, "queries": other["queries"], "answers": other["answers"]}
    return line if fresh == said else f"{line.partition(' ')[0]} {compact(fresh)}"


def _sent(to: dict[str, str]) -> Edit:
    """Let requests have arrived at one Pod or another by the second part of their path: what it says to whom."""
    part = re.compile(r'"event":"request".*"path":"/[^/"]*/([^/"]*)/')

    def changed(piece: Object, rng: random.Random) -> Iterator[Object]:
        mine, uid = piece["metadata"]["name"], piece["metadata"]["uid"]
        if mine not in to.values():
            yield piece
            return
        for name in to.values():
            lines = [line for line in piece["lines"] if to.get((part.findall(line) or [""])[0], mine) == name]
            if lines:
                yield _by({**piece, "lines": lines}, name=name, uid=f"{uid}{'' if name == mine else ' (moved)'}")

    return logged(changed)


def _found_all_along(rows: Rows, rng: random.Random) -> Rows:
    """Let each container that was always answered with 404 have been answered with 200."""
    told: dict[tuple[str, str], set[str]] = {}
    for piece in (json.loads(row.object) for row in rows if _is_log(row)):
        told.setdefault(_whose(piece), set()).update(
            re.findall(r'"late_ns":.*"status":(\d+)', "\n".join(piece["lines"]))
        )
    never = {whose for whose, seen in told.items() if seen == {"404"}}
    return logged(
        lambda piece, rng: [
            {**piece, "lines": [_found(line) for line in piece["lines"]]} if _whose(piece) in never else piece
        ]
    )(rows, rng)


def _whose(piece: Object) -> tuple[str, str]:
    return piece["metadata"]["name"], piece["container"]


def _found(line: str) -> str:
    return line.replace('"status":404', '"status":200')


LOGS = {
    "none": _lines(lambda said, rng: None),
    "half": _lines(lambda said, rng: said if rng.random() < 0.5 else None),
    "another status": _lines(lambda said, rng: {**said, "status": 500} if "status" in said else said),
    "each request is answered": _lines(lambda said, rng: {**said, "error": ""} if "late_ns" in said else said),
    "each request is answered by another": _lines(lambda said, rng: _asked(said, who="other", status=200, error="")),
    "each request is answered by cart": _lines(lambda said, rng: _asked(said, who="cart", status=200, error="")),
    "each request is answered by shop": _lines(lambda said, rng: _asked(said, who="shop", status=200, error="")),
    "half of the requests are answered by another": _lines(
        lambda said, rng: _asked(said, who="other", status=200, error="") if rng.random() < 0.5 else said
    ),
    "each is asked for another path": _lines(
        lambda said, rng: {**said, "path": "/other"} if said.get("event") == "request" else said
    ),
    "one request of all was lost": _lines(
        lambda said, rng: {**said, "answered": said["answered"] - 1} if "summary" in said else said
    ),
    "traefik and nginx are exchanged": _exchanged("traefik", "nginx"),
    "no signal was sent": _lines(lambda said, rng: None if said.get("event") == "sent" else said),
    "no request is answered": _lines(lambda said, rng: _asked(said, error="refused", who="", status=0)),
    "half of the certificates are wrong": _lines(
        lambda said, rng: _asked(said, error="x509: not valid", who="", status=0) if rng.random() < 0.5 else said
    ),
    "each request is answered with 200": _lines(lambda said, rng: _asked(said, status=200, error="")),
    "each request is answered with 404": _lines(lambda said, rng: _asked(said, status=404, error="")),
    "each arrives at old": _logged_by("old", ("new",)),
    "each arrives at new": _logged_by("new", ("old",)),
    "each arrives at new by always, at old by never": _sent({"always": "new", "never": "old"}),
    "what was nowhere to be found was there all along": _found_all_along,
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

__all__ = ["LOGS", "Edit", "Rows", "compact", "rewritten"]

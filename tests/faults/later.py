"""The families that came later: ends that nobody tells, histories that aren't what they were, plain servers, late rows.

They are made from what users of such tools report. Each names what must have struck, or it hasn't been tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faults.plan import Act, LogFault, LogPlan
from tests.faults.proxy import BROKEN, Fault
from tests.faults.world import GROUP, KINDS

EVER = 10**6
LIVELY = ("configmaps", "events")
DISCOVERED = ("/api/v1", "/apis", f"/apis/{GROUP}/v1")


# A stream ends, and nobody says so.


def _cut_answers(rng: random.Random) -> dict[str, Any]:
    """An error answer is cut in its body."""
    verb, code = rng.choice(["watch", "watch", "list"]), rng.choice([503, 403, 429, 429])
    fault = Fault("answer", verb=verb, code=code, form=rng.choice(["cut", "cut", "html"]), count=rng.randint(1, 3))
    fault = replace(fault, retry_after=1 if code == 429 else 0, stream=rng.choice(["", *LIVELY]))
    return {"faults": [fault], "must": (f"answer {code}",)}


def _upset(rng: random.Random) -> dict[str, Any]:
    """A thread meets an error that nobody expects, and that passes."""
    return {"acts": [Act(rng.uniform(0.2, 0.6), "upset")], "upset": "error", "must": ("upset",)}


def _dies(rng: random.Random) -> dict[str, Any]:
    """A thread ends by what can't be caught."""
    acts = [Act(rng.uniform(0.2, 0.6), "upset")]
    more = {"upset": "dies", "silenced": ("configmaps",), "says": "by the fault suite"}
    return {"acts": acts, **more, "must": ("upset",)}


def _disk(rng: random.Random) -> dict[str, Any]:
    """The disk is full, and the recorder ends."""
    return {"acts": [Act(rng.uniform(0.3, 0.9), "upset")], "upset": "disk", "must": ("upset",)}


def _forbidden(rng: random.Random) -> dict[str, Any]:
    """A kind is forbidden from the start, for a while or for ever."""
    stream = rng.choice(["configmaps", "events", "things"])
    if rng.random() < 0.5:
        fault = Fault("forbid", verb="list", stream=stream, count=rng.randint(1, 2))
        return {"faults": [fault], "start": 12, "must": ("forbid",)}
    acts = [Act(1.2, "stop")]
    fault = Fault("forbid", verb="list", stream=stream, count=EVER)
    more = {"start": 12, "silenced": (stream,), "says": "403"}
    return {"faults": [fault], "acts": acts, **more, "must": ("forbid", "stop")}


def _dead_and_killed(rng: random.Random) -> dict[str, Any]:
    """A watch is silently dead, and the recorder is killed before that is noticed."""
    stall = Fault("stall", stream=rng.choice([*LIVELY, ""]), lines=rng.randint(2, 8), seconds=60)
    acts = [Act(2.6, "kill")]
    more = {"outside": True, "seconds": 2.7, "writes": 140, "watch_seconds": 20, "must": ("stall", "kill")}
    return {"faults": [stall], "acts": acts, **more}


def _dead_at_the_end(rng: random.Random) -> dict[str, Any]:
    """A watch is silently dead, or seconds behind, and the recorder is stopped in good order before that is noticed."""
    stream = rng.choice(LIVELY)
    stall = Fault("stall", stream=stream, lines=rng.randint(1, 4), seconds=60)
    acts = [Act(3.2, "stop")]
    if rng.random() < 0.5:
        slow = Fault("delay", stream="configmaps", lines=EVER, seconds=rng.uniform(0.3, 0.45))
        return {"faults": [slow], "acts": acts, "seconds": 3.4, "writes": 260, "must": ("delay", "stop")}
    more = {"seconds": 3.4, "writes": 160, "watch_seconds": 20, "silenced": (stream,), "says": "at its end"}
    return {"faults": [stall], "acts": acts, **more, "must": ("stall", "stop")}


def _dead(rng: random.Random) -> dict[str, Any]:
    """A watch is silently dead for good: its own time must end it."""
    stall = Fault("stall", stream=rng.choice(["", *LIVELY]), seconds=60, after=rng.choice([0.0, 0.4]))
    return {"faults": [replace(stall, count=rng.randint(1, 2))], "must": ("stall",)}


def _away_at_the_end(rng: random.Random) -> dict[str, Any]:
    """The recorder is stopped while it is cut off."""
    acts = [Act(rng.uniform(0.2, 0.5), "close"), Act(rng.uniform(1.3, 1.8), "stop")]
    more = {"seconds": 2.0, "writes": 100, "silenced": ALL, "says": "does not answer"}
    return {"acts": acts, **more, "must": ("close", "stop")}


def _silent_at_the_end(rng: random.Random) -> dict[str, Any]:
    """Nothing has happened for a while when the recorder is stopped: all is there, and it must say so."""
    acts = [Act(rng.uniform(2.6, 3.4), "stop")]
    return {"acts": acts, "seconds": 1.0, "watch_seconds": 20, "writes": 60, "must": ("stop",)}


# A history that isn't what it was.


def _rewinds(rng: random.Random) -> dict[str, Any]:
    """The store is put back to an older state: its versions go backwards."""
    ways = Fault("rewind", count=EVER), Fault("rewind", verb="list", count=EVER)
    deaf = [Fault("deaf", count=EVER)] if rng.random() < 0.6 else []
    terse = [Fault("terse", count=EVER)] if rng.random() < 0.5 else []
    acts = [Act(rng.uniform(0.3, 0.8), "rewind")]
    return {"faults": [*ways, *deaf, *terse], "acts": acts, "must": ("rewind",)}


def _too_large(rng: random.Random) -> dict[str, Any]:
    """The server stands behind what was asked for, and says so: as an answer, or as a line."""
    stream = rng.choice(["", *LIVELY])
    kind = rng.choice(["answer", "error"])
    fault = Fault(kind, stream=stream, code=504, form="too large", how="end", after=0.3, count=2, skip=1)
    must = "answer 504" if kind == "answer" else "error"
    return {"faults": [fault], "watch_seconds": 1, "must": (must,)}


def _no_code(rng: random.Random) -> dict[str, Any]:
    """An ERROR without a code: once, or each time that a watch begins from there."""
    stream = rng.choice(["", *LIVELY])
    if rng.random() < 0.6:
        return {"faults": [Fault("poison", stream=stream, count=EVER)], "must": ("poison",)}
    return {
        "faults": [Fault("error", how="end", after=0.0, stream=stream, count=rng.randint(1, 2))],
        "must": ("error",),
    }


def _several_lines(rng: random.Random) -> dict[str, Any]:
    """A Status that isn't the object of an ERROR, or is written over several lines."""
    form = rng.choice(["bare", "lines", "apart"])
    error = Fault("error", code=rng.choice([410, 410, 500]), form=form, how="end", lines=rng.randint(0, 3), after=0.4)
    return {"faults": [replace(error, stream=rng.choice(["", *LIVELY]), count=2)], "must": ("error",)}


def _tokens(rng: random.Random) -> dict[str, Any]:
    """Each continue token of a list expires: it can only be had whole."""
    expire = Fault("expire", verb="list", count=EVER, stream=rng.choice(["", "configmaps"]))
    return {"faults": [expire], "before": 40, "page": 4, "start": 8, "must": ("expire",)}


def _moments(rng: random.Random) -> dict[str, Any]:
    """The first list comes in pages in any case, and its history is forgotten between two of them."""
    paging = Fault("paging", verb="list", stream="configmaps", count=EVER)
    expire = Fault("expire", verb="list", stream="configmaps", count=2, form="go on", seconds=rng.choice([0.3, 0.6]))
    more = {"before": 40, "page": 3, "early": True, "seconds": 2.0, "writes": 110}
    return {"faults": [paging, expire], **more, "must": ("expire",)}


def _quiet(rng: random.Random) -> dict[str, Any]:
    """A kind in which nothing happens, on a server that sends no bookmarks and soon forgets."""
    quiet = rng.choice(["things", "events"])
    terse = Fault("terse", stream=quiet, count=EVER)
    forgets = Fault("forgetful", stream=quiet, count=EVER, seconds=5.0)
    more = {"seconds": 7.5, "writes": 120, "watch_seconds": 1, "quiet": quiet, "gapless": True}
    return {"faults": [terse, forgets], **more, "must": ("terse",)}


def _garbles(rng: random.Random) -> dict[str, Any]:
    """A line that can't be read: once, or the first of each watch, so that who gives up there never comes further."""
    form = rng.choice(["null", "cut", "version"])
    stream, lines, once = rng.choice(LIVELY), rng.randint(0, 4), rng.randint(1, 2) == 1
    fault = Fault("garble", stream=stream, lines=lines * once, form=form, count=1 if once else EVER)
    more = {"watch_seconds": 4} if once else {"watch_seconds": 1, "seconds": 3.0, "writes": 90}
    return {"faults": [fault], **more, "must": ("garble",)}


def _garbled_items(rng: random.Random) -> dict[str, Any]:
    """An item of a list that can't be read."""
    form = rng.choice(["null", "version", "number"])
    fault = Fault("garble", verb="list", stream="configmaps", lines=rng.randint(0, 3), form=form)
    return {"faults": [fault], "before": 40, "must": ("garble item",)}


def _anonymous(rng: random.Random) -> dict[str, Any]:
    """Objects without a uid."""
    stream = rng.choice(["configmaps", "things"])
    ways = [Fault("anonymous", verb=verb, stream=stream, count=EVER) for verb in ("list", "watch")]
    cut = Fault("cut", how="rst", at_byte=rng.randint(500, 4000), count=2)
    return {"faults": [*ways, *([cut] if rng.random() < 0.5 else [])], "must": ("anonymous",)}


# A server that speaks plainly.


def _plain(rng: random.Random) -> dict[str, Any]:
    """HTTP/1.0: no chunks, and the end of an answer can't be told from a connection that was cut."""
    plain = [Fault("plain", count=EVER), Fault("plain", verb="list", count=EVER)]
    cut = Fault("cut", how=rng.choice(["fin", "rst"]), at_byte=rng.randint(300, 3000), count=2)
    return {"faults": [*plain, *([cut] if rng.random() < 0.6 else [])], "must": ("plain",)}


def _plain_and_late(rng: random.Random) -> dict[str, Any]:
    """A proxy that hands on an answer when it is whole: all rows come when the watch ends."""
    plain = [Fault("plain", count=EVER), Fault("join", seconds=60, count=EVER)]
    return {"faults": plain, "watch_seconds": 5, "seconds": 6.0, "writes": 120, "must": ("plain", "join")}


# Late rows.


def _late(rng: random.Random) -> dict[str, Any]:
    """A stall, after which all that was written meanwhile comes at once."""
    stall = Fault("stall", stream=rng.choice([*LIVELY, ""]), lines=rng.randint(1, 5), seconds=rng.uniform(4.5, 6))
    stall = replace(stall, form=rng.choice(["", "deletion"]))
    if not stall.form and rng.random() < 0.5:
        stall = replace(stall, form="piece")
    more = {"seconds": 7.5, "writes": 160, "watch_seconds": 20}
    return {"faults": [stall], **more, "must": ("stall",)}


def _away(rng: random.Random) -> dict[str, Any]:
    """The recorder is cut off for long, and what it then gets, by a watch or by a list, is late."""
    acts = [Act(0.3, "close"), Act(5.2, "open")]
    if rng.random() < 0.5:
        acts.insert(1, Act(5.0, "compact"))  # with what comes by a list then
    return {"acts": acts, "seconds": 5.6, "writes": 150, "must": ("close", "open")}


def _moves(rng: random.Random) -> dict[str, Any]:
    """The server goes to another place, and the kubeconfig file says so."""
    return {"acts": [Act(rng.uniform(0.2, 0.6), "move")], "must": ("move",)}


# Start-up.


def _busy_start(rng: random.Random) -> dict[str, Any]:
    """Discovery is refused for a moment, or its connection is cut."""
    path = rng.choice(DISCOVERED)
    if rng.random() < 0.5:
        return {"faults": [Fault("half", verb="discovery", stream=path, form="cut")], "short": True, "must": ("half",)}
    code = rng.choice([429, 429, 503, 500])
    fault = Fault("answer", verb="discovery", stream=path, code=code, count=rng.randint(1, 2))
    fault = replace(fault, retry_after=rng.choice([0, 1]), form=rng.choice(["", "", "cut"]))
    return {"faults": [fault], "short": True, "must": (f"answer {code}",)}


def _broken_api(rng: random.Random) -> dict[str, Any]:
    """An aggregated API is broken, slow, or says half of what it serves."""
    there = f"/apis/{BROKEN}/v1"
    form = rng.choice(["cut", "half", "null", "empty", "html", "503", "wait"])
    fault = Fault("half", verb="discovery", stream=there, form=form, count=EVER)
    if form == "503":
        fault = replace(fault, kind="answer", code=503, form="")
    if form == "wait":
        fault = replace(fault, kind="wait", seconds=20, form="")
    must = {"503": "answer 503", "wait": "wait"}.get(form, "half")
    return {"faults": [fault], "short": True, "start": 15, "must": (must,)}


def _slow_list(rng: random.Random) -> dict[str, Any]:
    """A first list takes longer than what is waited for without a sign."""
    wait = Fault("wait", verb="list", stream=rng.choice(["", *KINDS]), seconds=rng.uniform(1.5, 2.5))
    return {"faults": [wait], "start": 0.6, "must": ("wait",)}


def _unserved(rng: random.Random) -> dict[str, Any]:
    """What is recorded isn't served at first."""
    if rng.random() < 0.5:
        fault = Fault("answer", verb="discovery", stream=f"/apis/{GROUP}/v1", code=404)
    else:
        fault = Fault("answer", verb="list", stream="things", code=404, count=rng.randint(1, 2))
    return {"faults": [fault], "must": ("answer 404",)}


def _storm(rng: random.Random) -> dict[str, Any]:
    """A server refuses all for a while."""
    codes = rng.choice([500, 503])
    fault = Fault("answer", code=codes, count=EVER)
    return {"faults": [fault], "seconds": 5.0, "watch_seconds": 1, "must": (f"answer {codes}",)}


# Logs.


def _log(between: Callable[[random.Random], tuple[str, ...]], gapless: bool = False) -> Callable[..., dict[str, Any]]:
    """A log whose connection is cut once or twice, and what happens in between."""

    def make(rng: random.Random) -> dict[str, Any]:
        kind = rng.choice(["fin", "rst"])
        faults = [LogFault(kind, rng.choice([1, rng.randint(2, 30), rng.randint(30, 60)]), between(rng))]
        if gapless and rng.random() < 0.4:
            faults.append(LogFault("fin", rng.randint(1, 10), ("write 5",)))
        then = ("write 3",) * rng.randint(10, 30)
        must = tuple({f"log {step.split()[0]}" for fault in faults for step in fault.between})
        plan = LogPlan((f"write {rng.randint(0, 40)}",), then, tuple(faults), gapless)
        return {"log": plan, "must": (*must, f"log {kind}")}

    return make


def _few(rng: random.Random) -> str:
    return f"write {rng.choice([1, 5, 40])}"


def _long_log(rng: random.Random) -> dict[str, Any]:
    """A place is lost among more lines than are known by heart, all of one second or two."""
    lines = rng.randint(9_000, 16_000)
    fault = LogFault(rng.choice(["fin", "rst"]), rng.randint(6_000, lines - 500), ("write 100",))
    return {"log": LogPlan((f"write {lines}",), ("write 3",) * 5, (fault,), True), "must": ("log write",)}


def _log_trouble(rng: random.Random) -> dict[str, Any]:
    """The kubelet says that it can't go on, as a line without a stamp, and ends its answer in good order."""
    fault = LogFault("trouble", rng.randint(1, 40), (_few(rng),))
    return {"log": LogPlan(("write 20",), ("write 3",) * 15, (fault,), True), "must": ("log trouble",)}


def _log_refused(rng: random.Random) -> dict[str, Any]:
    """After a cut nobody answers for a moment, and the file is rotated meanwhile, or isn't."""
    rotated = rng.random() < 0.5
    between = (_few(rng), "rotate", _few(rng)) if rotated else (_few(rng),)
    faults = LogFault("rst", rng.randint(1, 40), between), LogFault("refuse", 0, ("write 5",))
    return {"log": LogPlan(("write 20",), ("write 3",) * 15, faults, not rotated), "must": ("log refuse",)}


def _log_early(rng: random.Random) -> dict[str, Any]:
    """The connection is cut before its first line came, and the file is rotated before the next."""
    fault = LogFault(rng.choice(["fin", "rst"]), 0, ("rotate", _few(rng)))
    return {"log": LogPlan(("write 30",), ("write 3",) * 40, (fault,)), "must": ("log rotate",)}


ALL = tuple(KINDS)
LATER: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "answer cut": _cut_answers,
    "error within": _upset,
    "thread dies": _dies,
    "full disk": _disk,
    "forbidden from the start": _forbidden,
    "dead and killed": _dead_and_killed,
    "dead at the end": _dead_at_the_end,
    "dead": _dead,
    "away at the end": _away_at_the_end,
    "silent at the end": _silent_at_the_end,
    "store put back": _rewinds,
    "too large": _too_large,
    "error without a code": _no_code,
    "status over lines": _several_lines,
    "tokens expire": _tokens,
    "list of moments": _moments,
    "quiet": _quiet,
    "garbled line": _garbles,
    "garbled item": _garbled_items,
    "no uid": _anonymous,
    "plain": _plain,
    "plain and late": _plain_and_late,
    "late": _late,
    "away for long": _away,
    "server moves": _moves,
    "busy at the start": _busy_start,
    "broken API": _broken_api,
    "slow list": _slow_list,
    "not served at first": _unserved,
    "storm": _storm,
    "log cut": _log(lambda rng: (_few(rng),), gapless=True),
    "log rotated": _log(lambda rng: (_few(rng), "rotate", _few(rng))),
    "log restarted": _log(lambda rng: (_few(rng), "restart", _few(rng)), gapless=True),
    "log restarted twice": _log(lambda rng: (_few(rng), "restart", _few(rng), "restart", _few(rng))),
    "log of a Pod that went": _log(lambda rng: (_few(rng), "gone")),
    "log cut before its first line": _log_early,
    "log refused": _log_refused,
    "kubelet in trouble": _log_trouble,
    "long log": _long_log,
}


__all__ = ["LATER"]

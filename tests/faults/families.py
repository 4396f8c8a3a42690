"""The families of scenarios that hurt connections, answers and the recorder itself; `later` has the others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faults.plan import Act
from tests.faults.proxy import Fault
from tests.faults.world import KINDS


def _one_of(rng: random.Random, fault: Fault, **more: Any) -> Fault:
    """Aim a fault at one of the streams, or at all."""
    return replace(fault, stream=rng.choice(["", "", *KINDS]), **more)


def _lively(rng: random.Random, fault: Fault, **more: Any) -> Fault:
    """Aim a fault that needs some traffic at a stream that is sure to have it, or at all."""
    return replace(fault, stream=rng.choice(["", "configmaps", "events"]), **more)


def _cuts(how: str) -> Callable[[random.Random], dict[str, Any]]:
    def make(rng: random.Random) -> dict[str, Any]:
        places = [0, rng.randint(1, 400), rng.randint(400, 3000), rng.randint(3000, 9000)]
        cuts = [
            _one_of(rng, Fault("cut", how=how, skip=turn, at_byte=rng.choice(places)))
            for turn in range(rng.randint(2, 5))
        ]
        return {"faults": cuts}

    return make


def _cut_lists(rng: random.Random) -> dict[str, Any]:
    how = rng.choice(["fin", "rst"])
    cut = Fault("cut", verb="list", how=how, at_byte=rng.choice([0, 1, rng.randint(2, 900)]), count=rng.randint(1, 3))
    return {"faults": [_one_of(rng, cut)], "before": 30}


def _stalls(rng: random.Random) -> dict[str, Any]:
    stall = Fault("stall", seconds=rng.choice([0.4, 2.5, 4.0]), skip=rng.randint(0, 2))
    if rng.random() < 0.5:
        return {"faults": [_lively(rng, stall, lines=rng.randint(0, 6), share=rng.choice([0, 0.5]), after=0.6)]}
    return {"faults": [_lively(rng, stall, at_byte=rng.randint(1, 1500))]}


def _stall_headers(rng: random.Random) -> dict[str, Any]:
    stall = Fault("stall", after=0.0, seconds=rng.choice([0.5, 2.5, 4.0]), skip=rng.randint(0, 1), count=2)
    return {"faults": [_one_of(rng, stall)], "writes": rng.choice([8, 70])}


def _stall_lists(rng: random.Random) -> dict[str, Any]:
    stall = Fault("stall", verb="list", at_byte=rng.randint(0, 150), seconds=rng.choice([0.3, 1.0, 2.5]))
    return {"faults": [_one_of(rng, stall)], "before": 30}


def _truncates(rng: random.Random) -> dict[str, Any]:
    return {
        "faults": [
            _lively(
                rng,
                Fault(
                    "truncate",
                    how=rng.choice(["end", "end", "fin", "rst"]),
                    lines=rng.randint(0, 4),
                    share=rng.choice([0.001, rng.random(), 0.999]),
                    skip=turn,
                ),
            )
            for turn in range(rng.randint(1, 4))
        ]
    }


def _splits(rng: random.Random) -> dict[str, Any]:
    return {"faults": [Fault("split", at_byte=5000, count=3, how=rng.choice(["chunk", "tcp"]))], "writes": 40}


def _joins(rng: random.Random) -> dict[str, Any]:
    return {"faults": [Fault("join", count=6, seconds=rng.choice([0.05, 0.2, 0.5]))], "writes": 120}


def _duplicates(rng: random.Random) -> dict[str, Any]:
    return {"faults": [_one_of(rng, Fault(rng.choice(["duplicate", "replay"]), lines=40, count=4))]}


def _replays(rng: random.Random) -> dict[str, Any]:
    cut = Fault("cut", how="rst", at_byte=rng.randint(500, 4000), count=3)
    return {"faults": [Fault("replay", lines=60, count=8), cut]}


def _delays(rng: random.Random) -> dict[str, Any]:
    return {"faults": [_one_of(rng, Fault("delay", seconds=rng.choice([0.01, 0.03, 0.1]), lines=12, count=4))]}


def _answers(code: int) -> Callable[[random.Random], dict[str, Any]]:
    def make(rng: random.Random) -> dict[str, Any]:
        verb = "watch" if code == 410 else rng.choice(["watch", "watch", "list"])
        answer = Fault(
            "answer",
            verb=verb,
            code=code,
            retry_after=1 if code == 429 or (code == 503 and rng.random() < 0.5) else 0,
            skip=0 if verb == "list" else rng.randint(0, 2),
            count=1 if code == 429 else rng.randint(1, 3),
        )
        return {"faults": [_one_of(rng, answer)]}

    return make


def _expire(rng: random.Random) -> dict[str, Any]:
    how = rng.choice(["end", "end", "fin", "rst", "stay"])
    error = Fault(
        "error", code=410, lines=rng.randint(0, 5), after=0.5, how=how, seconds=3, skip=rng.randint(0, 2), count=2
    )
    return {"faults": [_one_of(rng, error)]}


def _errors(rng: random.Random) -> dict[str, Any]:
    how = rng.choice(["end", "fin", "stay"])
    error = Fault("error", lines=rng.randint(0, 5), after=0.5, how=how, seconds=3, skip=rng.randint(0, 1), count=2)
    return {"faults": [_one_of(rng, error, code=rng.choice([500, 503, 504, 429]))]}


def _pages(rng: random.Random) -> dict[str, Any]:
    """Lists in pages, of which one is refused: its continue token has expired, or the server is busy."""
    code = rng.choice([410, 410, 500, 503])
    answer = Fault("answer", verb="list", code=code, skip=1, count=1)
    return {"faults": [_lively(rng, answer)], "before": 40, "page": 4}


def _refuse(rng: random.Random) -> dict[str, Any]:
    acts = []
    at = 0.1
    for _ in range(rng.randint(1, 2)):
        at += rng.uniform(0.05, 0.4)
        long = rng.choice([0.05, 0.3, 0.8])
        acts += [Act(at, "close"), Act(at + long, "open")]
        at += long
    return {"acts": acts}


def _resets(rng: random.Random) -> dict[str, Any]:
    return {"acts": [Act(0.1 + 0.25 * turn + rng.uniform(0, 0.2), "reset") for turn in range(rng.randint(2, 5))]}


def _forbid(rng: random.Random) -> dict[str, Any]:
    begin = rng.uniform(0.1, 0.5)
    end = begin + rng.uniform(0.3, 0.9)
    return {"acts": [Act(begin, "forbid"), Act(begin + 0.01, "reset"), Act(end, "permit")]}


def _compact(rng: random.Random) -> dict[str, Any]:
    begin = rng.uniform(0.1, 0.4)
    long = rng.uniform(0.4, 0.8)
    return {"acts": [Act(begin, "close"), Act(begin + long - 0.05, "compact"), Act(begin + long, "open")]}


def _vanish(rng: random.Random) -> dict[str, Any]:
    return {"acts": [Act(rng.uniform(0.1, 0.4), "vanish"), Act(rng.choice([0.6, 2.0]), "return")]}


def _hold(rng: random.Random) -> dict[str, Any]:
    """A proxy between holds back what the server sends, and ends the watch in good order, long before its time.

    At its time an end like that can't be told from the server's own: see docs/promises.md. So there is room between
    the two, also for a machine with much to do.
    """
    turns = rng.randint(2, 3)
    stream = rng.choice(["", "configmaps", "events"])
    faults = []
    for turn in range(turns):
        long = rng.choice([1.2, 1.65])
        faults.append(Fault("stall", stream=stream, after=0.0, seconds=long, skip=turn))
        faults.append(Fault("cut", stream=stream, how="end", lines=10**6, after=long, skip=turn))
    return {"faults": faults, "watch_seconds": 4, "seconds": 1.5 * turns + 0.6}


def _backlog(rng: random.Random) -> dict[str, Any]:
    """The recorder is away while much is written, and can't read that in the time that a watch lasts."""
    begin = rng.uniform(0.05, 0.2)
    acts = [
        Act(begin, "close"),
        Act(begin + 0.05, "burst", rng.randint(7, 9)),
        Act(begin + 0.7, "open"),
        Act(0, "rest", 2.5),
    ]
    slow = Fault("throttle", stream="configmaps", seconds=rng.choice([0.08, 0.15]), lines=20, count=6)
    return {"faults": [slow], "acts": acts, "watch_seconds": 1, "writes": 30}


def _clock(rng: random.Random) -> dict[str, Any]:
    steps_ = [rng.choice([-86400, -3600, -1, 0.5, 7200, 86400 * 400]) for _ in range(3)]
    acts = [Act(0.2 + 0.4 * turn, "clock", off) for turn, off in enumerate(steps_)]
    cut = Fault("cut", how=rng.choice(["fin", "rst"]), at_byte=rng.randint(500, 4000), count=2)
    return {"faults": [cut] if rng.random() < 0.6 else [], "acts": acts, "outside": True}


def _kill_recorder(rng: random.Random) -> dict[str, Any]:
    faults = [Fault("cut", how="rst", at_byte=rng.randint(500, 4000), count=2)] if rng.random() < 0.5 else []
    acts = [Act(rng.uniform(2.0, 3.0), "kill")]
    return {"faults": faults, "acts": acts, "outside": True, "seconds": 3.1, "writes": 140}


def _kill_server(rng: random.Random) -> dict[str, Any]:
    begin = rng.uniform(0.2, 0.7)
    acts = [Act(begin, "kill-server"), Act(begin + rng.choice([0.0, 0.5]), "start-server")]
    if rng.random() < 0.4:  # it restarts while the recorder is cut off, and etcd forgets meanwhile
        acts += [Act(begin, "close"), Act(begin + 0.6, "compact"), Act(begin + 0.7, "open")]
    return {"acts": sorted(acts, key=lambda act: act.at), "seconds": 2.0}


def _mixture(rng: random.Random) -> dict[str, Any]:
    chosen = rng.sample(_PLAIN, rng.randint(2, 4))
    parts = [FAMILIES[name](rng) for name in chosen]
    mixed: dict[str, Any] = {"faults": [], "acts": []}
    for part in parts:
        mixed["faults"] += part.pop("faults", [])
        mixed["acts"] += part.pop("acts", [])
        mixed |= {name: value for name, value in part.items() if name not in ("faults", "acts")}
    mixed["acts"].sort(key=lambda act: act.at)
    return mixed


FAMILIES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "cut fin": _cuts("fin"),
    "cut rst": _cuts("rst"),
    "cut lists": _cut_lists,
    "stall": _stalls,
    "stall after headers": _stall_headers,
    "stall lists": _stall_lists,
    "truncate": _truncates,
    "split": _splits,
    "join": _joins,
    "duplicate": _duplicates,
    "replay and cut": _replays,
    "delay": _delays,
    "answer 410": _answers(410),
    "answer 429": _answers(429),
    "answer 500": _answers(500),
    "answer 503": _answers(503),
    "error 410": _expire,
    "error": _errors,
    "pages": _pages,
    "refuse": _refuse,
    "reset": _resets,
    "forbid": _forbid,
    "compact etcd": _compact,
    "hold and end": _hold,
    "backlog": _backlog,
    "delete a kind": _vanish,
    "step the clock": _clock,
    "kill the recorder": _kill_recorder,
    "kill the API server": _kill_server,
    "mixture": _mixture,
    "mixture again": _mixture,
}
_ALONE = {"forbid", "delete a kind", "step the clock", "kill the recorder", "kill the API server"}
_PLAIN = [name for name in FAMILIES if name not in _ALONE and not name.startswith("mixture")]


__all__ = ["FAMILIES"]

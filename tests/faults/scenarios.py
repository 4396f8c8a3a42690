"""The scenarios: what each number stands for, and how one is run from an empty namespace to a verdict.

A number gives a seed, and the seed gives the workload, the faults and their times. What the scheduler of this machine
and the control plane do in between can't be replayed; the faults therefore hang on counts of requests, lines and bytes
where they can.
"""

from __future__ import annotations

import json
import random
import secrets
import shutil
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.judge import Evidence, judge
from tests.faults.proxy import Fault, Proxy
from tests.faults.recorders import Inside, Order, Outside, write_kubeconfig
from tests.faults.witness import Witness
from tests.faults.workload import Workload, big, steps
from tests.faults.world import KINDS, NAMES, PASSING, STREAMS, World

REACH = 25.0
"""Seconds in which the recorder must have recovered once nothing is done to it any more."""
INTERVAL = 0.3
"""Seconds between flushes, where the recorder is killed."""
SLACK = 0.6
"""Seconds that a flush itself may take on a busy machine."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to the world at a time.

    Parameters
    ----------
    at : float
        Seconds after the recorder had listed everything.
    what : str
        close, open (the proxy's door), reset, forbid, permit, compact, clock (to so many seconds off), kill (the
        recorder), kill-server, start-server, vanish, return (the kind that comes and goes), burst (so many writes of
        nearly a megabyte), rest (for so many seconds).
    value : float
    """

    at: float
    what: str
    value: float = 0


@dataclass(frozen=True)
class Scenario:
    """What a number stands for.

    Parameters
    ----------
    number, seed : int
    family : str
        Which of `FAMILIES`.
    faults : tuple of Fault
        What the proxy does.
    acts : tuple of Act
        What else is done.
    seconds, writes : float and int
        How long the workload writes, and how often.
    before : int
        How many writes come before the recorder starts.
    watch_seconds : int
        The recorder's own; half a second of silence more, and it opens a watch anew.
    page : int
        Objects in a page of its lists.
    on_disk, outside : bool
        Whether it records to disk, and in a process of its own.
    """

    number: int
    seed: int
    family: str
    faults: tuple[Fault, ...] = ()
    acts: tuple[Act, ...] = ()
    seconds: float = 1.4
    writes: int = 70
    before: int = 12
    watch_seconds: int = 1
    page: int = 500
    on_disk: bool = False
    outside: bool = False

    @property
    def kinds(self) -> list[str]:
        """The kinds of faults in it."""
        return sorted({_called(fault) for fault in self.faults} | {_ACTS[act.what] for act in self.acts} - {""})

    @property
    def passing(self) -> bool:
        """Whether it has the kind that comes and goes."""
        return any(act.what == "vanish" for act in self.acts)

    @property
    def alone(self) -> bool:
        """Whether it takes the API server from all others."""
        return any(act.what == "kill-server" for act in self.acts)


_ACTS = {
    "close": "refuse",
    "open": "",
    "reset": "reset",
    "forbid": "forbid",
    "permit": "",
    "compact": "compact etcd",
    "clock": "step the clock",
    "kill": "kill the recorder",
    "kill-server": "kill the API server",
    "start-server": "",
    "vanish": "delete a kind",
    "return": "",
    "burst": "backlog",
    "rest": "",
}


def _called(fault: Fault) -> str:
    name = f"{fault.kind} {fault.code}" if fault.code else fault.kind
    if fault.kind == "cut":
        name += f" {fault.how}"
    if fault.kind == "stall" and fault.after == 0:
        name += " after headers"
    return f"{name} ({fault.verb})"


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
COUNT = 500
BASE = 1


def scenario(number: int, base: int = BASE) -> Scenario:
    """Return what a number stands for; another base gives other scenarios of the same families."""
    seed = base * 1_000_003 + number
    rng = random.Random(seed)
    family = list(FAMILIES)[number % len(FAMILIES)]
    watch_seconds = rng.choice([1, 1, 2, 4])
    made: dict[str, Any] = {
        "on_disk": rng.random() < 0.5,
        "watch_seconds": watch_seconds,
        "writes": rng.randint(40, 90),
    }
    made |= FAMILIES[family](rng)
    made["faults"] = tuple(made.get("faults", ()))
    made["acts"] = tuple(made.get("acts", ()))
    skipped = [fault.skip for fault in made["faults"] if fault.verb == "watch"]
    if skipped and min(skipped) > 0:  # or there would be no second watch to be hurt
        made["watch_seconds"] = 1
    made["on_disk"] = made["on_disk"] or made.get("outside", False)
    return Scenario(number, seed, family, **made)


@dataclass
class Result:
    """What came of a scenario.

    Parameters
    ----------
    number, seed, family, kinds
        As planned.
    hurts : dict of str to int
        How often each kind of fault really befell the recorder.
    clock : str
        How the clock was stepped, if it was: by libfaketime, or injected.
    starved : float
        Seconds for which the threads of a recorder that was killed had been kept from running by a busy machine, all
        together; it is granted so much more time to flush.
    problems : list of str
        What is wrong, in words.
    error : str
        Why it could not be run or judged; empty if it was.
    """

    number: int
    seed: int
    family: str
    kinds: list[str]
    changes: int = 0
    recorded: int = 0
    in_gaps: int = 0
    unreported: int = 0
    needless_gaps: int = 0
    duplicates: int = 0
    others: int = 0
    gaps: int = 0
    rows: int = 0
    requests: int = 0
    hurts: dict[str, int] = field(default_factory=dict)
    clock: str = ""
    starved: float = 0
    seconds: float = 0
    recovery: float = 0
    problems: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.error or self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **asdict(self),
            "starved": round(self.starved, 2),
            "seconds": round(self.seconds, 2),
            "recovery": round(self.recovery, 2),
        }


class Passing:
    """A kind that comes and goes with its definition, and objects of it; use it in a `with` statement.

    Parameters
    ----------
    world : World
    namespace : str
    wanted : bool
        Whether the scenario has it.
    """

    def __init__(self, world: World, namespace: str, wanted: bool) -> None:
        self._world = world
        self.namespace = namespace
        self.group = f"{namespace}.kitlib.example" if wanted else ""

    def __enter__(self) -> Passing:
        if self.group:
            self.come()
        return self

    def __exit__(self, *_: object) -> None:
        if self.group:
            self.vanish()

    @property
    def kinds(self) -> dict[str, str]:
        """All kinds that are recorded: kind by plural."""
        return {**KINDS, PASSING: "Passing"} if self.group else KINDS

    @property
    def names(self) -> tuple[str, ...]:
        """What the recorder is asked for."""
        return (*NAMES, f"{PASSING}.{self.group}") if self.group else NAMES

    def come(self) -> None:
        """Have it, and objects of it."""
        self._world.define(self.group)
        with self._world.api() as api:
            Workload(api, self.namespace, [], self.group).passings(3)

    def vanish(self) -> None:
        """Have it no more, nor its objects."""
        self._world.undefine(self.group)


class Acts:
    """Does what is to be done to the world, at its times, in a thread of its own."""

    def __init__(self, acts: tuple[Act, ...], proxy: Proxy, world: World, recorder: Any, passing: Passing) -> None:
        self._acts = acts
        self._namespace = passing.namespace
        self._passing = passing
        self._proxy = proxy
        self._world = world
        self._recorder = recorder
        self._command: list[str] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acts", daemon=True)
        self.done: list[str] = []
        self.killed_ns: int | None = None
        self.error: Exception | None = None

    def __enter__(self) -> Acts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=90)
        self._after()

    def finish(self, timeout: float) -> None:
        """Wait until all is done."""
        self._thread.join(timeout=timeout)
        if self.error is not None:
            raise self.error
        if self._thread.is_alive():
            raise TimeoutError(f"what is done to the world is not done after {timeout:.0f} s: {self.done}")

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for act in self._acts:
                if self._stop.wait(max(0.0, began + act.at - time.monotonic())):
                    return
                self._do(act)
                self.done.append(act.what)
        except Exception as error:
            self.error = error

    def _do(self, act: Act) -> None:
        if act.what == "close":
            self._proxy.close_door()
        elif act.what == "open":
            self._proxy.open_door()
        elif act.what == "reset":
            self._proxy.reset()
        elif act.what in ("forbid", "permit"):
            self._proxy.forbid(act.what == "forbid")
        elif act.what == "compact":
            self._world.etcd.compact(self._world.etcd.revision())
        elif act.what == "clock":
            self._recorder.step_clock(act.value)
        elif act.what == "kill":
            self.killed_ns = time.monotonic_ns()
            self._recorder.kill()
        elif act.what == "burst":
            with self._world.api() as api:
                Workload(api, self._namespace, big(int(act.value))).run(self._stop)
        elif act.what == "rest":
            self._stop.wait(act.value)
        elif act.what == "vanish":
            self._passing.vanish()
        elif act.what == "return":
            self._passing.come()
        elif act.what == "kill-server":
            self._command = self._world.kill_api_server()
        elif act.what == "start-server":
            assert self._command is not None
            self._world.start_api_server(self._command)
            self._command = None

    def _after(self) -> None:
        """Leave no API server dead that others need."""
        if self._command is not None:
            self._world.start_api_server(self._command)
            self._command = None


def run(
    plan: Scenario,
    world: World,
    witness: Witness,
    folder: Path,
    make: Callable[[Order], Any] | None = None,
    keep: bool = False,
) -> Result:
    """Run one scenario, and judge it; what goes wrong in the suite itself is told as its error.

    Parameters
    ----------
    plan : Scenario
    world : World
    witness : Witness
        Watching already.
    folder : Path
        Where its recording goes; removed at the end.
    make : callable, optional
        Makes another recorder than kitlib's, to show that the suite finds what is wrong with it.
    keep : bool
        Whether the folder stays, with what the proxy saw and what was judged.
    """
    result = Result(plan.number, plan.seed, plan.family, plan.kinds)
    began = time.monotonic()
    namespace = f"faults-{plan.number}-{secrets.token_hex(3)}"
    folder = folder / namespace
    folder.mkdir(parents=True)
    witness.look(namespace)
    try:
        _run(plan, world, witness, folder, make, namespace, result, keep)
    except Exception as error:
        result.error = f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-6)}"
    finally:
        witness.leave(namespace)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        result.seconds = time.monotonic() - began
    return result


def _run(
    plan: Scenario,
    world: World,
    witness: Witness,
    folder: Path,
    make: Callable[[Order], Any] | None,
    namespace: str,
    result: Result,
    keep: bool,
) -> None:
    rng = random.Random(plan.seed + 1)
    todo = steps(rng, plan.seconds, plan.writes + plan.before)
    threads = set(threading.enumerate())
    killed_ns = None
    missing: list[str] = []
    passing = Passing(world, namespace, plan.passing)
    if passing.group:
        witness.also(f"/registry/{passing.group}/{PASSING}/", PASSING)
    order = Order(
        folder / "kubeconfig",
        namespace,
        passing.names,
        folder / "recording" if plan.on_disk else None,
        plan.watch_seconds,
        plan.watch_seconds + 0.5,
        INTERVAL,
        plan.page,
    )
    with world.api() as api, _namespace(api, namespace), passing:
        before = [replace(step, at=0.0) for step in todo[: plan.before]]
        Workload(api, namespace, before).run(threading.Event())
        workload = Workload(api, namespace, todo[plan.before :], passing.group)
        with Proxy(world.host, world.port, world.tls, [*STREAMS.values(), PASSING], plan.faults) as proxy:
            write_kubeconfig(order.kubeconfig, proxy.url)
            recorder = _recorder(plan, order, make, folder)
            try:
                recorder.start(30)
                with Acts(plan.acts, proxy, world, recorder, passing) as acts:
                    workload.run(threading.Event())
                    acts.finish(90)
                    killed_ns = acts.killed_ns
                proxy.calm()
                ends = workload.finish(list(passing.kinds))
                calm = time.monotonic()
                if killed_ns is None:
                    missing = recorder.reached(REACH)
                result.recovery = time.monotonic() - calm
            finally:
                recorder.stop()
            log = proxy.log
        rows, complete = recorder.rows()
        changes = witness.complete(namespace)
    if killed_ns is not None:  # what came later isn't there, and the recording says so
        ends = _last(rows)
    result.clock, result.starved = getattr(recorder, "how", ""), getattr(recorder, "starved", 0.0)
    evidence = Evidence(
        rows, changes, log, passing.kinds, ends, complete, killed_ns, int((INTERVAL + SLACK + result.starved) * 1e9)
    )
    verdict = judge(evidence)
    result.changes, result.recorded, result.in_gaps = verdict.changes, verdict.recorded, verdict.in_gaps
    result.unreported = len(verdict.unreported)
    result.needless_gaps = len(verdict.needless_gaps)
    result.duplicates = len(verdict.duplicates)
    result.gaps, result.rows = verdict.gaps, len(rows)
    result.requests = sum(seen.what == "request" for seen in log)
    result.hurts = dict(Counter(str(seen.value) for seen in log if seen.what == "hurt") + Counter(acts.done))
    others = [*verdict.others]
    others += [f"{stream} did not get as far as its last object in {REACH:.0f} s" for stream in missing]
    left = [thread.name for thread in set(threading.enumerate()) - threads if thread.is_alive()]
    others += [f"threads still run after the end: {', '.join(sorted(left))}"] if left else []
    result.others = len(others)
    for name in ("unreported", "needless_gaps", "duplicates"):
        result.problems += [f"{name}: {text}" for text in getattr(verdict, name)[:20]]
    result.problems += others[:20]
    if keep:
        _save(folder, plan, evidence, result)


def _recorder(plan: Scenario, order: Order, make: Callable[[Order], Any] | None, folder: Path) -> Any:
    if make is not None:
        return make(order)
    if plan.outside:
        clock = folder / "clock" if any(act.what == "clock" for act in plan.acts) else None
        return Outside(order, clock)
    return Inside(order)


@contextmanager
def _namespace(api: Any, namespace: str) -> Iterator[None]:
    """Make a namespace, and the ServiceAccount without which no Pod is admitted, rather than wait for it."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    try:
        for path, what in (("/api/v1/namespaces", body), (f"/api/v1/namespaces/{namespace}/serviceaccounts", account)):
            code, answer = api.send("POST", path, what)
            if code not in (201, 409):
                raise RuntimeError(f"{path} was refused: {answer}")
        yield
    finally:
        api.send("DELETE", f"/api/v1/namespaces/{namespace}")


def _last(rows: list[Any]) -> dict[str, int]:
    """Return, by stream, the version up to which a recording reaches whose recorder was killed."""
    ends: dict[str, int] = {}
    for row in rows:
        if row.uid:
            ends[row.stream] = max(ends.get(row.stream, 0), int(row.resourceVersion))
    return ends


def _save(folder: Path, plan: Scenario, evidence: Evidence, result: Result) -> None:
    """Keep what a scenario was judged by, to be read by a person."""
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    (folder / "result.json").write_text(json.dumps(result.to_dict(), indent=1))
    (folder / "log.jsonl").write_text("".join(json.dumps(_plain(seen)) + "\n" for seen in evidence.log))
    (folder / "witness.jsonl").write_text("".join(json.dumps(_plain(change)) + "\n" for change in evidence.changes))
    names = ("seq", "monotonic_ns", "stream", "name", "resourceVersion", "type", "origin")
    with (folder / "rows.jsonl").open("w") as out:
        for row in evidence.rows:
            said = json.loads(bytes(row.object)) if row.type == "GAP" else None
            out.write(json.dumps([getattr(row, name, None) for name in names] + ([said] if said else [])) + "\n")


def _plain(item: Any) -> list[Any]:
    return [getattr(item, name) for name in item.__dataclass_fields__]


__all__ = ["BASE", "COUNT", "FAMILIES", "Act", "Result", "Scenario", "run", "scenario"]

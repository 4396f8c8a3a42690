"""Contestants measured in one run: each in a process of its own, in turn, round after round.

A process of its own keeps one contestant's garbage, threads and imports out of another's figures. The rounds are
interleaved, and each begins with the next contestant, so that whatever the machine does meanwhile happens to all.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Run = Callable[[], Any]
"""What is measured; it returns how many things it has done, or what has as many, which is checked."""
Prepare = Callable[..., Run]
"""Imports and connects, and returns what is measured; a function of a module, because it is named to the process."""


class BenchmarkError(Exception):
    """A contestant did something else than it should."""


@dataclass
class Samples:
    """What one contestant took, a figure a round.

    Attributes
    ----------
    wall, cpu : list of float
        Seconds by the clock, and of the process and all its threads on a processor.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def of(self, clock: str) -> list[float]:
        """Return the figures by one clock: "CPU" or "wall"."""
        return self.cpu if clock == "CPU" else self.wall


@dataclass(frozen=True)
class Aim:
    """What was promised.

    Parameters
    ----------
    text : str
        In words.
    least : float
        The ratio that it takes.
    """

    text: str
    least: float


@dataclass(frozen=True)
class Result:
    """One line of the report.

    Parameters
    ----------
    name : str
        What was measured.
    value, unit : float, str
        kitlib's, the median of the rounds.
    spread : tuple of float
        The least and the most of the rounds.
    peer, peer_value : str, float, optional
        What it is compared with, and its median.
    aim : Aim, optional
        Where something was promised.
    clock : str
        "CPU" or "wall" where it is a time; the same thing by the other clock has the same name.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float]
    peer: str | None = None
    peer_value: float | None = None
    aim: Aim | None = None
    clock: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as much the peer takes: above 1 kitlib takes less."""
        return self.peer_value / self.value if self.peer_value is not None and self.value else None

    @property
    def kept(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        return None if self.aim is None or self.ratio is None else self.ratio >= self.aim.least


def compared(
    name: str,
    samples: Mapping[str, Samples],
    ours: str = "kitlib",
    per: int = 1,
    unit: str = "s",
    aims: Mapping[str, Aim] | None = None,
) -> list[Result]:
    """Return two lines for each peer that one contestant is compared with: in CPU time, and by the clock.

    Parameters
    ----------
    name : str
        What was measured.
    samples : mapping
        By contestant.
    ours : str
        The one that is compared with all others.
    per, unit
        What seconds are divided by, and what of: 1 and "s", or the number of rows and "µs a row".
    aims : mapping of str to Aim, optional
        Those in CPU time, by peer.
    """
    scale = (1e6 if unit.startswith("µs") else 1) / per
    found = []
    for peer in (who for who in samples if who != ours):
        for clock in ("CPU", "wall"):
            mine, theirs = ([each * scale for each in samples[who].of(clock)] for who in (ours, peer))
            aim = (aims or {}).get(peer) if clock == "CPU" else None
            median = statistics.median(mine)
            spread = min(mine), max(mine)
            found.append(Result(name, median, unit, spread, peer, statistics.median(theirs), aim, clock))
    return found


APART = True
"""Whether there are processes; tests, which say nothing about time, do with threads."""


def started(target: Callable[..., None], *args: Any) -> tuple[Connection, Any]:
    """Start a process that calls `target(pipe, *args)`; return our end of the pipe, and the process."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    kind: Any = spawn.Process if APART else threading.Thread
    process = kind(target=target, args=(theirs, *args), daemon=True)
    process.start()
    if APART:
        theirs.close()
    return ours, process


class Child:
    """A process of its own; what it says comes as (value, None), or as (None, what went wrong)."""

    def __init__(self, name: str, target: Callable[..., None], *args: Any) -> None:
        self.name = name
        self._pipe, self._process = started(target, *args)

    def ask(self) -> Any:
        """Let it do its thing once more, and return what it says."""
        self._pipe.send(None)
        return self.hear()

    def hear(self) -> Any:
        """Return what the process has to say, or raise what went wrong there."""
        try:
            said, failed = self._pipe.recv()
        except EOFError as error:
            self._process.join(timeout=10)
            raise BenchmarkError(f"{self.name}: its process ended with {self._process.exitcode}") from error
        if failed:
            raise BenchmarkError(f"{self.name}: {failed}")
        return said

    def end(self) -> None:
        """Let the process end."""
        self._pipe.close()
        self._process.join(timeout=10)
        if APART and self._process.is_alive():
            self._process.kill()


def _repeat(pipe: Connection, prepare: Prepare, args: tuple[Any, ...]) -> None:
    """Prepare, say so, then whenever asked run once and say how long it took."""
    try:
        run = prepare(*args)
        pipe.send((None, None))
        while True:
            pipe.recv()
            if APART:
                gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            done = run()
            took = time.perf_counter() - wall, time.process_time() - cpu
            pipe.send(((*took, done if isinstance(done, int) else len(done)), None))
            del done
    except EOFError:
        _end(pipe)
    except Exception:
        pipe.send((None, traceback.format_exc()))
        _end(pipe)


def _end(pipe: Connection) -> None:
    pipe.close()
    if APART:
        os._exit(0)  # threads that still wait for a server are not waited for


def _once(pipe: Connection, call: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        pipe.send((call(*args), None))
    except Exception:
        pipe.send((None, traceback.format_exc()))
    _end(pipe)


def alone(call: Callable[..., Any], *args: Any) -> Any:
    """Call a function of a module once in a process of its own, and return what it returns."""
    child = Child(call.__name__, _once, call, args)
    try:
        return child.hear()
    finally:
        child.end()


@contextlib.contextmanager
def _ready(contestants: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Child]]:
    running: dict[str, Child] = {}
    try:
        for name, (prepare, *args) in contestants.items():
            running[name] = Child(name, _repeat, prepare, tuple(args))
        for each in running.values():
            each.hear()
        yield running
    finally:
        for each in running.values():
            each.end()


def contest(
    label: str, contestants: Mapping[str, tuple[Any, ...]], rounds: int, expected: int, seldom: Sequence[str] = ()
) -> dict[str, Samples]:
    """Run each in turn, `rounds` times, after one that doesn't count.

    Parameters
    ----------
    label : str
        What the progress says.
    contestants : mapping
        By name: what prepares it, and its arguments.
    rounds : int
        How many of each.
    expected : int
        How many things each run must do.
    seldom : sequence of str
        Those so slow that they run in the first round only.
    """
    samples = {name: Samples() for name in contestants}
    with _ready(contestants) as running:
        names = list(running)
        for number in range(rounds + 1):
            turn = number % len(names)
            for name in [*names[turn:], *names[:turn]]:
                if name in seldom and number != 1:
                    continue
                shown(f"{label}: round {number} of {rounds}, {name}")
                wall, cpu, done = running[name].ask()
                if done != expected:
                    raise BenchmarkError(f"{name} did {done} of {expected} in {label}")
                if number:
                    samples[name].wall.append(wall)
                    samples[name].cpu.append(cpu)
    return samples


def peak() -> int:
    """Return the most memory that this process has held until now, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def shown(text: str) -> None:
    """Say on standard error what is under way: in place on a terminal, nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text[:110]}", end="", file=sys.stderr, flush=True)

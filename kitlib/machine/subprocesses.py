"""Run another program: its words become progress, its failure one clear error, and Ctrl-C ends all of it.

`run` is the one way; `call` and `output` make a BuildError of a failure, others make theirs of what `run` tells.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import resources
from kitlib.progress import Progress

Tell = Callable[[str], object]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SILENT = 300.0
"""Seconds that a program may go without a word."""
LAST = 200
"""Lines that are kept of what a program says."""
GRACE = 5.0
"""Seconds that a program may take to end when it is told to, before it is killed."""


@dataclass(frozen=True)
class Ended:
    """A program that has ended.

    Parameters
    ----------
    code : int
        Its exit code; of one that a signal ended, the signal's number, negative.
    output : str
        What it wrote to standard output; empty if both were read together.
    lines : list of str
        The last lines that it said: on standard error, or on both.
    """

    code: int
    output: str
    lines: list[str]


class Unfinished(Exception):
    """A program that was ended because it was silent, took too long, or was cancelled.

    Parameters
    ----------
    why : str
        "silent", "late" or "cancelled".
    seconds : float
        How long it was silent, or ran.
    lines : list of str
        The last lines that it said.
    """

    def __init__(self, why: str, seconds: float, lines: list[str]) -> None:
        super().__init__(f"{why} after {seconds:.0f} s")
        self.why = why
        self.seconds = seconds
        self.lines = lines


def run(
    command: Sequence[str],
    tell: Tell = lambda text: None,
    *,
    together: bool = False,
    tick: Callable[[], object] = lambda: None,
    stdin: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    silent: float | None = None,
    timeout: float | None = None,
    cancel: threading.Event | None = None,
    inherit: Sequence[int] = (),
    ask: int = signal.SIGTERM,
) -> Ended:
    """Run a program to its end; whatever happens here meanwhile, it and all that it started are ended, too.

    Parameters
    ----------
    command : sequence of str
    tell : callable
        Gets each line that it says on standard error as it comes.
    together : bool
        Whether lines on standard output are told, too, in their order.
    tick : callable
        Called twice a second at least.
    stdin : str
        What it can read.
    folder : Path, optional
        Where it runs.
    environment : mapping, optional
        This process's by default.
    silent : float, optional
        Seconds that it may go without a word.
    timeout : float, optional
        Seconds that it may take.
    cancel : threading.Event, optional
        Ends it when it is set: Ctrl-C reaches the main thread only.
    inherit : sequence of int
        Open files that it keeps, such as a lock's.
    ask : int
        The signal that asks it to end.

    Raises
    ------
    OSError
        It can't be started.
    Unfinished
        It was ended: it was silent for too long, or late, or cancelled.
    """
    child = subprocess.Popen(
        list(command),
        cwd=folder,
        env=None if environment is None else dict(environment),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        start_new_session=True,
        pass_fds=tuple(inherit),
    )
    began = heard = time.monotonic()
    lines: deque[str] = deque(maxlen=LAST)
    output = bytearray()
    try:
        if child.stdin:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(stdin.encode())
                child.stdin.close()
        for spoken, data in _read(child):
            now = time.monotonic()
            if spoken == "line":
                # of a line that was rewritten, what it was last
                if text := data.decode(errors="replace").rstrip().rsplit("\r", 1)[-1].strip():
                    lines.append(text)
                    tell(text)
            elif spoken == "output":
                output += data
            if spoken != "nothing":
                heard = now
            tick()
            if cancel is not None and cancel.is_set():
                raise Unfinished("cancelled", now - began, list(lines))
            if silent is not None and now - heard > silent:
                raise Unfinished("silent", silent, list(lines))
            if timeout is not None and now - began > timeout:
                raise Unfinished("late", timeout, list(lines))
        try:
            code = child.wait(None if timeout is None else max(began + timeout - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise Unfinished("late", time.monotonic() - began, list(lines)) from None
    finally:
        _end(child, ask)
    return Ended(code, output.decode(errors="replace"), list(lines))


def _read(child: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield what a program says: a "line", a piece of "output", or "nothing" for half a second."""
    assert child.stdout is not None
    told = child.stderr or child.stdout
    pending = b""
    with selectors.DefaultSelector() as selector:
        for pipe in {child.stdout, told}:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(0.5)
            if not ready:
                yield "nothing", b""
            for entry, _ in ready:
                data = os.read(entry.fd, 65536)
                if not data:
                    selector.unregister(entry.fileobj)
                elif entry.fileobj is told:
                    *whole, pending = (pending + data).split(b"\n")
                    yield from (("line", each) for each in whole)
                else:
                    yield "output", data
    if pending:
        yield "line", pending


def _end(child: subprocess.Popen[bytes], ask: int) -> None:
    """End a program and all that it started, if it still runs."""
    for number in (ask, signal.SIGKILL):
        if child.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def call(
    command: Sequence[str],
    step: str,
    tell: Tell = lambda text: None,
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    silent: float = SILENT,
    cancel: threading.Event | None = None,
) -> str:
    """Run a program of the system to its end, and return the last lines that it said.

    Parameters
    ----------
    command : sequence of str
    step : str
        What is being done, for errors.
    tell, stdin, silent, cancel
        See `run`; `tell` gets what it says on standard output, too.
    environment : mapping, optional
        Its PATH is that of the system.

    Raises
    ------
    BuildError
        It can't be started, fails, is cancelled, or is silent for too long; the message has its last words.
    """
    try:
        ended = run(
            command,
            tell,
            together=True,
            stdin=stdin,
            environment=of_system(environment),
            silent=silent,
            cancel=cancel,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}.", step=step) from error
    except Unfinished as error:
        what = "was cancelled" if error.why == "cancelled" else f"has been silent for {error.seconds:.0f} s"
        raise BuildError(f"{command[0]} {what}.", step=step) from error
    if ended.code:
        raise failed(command[0], ended.code, ended.lines, step)
    return "\n".join(ended.lines)


def output(command: Sequence[str], step: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a program of the system that answers soon, and return what it writes to standard output.

    Parameters
    ----------
    command : sequence of str
    step : str
        What is being done, for errors.
    environment : mapping, optional
        This process's, with the system's PATH, by default.

    Raises
    ------
    BuildError
        It can't be started, fails, or does not end within two minutes.
    """
    try:
        ended = run(command, environment=environment or of_system(), timeout=120)
    except OSError as error:
        raise BuildError(f"{command[0]}: {error}", step=step) from error
    except Unfinished as error:
        raise BuildError(f"{' '.join(command[:2])} does not end.", step=step) from error
    if ended.code:
        raise failed(command[0], ended.code, [*ended.output.splitlines(), *ended.lines], step)
    return ended.output


def said(command: Sequence[str], timeout: float = 10.0, environment: Mapping[str, str] | None = None) -> str | None:
    """Return all that a program says, on standard output and error; None if it can't be run, fails or is late."""
    try:
        ended = run(command, environment=environment, timeout=timeout)
    except (OSError, Unfinished):
        return None
    return None if ended.code else "\n".join([ended.output, *ended.lines])


def of_system(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment (this process's by default) in which the system's own programs are found first."""
    return {**(os.environ if environment is None else environment), "PATH": PATH}


class Phases:
    """Progress by what a program says when it begins the next part of its work.

    Parameters
    ----------
    bar : Progress
    shares : mapping
        What a line contains, and which share of the whole is done by then, as measured once.
    """

    def __init__(self, bar: Progress, shares: Mapping[str, float]) -> None:
        self.bar = bar
        self.shares = shares

    def line(self, text: str) -> None:
        """Look at a line."""
        known = next((share for part, share in self.shares.items() if part in text), None)
        if known is None:
            self.bar.update()
        else:
            self.bar.update(text.removeprefix("I: ")[:60], done=known, total=1.0)


def failed(program: str, code: int, lines: list[str], step: str) -> BuildError:
    """Make the error for a program that failed: what it said, and what can be done about it."""
    text = "\n".join(lines)
    if "No space left on device" in text or "no space left on device" in text:
        error = resources.disk_full(step, Path.cwd(), f"{Path(program).name} found no space")
        assert isinstance(error, BuildError)
        return error
    signs = ("Could not resolve", "Temporary failure", "Unable to connect", "Failed to fetch", "Could not connect")
    if fetch := next((line for line in lines if any(sign in line for sign in signs)), None):
        return BuildError(
            f"a Debian mirror can't be reached: {fetch[:300]}",
            step=step,
            next="connect this machine to the network, or name a mirror that it can reach in /etc/apt/sources.list",
        )
    said = [line for line in lines if line.startswith(("E:", "error", "Error", "ERROR"))] or lines
    ended = f"ended with {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
    words = "\n  ".join(line[:300] for line in said[-4:])
    return BuildError(
        f"{Path(program).name} {ended}" + (f":\n  {words}" if words else "."),
        step=step,
        next="try again: what is done is kept",
    )

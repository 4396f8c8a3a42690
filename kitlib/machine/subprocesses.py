"""Run another program: its words become progress, its failure one clear error, and Ctrl-C ends all of it."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import resources
from kitlib.progress import Progress

Tell = Callable[[str], None]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SILENT = 300.0
"""Seconds that a program may go without a word."""


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


def call(
    command: list[str],
    step: str,
    tell: Tell = lambda text: None,
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    silent: float = SILENT,
    cancel: threading.Event | None = None,
) -> str:
    """Run a program to its end, and return its last lines.

    Parameters
    ----------
    command : list of str
    step : str
        What is being done, for errors.
    tell : callable
        Gets each line that it says on standard output or error.
    stdin : str
        What it can read.
    environment : mapping, optional
    silent : float
        Seconds that it may go without a word.
    cancel : threading.Event, optional
        Ends it when it is set: Ctrl-C reaches the main thread only.

    Raises
    ------
    BuildError
        It can't be started, fails, is cancelled, or is silent for too long; the message has its last words.
    """
    lines: list[str] = []
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**(os.environ if environment is None else environment), "PATH": PATH},
            start_new_session=True,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}.", step=step) from error
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(stdin.encode())
            child.stdin.close()
        pending = b""
        heard = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while True:
                if cancel is not None and cancel.is_set():
                    raise BuildError(f"{command[0]} was cancelled.", step=step)
                if not selector.select(0.5):
                    if time.monotonic() - heard > silent:
                        raise BuildError(f"{command[0]} has been silent for {silent:.0f} s.", step=step)
                    continue
                data = os.read(child.stdout.fileno(), 65536)
                heard = time.monotonic()
                if not data:
                    break
                *whole, pending = (pending + data).split(b"\n")
                for each in whole:
                    if text := each.decode(errors="replace").rsplit("\r", 1)[-1].strip():
                        lines = [*lines[-99:], text]
                        tell(text)
        if pending.strip():
            lines.append(pending.decode(errors="replace").strip())
        code = child.wait()
    finally:
        _end(child)
    if code:
        raise failed(command[0], code, lines, step)
    return "\n".join(lines)


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


def output(command: list[str], step: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a program that answers at once, and return what it writes to standard output.

    Raises
    ------
    BuildError
        It can't be started, or fails.
    """
    full = {**(os.environ if environment is None else environment), "PATH": PATH}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=full, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]}: {error}", step=step) from error
    if answer.returncode:
        raise failed(command[0], answer.returncode, (answer.stdout + answer.stderr).splitlines(), step)
    return answer.stdout


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started, if it still runs."""
    if child.poll() is None:
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            try:
                child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def remove(folder: Path) -> None:
    """Remove a folder that may hold anything, but nothing that is mounted below it.

    Raises
    ------
    BuildError
        Something is mounted there.
    """
    if not folder.exists():
        return
    below = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if mounted := [path for path in below if path.startswith(f"{folder}/")]:
        raise BuildError(
            f"{mounted[0]} is mounted, so it can't be removed.",
            step="remove a folder",
            object=str(folder),
            next=f"`umount {mounted[0]}`, then try again",
        )
    shutil.rmtree(folder)


def size(path: Path) -> int:
    """Return how many bytes a file or folder takes on the disk; a file with two names counts once."""
    if not path.is_dir():
        return path.lstat().st_blocks * 512 if path.exists() else 0
    seen: set[int] = set()
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with contextlib.suppress(OSError):
                stat = os.lstat(os.path.join(folder, name))
                if stat.st_ino not in seen:
                    seen.add(stat.st_ino)
                    total += stat.st_blocks * 512
    return total

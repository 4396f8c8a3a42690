"""Processes of this machine: find them, name one for good, tell whether it lives, end it and wait until it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

SLACK = 2.0
"""Seconds by which two readings of a process's start may differ: the kernel rounds that of the machine."""


def commands() -> dict[int, str]:
    """Return the program path (argv[0]) of every process that this user may see; zombies are left out."""
    return dict(_commands())


def _commands() -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if words := process.cmdline():  # a zombie has none
                yield process.pid, words[0]


def running(pid: int, program: Path) -> bool:
    """Say whether that process lives and is still the program that we started (a pid may have been given away)."""
    try:
        return psutil.Process(pid).cmdline()[:1] == [str(program)]
    except psutil.Error:
        return False


def below(folder: Path) -> dict[int, str]:
    """Return the processes whose program lies below `folder`."""
    lead = f"{folder}{os.sep}"
    return {pid: program for pid, program in commands().items() if program.startswith(lead)}


def end(pids: list[int], deadline: float = 10.0) -> list[int]:
    """Kill processes at once, and wait until they are gone.

    Returns
    -------
    list of int
        Those that still live at the deadline.
    """
    killed = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.kill()
            killed.append(process)
    return [process.pid for process in _still_there(killed, deadline)]


def _still_there(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    """Wait until processes have ended, and return those that haven't in time.

    One whose parent doesn't ask how it ended, as in containers whose first process isn't an init, stays in the list of
    processes as a zombie. It runs no more, and holds nothing.
    """
    until = time.monotonic() + patience
    while processes:
        left = max(until - time.monotonic(), 0.0)
        alive = psutil.wait_procs(processes, min(left, 0.1))[1]
        processes = [process for process in alive if not _is_zombie(process)]
        if left == 0:
            break
    return processes


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end_gently(pid: int, patience: float) -> bool:
    """Ask a process to end, kill it if it doesn't, and wait until it is gone; say whether it went when asked.

    Parameters
    ----------
    pid : int
    patience : float
        Seconds that it may take, and once more after it was killed.
    """
    try:
        process = psutil.Process(pid)
        process.terminate()
        if not _still_there([process], patience):
            return True
        process.kill()
        _still_there([process], patience)
    except psutil.NoSuchProcess:
        return True
    return False


def identity(pid: int | None = None) -> dict[str, object]:
    """Name a process so that another one with the same number later isn't taken for it; by default this one.

    Returns
    -------
    dict
        "host", "pid", and "started": seconds after the machine's start. What tells later whether it lives is `ended`.
    """
    process = psutil.Process(pid)
    started = process.create_time() - psutil.boot_time()
    return {"host": socket.gethostname(), "pid": process.pid, "started": round(started, 2)}


def ended(noted: Mapping[str, object]) -> bool:
    """Say whether a process that `identity` named no longer runs; of another machine's processes nothing is known."""
    if noted.get("host") != socket.gethostname():
        return False
    try:
        pid = int(str(noted["pid"]))
        now = identity(pid)
        return _is_zombie(psutil.Process(pid)) or abs(float(str(now["started"])) - float(str(noted["started"]))) > SLACK
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
    except (KeyError, ValueError):  # it isn't as we write it
        return True

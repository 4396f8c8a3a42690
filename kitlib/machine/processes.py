"""Processes that kwokctl leaves running: find them, tell whether they live, end them and wait until they are gone."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path


def commands() -> dict[int, str]:
    """Return the program path (argv[0]) of every process that this user may see; zombies are left out."""
    found: dict[int, str] = {}
    if sys.platform == "linux":
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (program := _program(int(entry.name))):
                found[int(entry.name)] = program
        return found
    out = subprocess.run(["ps", "-axo", "pid=,args="], capture_output=True, text=True, check=False).stdout
    for line in out.splitlines():
        pid, _, command = line.strip().partition(" ")
        found[int(pid)] = command.strip()
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0", 1)[0].decode(errors="replace")
    except OSError:
        return ""


def running(pid: int, program: Path) -> bool:
    """Say whether that process lives and is still the program that we started (a pid may have been given away)."""
    if sys.platform == "linux":
        return _program(pid) == str(program)
    return commands().get(pid, "").split(" -", 1)[0] == str(program)


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
    handles = {}
    for pid in pids:
        try:
            handles[pid] = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            if (handle := handles.pop(pid, -1)) >= 0:
                os.close(handle)
    until = time.monotonic() + deadline
    left = []
    for pid, handle in handles.items():
        if not gone(pid, handle, until):
            left.append(pid)
        if handle >= 0:
            os.close(handle)
    return left


def gone(pid: int, handle: int, until: float) -> bool:
    """Wait until a process has ended, at most until a time (monotonic); `handle` is its pidfd, or -1."""
    poll = select.poll()
    if handle >= 0:
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))
    while time.monotonic() < until:  # no pidfd here (macOS): ask every 20 ms
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        poll.poll(20)
    return False

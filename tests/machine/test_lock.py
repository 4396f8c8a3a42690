"""Locks: one holder at a time, and a stale one is no obstacle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kitlib.machine.lock import FileLock

HOLD = """
import sys, pathlib
from kitlib.machine.lock import FileLock
with FileLock(pathlib.Path(sys.argv[1]), "test", False):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds a lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    """Let it go, and close its pipes."""
    child.communicate()


def test_a_stale_lock_file_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text("999999999\n")
    with FileLock(path, "test", False) as lock:
        assert lock.holder() == os.getpid()


def test_a_killed_holder_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    child = holder(path)
    child.send_signal(signal.SIGKILL)
    end(child)
    with FileLock(path, "test", False):
        pass


def test_the_second_waits_and_says_for_whom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.lock"
    child = holder(path)
    later = threading.Timer(3.0, end, [child])
    later.start()
    with FileLock(path, "build", True):
        assert child.poll() is not None or child.wait(5) == 0
    later.join()
    assert f"process {child.pid} is at it" in capsys.readouterr().err


def test_a_child_that_inherits_the_lock_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with FileLock(path, "test", False) as lock:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(lock.handle,))
    got = threading.Event()

    def wait() -> None:
        with FileLock(path, "test", False):
            got.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert not got.wait(0.3)
    child.communicate()
    assert got.wait(5)
    thread.join()


def test_who_is_not_to_wait_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    child = holder(path)
    with pytest.raises(BlockingIOError):
        FileLock(path, "test", False, wait=False).__enter__()
    end(child)
    with FileLock(path, "test", False, wait=False):
        pass

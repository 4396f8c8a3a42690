"""Processes: a number that was given away is not ours; an end is waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kitlib.machine import processes


@pytest.fixture
def sleeper(tmp_path: Path) -> subprocess.Popen[bytes]:
    """A process whose program lies in a folder of ours."""
    program = tmp_path / "bin" / "etcd"
    program.parent.mkdir()
    program.symlink_to(shutil.which("sleep") or "/bin/sleep")
    return subprocess.Popen([str(program), "60"])


def test_found_by_folder_and_ended(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "etcd"
    assert processes.below(tmp_path) == {sleeper.pid: str(program)}
    assert processes.running(sleeper.pid, program)
    assert processes.end([sleeper.pid]) == []
    sleeper.wait(5)
    assert not processes.running(sleeper.pid, program)
    assert processes.below(tmp_path) == {}


def test_a_number_that_was_given_away_is_not_ours(tmp_path: Path) -> None:
    assert not processes.running(os.getpid(), tmp_path / "etcd")


def test_ending_what_has_ended_is_no_error(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert processes.end([sleeper.pid]) == []


def test_a_process_is_named_for_good(sleeper: subprocess.Popen[bytes]) -> None:
    named = processes.identity(sleeper.pid)
    assert not processes.ended(named) and not processes.ended(processes.identity())
    given_away = {**named, "started": float(str(named["started"])) - 60}
    assert processes.ended(given_away), "another process has that number now"
    assert not processes.ended({**named, "host": "elsewhere", "pid": 2**22 + 1}), "nothing is known of it"
    sleeper.kill()
    sleeper.wait()
    assert processes.ended(named)
    assert processes.ended({"host": named["host"]}), "it isn't as kitlib writes it"


def test_what_does_not_end_when_it_is_asked_is_killed(tmp_path: Path) -> None:
    stubborn = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo; while true; do sleep 0.1; done"], stdout=subprocess.PIPE
    )
    assert stubborn.stdout is not None and stubborn.stdout.readline()
    assert not processes.end_gently(stubborn.pid, 0.3)
    meek = subprocess.Popen(["sleep", "60"])
    assert processes.end_gently(meek.pid, 5)
    assert stubborn.poll() is not None and meek.poll() is not None


@pytest.fixture
def orphan() -> Iterator[int]:
    """A process whose parent never asks how it ended, as the first process of many a container."""
    text = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)  # a shell may ask while it begins
    assert parent.stdout is not None
    yield int(parent.stdout.readline())
    parent.kill()
    parent.wait()


def test_a_process_that_nobody_asks_how_it_ended_has_ended(orphan: int) -> None:
    named = processes.identity(orphan)
    assert processes.end([orphan], deadline=5) == []
    assert psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
    assert processes.ended(named)
    assert processes.end([orphan], deadline=0) == []


def test_one_that_ends_when_asked_is_not_killed_for_its_parent(orphan: int) -> None:
    assert processes.end_gently(orphan, 5)

"""Processes: a number that was given away is not ours; an end is waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

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

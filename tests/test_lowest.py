"""What pyproject.toml declares holds: all works with exactly the lowest versions that it allows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kitlib.recording import Recording
from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.lowest, pytest.mark.slow, pytest.mark.live]
PURE = re.search(r"^PURE := (.+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
NEWEST = ("test_what_is_installed_is_what_is_pinned", "test_pins_reach_all_the_way_down")
"""These speak for the versions of constraints.txt, and so for the other environment."""


@pytest.fixture(scope="module")
def lowest() -> Path:
    """The Python of an environment of the lowest versions; `make test` has made it before."""
    made = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "environment.py", "lowest"], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"the lowest versions can't be installed: {made.stderr[-500:]}")
    return Path(made.stdout.splitlines()[-1]) / "bin" / "python"


def environment(**more: str) -> dict[str, str]:
    """The environment in which the code is the checkout's."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "KITLIB_BUILD": "", **more}


@pytest.mark.timeout(1800)
def test_the_pure_tests_pass(lowest: Path) -> None:
    assert PURE
    command = [
        lowest,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:kitlib-durations",
        "-m",
        PURE[1],
        "tests",
    ]
    command += ["--deselect=tests/test_packaging.py::" + name for name in NEWEST]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 1000, done.stdout[-500:]


def test_a_cluster_is_recorded(lowest: Path, cluster, tmp_path: Path) -> None:
    out = tmp_path / "recording"
    command = [lowest, "-m", "kitlib.cli", "record", "--kinds", "nodes,namespaces", "--for", "3", "--out", out]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment(KITLIB_CLUSTER=cluster.name),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(Recording.open(out).frames.nodes) > 0

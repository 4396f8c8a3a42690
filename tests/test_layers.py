"""The design's one-way flow, checked by import-linter and by a process that has no way to a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def test_no_module_imports_against_the_flow():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False, env={"NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["recording", "frames", "rollout", "claims", "plots"])
def test_a_file_is_enough(module):
    """What is right of the recording loads nothing that is left of it, nor the Kubernetes client."""
    code = (
        f"import sys, kitlib.{module}\n"
        "left = {'kubernetes', 'urllib3'} | {'kitlib.' + name for name in"
        " ('machine', 'cluster', 'api', 'watch', 'lab', 'lessons')}\n"
        "sys.exit(', '.join(sorted(left & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, f"kitlib.{module} loads {done.stderr}"


def test_no_module_is_called_utils():
    names = {path.stem for path in (CHECKOUT / "kitlib").rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "misc", "common"}

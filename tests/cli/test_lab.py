"""`kitlib lab`: JupyterLab on the cluster, which hears Ctrl-C itself and says no more than its address."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kitlib.cli import lessons
from tests.cli.test_cli import Fake


def test_ctrl_c_is_left_to_jupyterlab_which_asks_back():
    """Both get the signal. kitlib would kill it a quarter of a second later, kernels and all."""
    program = "import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(7)"
    with lessons._interrupted_only_below():
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7
        asked = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT).__name__)"]
        inherited = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    assert inherited.strip() == "default_int_handler", "it hears Ctrl-C itself"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def started(run, monkeypatch):
    """What JupyterLab was started with, in a folder of one lesson."""
    started: dict = {}

    def start(command, **more):
        started.update(command=command, **more)
        return subprocess.CompletedProcess(command, 0)

    (Path.cwd() / "notebooks").mkdir()
    (Path.cwd() / "notebooks" / "start.ipynb").touch()
    (Path.cwd() / "mkdocs.yml").write_text("site_name: x\n")
    monkeypatch.setattr(lessons, "use", lambda *_: Fake())
    monkeypatch.setattr(subprocess, "run", start)
    return started


def test_lab_starts_jupyterlab_on_the_cluster(run, started):
    shown = run("lab", "--", "--no-browser")
    assert shown.exit_code == 0, shown.output
    assert started["env"]["KITLIB_CLUSTER"] == "embedded-0.0"
    assert any(part.endswith("start.ipynb") for part in started["command"])
    assert started["command"][-1] == "--no-browser" and "--ServerApp.ip=127.0.0.1" in started["command"]


SAID = "--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"


@pytest.mark.parametrize(("option", "quiet"), [("--no-browser", True), ("--log-level=INFO", False)])
def test_jupyterlab_tells_its_address_and_not_of_its_extensions(run, started, option, quiet):
    """Unless somebody wants to know: thirty lines, each broken at the edge of 80 columns, hid the address."""
    assert run("lab", "--", option).exit_code == 0
    assert all((each in started["command"]) is quiet for each in SAID)

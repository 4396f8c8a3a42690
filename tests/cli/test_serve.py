"""The command `serve`: which moment it shows, where its kubeconfig is, and what is left when it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib.api.transport import Connection
from tests.conftest import CHECKOUT, SAMPLES

JOB = SAMPLES / "job"
"""It lasts 236 seconds, from 00:20:33Z."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "KITLIB_STATE": str(tmp_path / "state"), "PYTHONPATH": str(CHECKOUT)}


class Served:
    """The command as it runs."""

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kitlib.cli", "serve", *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        self.kubeconfig = Path(self.first.strip().removeprefix("export KUBECONFIG="))

    def end(self, by: int = signal.SIGINT) -> str:
        """End it, and return what it told."""
        self.process.send_signal(by)
        told = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == 0, told
        return told


@pytest.fixture
def served(environ: dict[str, str]) -> Iterator[list[Served]]:
    begun: list[Served] = []
    yield begun
    for each in begun:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended_and_leaves_nothing(
    environ: dict[str, str], served: list[Served], tmp_path: Path, by: int
) -> None:
    one = Served(environ, str(JOB), "--at", "1m")
    served.append(one)
    assert one.kubeconfig.parent == tmp_path / "state" / "served"
    found = Connection(one.kubeconfig).get("/apis/batch/v1/jobs")["items"]
    assert "moved" in {each["metadata"]["name"] for each in found}
    told = one.end(by)
    assert "at 2026-11-29T00:21:33Z, 60.0 s after its begin, of 236.0 s" in told and "196 Job" in told
    assert not list(one.kubeconfig.parent.iterdir())


def test_what_a_killed_one_left_is_removed_by_the_next(environ: dict[str, str], served: list[Served]) -> None:
    one = Served(environ, str(JOB))
    one.process.kill()
    one.process.communicate()
    assert one.kubeconfig.exists()
    two = Served(environ, str(JOB), "--play", "2")
    served += [one, two]
    assert not one.kubeconfig.exists() and two.kubeconfig.exists()
    three = Served(environ, str(JOB))
    served.append(three)
    assert two.kubeconfig.exists(), "it still runs"
    three.end()
    assert "played 2 times as fast as it happened, from 2026-11-29T00:20:33Z" in two.end()


def test_the_kubeconfig_may_be_elsewhere_but_is_never_another_file(
    environ: dict[str, str], served: list[Served], tmp_path: Path
) -> None:
    place = tmp_path / "mine.yaml"
    one = Served(environ, str(JOB), "--kubeconfig", str(place))
    served.append(one)
    assert json.loads(place.read_text())["current-context"] == "kind-1.37-recording"
    one.end()
    place.write_text("mine")
    two = Served(environ, str(JOB), "--kubeconfig", str(place))
    assert two.process.wait(timeout=60) == 2
    assert place.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--at", "10m"], r"10m isn't in this recording\n  Next: it lasts 236.0 s, from 2026-11-29T00:20:33Z to"),
        (["--at", "soon"], r"'soon' is no moment\n  Next: write how long after its begin, as 90s or 1m30s, or a time"),
        (["--at", "2026-11-28T00:00:00Z"], "isn't in this recording"),
        (["--play", "0"], "--play 0 is no speed"),
        (["--play", "-1"], "--play -1 is no speed"),
    ],
)
def test_what_is_no_moment_or_speed_is_refused(run, words: list[str], says: str) -> None:  # type: ignore[no-untyped-def]
    shown = run("serve", JOB, *words)
    assert shown.exit_code == 2, shown.output
    assert re.search(says, shown.stderr), shown.stderr


def test_what_is_no_recording_is_refused(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("serve", tmp_path / "none").exit_code == 8


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.5", 0.5),
        ("90", 90),
        ("1m30s", 90),
        ("+2m", 120),
        ("00:21:33Z", 60),
        ("00:21:33", 60),
        ("2026-11-29T00:22:33Z", 120),
        ("2026-11-29T01:22:33+01:00", 120),
    ],
)
def test_a_moment_by_any_of_its_names(text: str, seconds: float) -> None:
    from kitlib.cli.serving import moment
    from kitlib.recording import Recording
    from kitlib.serve.history import History

    history = History(Recording.open(JOB))
    assert abs((moment(text, history) - history.begin_ns) / 1e9 - seconds) < 1, "the begin isn't a whole second"

"""The commands `plot` and `record`: what they draw, say and refuse."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from kitlib import plots
from tests.conftest import CHECKOUT

KITLIB = Path(sys.executable).with_name("kitlib")


@pytest.fixture
def recording() -> Path:
    return CHECKOUT / "tests" / "data" / "rollout"


@pytest.mark.parametrize("figure", ["story", "rollout", "lanes", "events"])
def test_plot_draws_and_says_the_same_in_words(run, recording, tmp_path, figure):
    shown = run("plot", recording, "--out", tmp_path / "new" / f"{figure}.png", "--figure", figure)
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "new" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert len(shown.stdout.split()) > 10


@pytest.mark.parametrize("figure", ["lanes", "events"])
def test_plot_draws_one_deployment_of_several(run, monkeypatch, tmp_path, figure):
    given: list[pd.DataFrame] = []

    def draw(*frames, **_):
        given.extend(frames)
        return plots.canvas.new_axes(plots.canvas.new_figure(2), 0.5, 1)

    monkeypatch.setattr(plots, figure, draw)
    several = CHECKOUT / "tests" / "data" / "deployment"
    for deployment in ([], ["--deployment", "recreate"]):
        shown = run("plot", several, "--out", tmp_path / "x.png", "--figure", figure, *deployment)
        assert shown.exit_code == 0, shown.output
    column = "name" if figure == "lanes" else "involvedObject.name"
    every, one = given[0], given[len(given) // 2]
    assert {name.split("-")[0] for name in one[column]} == {"recreate"}
    assert 0 < len(one) == every[column].str.startswith("recreate").sum() < len(every)


def test_plot_asks_which_of_several_deployments_is_meant(run, tmp_path):
    shown = run("plot", CHECKOUT / "tests" / "data" / "deployment", "--out", tmp_path / "x.png")
    assert shown.exit_code == 2, shown.output
    assert "Deployments in this recording" in shown.stderr and "name one by --deployment: web, " in shown.stderr


def test_plot_says_where_it_cannot_write(run, recording, tmp_path):
    (tmp_path / "file").touch()
    shown = run("plot", recording, "--out", tmp_path / "file" / "x.png", "--figure", "events")
    assert shown.exit_code == 2 and "Next:" in shown.stderr
    assert f"can't be written: {tmp_path / 'file'} is no folder" in shown.stderr


@pytest.mark.parametrize(
    ("out", "told"), [("", "no folder of its own"), (".", "no folder of its own"), ("a", "is a file")]
)
def test_record_takes_no_place_that_is_something_else(run, monkeypatch, tmp_path, out, told):
    monkeypatch.setattr("kitlib.cluster.find", lambda *_: pytest.fail("it is told before a cluster is asked"))
    (tmp_path / "a").touch()
    shown = run("record", "--out", out, "--for", "1")
    assert shown.exit_code == 2 and told in shown.stderr, shown.output
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("figure", ["story", "rollout", "lanes", "events"])
def test_plot_of_a_deployment_that_is_not_there(run, recording, tmp_path, figure):
    shown = run("plot", recording, "--out", tmp_path / "x.png", "--deployment", "nope", "--figure", figure)
    assert shown.exit_code == 2, shown.output
    assert "nope" in shown.stderr and "web" in shown.stderr
    assert not (tmp_path / "x.png").exists()


@pytest.mark.live
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_record_until_it_is_stopped(cluster, namespace, connection, tmp_path, name):
    from kitlib.recording import Recording

    out = tmp_path / "stopped.rec"
    process = subprocess.Popen(
        [KITLIB, "record", "-n", namespace, "--kinds", "configmaps", "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "seen-"}}
    while time.monotonic() < deadline and not list(out.glob("flush-*")):
        connection.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)
        time.sleep(0.3)
    assert list(out.glob("flush-*")), "nothing was recorded"
    process.send_signal(name)
    said, problems = process.communicate(timeout=120)
    assert process.returncode == 0, problems
    recording = Recording.open(out)
    changes = sum(row.origin != "kitlib" for row in recording.rows)
    assert f"{changes} rows" in said and recording.info["complete"] is True
    assert any(row.name.startswith("seen-") for row in recording.rows)

"""`kitlib walk --replay`, `kitlib lab --replay`: lessons on their recordings; `--keep-recordings`: new ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kitlib import walk as walking
from kitlib.cli import lessons


@pytest.fixture
def no_cluster(monkeypatch):
    """Whoever looks for a cluster fails the test."""
    (Path.cwd() / "notebooks").mkdir()
    (Path.cwd() / "notebooks" / "start.ipynb").touch()
    (Path.cwd() / "mkdocs.yml").write_text("site_name: x\n")

    def use(*_: object) -> None:
        raise AssertionError("a cluster was looked for")

    monkeypatch.setattr(lessons, "use", use)


@pytest.mark.parametrize("command", ["walk", "lab"])
def test_who_names_a_cluster_as_well_is_told(run, no_cluster, command):
    for option in (("--context", "prod"), ("--provider", "kind"), ("--kubernetes", "1.17")):
        shown = run(command, "--replay", *option)
        assert shown.exit_code == 2
        assert "a recording has its own cluster" in shown.stderr


def test_a_walk_on_recordings_looks_for_no_cluster(run, no_cluster, monkeypatch):
    asked = []
    found = walking.NotebookResult("start", Path("start.ipynb"), complete=True, recorded="recording, kind")
    monkeypatch.setattr(walking, "walk", lambda *args, **_: asked.append(args[:2]) or walking.WalkResult([found]))
    shown = run("walk", "start", "--replay", "--no-site", "--keep-recordings", "--keep-outputs")
    assert shown.exit_code == 0, shown.output
    assert asked == [(["start"], None)]
    assert "Written" not in shown.stderr, "what came of a recording is neither a recording nor a committed output"


def test_what_a_walk_has_recorded_is_taken_over_where_told(run, no_cluster, monkeypatch):
    monkeypatch.setattr(lessons, "use", lambda *_: type("Found", (), {"writable": True})())
    found = walking.NotebookResult("start", Path("start.ipynb"), complete=True)
    monkeypatch.setattr(walking, "walk", lambda *_, **__: walking.WalkResult([found]))
    monkeypatch.setenv("KITLIB_BUILD", str(Path.cwd() / "build"))
    place = Path.cwd() / "build" / "recordings" / "start"
    place.mkdir(parents=True)
    (place / "recording.json").write_text("{}")
    assert run("walk", "start", "--no-site").exit_code == 0
    assert not (Path.cwd() / "recordings").exists()
    shown = run("walk", "start", "--no-site", "--keep-recordings")
    assert "Written: recordings/start" in shown.stderr
    assert (Path.cwd() / "recordings" / "start" / "recording.json").is_file()


def test_a_lab_on_recordings_finds_these_and_no_cluster(run, no_cluster, monkeypatch):
    started: dict = {}
    done = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(subprocess, "run", lambda command, **more: started.update(more) or done)
    assert run("lab", "start", "--replay").exit_code == 0
    assert started["env"]["KITLIB_REPLAY"] == str(Path.cwd() / "recordings")
    assert "KITLIB_CLUSTER" not in started["env"]
    assert not Path(started["env"]["KITLIB_STATE"]).exists(), "a state without clusters"

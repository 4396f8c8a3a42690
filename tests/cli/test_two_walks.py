"""A second walk into the same folder waits for the first; it would take the first's copies and verdicts away."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kitlib import walk as walking
from kitlib.cli import lessons
from kitlib.cluster import Cluster
from kitlib.machine.lock import FileLock


@pytest.fixture
def walks(tmp_path, monkeypatch):
    """Play walks that note where they leave their copies; return these, and an event: one has begun to wait."""
    monkeypatch.delenv("KITLIB_BUILD", raising=False)
    noted: list[Path] = []
    waits, wait = threading.Event(), FileLock._wait

    def waiting(lock: FileLock) -> None:
        waits.set()
        wait(lock)

    def walk(_: object, __: object, build: Path, **___: object) -> walking.WalkResult:
        noted.append(build)
        return walking.WalkResult([], {"name": "x"})

    own = Cluster("x", "embedded", "1.37", "v1.37.2", Path("kubeconfig"), "x", False, 3, True, True, None)
    monkeypatch.setattr(FileLock, "_wait", waiting)
    monkeypatch.setattr(lessons, "use", lambda *_: own)
    monkeypatch.setattr(lessons, "_lessons", lambda *_: tmp_path)
    monkeypatch.setattr(walking, "walk", walk)
    return noted, waits


def test_it_waits_for_the_first_and_then_goes_on(run, walks, tmp_path):
    noted, waits = walks
    said = []
    second = threading.Thread(target=lambda: said.append(run("walk", "--no-site")))
    (tmp_path / "build").mkdir()
    with FileLock(tmp_path / "build" / ".walk.lock", "walk"):
        second.start()
        assert waits.wait(30)
        assert not noted
    second.join(30)
    assert noted == [tmp_path / "build"] and said[0].exit_code == 0
    assert "walk: wait for another process" in said[0].stderr


def test_one_into_another_folder_does_not(run, walks, tmp_path):
    noted, waits = walks
    (tmp_path / "build").mkdir()
    with FileLock(tmp_path / "build" / ".walk.lock", "walk"):
        assert run("walk", "--no-site", "--build", tmp_path / "other").exit_code == 0
    assert noted == [tmp_path / "other"] and not waits.is_set()

"""The hooks figure, on Pods whose lives and words are written out here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.lessons import figures
from kitlib.recording import Recording
from tests.plots import drawing
from tests.plots.test_legible import check

SECOND = 1_000_000_000
WALL = 1_795_000_000  # a whole second; the monotonic clock of these recordings is at 0 then
RUNS = {"running": {"startedAt": "2026-11-18T01:46:41Z"}}


def stamp(second: int) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(WALL + second, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Told:
    """Writes a recording by hand: what the API says, and what containers log."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.version = 0

    def pod(self, at: float, name: str, state: dict[str, Any], deleted: int | None = None, gone: bool = False) -> None:
        self.version += 1
        meta = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": str(self.version)}
        if deleted is not None:
            meta["deletionTimestamp"] = stamp(deleted)
        status = {"containerStatuses": [{"name": "web", "ready": "running" in state, "state": state}]}
        body = {"metadata": meta, "spec": {"containers": [{"name": "web"}]}, "status": status}
        self._add(at, body, "Pod", "DELETED" if gone else "MODIFIED", "watch")

    def log(self, name: str, *said: tuple[float, str, dict[str, Any]]) -> None:
        lines = [
            f"{stamp(int(at))} " + json.dumps({"wall_ns": (WALL * SECOND) + round(at * SECOND), "event": event, **more})
            for at, event, more in said
        ]
        about = {"name": name, "namespace": "shop", "uid": f"{name}/web/0"}
        body = {"metadata": about, "container": "web", "run": 0, "begin": 0, "lines": lines}
        self._add(said[-1][0], body, "Log", "ADDED", "log")

    def _add(self, at: float, body: dict[str, Any], kind: str, type: str, origin: str) -> None:
        now = round(at * SECOND)
        self.recording.add(
            json.dumps(body).encode(),
            kind=kind,
            api_version="v1",
            type=type,
            origin=origin,
            stream=kind,
            at=(WALL * SECOND + now, now),
        )


def hook(at: float, name: str, phase: str, code: int = 0, **more: Any) -> tuple[float, str, dict[str, Any]]:
    return at, "hook", {"hook": name, "handler": "exec", "phase": phase, "code": code, **more}


def lives() -> Frames:
    told = Told()
    for name in ("polite", "stubborn", "failing"):
        told.pod(0.0, name, {"waiting": {"reason": "ContainerCreating"}})
    for name in ("polite", "stubborn"):
        told.pod(4.2, name, RUNS)
    told.log(
        "polite",
        (1.0, "start", {"name": "polite"}),
        hook(1.1, "welcome", "begin"),
        hook(4.1, "welcome", "end"),
        hook(6.1, "bye", "begin"),
        hook(9.1, "bye", "end"),
        (9.2, "signal", {"signal": 15, "name": "terminated"}),
        (9.25, "exit", {"code": 143}),
    )
    told.log(
        "stubborn",
        (1.0, "start", {"name": "stubborn"}),
        hook(6.2, "endless", "begin"),
        (10.1, "signal", {"signal": 15, "name": "terminated"}),
    )
    told.log(
        "failing",
        (1.0, "start", {}),
        hook(1.2, "no", "begin"),
        hook(2.2, "no", "end", 3),
        (2.3, "signal", {"signal": 15}),
    )
    ended = {"exitCode": 143, "finishedAt": stamp(9), "startedAt": stamp(1)}
    told.pod(6.0, "polite", RUNS, deleted=14)
    told.pod(6.0, "stubborn", RUNS, deleted=10)
    told.pod(9.6, "polite", {"terminated": ended}, deleted=14)
    told.pod(9.7, "polite", {"terminated": ended}, deleted=14, gone=True)
    killed = {"exitCode": 137, "finishedAt": stamp(12), "startedAt": stamp(1)}
    told.pod(12.5, "stubborn", {"terminated": killed}, deleted=10)
    told.pod(13.0, "stubborn", {"terminated": killed}, deleted=10, gone=True)
    return told.recording.frames


@pytest.fixture(scope="module")
def frames() -> Frames:
    return lives()


def spans(axes: Any, gid: str) -> list[tuple[float, float]]:
    """Return begin and end of each bar of a kind."""
    found = {
        (round(x0, 2), round(x1, 2))
        for patch in drawing.patches(axes, gid)
        for x0, x1, _, _ in drawing.rectangles(patch)
    }
    return sorted(found)


def test_hooks_and_processes_stand_where_the_containers_say(frames: Frames) -> None:
    axes = figures.hooks(frames.logs, frames.containers, frames.pods)
    assert drawing.words(axes, "lane") == ["failing", "polite", "stubborn"]
    assert spans(axes, "hook") == [(1.1, 4.1), (1.2, 2.2), (6.1, 9.1)]
    assert spans(axes, "cut") == [(6.2, 12.5)], "it is cut off when its container ends"
    assert spans(axes, "process") == [(1.0, 9.25), (1.0, 12.5), (1.0, 13.0)]
    assert sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_gid() == "signal") == [2.3, 9.2, 10.1]
    assert {"SIGTERM", "exit 143", "killed"} <= set(drawing.words(axes, "state"))
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


def test_the_api_says_running_when_the_hook_is_done(frames: Frames) -> None:
    axes = figures.hooks(frames.logs, frames.containers, frames.pods)
    assert spans(axes, "Running") == [(4.2, 6.0)]
    assert spans(axes, "Deleted") == [(6.0, 9.7), (6.0, 13.0)]


def test_the_grace_period_ends_within_a_second(frames: Frames) -> None:
    axes = figures.hooks(frames.logs, frames.containers, frames.pods)
    shaded = sorted(
        (round(patch.get_x(), 2), round(patch.get_x() + patch.get_width(), 2))
        for patch in axes.patches
        if patch.get_gid() == "grace"
    )
    shaded = [one for one in shaded if one[1] <= 13]
    assert (6.0, 10.0) in shaded and (10.0, 11.0) in shaded


def test_the_words_say_the_same(frames: Frames) -> None:
    said = figures.hooks_text(frames.logs, frames.containers, frames.pods)
    assert said == plots.twin(figures.hooks(frames.logs, frames.containers, frames.pods))
    assert said.startswith("4 hooks and 3 SIGTERM")
    assert "hook no (exec) begins at 1.2 s, it fails with 3 at 2.2 s" in said
    assert "SIGTERM at 10.1 s" in said and "process ends (killed) at 12.5 s" in said
    assert "grace period until 10.0 s to 11.0 s" in said


def test_an_empty_time_says_so() -> None:
    frames = Recording().frames
    assert "Nothing recorded" in figures.hooks_text(frames.logs, frames.containers, frames.pods)


def test_a_wrong_frame_is_named(frames: Frames) -> None:
    with pytest.raises(UsageError, match="logs"):
        figures.hooks(frames.logs.drop(columns=["event"]), frames.containers, frames.pods)

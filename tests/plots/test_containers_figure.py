"""The frame `containers` and its figure, on a Pod whose life is written out here, and on recorded ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording
from tests.plots import cases, drawing
from tests.plots.test_legible import check

SECOND = 1_000_000_000
STAMP = "2026-11-24T10:00:{:02d}Z"


def status(name: str, restarts: int = 0, ready: bool = False, **state: Any) -> dict[str, Any]:
    last = {"lastState": {"terminated": state.pop("last")}} if "last" in state else {}
    return {"name": name, "ready": ready, "restartCount": restarts, "image": "probe:1", "state": state, **last}


RUNS = {"startedAt": STAMP.format(1)}
FAILED = {"exitCode": 3, "reason": "Error", "startedAt": STAMP.format(1), "finishedAt": STAMP.format(4)}
LIFE: list[tuple[float, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (0, [status("prepare", waiting={"reason": "PodInitializing"}), status("log", waiting={})], []),
    (1, [status("prepare", running=RUNS), status("log", waiting={})], [status("web", waiting={})]),
    (2, [status("prepare", terminated={"exitCode": 0, "reason": "Completed"}), status("log", running=RUNS)], []),
    (3, [status("log", ready=True, running=RUNS)], [status("web", running=RUNS)]),
    (4, [], [status("web", ready=True, running=RUNS)]),
    (4.2, [], [status("web", ready=True, running=RUNS)]),
    (5, [], [status("web", terminated=FAILED)]),
    (6, [], [status("web", 1, running=RUNS, last=FAILED)]),
    (7, [], [status("web", 1, waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"}, last=FAILED)]),
    (12, [], [status("web", 2, True, running=RUNS, last=FAILED)]),
    (14, [], []),
]


def recorded() -> Recording:
    recording = Recording()
    for number, (at, init, main) in enumerate(LIFE, 1):
        pod = {
            "metadata": {"name": "web", "namespace": "shop", "uid": "1", "resourceVersion": str(number)},
            "spec": {"initContainers": [{"name": "prepare"}, {"name": "log", "restartPolicy": "Always"}]},
            "status": {"initContainerStatuses": init, "containerStatuses": main},
        }
        last = at == LIFE[-1][0]
        if last:
            pod["status"] = {"containerStatuses": LIFE[-2][2]}
        recording.add(
            json.dumps(pod).encode(),
            kind="Pod",
            api_version="v1",
            type="DELETED" if last else "MODIFIED",
            origin="watch",
            stream="pods",
            at=(int(at * SECOND), int(at * SECOND)),
        )
    return recording


@pytest.fixture(scope="module")
def frames() -> Frames:
    return recorded().frames


def test_each_change_of_a_container_is_a_row(frames: Frames) -> None:
    web = frames.containers.query("container == 'web'")
    states = ["Waiting", "Running", "Running", "Terminated", "Running", "Waiting", "Running", "Gone"]
    assert web["state"].tolist() == states, "what came twice is one row"
    assert web["ready"].tolist() == [False, False, True, False, False, False, True, True]
    assert web["restartCount"].tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert web["exitCode"].dropna().tolist() == [3] and web["last.exitCode"].dropna().tolist() == [3, 3, 3, 3]
    assert web["reason"].iloc[5] == "CrashLoopBackOff" and web["message"].iloc[5] == "back-off 10s"
    ended = web.iloc[3]
    assert (ended["finishedAt"] - ended["startedAt"]).total_seconds() == 3


def test_roles_tell_sidecars_from_init_containers(frames: Frames) -> None:
    roles = frames.containers.groupby("container", sort=False)["role"].unique()
    assert {name: list(found) for name, found in roles.items()} == {
        "prepare": ["init"],
        "log": ["sidecar"],
        "web": ["main"],
    }


def test_lanes_show_runs_ends_and_restarts(frames: Frames) -> None:
    axes = plots.containers(frames.containers)
    assert drawing.words(axes, "lane") == ["prepare", "log", "web"], "in the order in which they start"
    assert drawing.words(axes, "group") == [
        "web · 2 restarts · prepare is an init container · log is a sidecar",
    ]
    assert "CrashLoopBackOff" in drawing.words(axes, "state")
    assert sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_gid() == "restart") == [6, 12]
    (failed,) = [patch for patch in drawing.patches(axes, "Failed") if patch.get_hatch()]
    assert failed.get_path().get_extents().intervalx.tolist() == [5, 6]
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


def test_the_words_say_the_same(frames: Frames) -> None:
    told = plots.containers_text(frames.containers)
    assert told == plots.twin(plots.containers(frames.containers))
    assert told.startswith("3 containers of 1 Pod, 2 restarts.")
    assert "ended with an error (exit 3) at 5.0 s" in told and "waiting (CrashLoopBackOff) at 7.0 s" in told
    assert told.endswith("gone at 14.0 s.")


@pytest.mark.parametrize(("name", "step"), cases.real_steps()[:6])
def test_recorded_ones_are_legible(name: str, step: str) -> None:
    figure = plots.containers(cases.real(name, step).containers).get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


def test_a_wrong_frame_is_named(frames: Frames) -> None:
    with pytest.raises(UsageError, match="containers"):
        plots.containers(frames.containers.drop(columns=["role"]))


def test_a_count_that_falls_is_another_run_and_told() -> None:
    """A node that loses count begins at 0 again, with another container."""
    recording = Recording()
    for number, (count, name) in enumerate([(0, "aaa"), (1, "bbb"), (0, "ccc"), (0, "ccc")], 1):
        main = [{**status("web", count, True, running=RUNS), "containerID": f"containerd://{name}"}]
        pod = {
            "metadata": {"name": "web", "namespace": "shop", "uid": "1", "resourceVersion": str(number)},
            "spec": {"containers": [{"name": "web"}]},
            "status": {"containerStatuses": main},
        }
        at = (1_772_000_000 * SECOND + number * SECOND, number * SECOND)
        recording.add(
            json.dumps(pod).encode(),
            kind="Pod",
            api_version="v1",
            type="MODIFIED",
            origin="watch",
            stream="pods",
            at=at,
        )
    words = plots.containers_text(recording.frames.containers)
    assert words.startswith("1 container of 1 Pod, 2 restarts.")
    assert "running, ready from the beginning, running, ready at 2.0 s" in words
    axes = plots.containers(recording.frames.containers)
    assert [line.get_xdata()[0] for line in axes.lines if line.get_gid() == "restart"] == pytest.approx([1, 2])

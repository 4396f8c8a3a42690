"""The frame `runtime`, the follower that it comes from, and the figure: nodes and API server are written out here."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.kind.node import Node
from kitlib.errors import UsageError, WaitTimeout
from kitlib.frames import runtime
from kitlib.lessons import figures
from kitlib.recording import Recording
from kitlib.watch.runtime import RuntimeFollower, note
from tests.cluster.test_nodefiles import CLUSTER
from tests.plots import drawing
from tests.plots.test_legible import check

SECOND = 1_000_000_000


def info(which: str, pod: str, kind: str = "container") -> str:
    labels = {
        "io.cri-containerd.kind": kind,
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.name": pod,
        "io.kubernetes.pod.uid": f"uid of {pod}",
        "io.kubernetes.container.name": "web",
    }
    return json.dumps({"ID": which, "Labels": labels, "CreatedAt": "2026-11-25T20:00:00.5Z"})


EVENTS = """\
2026-11-25 20:00:01.25 +0000 UTC k8s.io /tasks/start {"container_id":"b2","pid":7}
2026-11-25 20:00:01.5 +0000 UTC k8s.io /containers/create {"id":"c3"}
2026-11-25 20:00:02 +0000 UTC k8s.io /tasks/exit {"container_id":"b2","id":"probe-1","pid":9,"exit_status":1}
2026-11-25 20:00:03.000000001 +0000 UTC k8s.io /tasks/exit {"container_id":"b2","id":"b2","pid":7,"exit_status":3}
2026-11-25 20:00:03.1 +0000 UTC k8s.io /tasks/start {"container_id":"sandbox","pid":8}
2026-11-25 20:00:03.2 +0000 UTC k8s.io /tasks/start {"container_id":"gone","pid":8}
2026-11-25 20:00:04 +0000 UTC k8s.io /tasks/exit {"container_id":"a1","id":"a1","pid":5}
"""


def mark_back(folder: Path) -> None:
    """As containerd does: say among the events that a namespace was created."""
    while not (folder / "marks").exists() or not (asked := re.search(r"create (\S+);", (folder / "marks").read_text())):
        time.sleep(0.05)
    stamp = "2026-11-25 20:00:05 +0000 UTC"
    (folder / "marked").write_text(f'{stamp} {asked[1]} /namespaces/create {{"name":"{asked[1]}"}}\n')


@pytest.fixture
def followed(tmp_path: Path) -> Recording:
    """What is recorded of a node on which one container runs, one starts and fails, and one has gone at once."""
    answers = {
        "*namespaces*": f'echo "$*" >>{tmp_path}/marks',
        "*events*": f"cat {tmp_path}/events; exec tail -f {tmp_path}/marked",
        "*tasks ls*": f"cat {tmp_path}/there",
        "*info b2*": f"cat {tmp_path}/b2",
        "*info sandbox*": f"cat {tmp_path}/sandbox",
    }
    (tmp_path / "events").write_text(EVENTS)
    (tmp_path / "marked").touch()
    (tmp_path / "there").write_text(info("a1", "first") + "\n" + info("s0", "first", "sandbox"))
    (tmp_path / "b2").write_text(info("b2", "second"))
    (tmp_path / "sandbox").write_text(info("sandbox", "second", "sandbox"))
    cases = "\n".join(f"{words.replace(' ', chr(92) + ' ')}) {answer};;" for words, answer in answers.items())
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\n*) echo gone >&2; exit 1;;\nesac\n')
    docker.chmod(0o755)
    client = Client("docker", False, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    client = Client(str(docker), False, client.environment)
    recording = Recording()
    follower = RuntimeFollower(Node(CLUSTER, "worker", client), recording)
    answering = threading.Thread(target=mark_back, args=(tmp_path,))
    answering.start()
    follower.catch_up(timeout=30)
    answering.join()
    with pytest.raises(WaitTimeout, match="events lag"):
        follower.catch_up(timeout=0.1)
    assert not follower.ended and len(recording) == 4
    follower.close()
    assert follower.ended
    return recording


def test_what_the_runtime_says_becomes_rows(followed: Recording) -> None:
    frame = runtime(followed.frames)
    rows = frame[["name", "containerID", "what"]].values.tolist()
    assert rows == [
        ["first", "a1", "running"],
        ["second", "b2", "running"],
        ["second", "b2", "ended"],
        ["first", "a1", "ended"],
    ], "neither sandboxes, nor programs that were run in a container, nor what has gone before it could be asked for"
    assert frame["exitCode"].tolist()[2:] == [3, 0] and frame["exitCode"].isna().tolist()[:2] == [True, True]
    assert str(frame["at"].iloc[2]) == "2026-11-25 20:00:03.000000001+00:00"
    assert abs(frame["at_ns"].diff().iloc[2] - 1_750_000_001) < 5_000_000
    assert set(frame["namespace"]) == {"shop"} and set(frame["container"]) == {"web"}
    assert frame.attrs["gaps"] == [] and len(followed.frames.gaps) == 0, "it was closed, not lost"


def test_events_that_end_too_early_are_a_gap(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    recording = Recording()
    RuntimeFollower(Node(CLUSTER, "worker", Client(str(docker), False, dict(os.environ))), recording)
    with recording.changed:
        assert recording.changed.wait_for(lambda: len(recording), timeout=20)
    (gap,) = runtime(recording.frames).attrs["gaps"]
    assert gap["reason"] == "the runtime's events have ended"


def test_an_empty_frame_has_all_columns_too() -> None:
    frame = runtime(Recording().frames)
    assert len(frame) == 0 and {"at", "at_ns", "node", "what", "exitCode", "path"} <= set(frame.columns)


def absence() -> Recording:
    """An API server that is away from 2 s to 8 s, and a Pod that starts and fails meanwhile."""
    recording = Recording()
    step = recording.mark("STEP", "no API server", edge="begin", id="1")
    zero, wall = step.monotonic_ns, step.received_at

    def said(what: str, at: float, node: str, pod: str, container: str, which: str, **more: int) -> None:
        whose = {"namespace": "shop", "name": pod, "uid": pod, "container": container, "containerID": which}
        note(recording, node, {"what": what, **whose, **more}, wall + int(at * SECOND))

    server = ("plane", "kube-apiserver-plane", "kube-apiserver")
    said("running", -100, *server, "k1")
    said("ended", 2, *server, "k1", exitCode=0)
    for which, at in (("a1", 3), ("a2", 6)):
        said("running", at, "worker", "away-worker", "web", which)
        said("ended", at + 2, "worker", "away-worker", "web", which, exitCode=3)
    said("running", 8, *server, "k2")
    status = {"name": "web", "restartCount": 1, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    pod = {
        "metadata": {"name": "away-worker", "namespace": "shop", "uid": "m", "resourceVersion": "9"},
        "spec": {},
        "status": {"containerStatuses": [status]},
    }
    bounds = {"after_ns": zero + SECOND, "until_ns": zero + 9 * SECOND, "after_rv": "1", "until_rv": "8"}
    recording.mark("GAP", "Pod", stream="pods", kind="Pod", reason="410", **bounds)
    at = (wall + 9 * SECOND, zero + 9 * SECOND)
    recording.add(
        json.dumps(pod).encode(), kind="Pod", api_version="v1", type="ADDED", origin="relist", stream="pods", at=at
    )
    return recording


def cut(recording: Recording):
    from kitlib.frames import Frames

    begin = int(recording.frames.steps["begin_ns"].iloc[0])
    return Frames(recording, begin, begin + 12 * SECOND)


def test_the_figure_tells_what_the_node_did_while_nobody_looked() -> None:
    frames = cut(absence())
    axes = figures.mirror(runtime(frames), frames.containers)
    assert drawing.words(axes, "lane") == ["kube-apiserver · node", "web · node", "web · API"]
    assert drawing.words(axes, "away label") == ["no API server"]
    assert drawing.words(axes, "gap label") == ["not recorded"]
    assert "exit 3" in drawing.words(axes, "state")
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)
    told = plots.twin(axes)
    assert told == figures.mirror_text(runtime(frames), frames.containers)
    assert "No API server: from 2.0 s to 8.0 s." in told
    assert "from 3.0 s to 5.0 s (exit 3); from 6.0 s to 8.0 s (exit 3)" in told
    assert "waiting (CrashLoopBackOff) at 9.0 s" in told


def test_a_wrong_frame_is_named() -> None:
    frames = cut(absence())
    with pytest.raises(UsageError, match="runtime"):
        figures.mirror(frames.containers, frames.containers)


def test_what_the_api_never_saw_has_an_empty_lane() -> None:
    frames = cut(absence())
    axes = figures.mirror(runtime(frames), frames.containers.iloc[:0])
    assert drawing.words(axes, "lane") == ["kube-apiserver · node", "web · node", "web · API"]
    assert "In the API: nothing." in plots.twin(axes)

"""The frame `nodes` and its figure, on a failure that is written out here."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames, decode, deduplicate, failure
from kitlib.frames.nodes import heartbeats
from kitlib.recording import Recording
from tests.plots import drawing
from tests.plots.test_legible import check

SECOND = 1_000_000_000
STAMP = "2026-11-24T10:{:02d}:{:02d}Z"
UNREACHABLE = {"key": "node.kubernetes.io/unreachable"}
NO_SCHEDULE, NO_EXECUTE = ({**UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute"))


def stamp(at: float) -> str:
    return STAMP.format(int(at) // 60, int(at) % 60)


def node(name: str, at: float, ready: str, taints: list[dict[str, str]], since: float = 0) -> dict[str, Any]:
    reason = "NodeStatusUnknown" if ready == "Unknown" else "KubeletReady"
    conditions = [
        {"type": "Ready", "status": ready, "reason": reason, "lastTransitionTime": stamp(since)},
        {"type": "MemoryPressure", "status": "False", "lastHeartbeatTime": stamp(at), "lastTransitionTime": stamp(0)},
    ]
    added = [{**taint, "timeAdded": stamp(since)} for taint in taints]
    meta = {"name": name, "uid": f"n-{name}"}
    return {"metadata": meta, "spec": {"taints": added}, "status": {"conditions": conditions}}


def lease(name: str, at: float) -> dict[str, Any]:
    owner = {"kind": "Node", "name": name, "uid": f"n-{name}"}
    return {
        "metadata": {"name": name, "namespace": "kube-node-lease", "uid": f"l-{name}", "ownerReferences": [owner]},
        "spec": {"renewTime": f"2026-11-24T10:00:{at:09.6f}Z", "leaseDurationSeconds": 40},
    }


def pod(name: str, where: str, at: float, ready: bool, ends: float | None = None) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": True}
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(at)}]
    meta = {"name": name, "namespace": "shop", "uid": name, "ownerReferences": [owner], "creationTimestamp": stamp(at)}
    return {
        "metadata": {**meta, **({} if ends is None else {"deletionTimestamp": stamp(ends)})},
        "spec": {"nodeName": where, "containers": [{"image": "probe:1"}]},
        "status": {"phase": "Running", "conditions": conditions},
    }


LIFE: list[tuple[float, str, dict[str, Any]]] = [
    (0, "Node", node("one", 0, "True", [])),
    (0, "Node", node("two", 0, "True", [])),
    (0, "Pod", pod("web-a", "two", 0, True)),
    *((at, "Lease", lease("one", at)) for at in (1, 11, 21, 31, 41, 51)),
    *((at, "Lease", lease("two", at)) for at in (2.5, 12.5)),
    (40, "Node", node("two", 40, "True", [])),  # a heartbeat, and nothing else
    (63, "Node", node("two", 40, "Unknown", [], 63)),
    (63.1, "Node", node("two", 40, "Unknown", [NO_SCHEDULE], 63)),
    (63.3, "Node", node("two", 40, "Unknown", [NO_SCHEDULE, NO_EXECUTE], 63)),
    (63.4, "Pod", pod("web-a", "two", 0, False)),
    (68.3, "Pod", pod("web-a", "two", 0, False, ends=69)),
    (68.4, "Pod", pod("web-b", "one", 68, False)),
    (70, "Pod", pod("web-b", "one", 68, True)),
    (80, "Node", node("two", 80, "True", [], 80)),
]


def recorded(before: float = 0, after: float = 0) -> Recording:
    recording = Recording()
    quiet = [
        (at, "Lease", lease("one", 1)) for at in (-before, 80 + after) if before + after
    ]  # nothing happens, but it is recorded
    for number, (at, kind, item) in enumerate(sorted(LIFE + quiet, key=lambda each: each[0]), 1):
        item["metadata"]["resourceVersion"] = str(number)
        recording.add(
            json.dumps(item).encode(),
            kind=kind,
            api_version="coordination.k8s.io/v1" if kind == "Lease" else "v1",
            type="MODIFIED",
            origin="watch",
            stream=kind,
            at=(int((at + before) * SECOND), int((at + before) * SECOND)),
        )
    return recording


@pytest.fixture(scope="module")
def frames() -> Frames:
    return recorded().frames


def test_each_change_is_a_row_and_each_renewal(frames: Frames) -> None:
    nodes = frames.nodes
    two = nodes[nodes["name"] == "two"]
    assert two[two["condition"] == "Ready"]["status"].tolist() == ["True", "Unknown", "True"]
    assert len(two[two["condition"] == "MemoryPressure"]) == 1, "a heartbeat alone is no change"
    assert two[two["about"] == "taints"]["taints"].tolist() == [
        "",
        "node.kubernetes.io/unreachable:NoSchedule",
        "node.kubernetes.io/unreachable:NoExecute, node.kubernetes.io/unreachable:NoSchedule",
        "",
    ]
    renewed = nodes[nodes["about"] == "lease"]
    assert renewed.groupby("name").size().to_dict() == {"one": 6, "two": 2}
    assert set(renewed["uid"]) == {"n-one", "n-two"}, "the node's, not the lease's own"
    assert renewed["stamp"].dt.microsecond.max() == 500_000 and set(renewed["leaseDurationSeconds"]) == {40}


def test_what_is_decoded_apart_is_joined(frames: Frames) -> None:
    rows = list(recorded().rows)
    halves = [decode("nodes", part) for part in (rows[:14], rows[14:])]
    assert deduplicate("nodes", pd.concat(halves, ignore_index=True)).equals(frames.nodes)


def test_a_frame_of_a_namespace_has_its_nodes() -> None:
    recording = recorded()
    inside = Frames(recording, 30 * SECOND, namespace="shop")
    assert set(inside.nodes["name"]) == {"one", "two"} and set(inside.pods["namespace"]) == {"shop"}
    first = inside.nodes[(inside.nodes["name"] == "two") & (inside.nodes["about"] == "lease")]
    assert first["monotonic_ns"].tolist() == [int(12.5 * SECOND)], "what stood there at its begin is carried in"
    other = Frames(recording, namespace="other")
    assert len(other.pods) == 0 and len(other.nodes) > 0


def test_leases_of_others_are_none_of_a_node() -> None:
    recording = Recording()
    meta = {"name": "scheduler", "namespace": "kube-system", "uid": "1", "resourceVersion": "1"}
    leader = {"metadata": meta, "spec": {}}
    recording.add(
        json.dumps(leader).encode(), kind="Lease", api_version="v1", type="ADDED", origin="list", stream="leases"
    )
    assert len(recording.frames.nodes) == 0


def test_a_failure_moment_by_moment(frames: Frames) -> None:
    told = failure(frames.nodes, frames.pods, "two", "web-a")
    assert told["moment"].tolist() == [
        "last heartbeat", "NotReady", "taint", "eviction", "replacement", "replacement Ready",
    ]  # fmt: skip
    assert told["object"].tolist() == ["two", "two", "two", "web-a", "web-b", "web-b"]
    assert told["waited"].round(1).tolist()[1:] == [50.5, 0.3, 5.0, 0.1, 1.6]


def test_of_several_failures_the_last_one_counts(frames: Frames) -> None:
    ready = frames.nodes[(frames.nodes["name"] == "two") & (frames.nodes["condition"] == "Ready")].head(1)
    earlier = ready.assign(status="Unknown", monotonic_ns=-10 * SECOND)
    told = failure(pd.concat([earlier, frames.nodes], ignore_index=True), frames.pods, "two", "web-a")
    assert told.equals(failure(frames.nodes, frames.pods, "two", "web-a"))


def test_a_heartbeat_that_was_listed_was_earlier(frames: Frames) -> None:
    beats = heartbeats(frames.nodes)
    assert beats.tolist() == [int(at * SECOND) for at in (1, 2.5, 11, 12.5, 21, 31, 41, 51)]
    mine = frames.nodes[frames.nodes["about"] == "lease"].copy()
    mine["observed_at"], mine["origin"] = mine["stamp"] + pd.Timedelta(seconds=4), "list"
    assert (beats - heartbeats(mine)).unique().tolist() == [4 * SECOND]


def test_a_failure_that_was_not_is_said(frames: Frames) -> None:
    with pytest.raises(UsageError, match="one: the frame nodes doesn't tell"):
        failure(frames.nodes, frames.pods, "one", "web-a")
    with pytest.raises(UsageError, match="pods doesn't tell"):
        failure(frames.nodes, frames.pods, "two", "web-b")


def test_the_figure_shows_renewals_taints_and_waits(frames: Frames) -> None:
    axes = plots.nodes(frames.nodes, frames.pods, "two", "web-a", {"eviction": "tolerationSeconds: 5"})
    assert drawing.words(axes, "lane")[:2] == ["one", "two"]
    ticks = [float(line.get_xdata()[0]) for line in axes.lines if line.get_gid() == "renewal"]
    assert sorted(ticks) == [1, 2.5, 11, 12.5, 21, 31, 41, 51]
    assert drawing.words(axes, "taints") == ["unreachable: NoExecute, NoSchedule"]
    moments = [float(line.get_xdata()[0]) for line in axes.lines if line.get_gid() == "moment"]
    assert moments == [12.5, 63, 63.3, 68.3, 68.4, 70]
    labels = drawing.words(axes, "wait label")
    assert labels[1].startswith("50.5 s: --node-monitor-grace-period") and labels[3] == "5.0 s: tolerationSeconds: 5"
    (unknown,) = [patch for patch in drawing.patches(axes, "Unknown") if patch.get_hatch()]
    assert unknown.get_path().get_extents().intervalx.tolist() == [63, 80]
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


@pytest.mark.parametrize("after", [0, 10, 20, 40])
@pytest.mark.parametrize("before", [0, 10, 20, 40])
def test_a_wait_s_words_have_room_wherever_it_is(before: int, after: int) -> None:
    frames = recorded(before, after).frames
    axes = plots.nodes(
        frames.nodes, frames.pods, "two", "web-a", {"eviction": "the Pod's tolerationSeconds: 5, not 300"}
    )
    assert len(drawing.words(axes, "wait label")) == 6
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


def test_a_heartbeat_before_the_picture_begins_is_told_at_its_edge(frames: Frames) -> None:
    """As the lease says that was listed first: its words began left of the axes, over the moments' names."""
    nodes = frames.nodes.copy()
    mine = (nodes["about"] == "lease") & (nodes["name"] == "two")
    nodes["origin"] = nodes["origin"].astype(str).mask(mine, "list")
    nodes["observed_at"] = nodes["observed_at"].mask(mine, nodes["stamp"] + pd.Timedelta(seconds=60))
    axes = plots.nodes(nodes, frames.pods, "two", "web-a")
    assert len(drawing.words(axes, "wait label")) == 6
    assert len([line for line in axes.lines if line.get_gid() == "moment"]) == 5
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    check(figure)


def test_the_words_say_the_same(frames: Frames) -> None:
    told = plots.nodes_text(frames.nodes, frames.pods, "two", "web-a")
    assert told == plots.twin(plots.nodes(frames.nodes, frames.pods, "two", "web-a"))
    assert told.startswith("2 nodes, two not Ready for a time.")
    assert "one: Ready from the beginning; 6 renewals of its lease." in told
    assert "NotReady at 63.0 s, 50.5 s after the one before (--node-monitor-grace-period" in told
    alone = plots.nodes_text(frames.nodes)
    assert "NotReady at" not in alone and alone == plots.twin(plots.nodes(frames.nodes))


def test_without_nodes_it_says_so() -> None:
    axes = plots.nodes(Recording().frames.nodes)
    assert "no node" in drawing.words(axes, "nothing")[0]


def test_a_wrong_frame_is_named(frames: Frames) -> None:
    with pytest.raises(UsageError, match="nodes"):
        plots.nodes(frames.pods)

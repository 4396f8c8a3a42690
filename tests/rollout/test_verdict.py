"""One answer for each Deployment: names are labels, a deletion on purpose breaks nothing, gaps leave it open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitlib import plots, rollout
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording
from tests.plots import cases

SECOND = 1_000_000_000


class Told:
    """A recording told row by row, 0.1 s apart."""

    def __init__(self) -> None:
        self.recording, self.version = Recording(), 100

    @property
    def frames(self) -> Frames:
        return self.recording.frames

    def add(self, kind: str, meta: dict[str, Any], type_: str, origin: str, **rest: Any) -> None:
        self.version += 1
        api = "v1" if kind == "Pod" else "apps/v1"
        body = {"apiVersion": api, "kind": kind, "metadata": {**meta, "resourceVersion": str(self.version)}, **rest}
        at = self.version * SECOND // 10
        self.recording.add(
            json.dumps(body).encode(), kind=kind, api_version=api, type=type_, origin=origin, stream=kind,
            at=(1_772_000_000 * SECOND + at, at),
        )  # fmt: skip

    def stand(self, namespace: str, uid: str, count: int, type_: str = "ADDED", origin: str = "list") -> None:
        """Tell of a Deployment "web", its ReplicaSet and Pods: all are there, or all are deleted."""
        template = {"spec": {"containers": [{"name": "c", "image": "i:1"}]}}
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), count)
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        spec = {"replicas": count, "strategy": strategy, "template": template}
        meta = {"namespace": namespace, "name": "web", "uid": uid, "generation": 1}
        self.add("Deployment", meta, type_, origin, spec=spec, status={"observedGeneration": 1, **counts})
        owner = {"kind": "Deployment", "name": "web", "uid": uid, "controller": True}
        meta = {"namespace": namespace, "name": "web-1", "uid": f"{uid}-1", "ownerReferences": [owner]}
        meta["annotations"] = {"deployment.kubernetes.io/revision": "1"}
        self.add("ReplicaSet", meta, type_, origin, spec={"replicas": count, "template": template}, status=counts)
        owner = {"kind": "ReplicaSet", "name": "web-1", "uid": f"{uid}-1", "controller": True}
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        for number in range(count):
            meta = {"namespace": namespace, "name": f"web-1-{number}", "uid": f"{uid}-1-{number}"}
            self.add("Pod", {**meta, "ownerReferences": [owner]}, type_, origin, spec=template["spec"], status=ready)


@pytest.fixture
def two() -> Frames:
    told = Told()
    told.stand("shop", "a", 4)
    told.stand("shop-canary", "b", 1)
    return told.frames


@pytest.mark.parametrize("name", ["web", "deployment/web", None])
def test_a_name_that_two_have_is_refused_and_both_are_named(two: Frames, name: str | None) -> None:
    for call in (rollout.verdict, rollout.timeline, plots.rollout):
        with pytest.raises(UsageError, match=r"2 Deployments.*\n.*shop/web, shop-canary/web"):
            call(two.pods, two.workloads, name)
    with pytest.raises(UsageError, match="shop/web, shop-canary/web"):
        plots.story(two, name)


@pytest.mark.parametrize("name", ["shop/web", "deployment/shop/web", "deploy/shop/web"])
def test_each_is_judged_by_itself(two: Frames, name: str) -> None:
    found = rollout.verdict(two.pods, two.workloads, name)
    assert found.kept is True
    assert (found.deployment.namespace, found.deployment.uid, found.bounds.desired, found.seen) == ("shop", "a", 4, 4)
    assert "deployment/web of shop ·" in plots.rollout_text(two.pods, two.workloads, name)


def test_what_is_deleted_on_purpose_breaks_no_promise() -> None:
    told = Told()
    told.stand("shop", "a", 4)
    told.stand("shop", "a", 4, "DELETED", "watch")
    found = rollout.verdict(told.frames.pods, told.frames.workloads)
    assert found.kept is True and found.least == 4 and found.deleted is not None
    words = plots.twin(plots.rollout(told.frames.pods, told.frames.workloads))
    assert words.startswith("Promise kept · deleted at") and "is not judged" in words


def test_one_that_is_made_anew_is_not_the_one_before() -> None:
    told = Told()
    told.stand("shop", "a", 4)
    told.stand("shop", "a", 4, "DELETED", "watch")
    told.stand("shop", "b", 2, origin="watch")
    found = rollout.verdict(told.frames.pods, told.frames.workloads, "web")
    assert (found.deployment.uid, found.earlier, found.seen, found.kept) == ("b", 1, 2, True)
    assert "Another Deployment had its name before" in plots.rollout_text(told.frames.pods, told.frames.workloads)
    assert set(rollout.by_revision(told.frames.pods, told.frames.workloads)["uid"]) == {"b-1"}


def test_owners_of_one_name_in_two_namespaces_are_two_groups(two: Frames) -> None:
    words = plots.lanes_text(two.pods, two.workloads)
    assert "shop/web-1 · 4 Pods" in words and "shop-canary/web-1 · 1 Pod." in words


@pytest.mark.parametrize(("name", "kept"), [("six", True), ("pod_gap", None), ("broken", False)])
def test_a_gap_leaves_open_what_was_not_seen_broken(name: str, kept: bool | None) -> None:
    frames = cases.invented(name)
    assert rollout.verdict(frames.pods, frames.workloads).kept is kept


def test_a_missing_column_is_named() -> None:
    frames = cases.invented("six")
    with pytest.raises(UsageError, match="the frame workloads has no column paused"):
        rollout.verdict(frames.pods, frames.workloads.drop(columns="paused"))


@pytest.mark.parametrize("order", [("ReplicaSet", "Pod", "Deployment"), ("Pod", "Deployment", "ReplicaSet")])
def test_a_rollout_that_stands_when_the_recording_begins_breaks_nothing_whatever_is_listed_first(
    order: tuple[str, ...],
) -> None:
    """Each kind is listed by itself: until all of the first lists are there, none of it is a state."""
    told = Told()
    told.stand("shop", "a", 3)
    rows = sorted(told.recording.rows, key=lambda row: order.index(row.kind))
    listed = Recording()
    for number, row in enumerate(rows):
        body = json.loads(row.object)
        body["metadata"]["resourceVersion"] = str(200 + number)
        at = (row.received_at, 10 * SECOND + number)
        what = {"kind": row.kind, "api_version": row.apiVersion, "stream": row.kind, "at": at}
        listed.add(json.dumps(body).encode(), type="ADDED", origin="list", **what)
    found = rollout.verdict(listed.frames.pods, listed.frames.workloads)
    assert (found.kept, found.breaches, found.most, found.least) == (True, [], 3, 3)
    assert len(found.timeline) == 1

"""Waits: what counts as there, gone and done, and the reason where the time is over. No cluster: rows are put in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kitlib.errors import UsageError, WaitTimeout
from kitlib.watch.wait import _kinds, explain, wait
from tests.api.stub import Stub, thing


class Rows:
    """A recorder whose rows are put in by hand: each step is what is recorded at one moment."""

    def __init__(self, *steps: list[dict[str, Any]], problem: str = "") -> None:
        self.steps = list(steps)
        self.problems = {"pods": problem} if problem else {}
        self.plurals = {"pods", "configmaps", "daemonsets", "deployments", "jobs"}

    def latest(self, plural: str) -> list[dict[str, Any]]:
        return [item for item in self.steps[0] if f"{item['kind'].lower()}s" == plural]

    def seen(self, plural: str, uid: str, version: str) -> bool:
        return True

    def wait_for(self, so: Callable[[], Any], timeout: float) -> Any:
        while not (value := so()) and len(self.steps) > 1:
            self.steps.pop(0)
        return value


def waited(rows: Rows, now: dict[str, Any] | None, ref: str, **goal: Any) -> float:
    connection: Any = Stub(*([now] if now else []))
    return wait(connection, ref, "shop", recorder=rows, **goal)  # type: ignore[arg-type]


def pod(name: str, uid: str = "old", **more: Any) -> dict[str, Any]:
    metadata = {"uid": uid, "labels": {"app": "x"}, **more.pop("metadata", {})}
    return thing("Pod", name, metadata=metadata, **more)


def test_what_has_another_s_name_is_gone() -> None:
    old = pod("db-0")
    waited(Rows([old], [pod("db-0", "new")]), old, "pod/db-0", deleted=True)
    waited(Rows([old], []), old, "pod/db-0", deleted=True)
    with pytest.raises(WaitTimeout, match="not gone within"):
        waited(Rows([old], [old]), old, "pod/db-0", deleted=True)


def test_whose_successor_came_before_the_question_is_gone() -> None:
    new = pod("db-0", "new")
    waited(Rows([pod("db-0")], [new]), new, "pod/db-0", deleted=True, uid="old")
    with pytest.raises(WaitTimeout):
        waited(Rows([new]), new, "pod/db-0", deleted=True, uid="new")
    connection: Any = Stub(new)
    assert wait(connection, "pod/db-0", "shop", deleted=True, uid="old") < 5  # nothing is watched at all
    assert wait(connection, "pod/db-1", "shop", deleted=True) < 5


def test_another_namespace_s_object_of_that_name_is_not_it() -> None:
    other = pod("db-0", "other", metadata={"namespace": "elsewhere"})
    waited(Rows([pod("db-0"), other], [other]), pod("db-0"), "pod/db-0", deleted=True)


def test_objects_without_spec() -> None:
    before, after = (thing("ConfigMap", "c", data={"a": value}) for value in "12")
    waited(Rows([before], [after]), before, "configmap/c", until=lambda item: item["data"]["a"] == "2", what="a is 2")
    waited(Rows([before], []), before, "configmap/c", deleted=True)
    waited(Rows([before]), before, "configmap/c", observed=True)
    with pytest.raises(UsageError, match="nothing rolls out in a ConfigMap"):
        waited(Rows([before]), before, "configmap/c", rolled_out=True)


def daemon_set(updated: int) -> dict[str, Any]:
    status = {"desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": updated}
    spec = {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}}
    return thing("DaemonSet", "x", "apps/v1", spec=spec, status=status)


def test_a_daemon_set_rolls_out_and_what_holds_it_up_is_said_pod_by_pod() -> None:
    waited(Rows([daemon_set(1)], [daemon_set(2)]), daemon_set(1), "daemonset/x", rolled_out=True)
    waiting = [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]
    held = pod("x-1", status={"phase": "Pending", "initContainerStatuses": waiting})
    other = pod("y", metadata={"labels": {"app": "y"}}, status={"phase": "Pending"})
    with pytest.raises(
        WaitTimeout,
        match=r"1 out of 2 new pods have been updated; x-1 Pending: ImagePullBackOff no such image\n",
    ):
        waited(Rows([daemon_set(1), held, other]), daemon_set(1), "daemonset/x", rolled_out=True)


def test_settled_waits_for_the_last_pod_that_ends() -> None:
    ending = pod("x-1", metadata={"deletionTimestamp": "2026-03-01T10:00:00Z"})
    rows = Rows([daemon_set(2), ending], [daemon_set(2)])
    waited(rows, daemon_set(2), "daemonset/x", settled=True)
    assert len(rows.steps) == 1
    with pytest.raises(WaitTimeout, match="x-1 is terminating"):
        waited(Rows([daemon_set(2), ending]), daemon_set(2), "daemonset/x", settled=True)


def test_a_job_that_fails_ends_the_wait_at_once() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    job = thing("Job", "x", "batch/v1", spec={"completions": 1}, status={"failed": 1, "conditions": [failed]})
    with pytest.raises(WaitTimeout, match="the Job failed: BackoffLimitExceeded: 0 of 1 completions"):
        waited(Rows([job]), job, "job/x", rolled_out=True)


def ready(status: str, seen: int) -> dict[str, Any]:
    said = {"type": "Ready", "status": status, "reason": "Probing", "observedGeneration": seen}
    return pod("p", metadata={"generation": 2}, status={"phase": "Running", "conditions": [said]})


def test_a_condition_counts_when_it_is_about_the_newest_spec() -> None:
    rows = Rows([ready("True", 1)], [ready("False", 2)], [ready("True", 2)])
    waited(rows, ready("True", 1), "pod/p", condition="Ready")
    assert len(rows.steps) == 1
    with pytest.raises(WaitTimeout, match=r"not Ready within .*: Ready is False \(Probing\); p Running: not ready"):
        waited(Rows([ready("False", 2)]), ready("False", 2), "pod/p", condition="Ready")


def test_what_is_deleted_meanwhile_and_what_can_t_be_watched_is_told() -> None:
    with pytest.raises(WaitTimeout, match="it was deleted meanwhile"):
        waited(Rows([]), pod("p"), "pod/p", condition="Ready")
    with pytest.raises(WaitTimeout, match="pods can't be watched: forbidden"):
        waited(Rows([pod("p")], problem="forbidden"), pod("p"), "pod/p", condition="Ready")


def test_only_what_is_needed_is_watched() -> None:
    connection: Any = Stub()
    kinds = lambda item: _kinds(connection.discover(item["kind"]), item)  # noqa: E731
    assert kinds(thing("ConfigMap", "c")) == ["configmaps"]
    assert kinds(daemon_set(1)) == ["daemonsets.apps", "pods"]
    assert kinds(pod("p")) == ["pods"]


def test_an_object_that_nobody_explains_says_so() -> None:
    rows: Any = Rows([])
    assert explain(rows, thing("ConfigMap", "c")) == "nothing says why"

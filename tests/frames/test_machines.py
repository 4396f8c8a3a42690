"""The frames `machines` and `machinehealthchecks`, of objects written here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitlib.frames import latest, machinehealthchecks, machines
from kitlib.frames.machines import CHECKS, MACHINES
from kitlib.recording import Recording
from tests.frames.test_traffic import BEGIN, SECOND

V1 = "cluster.x-k8s.io/v1beta2"


def written(
    recording: Recording, at: float, kind: str, name: str, body: Any = None, type: str = "MODIFIED", **more: Any
):
    """Write a version of an object into a recording."""
    api = more.pop("api", V1)
    about = {"namespace": "shop", "name": name, "uid": name, "resourceVersion": str(round(at * 100)), **more}
    body = {"metadata": about, **(body if isinstance(body, dict) else {})}
    recording.add(
        json.dumps(body).encode(), kind=kind, api_version=api, type=type, origin="watch", stream=kind,
        at=(BEGIN + int(at * SECOND), int(at * SECOND)),
    )  # fmt: skip


def condition(kind: str, status: str, reason: str = "", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason or kind, **more}


OWNER = [{"kind": "MachineSet", "name": "workers-abc", "uid": "1", "controller": True}]


def recorded() -> Recording:
    """A worker that comes up, fails, is marked and goes; and a control-plane machine."""
    recording = Recording()
    worker = {"ownerReferences": OWNER, "creationTimestamp": "2026-11-30T12:00:00Z"}
    written(recording, 1, "Machine", "w-1", type="ADDED", **worker)
    running = {"phase": "Running", "nodeRef": {"name": "w-1"}}
    well = [condition("NodeReady", "True"), condition("HealthCheckSucceeded", "True")]
    written(recording, 2, "Machine", "w-1", {"status": {**running, "conditions": well}}, **worker)
    ill = [
        condition("NodeReady", "False", "NodeNotReady", lastTransitionTime="2026-11-30T12:00:48Z"),
        condition(
            "HealthCheckSucceeded", "False", "UnhealthyNode", message="* x", lastTransitionTime="2026-11-30T12:01:00Z"
        ),
        condition("OwnerRemediated", "False", "WaitingForRemediation", message="Waiting for remediation"),
    ]
    written(recording, 3, "Machine", "w-1", {"status": {**running, "conditions": ill}}, **worker)
    gone = {
        **worker,
        "deletionTimestamp": "2026-11-30T12:01:01Z",
        "annotations": {"cluster.x-k8s.io/remediate-machine": ""},
    }
    written(recording, 4, "Machine", "w-1", {"status": {**running, "phase": "Deleting", "conditions": ill}}, **gone)
    written(recording, 5, "Machine", "w-1", {"status": {**running, "conditions": ill}}, type="DELETED", **gone)
    labels = {"cluster.x-k8s.io/control-plane": ""}
    skipped = {"cluster.x-k8s.io/skip-remediation": ""}
    written(recording, 6, "Machine", "c-1", type="ADDED", labels=labels, annotations=skipped)
    return recording


def test_each_version_of_a_machine_is_a_row() -> None:
    frame = machines(recorded().frames)
    assert frame.dtypes.astype(str).to_dict() == MACHINES
    mine = frame[frame["name"] == "w-1"]
    assert mine["phase"].tolist() == ["", "Running", "Running", "Deleting", "Running"]
    assert mine["nodeReady"].tolist() == ["", "True", "False", "False", "False"]
    assert mine["healthy"].tolist() == ["", "True", "False", "False", "False"]
    assert mine["healthReason"].tolist()[:3] == ["", "HealthCheckSucceeded", "UnhealthyNode"]
    assert mine["remediationReason"].tolist()[:3] == ["", "", "WaitingForRemediation"]
    assert mine["healthSince"].isna().tolist() == [True, True, False, False, False]
    waited = (mine["healthSince"] - mine["nodeReadySince"]).dropna().dt.total_seconds()
    assert waited.tolist() == [12.0] * 3
    assert mine["deletionTimestamp"].notna().tolist() == [False, False, False, True, True]
    assert set(mine["owner.name"]) == {"workers-abc"} and not mine["controlPlane"].any()
    assert mine["remediate"].tolist() == [False] * 3 + [True] * 2 and not mine["skip"].any()


def test_which_run_a_control_plane_and_which_are_exempt() -> None:
    (row,) = latest(machines(recorded().frames)).to_dict("records")
    assert row["name"] == "c-1" and row["controlPlane"] and row["skip"] and not row["remediate"]
    assert (row["owner.kind"], row["node"]) == ("", "")


@pytest.mark.parametrize(
    ("written_so", "machine"), [('{"machine": "c-0", "retryCount": 1}', "c-0"), ("{", ""), ("7", "")]
)
def test_whom_it_replaces(written_so: str, machine: str) -> None:
    recording = Recording()
    note = {"controlplane.cluster.x-k8s.io/remediation-for": written_so}
    written(recording, 1, "Machine", "c-1", type="ADDED", annotations=note)
    assert machines(recording.frames)["replaces"].tolist() == [machine]


def test_another_groups_kind_of_that_name_is_none() -> None:
    recording = Recording()
    for api in ("machine.openshift.io/v1beta1", "v1", "x.cluster.x-k8s.io/v1"):
        written(recording, 1, "Machine", api.replace("/", "-"), api=api)
    frame = machines(recording.frames)
    assert len(frame) == 0 and frame.dtypes.astype(str).to_dict() == MACHINES


def test_what_a_health_check_counts() -> None:
    recording = Recording()
    written(recording, 1, "MachineHealthCheck", "workers", type="ADDED")
    counts = {"expectedMachines": 3, "currentHealthy": 1, "remediationsAllowed": 0, "targets": ["w-1", "w-2", "w-3"]}
    no = [condition("RemediationAllowed", "False", "TooManyUnhealthy", message="exceeds")]
    written(recording, 2, "MachineHealthCheck", "workers", {"status": {**counts, "conditions": no}})
    frame = machinehealthchecks(recording.frames)
    assert frame.dtypes.astype(str).to_dict() == CHECKS
    first, second = frame.to_dict("records")
    assert frame[["expectedMachines", "currentHealthy", "remediationsAllowed"]].iloc[0].isna().all()
    assert (first["allowed"], first["targets"], first["limit"]) == ("", "", "")
    assert [second[name] for name in ("expectedMachines", "currentHealthy", "remediationsAllowed")] == [3, 1, 0]
    assert (second["allowed"], second["reason"], second["message"]) == ("False", "TooManyUnhealthy", "exceeds")
    assert second["targets"] == "w-1,w-2,w-3"


@pytest.mark.parametrize(
    ("trigger", "limit"),
    [({"unhealthyLessThanOrEqualTo": 1}, "1"), ({"unhealthyLessThanOrEqualTo": "40%"}, "40%"),
     ({"unhealthyInRange": "[1-2]", "unhealthyLessThanOrEqualTo": 3}, "[1-2]"), ({}, "")],
)  # fmt: skip
def test_its_limit_is_as_the_spec_has_it(trigger: dict[str, Any], limit: str) -> None:
    recording = Recording()
    written(recording, 1, "MachineHealthCheck", "workers", {"spec": {"remediation": {"triggerIf": trigger}}})
    assert machinehealthchecks(recording.frames)["limit"].tolist() == [limit]


@pytest.mark.parametrize("status", [{"conditions": [7]}, {"phase": 3, "nodeRef": "a"}, None, "x"])
def test_what_cant_be_read_is_left_out_and_named(status: Any) -> None:
    recording = Recording()
    written(recording, 1, "Machine", "odd", {"status": status})
    frames = recording.frames
    (row,) = machines(frames).to_dict("records")
    assert (row["name"], row["phase"], row["node"]) == ("odd", "", "")

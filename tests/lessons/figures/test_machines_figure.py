"""The machines figure, and what the lesson on Cluster API counts and measures, on machines that are written here."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from kitlib import plots
from kitlib.claims import at_least, at_most, judge
from kitlib.errors import UsageError
from kitlib.frames import Frames, machinehealthchecks, machines
from kitlib.lessons import clusterapi, figures
from kitlib.recording import Recording
from tests.frames.test_machines import condition, written
from tests.plots import drawing
from tests.plots.test_legible import check

STAMP = "2026-11-30T12:00:00Z"


def owner(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": name, "controller": True}]}


WORKERS = owner("MachineSet", "shop-workers-abcde")
PLANE = {**owner("KubeadmControlPlane", "shop-control-plane"), "labels": {"cluster.x-k8s.io/control-plane": ""}}


def machine(recording: Recording, at: float, name: str, of: dict[str, Any], *told: str, **more: Any) -> None:
    """Write a version of a machine: "ready", "not ready", "well", "ill"."""
    says = {
        "ready": condition("NodeReady", "True"),
        "not ready": condition("NodeReady", "False"),
        "well": condition("HealthCheckSucceeded", "True"),
        "ill": condition("HealthCheckSucceeded", "False"),
    }
    status = {"phase": "Running" if told else "Provisioning", "conditions": [says[each] for each in told]}
    written(recording, at, "Machine", name, {"status": status}, **{**of, **more})


def remediation(recording: Recording, at: float, allowed: str) -> None:
    status = {"conditions": [condition("RemediationAllowed", allowed)]}
    written(recording, at, "MachineHealthCheck", "shop-workers", {"status": status})


def recorded() -> Recording:
    """Three workers and a control plane; one worker fails, is judged after 15 s, goes, and is replaced."""
    recording = Recording()
    for number in (1, 2, 3):
        machine(recording, number, f"w-{number}", WORKERS, type="ADDED")
    remediation(recording, 4, "False")
    for number in (1, 2, 3):
        machine(recording, 5 + number, f"w-{number}", WORKERS, "ready", "well")
    machine(recording, 9, "c-1", PLANE, "ready", "well", type="ADDED")
    remediation(recording, 10, "True")
    machine(recording, 20, "w-2", WORKERS, "not ready", "well")
    machine(recording, 35, "w-2", WORKERS, "not ready", "ill")
    machine(recording, 36, "w-2", WORKERS, "not ready", "ill", deletionTimestamp=STAMP)
    machine(recording, 40, "w-2", WORKERS, "not ready", "ill", deletionTimestamp=STAMP, type="DELETED")
    machine(recording, 41, "w-4", WORKERS, type="ADDED")
    machine(recording, 50, "w-4", WORKERS, "ready")
    return recording


def test_each_machine_is_a_lane_and_the_words_say_the_same() -> None:
    frames = recorded().frames
    axes = figures.machines(machines(frames), machinehealthchecks(frames))
    assert drawing.words(axes, "group") == [
        "control plane · KubeadmControlPlane shop-control-plane",
        "workers · MachineSet shop-workers-abcde",
        "MachineHealthChecks",
    ]
    assert drawing.words(axes, "lane") == ["c-1", "w-1", "w-2", "w-3", "w-4", "shop-workers"]
    text = figures.machines_text(machines(frames), machinehealthchecks(frames))
    assert plots.twin(axes) == text
    assert text.splitlines()[0] == "5 machines, of which 1 went."
    (line,) = [line for line in text.splitlines() if line.startswith("  w-2:")]
    for state in ("starting at", "Ready at", "not Ready at", "unhealthy at", "deleting at", "gone at"):
        assert state in line
    assert line.index("not Ready at") < line.index("unhealthy at") < line.index("gone at")
    assert "shop-workers: may not at" in text and "may replace at" in text


def test_it_is_legible() -> None:
    frames = recorded().frames
    check(figures.machines(machines(frames), machinehealthchecks(frames)).get_figure(root=True))
    check(figures.machines(machines(frames)).get_figure(root=True))


def test_without_machines_it_says_so() -> None:
    frames = Recording().frames
    assert figures.machines_text(machines(frames)) == "Nothing recorded: no machine in this time."
    assert drawing.texts(figures.machines(machines(frames)).get_figure(root=True))
    with pytest.raises(UsageError, match="no column"):
        figures.machines(machines(recorded().frames).drop(columns=["healthy"]))


def test_how_many_there_were_version_by_version() -> None:
    frame = machines(recorded().frames)
    found = clusterapi.counts(frame[~frame["controlPlane"]])
    assert found.dtypes.astype(str).to_dict() == clusterapi.COUNTS
    told = found[["name", "there", "starting", "running", "deleting"]].values.tolist()
    assert told[:3] == [["w-1", 1, 1, 0, 0], ["w-2", 2, 2, 0, 0], ["w-3", 3, 3, 0, 0]]
    assert told[5:] == [
        ["w-3", 3, 0, 3, 0],
        ["w-2", 3, 0, 2, 0],
        ["w-2", 3, 0, 2, 0],
        ["w-2", 3, 0, 2, 1],
        ["w-2", 2, 0, 2, 0],
        ["w-4", 3, 1, 2, 0],
        ["w-4", 3, 0, 3, 0],
    ]
    assert judge(at_most(found, "there", 3))[0] == "holds" and judge(at_least(found, "running", 3))[0] == "fails"


def test_what_stood_there_at_the_begin_is_one_moment() -> None:
    recording = recorded()
    begin = 15 * 1_000_000_000
    window = machines(Frames(recording, begin, None))
    found = clusterapi.counts(window[~window["controlPlane"]])
    assert found["running"].tolist() == [3, 2, 2, 2, 2, 2, 3]
    assert "gaps" in found.attrs and found.attrs["window"][0] == begin


def test_a_replacement_is_found_by_its_owner() -> None:
    frame = machines(recorded().frames)
    (row,) = clusterapi.replacements(frame, {"w-2": "a worker"}).to_dict("records")
    assert (row["change"], row["by"]) == ("a worker", "w-4")
    assert [row[stage] / 1e9 for stage in clusterapi.STAGES] == [20, 35, 36, 50]
    (other,) = clusterapi.replacements(frame, {"c-1": "none"}).to_dict("records")
    assert other["by"] == "" and pd.isna(other["replaced"])
    text = figures.hops_text(clusterapi.replacements(frame, {"w-2": "a worker"}), clusterapi.STAGES)
    assert "judged 15.000 s later" in text and "replaced 14.000 s later; 30.00 s in all" in text


def judged(*seconds: float) -> Recording:
    """Workers, each found healthy at some second of a minute; and one of the control plane, at the 7th."""
    recording = Recording()
    plane = {"labels": {"cluster.x-k8s.io/control-plane": ""}}
    for number, second in enumerate((7, *seconds)):
        well = condition("HealthCheckSucceeded", "True", lastTransitionTime=f"2026-11-30T12:00:{second:02}Z")
        more = {} if number else plane
        for version in (1, 2):  # one that changes nothing of it is no look
            written(
                recording, number + version / 4, "Machine", f"m-{number}", {"status": {"conditions": [well]}}, **more
            )
    return recording


def test_what_is_written_in_one_second_or_the_next_is_one_look() -> None:
    found = clusterapi.looks(machines(judged(10, 11, 26, 26, 41).frames))
    assert found.dtypes.astype(str).to_dict() == clusterapi.LOOKS
    assert found["after"].tolist() == [16, 15] and not found["controlPlane"].any()
    assert at_least(found, "after", 12).holds is True


def test_a_look_too_soon_is_seen_and_without_a_second_one_nothing_is_known() -> None:
    assert at_least(clusterapi.looks(machines(judged(10, 15, 26).frames)), "after", 12).holds is False
    assert at_least(clusterapi.looks(machines(judged(10, 10).frames)), "after", 12).holds is None

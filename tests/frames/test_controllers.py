"""StatefulSets, DaemonSets, Jobs and CronJobs as frames, of a recording that has them, and of objects that are odd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kitlib.frames import COLUMNS, Frames
from kitlib.recording import Meta, Recording

DATA = Path(__file__).parents[1] / "data"
OWN = ("statefulsets", "daemonsets", "jobs", "cronjobs")


@pytest.fixture(scope="module")
def frames() -> Frames:
    return Recording.open(DATA / "workloads").frames


@pytest.mark.parametrize("name", OWN)
def test_each_frame_has_its_columns_and_the_rows_of_its_kind(frames: Frames, name: str) -> None:
    frame = getattr(frames, name)
    assert {column: str(frame[column].dtype) for column in frame} == {
        column: about.dtype for column, about in COLUMNS[name].items()
    }
    kind = {"statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job", "cronjobs": "CronJob"}[name]
    common = frames.workloads[frames.workloads["kind"] == kind]
    assert len(frame) > 5 and common["seq"].tolist() == frame["seq"].tolist()


def test_workloads_has_what_they_have_in_common(frames: Frames) -> None:
    last = frames.workloads.groupby(["kind", "name"]).tail(1).set_index("name")
    assert last.loc["db", ["kind", "spec.replicas", "readyReplicas", "strategy", "image"]].tolist() == [
        *("StatefulSet", 3, 3, "RollingUpdate", "web:3"),
    ]
    assert last.loc["agent", ["strategy", "maxSurge", "maxUnavailable"]].tolist() == ["RollingUpdate", "1", "0"]
    assert last.loc["allow", "image"] == last.loc["pi", "image"] == "web:1"
    assert last.loc["allow", "template"] and last.loc[["pi", "allow"], "observedGeneration"].isna().all()
    fired = frames.workloads[frames.workloads["owner.name"] == "forbid"]
    assert set(fired["kind"]) == {"Job"}


def test_a_statefulset_tells_its_revisions_and_its_partition(frames: Frames) -> None:
    db = frames.statefulsets[frames.statefulsets["name"] == "db"].iloc[-1]
    assert db["partition"] == 2 and db["currentRevision"] != db["updateRevision"]
    assert (db["updatedReplicas"], db["currentReplicas"]) == (1, 2) and db["podManagementPolicy"] == "OrderedReady"
    crowd = frames.statefulsets[frames.statefulsets["name"] == "crowd"].iloc[-1]
    assert (crowd["podManagementPolicy"], crowd["ordinals.start"]) == ("Parallel", 5)
    revisions = frames.pods.loc[frames.pods["owner.name"] == "db", "controller-revision-hash"]
    assert revisions.nunique() == 3 and db["updateRevision"] in set(revisions)


def test_a_daemonset_counts_nodes(frames: Frames) -> None:
    counts = ["desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable"]
    assert frames.daemonsets[counts].max().tolist() == [3, 3, 3, 3]
    assert frames.daemonsets["numberMisscheduled"].max() > 0 or frames.daemonsets["numberReady"].max() == 3


def test_a_job_tells_how_it_ends(frames: Frames) -> None:
    last = frames.jobs.groupby("name").tail(1).set_index("name")
    assert last.loc[["pi", "indexed", "later", "broken"], "finished"].tolist() == [*["Complete"] * 3, "Failed"]
    assert last.loc["broken", ["reason", "failed", "backoffLimit"]].tolist() == ["BackoffLimitExceeded", 2, 1]
    assert last.loc["indexed", ["completionMode", "completedIndexes", "succeeded"]].tolist() == ["Indexed", "0-3", 4]
    assert last.loc["pi", "completionTime"] >= last.loc["pi", "startTime"]
    pods = frames.pods[frames.pods["owner.name"] == "indexed"]
    assert set(pods["job-completion-index"]) == {0, 1, 2, 3}


def test_a_cronjob_tells_its_times_and_so_do_its_jobs(frames: Frames) -> None:
    last = frames.cronjobs.groupby("name").tail(1).set_index("name")
    assert set(last["concurrencyPolicy"]) == {"Allow", "Forbid", "Replace"} and (last["active"] > 0).all()
    fired = frames.jobs[(frames.jobs["owner.name"] == "allow") & (frames.jobs["type"] == "ADDED")]
    assert fired["scheduledTime"].dt.second.eq(0).all() and fired["scheduledTime"].is_unique and len(fired) == 3
    assert last.loc["allow", "lastScheduleTime"] == fired["scheduledTime"].max()


@pytest.mark.parametrize("name", OWN)
def test_an_odd_object_spoils_nothing(name: str) -> None:
    kind = {"statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job", "cronjobs": "CronJob"}[name]
    api = "apps/v1" if name in ("statefulsets", "daemonsets") else "batch/v1"
    recording = Recording()
    odd = {"spec": {"replicas": "x", "updateStrategy": 3, "ordinals": [], "parallelism": [1], "schedule": 7}}
    for number, rest in enumerate(({}, odd, {"spec": None, "status": "none"}, {})):
        meta = Meta(name=f"n{number}", namespace="shop", uid=f"u{number}", resourceVersion=str(number + 1))
        body = {"metadata": {"name": f"n{number}", "namespace": "shop", "uid": f"u{number}"}, **rest}
        recording.add(
            json.dumps(body).encode(), kind=kind, api_version=api, type="ADDED", origin="watch", stream=kind, meta=meta
        )
    frame = getattr(recording.frames, name)
    assert {"n0", "n1", "n3"} <= set(frame["name"])
    assert len(recording.frames.left_out) > 0


def test_a_recording_of_before_opens_and_has_none() -> None:
    frames = Recording.open(DATA / "deployment").frames
    assert all(getattr(frames, name).empty for name in OWN)

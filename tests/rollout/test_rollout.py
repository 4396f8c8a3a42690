"""The envelope: what is promised, and what a recording of a real controller shows at every resourceVersion."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib import rollout
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording

DATA = Path(__file__).parents[1] / "data" / "deployment"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.open(DATA)


def window(recording: Recording, step: str) -> Frames:
    row = recording.frames.steps.set_index("name").loc[step]
    return Frames(recording, int(row["begin_ns"]), int(row["end_ns"]))


@pytest.mark.parametrize(
    ("value", "replicas", "up", "pods"),
    [("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 7, True, 0), ("100%", 3, True, 3), (2, 10, True, 2),
     ("3", 10, False, 3), (None, 10, True, 0), ("25%", 1, False, 0), ("30%", 10, True, 3)],
)  # fmt: skip
def test_percentages_are_rounded_up_for_surge_and_down_for_unavailable(
    value: str | int | None, replicas: int, up: bool, pods: int
) -> None:
    assert rollout.scaled_int_or_percent(value, replicas, up) == pods


@pytest.mark.parametrize("value", ["many", "-1", "2.5", "%"])
def test_what_is_neither_number_nor_percentage_is_named(value: str) -> None:
    with pytest.raises(UsageError, match="neither a number of Pods nor a percentage"):
        rollout.scaled_int_or_percent(value, 10, True)


def test_the_promise_of_each_strategy(recording: Recording) -> None:
    replicas = window(recording, "update four").workloads
    promised = {name: rollout.promise(replicas, name) for name in ("recreate", "careful", "lavish", "patient")}
    assert {name: (each.lower, each.upper) for name, each in promised.items()} == {
        "recreate": (0, 3),
        "careful": (2, 3),
        "lavish": (3, 6),
        "patient": (3, 6),
    }


def test_the_timeline_of_a_rollout(recording: Recording) -> None:
    frames = window(recording, "change the image")
    moves = rollout.timeline(frames.pods, frames.workloads, "web")
    assert list(moves.columns) == list(rollout.TIMELINE)
    assert moves["resourceVersion"].is_monotonic_increasing
    assert (moves["wanted"] <= moves["upper"]).all() and (moves["available"] >= moves["lower"]).all()
    begin, end = moves.iloc[0], moves.iloc[-1]
    assert (begin["available"], begin["unavailable"], begin["terminating"]) == (6, 0, 0)
    assert (end["available"], end["unavailable"], end["terminating"]) == (6, 0, 0)
    assert moves["wanted"].max() == 8 and moves["available"].min() == 5


def test_by_revision_adds_up_to_the_timeline(recording: Recording) -> None:
    frames = window(recording, "change the image")
    moves = rollout.timeline(frames.pods, frames.workloads, "web").groupby("resourceVersion").last()
    long = rollout.by_revision(frames.pods, frames.workloads, "web")
    sums = long.groupby("resourceVersion")[["available", "unavailable", "terminating"]].sum()
    assert (sums == moves.loc[sums.index, sums.columns]).all().all()
    assert set(long["revision"]) == {1, 2}


def test_min_ready_seconds_keeps_ready_pods_unavailable(recording: Recording) -> None:
    frames = window(recording, "update four")
    long = rollout.by_revision(frames.pods, frames.workloads, "patient").query("revision == 2")
    pods = frames.pods[frames.pods["owner.name"].isin(long["replicaset"]) & frames.pods["ready"]]
    ready_at = pods["monotonic_ns"].min()
    available_at = long.query("available > 0")["monotonic_ns"].min()
    assert 1e9 < available_at - ready_at < 10e9  # minReadySeconds: 2, by the server's whole seconds
    assert (long[long["monotonic_ns"] < available_at]["available"] == 0).all()


def test_revisions_move_when_a_rollout_is_undone(recording: Recording) -> None:
    before = rollout.revisions(window(recording, "change the image").workloads, "web").set_index("name")
    after = rollout.revisions(window(recording, "roll back").workloads, "web").set_index("name")
    assert set(before.index) == set(after.index)
    old = before["revision"].idxmin()
    assert (before.loc[old, "revision"], after.loc[old, "revision"]) == (1, 3)
    assert before.loc[old, "template"] == after.loc[old, "template"]


def test_a_deployment_that_was_not_recorded_is_named_with_those_that_were(recording: Recording) -> None:
    frames = recording.frames
    with pytest.raises(UsageError, match=r"no Deployment 'wbe'.*\n.*web"):
        rollout.timeline(frames.pods, frames.workloads, "wbe")
    with pytest.raises(UsageError, match="Deployments in these frames"):
        rollout.timeline(frames.pods, frames.workloads)

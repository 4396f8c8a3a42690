"""Frames of a recording made on a real control plane: dtypes, windows, states, occurrences."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from kitlib.errors import UsageError
from kitlib.frames import COLUMNS, STATES, Frames, latest
from kitlib.recording import Recording

DATA = Path(__file__).parent / "data" / "deployment"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.open(DATA)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_has_the_documented_dtype(recording: Recording, name: str) -> None:
    frame = getattr(recording.frames, name)
    assert list(frame.columns) == list(COLUMNS[name])
    assert {column: str(frame[column].dtype) for column in frame} == {
        column: about.dtype for column, about in COLUMNS[name].items()
    }
    assert len(frame) > 0 or name == "gaps"


@pytest.mark.parametrize("name", COLUMNS)
def test_an_empty_recording_has_the_same_columns(name: str) -> None:
    frame = getattr(Recording().frames, name)
    assert {column: str(frame[column].dtype) for column in frame} == {
        column: about.dtype for column, about in COLUMNS[name].items()
    }


def test_each_row_is_one_version_in_the_order_of_receipt(recording: Recording) -> None:
    pods = recording.frames.pods
    assert len(pods) == sum(row.kind == "Pod" for row in recording.rows)
    assert pods["seq"].is_monotonic_increasing and pods["seq"].is_unique
    assert pods["monotonic_ns"].is_monotonic_increasing
    first = json.loads(recording.rows[int(pods["seq"].iloc[0])].object)
    assert first["metadata"]["name"] == pods["name"].iloc[0]


def test_a_pod_goes_through_its_states_in_their_order(recording: Recording) -> None:
    pods = recording.frames.pods
    for _, versions in pods.groupby("uid"):
        codes = versions["state"].cat.codes
        assert codes.is_monotonic_increasing, versions[["name", "state"]]
    assert set(pods["state"].unique()) >= {"Pending", "Scheduled", "Running", "Ready", "Terminating", "Gone"}
    assert list(pods["state"].cat.categories) == list(STATES)


def test_a_window_carries_in_what_stood_at_its_begin(recording: Recording) -> None:
    steps = recording.frames.steps.set_index("name")
    step = steps.loc["change the image"]
    frames = Frames(recording, int(step["begin_ns"]), int(step["end_ns"]))
    before = frames.pods[frames.pods["monotonic_ns"] < step["begin_ns"]]
    assert len(before) == 6 and set(before["state"]) == {"Ready"}
    assert frames.pods["monotonic_ns"].max() <= step["end_ns"]
    assert frames.pods.attrs["window"] == (step["begin_ns"], step["end_ns"])


def test_unscheduled_pods_say_why(recording: Recording) -> None:
    pods = recording.frames.pods
    told = pods[pods["reason"] == "Unschedulable"]
    assert len(told) and told["message"].str.contains("Insufficient cpu").all()


def test_conditions_have_a_row_for_each_change_only(recording: Recording) -> None:
    conditions = recording.frames.conditions
    again = conditions.groupby(["uid", "condition"])[["status", "reason", "message", "lastTransitionTime"]]
    assert not again.apply(lambda rows: (rows.fillna("-") == rows.fillna("-").shift()).all(axis=1).any()).any()


def event(version: int, count: int, stamp: str) -> bytes:
    return json.dumps(
        {
            "metadata": {"name": "e", "namespace": "n", "uid": "u", "resourceVersion": str(version)},
            "involvedObject": {"kind": "Pod", "name": "p", "uid": "x"},
            "reason": "BackOff",
            "type": "Warning",
            "count": count,
            "lastTimestamp": stamp,
        }
    ).encode()


def test_updates_of_an_event_become_occurrences() -> None:
    recording = Recording()
    for version, count, stamp in ((1, 1, "2026-01-01T00:00:00Z"), (2, 4, "2026-01-01T00:00:09Z")):
        for _ in range(2):  # the same update twice counts once
            recording.add(
                event(version, count, stamp), kind="Event", api_version="v1", type="ADDED", origin="watch", stream="e"
            )
    events = recording.frames.events
    assert events["occurrences"].tolist() == [1, 3]
    assert (events["latest"] - events["earliest"]).tolist() == [pd.Timedelta(seconds=1)] * 2


def test_a_gap_is_in_the_frames_and_in_their_attrs() -> None:
    recording = Recording()
    recording.add(
        event(1, 1, "2026-01-01T00:00:00Z"), kind="Event", api_version="v1", type="ADDED", origin="list", stream="e"
    )
    recording.mark("GAP", "Event", stream="e", kind="Event", after_ns=5, until_ns=10**18, reason="410")
    frames = recording.frames
    assert frames.gaps[["kind", "after_ns", "until_ns", "reason"]].to_dict("records") == frames.events.attrs["gaps"]
    assert frames.events.attrs["gaps"][0]["reason"] == "410"


def test_an_object_that_is_not_what_its_kind_promises_is_named() -> None:
    recording = Recording()
    raw = b'{"metadata":{"name":"p","namespace":"n","uid":"u","resourceVersion":"1"},"spec":{"nodeName":7},"status":{}}'
    recording.add(raw, kind="Pod", api_version="v1", type="ADDED", origin="list", stream="pods")
    with pytest.raises(UsageError, match="Pod n/p"):
        _ = recording.frames.pods


def test_latest_leaves_out_what_is_gone(recording: Recording) -> None:
    pods = recording.frames.pods
    left = latest(pods)
    assert left["uid"].is_unique
    assert set(left["uid"]) == set(pods["uid"]) - set(pods[pods["type"] == "DELETED"]["uid"])

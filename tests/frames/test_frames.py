"""Frames of a recording made on a real control plane: dtypes, windows, states, occurrences."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from kitlib.errors import UsageError
from kitlib.frames import COLUMNS, PARTS, STATES, Frames, decode, latest
from kitlib.recording import Recording

DATA = Path(__file__).parents[1] / "data" / "deployment"
CONTROLLERS = ("statefulsets", "daemonsets", "jobs", "cronjobs")
"""Frames of kinds that this recording hasn't; tests/frames/test_controllers.py has one that has them."""


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
    others = ("nodes", "gaps", "logs", "traffic", "probes", "endpoints", "left_out", *CONTROLLERS)
    assert len(frame) > 0 or name in others


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


def test_a_pod_s_own_reason_goes_before_a_container_s() -> None:
    waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    pod = {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1"},
        "spec": {"containers": []},
        "status": {"phase": "Failed", "reason": "Evicted", "message": "too much", "containerStatuses": [waiting]},
    }
    recording = Recording()
    recording.add(json.dumps(pod).encode(), kind="Pod", api_version="v1", type="ADDED", origin="watch", stream="p")
    assert recording.frames.pods[["reason", "message"]].iloc[0].tolist() == ["Evicted", "too much"]


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
    frames = recording.frames
    assert frames.pods[["name", "nodeName"]].to_numpy().tolist() == [["p", ""]], "the rest of it is there"
    told = frames.left_out.to_dict("records")
    assert [(each["name"], each["what"]) for each in told] == [("p", "spec.nodeName")]


def test_latest_leaves_out_what_is_gone(recording: Recording) -> None:
    pods = recording.frames.pods
    left = latest(pods)
    assert left["uid"].is_unique
    assert set(left["uid"]) == set(pods["uid"]) - set(pods[pods["type"] == "DELETED"]["uid"])


@pytest.fixture(scope="module")
def in_parts(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The same rows, in many small parts."""
    path = tmp_path_factory.mktemp("parts") / "r"
    with Recording.create(path, part_rows=300) as copy:
        for row in recording.rows:
            with copy.changed:
                copy._append(msgspec.structs.replace(row, seq=len(copy)))
            if row.seq % 150 == 149:
                copy.flush()
    opened = Recording.open(path)
    assert len(opened.rows.parts) > 5
    return opened


SAME = [name for name in COLUMNS if name != "coverage"]
"""The copy is of another format than the recording, so what is known of its coverage is another."""


@pytest.mark.parametrize("name", SAME)
def test_a_frame_made_part_by_part_is_the_same_frame(recording: Recording, in_parts: Recording, name: str) -> None:
    whole = getattr(recording.frames, name)
    pd.testing.assert_frame_equal(whole, getattr(in_parts.frames, name))
    if name in PARTS:
        pieces = list(in_parts.frames.parts(name))
        assert len(pieces) > 5 or whole.empty
        pd.testing.assert_frame_equal(whole, pd.concat(pieces, ignore_index=True))


def test_windows_are_the_same_too(recording: Recording, in_parts: Recording) -> None:
    for step in recording.frames.steps.to_dict("records"):
        bounds = int(step["begin_ns"]), int(step["end_ns"])
        one, other = Frames(recording, *bounds), Frames(in_parts, *bounds)
        for name in SAME:
            pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
        for name in PARTS:
            joined = pd.concat(list(other.parts(name)), ignore_index=True)
            pd.testing.assert_frame_equal(getattr(one, name), joined)


def test_saved_frames_are_the_same_and_nothing_is_written_over(in_parts: Recording, tmp_path: Path) -> None:
    frames = in_parts.frames
    frames.save(tmp_path / "f")
    for name in COLUMNS:
        again = pd.read_parquet(tmp_path / "f" / name)
        expected = getattr(frames, name)
        pd.testing.assert_frame_equal(again, expected, check_dtype=False, check_categorical=False)
    with pytest.raises(UsageError, match="there is a frame already"):
        frames.save(tmp_path / "f", "pods")


def test_a_frame_that_does_not_come_in_parts_is_refused(recording: Recording) -> None:
    with pytest.raises(UsageError, match="'steps' comes in parts"):
        next(recording.frames.parts("steps"))
    with pytest.raises(UsageError, match="'steps' can be decoded"):
        decode("steps", [])


def recipe(library: str) -> str:
    """The code of a recipe, as the page shows it."""
    page = (DATA.parents[2] / "docs" / "larger-than-memory.md").read_text()
    section = page.split(f"## {library}")[1]
    return section.split("```python\n")[1].split("```")[0]


@pytest.mark.slow
@pytest.mark.parametrize("library", ["Dask DataFrame", "DuckDB"])
@pytest.mark.parametrize("name", ["pods", "containers", "conditions", "events", "workloads"])
def test_the_recipes_give_the_same_frames(recording: Recording, in_parts: Recording, library: str, name: str) -> None:
    code = recipe(library).replace("shop.rec", str(in_parts.path)).replace('"pods"', f'"{name}"')
    names: dict[str, object] = {}
    exec(compile(code, library, "exec"), names)
    pd.testing.assert_frame_equal(names["frame"], getattr(recording.frames, name))


def series(version: int, count: int, first: str, last: str) -> bytes:
    body = json.loads(event(version, 1, last))
    del body["count"], body["lastTimestamp"]
    body |= {"eventTime": first, "series": {"count": count, "lastObservedTime": last}}
    return json.dumps(body).encode()


def taken_apart(*raws: bytes) -> list[tuple[int, int, str, str, str]]:
    recording = Recording()
    for raw in raws:
        recording.add(raw, kind="Event", api_version="v1", type="MODIFIED", origin="watch", stream="events")
    found = recording.frames.occurrences
    return [
        (row.number, row.times, row.earliest.strftime("%H:%M:%S.%f"), row.latest.strftime("%H:%M:%S.%f"), row.known)
        for row in found.itertuples()
    ]


def test_each_occurrence_has_the_interval_in_which_it_fell() -> None:
    first = json.loads(event(1, 4, "2026-01-01T00:00:09Z")) | {"firstTimestamp": "2026-01-01T00:00:01Z"}
    assert taken_apart(
        json.dumps(first).encode(), event(2, 5, "2026-01-01T00:00:12Z"), event(3, 9, "2026-01-01T00:00:30Z")
    ) == [
        (1, 1, "00:00:01.000000", "00:00:02.000000", "stamp"),
        (2, 2, "00:00:01.000000", "00:00:10.000000", "between"),
        (4, 1, "00:00:09.000000", "00:00:10.000000", "stamp"),
        (5, 1, "00:00:12.000000", "00:00:13.000000", "stamp"),
        (6, 3, "00:00:12.000000", "00:00:31.000000", "between"),
        (9, 1, "00:00:30.000000", "00:00:31.000000", "stamp"),
    ]


def test_a_series_has_stamps_that_are_points() -> None:
    assert taken_apart(series(1, 3, "2026-01-01T00:00:01.500000Z", "2026-01-01T00:00:02.250000Z")) == [
        (1, 1, "00:00:01.500000", "00:00:01.500000", "stamp"),
        (2, 1, "00:00:01.500000", "00:00:02.250000", "between"),
        (3, 1, "00:00:02.250000", "00:00:02.250000", "stamp"),
    ]


def test_stamps_stand_there_as_they_are_also_those_that_were_left_out() -> None:
    recording = Recording()
    for raw in (event(1, 1, "2026-01-01T00:00:09Z"), series(2, 2, "2026-01-01T00:00:01.5Z", "2026-01-01T00:00:02Z")):
        recording.add(raw, kind="Event", api_version="v1", type="MODIFIED", origin="watch", stream="events")
    told = recording.frames.events
    assert told["lastTimestamp"].tolist() == [pd.Timestamp("2026-01-01T00:00:09Z"), pd.NaT]
    assert told["eventTime"].tolist() == [pd.NaT, pd.Timestamp("2026-01-01T00:00:01.5Z")]
    assert not {"lastTimestamp", "eventTime"} & {*recording.frames.occurrences.columns}


def test_occurrences_without_any_stamp_say_so() -> None:
    body = json.loads(event(1, 2, ""))
    del body["lastTimestamp"]
    recording = Recording()
    raw = json.dumps(body).encode()
    recording.add(raw, kind="Event", api_version="v1", type="ADDED", origin="watch", stream="events")
    assert set(recording.frames.occurrences["known"]) == {"unbounded"}


def test_a_gap_that_has_no_end_reaches_to_the_end_and_one_that_went_on_is_none() -> None:
    recording = Recording()
    about = {"stream": "pods", "kind": "Pod", "reason": "403"}
    recording.mark("GAP", "Pod", after_ns=5, until_ns=None, after_rv="7", until_rv=None, **about)
    gaps = recording.frames.gaps
    assert gaps["open"].tolist() == [True] and gaps["until_ns"].iloc[0] == recording.rows[-1].monotonic_ns
    recording.mark("GAP", "Pod", after_ns=5, until_ns=9, after_rv="7", until_rv="7", **about)
    assert not len(recording.frames.gaps)  # the watch went on where it was
    recording.mark("GAP", "Pod", after_ns=5, until_ns=10**18, after_rv="7", until_rv="12", **about)
    assert recording.frames.gaps[["after_rv", "until_rv", "open"]].values.tolist() == [[7, 12, False]]

"""The frames `probes` and `endpoints`, of Pods, logs, Events and EndpointSlices that are written out here."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from kitlib.frames import Frames
from kitlib.recording import Recording

SECOND = 1_000_000_000
BEGIN = 1_764_000_000 * SECOND


def add(recording: Recording, kind: str, at: float, uid: str, **what: Any) -> None:
    type_ = what.pop("type", "MODIFIED")
    meta = {"name": uid, "namespace": "shop", "uid": uid, "resourceVersion": str(len(recording) + 1)}
    body = {"metadata": {**meta, **what.pop("meta", {})}, **what}
    now = int(at * SECOND)
    recording.add(
        json.dumps(body).encode(), kind=kind, api_version="v1", type=type_, origin="watch", stream=kind,
        at=(BEGIN + now, now),
    )  # fmt: skip


def logged(recording: Recording, *answers: tuple[float, str, str, int], run: int = 0, at: float = 60) -> None:
    lines = []
    for when, probe, handler, status in answers:
        line = {"wall_ns": BEGIN + int(when * SECOND), "mono_ns": 1, "event": "probe", "probe": probe}
        line |= {"handler": handler, "status": status, "took_ns": 5, "from": "kube-probe/1.37"}
        lines.append(f"2026-01-01T00:00:00Z {json.dumps(line)}")
    what = {"container": "main", "run": run, "begin": 0, "lines": lines}
    add(recording, "Log", at, f"web/main/{run}", meta={"name": "web"}, **what)


def unhealthy(recording: Recording, at: float, uid: str, message: str, count: int) -> None:
    stamp = pd.Timestamp(BEGIN + int(at) * SECOND).isoformat() + "Z"
    about = {"kind": "Pod", "name": "web", "uid": "web", "fieldPath": "spec.containers{main}"}
    add(
        recording, "Event", at, uid, reason="Unhealthy", message=message, count=count, involvedObject=about,
        firstTimestamp=stamp, lastTimestamp=stamp, type_="Warning",
    )  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> Frames:
    recording = Recording()
    probe = {"periodSeconds": 2, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 4}
    add(recording, "Pod", 0, "web", spec={"containers": [{"name": "main", "livenessProbe": probe}]}, status={})
    unhealthy(recording, 5, "e1", "Liveness probe failed: HTTP probe failed with statuscode: 503", 1)
    unhealthy(recording, 9, "e1", "Liveness probe failed: HTTP probe failed with statuscode: 503", 3)
    combined = "(combined from similar events): "  # the kubelet's eleventh of a kind
    unhealthy(recording, 11, "e2", combined + "Readiness probe errored and resulted in unknown state: no such file", 1)
    logged(
        recording, (2, "liveness", "http", 200), (4, "liveness", "http", 503), (5, "readiness", "exec", 399),
        (6, "liveness", "http", 0), (8, "liveness", "http", 100),
    )  # fmt: skip
    logged(recording, (12, "liveness", "http", 503), run=1)
    return recording.frames


def test_what_a_container_answered_is_a_row_each_with_its_streak(frames: Frames) -> None:
    seen = frames.probes.query("source == 'container' and probe == 'liveness'")
    assert seen["outcome"].tolist() == ["Success", "Failure", "Failure", "Failure", "Failure"]
    assert seen["streak"].tolist() == [1, 1, 2, 3, 1], "a restarted container begins anew"
    assert seen["status"].tolist() == [200, 503, 0, 100, 503] and seen["run"].tolist() == [0, 0, 0, 0, 1]
    assert seen["message"].iloc[2] == "the kubelet waited no longer"
    (other,) = frames.probes.query("probe == 'readiness' and source == 'container'").to_dict("records")
    assert (other["outcome"], other["handler"]) == ("Success", "exec"), "399 is below 400"


def test_the_settings_are_those_of_the_spec(frames: Frames) -> None:
    liveness = frames.probes.query("probe == 'liveness'")
    assert set(liveness["periodSeconds"]) == {2} and set(liveness["failureThreshold"]) == {4}
    assert frames.probes.query("probe == 'readiness'")["failureThreshold"].isna().all(), "the Pod has none"


def test_an_event_tells_of_as_many_as_it_counts(frames: Frames) -> None:
    told = frames.probes.query("source == 'event'")
    liveness = told.query("probe == 'liveness'")
    assert liveness["times"].sum() == 3 and liveness["streak"].iloc[-1] == 3
    assert set(told["container"]) == {"main"} and set(told["name"]) == {"web"}
    assert told.query("probe == 'readiness'")["outcome"].tolist() == ["Unknown"]
    assert told["status"].isna().all() and told["run"].isna().all()


def slice_of(*endpoints: tuple[str, bool, bool]) -> dict[str, Any]:
    return {
        "meta": {"labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [
            {
                "addresses": [f"10.0.0.{number}"],
                "targetRef": {"kind": "Pod", "name": pod},
                "conditions": {"ready": ready, "serving": ready or ending, "terminating": ending},
            }
            for number, (pod, ready, ending) in enumerate(endpoints)
        ],
    }


def test_an_endpoint_has_a_row_for_each_change_and_one_when_it_has_gone() -> None:
    recording = Recording()
    add(recording, "EndpointSlice", 1, "s", **slice_of(("a", True, False), ("b", True, False)))
    add(recording, "EndpointSlice", 2, "s", **slice_of(("a", True, False), ("b", True, False)))
    add(recording, "EndpointSlice", 3, "s", **slice_of(("a", False, False), ("b", True, False)))
    add(recording, "EndpointSlice", 4, "s", **slice_of(("a", False, True)))
    add(recording, "EndpointSlice", 5, "s", type="DELETED", **slice_of(("a", False, True)))
    frame = recording.frames.endpoints
    assert set(frame["service"]) == {"web"}
    first, second = (frame.query(f"pod == '{pod}'") for pod in "ab")
    assert first["ready"].tolist() == [True, False, False, False]
    assert first["terminating"].tolist() == [False, False, True, False]
    assert first["listed"].tolist() == [True, True, True, False]
    assert second["listed"].tolist() == [True, False]
    assert (frame["monotonic_ns"] // SECOND).tolist() == [1, 1, 3, 4, 4, 5]


def test_a_window_knows_which_endpoints_stood_at_its_begin() -> None:
    recording = Recording()
    add(recording, "EndpointSlice", 1, "s", **slice_of(("a", True, False), ("b", False, False)))
    add(recording, "EndpointSlice", 5, "s", **slice_of(("a", False, False), ("b", False, False)))
    frame = Frames(recording, 3 * SECOND, 6 * SECOND).endpoints
    assert frame["pod"].tolist() == ["a", "b", "a"] and frame["ready"].tolist() == [True, False, False]

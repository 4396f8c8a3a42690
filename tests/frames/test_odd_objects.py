"""One odd object spoils nothing: all frames are made, the good ones beside it are there, what is left out is named."""

from __future__ import annotations

import json
import random

import pandas as pd
import pytest

from kitlib.frames import COLUMNS
from kitlib.recording import Meta, Recording
from tests.frames.odd import API, STAMP, good, odd

COUNT = 240
FRAMES = {"Pod": ("pods", "containers", "conditions"), "Deployment": ("workloads", "conditions"), "Event": ("events",)}


def add(recording: Recording, body: dict | bytes, kind: str, name: str, version: object) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    api = API[kind] if isinstance(body, bytes) else body["apiVersion"]
    meta = Meta(name=name, namespace="shop", uid=f"uid-{name}", resourceVersion=str(version))
    recording.add(raw, kind=kind, api_version=api, type="ADDED", origin="watch", stream=kind, meta=meta)


@pytest.mark.parametrize("seed", range(4))
def test_odd_objects_spoil_nothing_beside_them(seed: int) -> None:
    dice = random.Random(seed)
    recording, said, kinds = Recording(), {}, list(API)
    for number in range(COUNT // 4):
        kind = kinds[number % len(kinds)]
        said[f"odd-{number}"], body = odd(kind, f"odd-{number}", 1000 + number, dice)
        add(recording, body, kind, f"odd-{number}", 1000 + number)
        add(recording, good(kind, f"good-{number}", 2000 + number), kind, f"good-{number}", 2000 + number)
    frames = recording.frames
    for name, columns in COLUMNS.items():
        frame = getattr(frames, name)
        assert {column: str(frame[column].dtype) for column in frame} == {
            column: about.dtype for column, about in columns.items()
        }
    for kind, names in FRAMES.items():
        wanted = {f"good-{number}" for number in range(COUNT // 4) if kinds[number % len(kinds)] == kind}
        for name in names:
            assert wanted <= set(getattr(frames, name)["name"]), name
    goods = frames.pods[frames.pods["name"].str.startswith("good-")]
    assert set(goods["state"]) == {"Ready"} and set(goods["creationTimestamp"]) == {pd.Timestamp(STAMP)}
    left = frames.left_out
    assert not left["name"].str.startswith("good-").any()
    assert not left.duplicated(["kind", "name", "what"]).any(), "each is named once"
    cut = {name for name, what in said.items() if what == "it is cut off"}
    cut &= {f"odd-{number}" for number in range(COUNT // 4) if kinds[number % len(kinds)] in FRAMES}
    assert cut <= set(left["name"]), "what can't be read at all is named"


@pytest.mark.parametrize(
    ("where", "value", "named"),
    [
        (("status", "conditions"), {"Ready": {"status": "True"}}, "status.conditions"),
        (("status", "conditions", 0, "status"), True, "status.conditions[0].status"),
        (("status", "conditions", 0, "reason"), 7, "status.conditions[0].reason"),
        (("status", "conditions", 0, "lastTransitionTime"), "0001-01-01T00:00:00Z", "conditions.lastTransitionTime"),
        (("status", "conditions", 0, "lastTransitionTime"), "2026-03-01T10:00:00", "conditions.lastTransitionTime"),
        (("status", "conditions", 0, "lastTransitionTime"), "", None),
        (("status", "conditions", 0, "lastTransitionTime"), "1970-01-01T00:00:00Z", None),
        (("status", "containerStatuses", 0, "restartCount"), 10**30, "containers.restartCount"),
        (("metadata", "labels", "pod-template-hash"), 3, "metadata.labels.pod-template-hash"),
        (("metadata", "annotations"), {"a": None}, None),
        (("metadata", "resourceVersion"), "opaque", None),
    ],
)
def test_what_is_lost_is_named_and_the_rest_of_the_object_is_there(where: tuple, value: object, named: str) -> None:
    recording, pod = Recording(), good("Pod", "p", 7)
    node = pod
    for key in where[:-1]:
        node = node[key]
    node[where[-1]] = value
    add(recording, pod, "Pod", "p", pod["metadata"]["resourceVersion"])
    frames = recording.frames
    assert frames.pods["nodeName"].tolist() == ["n"] and len(frames.containers) == 1
    left = frames.left_out["what"].tolist()
    assert named in left if named else not left, left


def test_objects_without_a_uid_are_kept_apart_by_their_names() -> None:
    recording = Recording()
    for name in ("a", "b"):
        pod = good("Pod", name, 7)
        del pod["metadata"]["uid"]
        add(recording, pod, "Pod", name, 7)
    assert frames_of(recording) == [("a", "Ready"), ("b", "Ready")]


def frames_of(recording: Recording) -> list[tuple[str, str]]:
    return list(recording.frames.conditions[["name", "condition"]].itertuples(index=False, name=None))


def test_a_foreign_kind_of_the_same_name_is_in_conditions_only() -> None:
    recording = Recording()
    for kind in ("Node", "StatefulSet", "Event", "Pod"):
        body = {**good(kind, f"their-{kind.lower()}", 7), "apiVersion": "storage.example.io/v1"}
        add(recording, body, kind, body["metadata"]["name"], 7)
    frames = recording.frames
    assert not len(frames.nodes) and not len(frames.workloads) and not len(frames.events) and not len(frames.pods)
    assert set(frames.conditions["name"]) == {"their-node", "their-pod"}


def event(recording: Recording, count: int, stamp: str, version: int) -> None:
    body = {**good("Event", "e", version), "count": count, "lastTimestamp": stamp}
    add(recording, body, "Event", "e", version)


def test_each_update_of_an_event_is_a_row_also_where_its_count_falls_or_stays() -> None:
    recording = Recording()
    for version, (count, stamp) in enumerate(
        [
            (1, STAMP),
            (4, "2026-03-01T10:00:09Z"),
            (4, "2026-03-01T10:00:09Z"),
            (4, "2026-03-01T10:00:19Z"),
            (2, "2026-03-01T10:00:29Z"),
        ]
    ):
        event(recording, count, stamp, 10 + version)
    frames = recording.frames
    assert frames.events["occurrences"].tolist() == [1, 3, 0, 1, 2]
    assert frames.occurrences["times"].sum() == 7


def test_counts_that_the_api_leaves_out_are_zero_where_the_kind_has_them() -> None:
    recording = Recording()
    for kind in ("Deployment", "StatefulSet"):
        body = good(kind, kind.lower(), 7)
        body["status"] = {}
        add(recording, body, kind, kind.lower(), 7)
    found = recording.frames.workloads.set_index("kind")
    assert found["availableReplicas"].tolist() == [0, 0] and found["observedGeneration"].tolist() == [0, 0]
    assert found.loc["Deployment", "unavailableReplicas"] == 0
    assert found["unavailableReplicas"].isna().tolist() == [False, True], "a StatefulSet has no such count"
    assert found["terminatingReplicas"].isna().all(), "absent in versions that don't have it"

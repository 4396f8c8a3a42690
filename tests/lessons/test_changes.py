"""A change of a recording changes what it says, of the objects that it says."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kitlib.recording import WatchEvent
from tests.lessons.changes import changes
from tests.lessons.edits import FIELDS
from tests.lessons.mutants import rows_of
from tests.lessons.nameedits import exchanged_reasons

ENDED = {"exitCode": 3, "finishedAt": "2026-01-01T00:00:00Z"}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
STAMP, LATE = "2026-11-30T23:31:19Z", "2026-11-30T23:33:19Z"
READY = {"type": "Ready", "status": "True"}


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "status": status}


def ended(**fields: Any) -> dict[str, Any]:
    return pod(containerStatuses=[{"name": "web", "state": {"terminated": {**ENDED, **fields}}}])


def owned(kind: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "ownerReferences": [{"kind": kind}]}}


def noted(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "annotations": annotations}}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("exit code is 137", ended(), ended(exitCode=137)),
        ("containers end a minute later", ended(), ended(finishedAt="2026-01-01T00:01:00Z")),
        (
            "conditions are of the type of their reason",
            pod(conditions=[UNSCHEDULED, READY]),
            pod(conditions=[{**UNSCHEDULED, "type": "Unschedulable"}, READY]),
        ),
        ("owners are of another kind", owned("Node"), owned("ReplicaSet")),
        ("owners are of another kind", owned("Job"), owned("Node")),
        ("each annotation says what it is called", noted(seen=STAMP), noted(seen="seen")),
        (
            "annotations' stamps are two minutes later",
            noted(seen=STAMP, source="file"),
            noted(seen=LATE, source="file"),
        ),
    ],
)
def test_a_field_becomes_another_one(name, before, after):
    kinds, change = FIELDS[name]
    assert kinds
    assert change(before)
    assert before == after


def versions(kind: str, *objects: dict[str, Any]) -> list[WatchEvent]:
    """Return rows of objects of a kind, each of which is called as its first part says."""
    model = next(row for row in rows_of("pod") if row.kind == "Pod")
    names = model.__struct_fields__
    return [
        WatchEvent(
            *[
                {"kind": kind, "uid": obj.get("uid", "u"), "object": json.dumps(obj).encode()}.get(
                    name, getattr(model, name)
                )
                for name in names
            ]
        )
        for obj in objects
    ]


def test_from_half_way_on_a_pod_is_elsewhere():
    change = next(each for each in changes() if each.name == "all on one node (from half way on)")
    rows = versions("Pod", *[{"spec": {"nodeName": "worker"}} for _ in range(4)])
    made = [json.loads(row.object)["spec"]["nodeName"] for row in change.apply(rows, random.Random(1))]
    assert made == ["worker", "worker", "elsewhere", "elsewhere"]


def test_of_those_that_come_later_each_is_changed():
    change = next(each for each in changes() if each.name.endswith("two minutes later (of those that come later)"))
    rows = versions("Pod", *[noted(seen=STAMP) | {"uid": uid} for uid in ("a", "b", "a", "c")])
    made = [json.loads(row.object)["metadata"]["annotations"]["seen"] for row in change.apply(rows, random.Random(1))]
    assert made == [STAMP, STAMP, STAMP, LATE]


def test_events_have_each_others_reasons():
    rows = versions("Event", *[{"reason": reason} for reason in ("Pulled", "Started", "Pulled", "Killing")])
    made = [json.loads(row.object)["reason"] for row in exchanged_reasons()(rows, random.Random(1))]
    assert made == ["Killing", "Started", "Killing", "Pulled"]


def test_each_change_has_a_name_of_its_own():
    names = [each.name for each in changes()]
    assert len(names) == len(set(names))

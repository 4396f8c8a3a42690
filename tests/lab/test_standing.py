"""What stood in a cluster is told from a recording's rows only where these leave no doubt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitlib.errors import NotKept
from kitlib.lab.replay import Missing
from kitlib.lab.replay.kept import Kept, settled
from kitlib.lab.replay.standing import objects, standing
from kitlib.recording import Recording


class Lab:
    """As much of a lab as its words need here."""

    namespace, base = "here", None

    def get(self, ref: str) -> None:
        """Only its name counts."""

    def owned(self, plural: str, owner: str) -> None:
        """Only its name counts."""


def written(*rows: tuple[int, str, str, dict[str, Any]]) -> Recording:
    """Return a recording of Pods: when, how (ADDED …), name, and what else is in the object."""
    recording = Recording(None, {"namespace": "here"})
    for number, (at, type, name, more) in enumerate(rows):
        meta = {"name": name, "namespace": "here", "uid": f"uid of {name}", "resourceVersion": str(number)}
        obj = {"metadata": meta | more.get("metadata", {}), "spec": more.get("spec", {}), "status": more.get("status")}
        raw = json.dumps(obj).encode()
        recording.add(raw, kind="Pod", api_version="v1", type=type, origin="watch", stream="pods", at=(at, at))
    return recording


def found(recording: Recording, between: tuple[int, int | None], kind: str = "pods") -> dict[str, Any]:
    return {each.object["metadata"]["name"]: each for each in standing(objects(recording), kind, ["here"], between)}


def test_what_was_the_same_throughout_is_told():
    recording = written(
        (1, "ADDED", "a", {"status": 1}), (5, "MODIFIED", "a", {"status": 2}), (30, "MODIFIED", "a", {})
    )
    for kind in ("pod", "pods"):
        (a,) = found(recording, (10, 20), kind).values()
        assert a.throughout
        assert a.object["status"] == 2


def test_a_field_that_changed_meanwhile_is_missing_and_the_others_are_told():
    rows = [(1, "ADDED", "a", {"spec": {"n": 1}, "status": 1}), (15, "MODIFIED", "a", {"spec": {"n": 1}, "status": 2})]
    a = found(written(*rows), (10, 20))["a"].object
    assert a["spec"] == {"n": 1}
    assert a["metadata"]["name"] == "a"
    for changed in (a["status"], a["metadata"]["resourceVersion"]):
        assert isinstance(changed, Missing)
    with pytest.raises(NotKept, match="pod/a changed"):
        int(a["status"])


def test_who_came_or_went_meanwhile_makes_a_list_uncertain():
    rows = [(1, "ADDED", "a", {}), (1, "ADDED", "old", {}), (5, "DELETED", "old", {})]
    assert [each["metadata"]["name"] for each in settled([*found(written(*rows), (10, 20)).values()])] == ["a"]
    for more in ((15, "ADDED", "b", {}), (15, "DELETED", "a", {})):
        with pytest.raises(NotKept, match="came or went"):
            settled([*found(written(*rows, more), (10, 20)).values()])


def test_a_kind_that_was_not_recorded_is_not_known():
    with pytest.raises(NotKept, match="'jobs'"):
        found(written((1, "ADDED", "a", {})), (10, None), "jobs")


def test_an_older_recording_answers_by_its_rows():
    owner = {"metadata": {"ownerReferences": [{"name": "set"}]}}
    recording = written((1, "ADDED", "a", owner), (1, "ADDED", "b", {}), (9, "DELETED", "b", {}))
    kept, lab = Kept(recording), Lab()
    assert kept.said(lab, Lab.get, ("pod/a",), {})["metadata"]["name"] == "a"
    with pytest.raises(NotKept, match="none"):
        kept.said(lab, Lab.get, ("pod/c",), {})
    with pytest.raises(NotKept, match="a came or went"):
        kept.said(lab, Lab.owned, ("pods", "set"), {})


def test_a_write_and_a_wait_of_an_older_recording_are_taken_for_said_and_a_question_is_not():
    kept = Kept(written((1, "ADDED", "a", {})))

    def apply(lab: Lab, source: str) -> None: ...
    def wait(lab: Lab, ref: str) -> None: ...
    def ask(lab: Lab, pod: str) -> None: ...

    assert kept.said(Lab(), apply, ("a.yaml",), {}) == []
    assert kept.said(Lab(), wait, ("pod/a",), {}) is None
    with pytest.raises(NotKept, match="older than"):
        kept.said(Lab(), ask, ("a",), {})

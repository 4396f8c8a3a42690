"""Frames of several namespaces: the objects and the gaps of all of them, and of no others."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from kitlib.claims import eventually, judge, never
from kitlib.frames import Frames
from kitlib.recording import Recording

SECOND = 1_000_000_000
BEGIN = 1_900_000_000 * SECOND
LAB, SYSTEM, OTHER = "kitlib-dns-1", "kube-system", "default"
FOLLOWED = ((LAB, "Pod"), (LAB, "Deployment"), (SYSTEM, "Pod"), (OTHER, "Pod"))


def add(recording: Recording, namespace: str, at: int, kind: str = "Pod") -> None:
    meta = {"name": "dns", "namespace": namespace, "uid": f"{namespace}-{kind}", "resourceVersion": str(at)}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    raw = json.dumps({"kind": kind, "metadata": meta, "status": status}).encode()
    when = BEGIN + at * SECOND, at * SECOND
    recording.add(raw, kind=kind, api_version="", type="ADDED", origin="watch", stream=f"{namespace}/{kind}", at=when)


def recorded(*gaps: str, everywhere: bool = False) -> Recording:
    """Pods of three namespaces, a stream for each, or one for all; gaps in those that are named."""
    recording = Recording(info={"namespace": LAB, "namespaces": [LAB, SYSTEM]})
    for namespace, kind in (("", "Pod"),) if everywhere else FOLLOWED:
        stream = f"{namespace}/{kind}"
        recording.mark("STREAM", kind, stream, kind=kind, api_version="v1", namespace=namespace)
        recording.mark("LISTED", kind, stream, kind=kind, known_ns=0)
        if namespace in gaps:
            what = {"after_ns": 2 * SECOND, "until_ns": 3 * SECOND, "after_rv": "5", "until_rv": "9"}
            recording.mark("GAP", kind, stream, kind=kind, **what, reason=f"410 of {namespace}")
        recording.mark("END", kind, stream, kind=kind, known_ns=60 * SECOND, end_ns=60 * SECOND)
    for at, namespace in enumerate((LAB, SYSTEM, OTHER), 1):
        add(recording, namespace, at)
    add(recording, LAB, 4, "Deployment")
    return recording


def frames(recording: Recording, namespace: str | Sequence[str] | None, begin: int = 0) -> Frames:
    return Frames(recording, begin * SECOND, 50 * SECOND, namespace)


@pytest.mark.parametrize("begin", [0, 10])
def test_they_show_the_objects_of_each_namespace_also_those_that_stood_there_before(begin: int) -> None:
    recording = recorded()
    assert frames(recording, LAB, begin).pods["namespace"].tolist() == [LAB]
    assert frames(recording, [LAB, SYSTEM], begin).pods["namespace"].tolist() == [LAB, SYSTEM]
    assert frames(recording, None, begin).pods["namespace"].tolist() == [LAB, SYSTEM, OTHER]
    assert repr(frames(recording, [LAB, SYSTEM])).startswith(f"<Frames of namespace {LAB}, {SYSTEM}, ")


@pytest.mark.parametrize("gap", [LAB, SYSTEM])
def test_they_carry_the_gaps_of_both_streams(gap: str) -> None:
    recording = recorded(gap, OTHER)
    both = frames(recording, [LAB, SYSTEM])
    assert set(both.gaps["reason"]) == {f"410 of {gap}"}
    assert {each["reason"] for each in both.pods.attrs["gaps"]} == {f"410 of {gap}"}
    assert judge(never(both.pods, "name == 'web'"))[0] == "unknown"
    other = frames(recording, SYSTEM if gap == LAB else LAB)
    assert other.gaps.empty and judge(never(other.pods, "name == 'web'"))[0] == "holds"


def test_what_nobody_followed_in_a_namespace_is_unknown_there() -> None:
    both = frames(recorded(), (LAB, SYSTEM))
    assert judge(never(both.pods, f"namespace == '{SYSTEM}' and name == 'web'"))[0] == "holds"
    assert judge(never(both.conditions, f"kind == 'Pod' and namespace == '{SYSTEM}' and status == 'Odd'"))[0] == "holds"
    asked = {
        "in another namespace": never(both.pods, f"namespace == '{OTHER}'"),
        "of that kind there": never(both.conditions, f"namespace == '{SYSTEM}' and kind == 'Deployment'"),
        "of that frame there": never(both.workloads, f"namespace == '{SYSTEM}'"),
        "in a mask": eventually(both.workloads[both.workloads["namespace"] == SYSTEM], "name == 'coredns'"),
        "in a query": eventually(both.workloads.query(f"namespace == '{SYSTEM}'"), "name == 'coredns'"),
    }
    for where, check in asked.items():
        verdict, why = judge(check)
        assert (verdict, "is not recorded here" in why) == ("unknown", True), where


def test_a_stream_of_all_namespaces_covers_each() -> None:
    recording = recorded(everywhere=True)
    for namespaces in (None, [LAB, SYSTEM]):
        assert (
            judge(never(frames(recording, namespaces).pods, f"namespace == '{SYSTEM}' and name == 'x'"))[0] == "holds"
        )
    assert judge(never(frames(recording, LAB).pods, f"namespace == '{SYSTEM}'"))[0] == "unknown"


def test_a_kind_that_is_followed_elsewhere_only_does_not_count() -> None:
    recording = Recording()
    recording.mark("STREAM", "Pod", "pods", kind="Pod", api_version="v1", namespace=SYSTEM)
    recording.mark("LISTED", "Pod", "pods", kind="Pod", known_ns=0)
    recording.mark("END", "Pod", "pods", kind="Pod", known_ns=60 * SECOND, end_ns=60 * SECOND)
    add(recording, SYSTEM, 1)
    add(recording, LAB, 2)
    verdict, why = judge(never(frames(recording, LAB).pods, "name == 'web'"))
    assert verdict == "unknown" and "Pod are not recorded here" in why
    assert judge(never(frames(recording, [LAB, SYSTEM]).pods, "name == 'web'"))[0] == "holds"

"""What `verify` says of the lessons' recordings, which are real; and where it can't tell."""

from __future__ import annotations

import json
from functools import cache

import msgspec
import pandas as pd
import pytest

from kitlib.errors import UsageError
from kitlib.recording import Recording
from kitlib.rollout import Verified, verify
from tests.conftest import CHECKOUT, SAMPLES
from tests.rollout.planted import Rows, body, edit, read, told, with_object

NODE_LOST, BY_HAND = "a node is cut off or switched off", "the lesson deletes Pods, or scales a ReplicaSet, by hand"
BROKEN = {
    "controllers": {("web", "least"): NODE_LOST, ("many", "least"): BY_HAND},
    "deployment": {("web", "most"): BY_HAND},
    "pod": {("kept", "least"): BY_HAND},
    "statefulset": {("crew", "least"): NODE_LOST, ("free", "least"): BY_HAND},
}
"""What lessons break on purpose: whose promise, which, and why; each was looked at. All else is kept or untested."""
KEPT = {
    "controllers": [("taker", "replicas"), ("many", "most")],
    "cronjob": [("tick-00", "once"), ("tick-00", "time")],
    "daemonset": [("gap", "unavailable"), ("overlap", "surge"), ("monitor", "one"), ("everywhere", "nodes")],
    "deployment": [("web", "least"), ("recreate", "recreate"), ("patient", "most"), ("careful", "least")],
    "dns": [("web-", "ready"), ("web-", "withdrawn")],
    "events": [("forty", "replicas")],
    "hooks": [("graceful-", "withdrawn"), ("graceful", "replicas")],
    "ingress": [("prestop-", "ready"), ("prestop-", "withdrawn")],
    "lifecycle": [("shop-", "ready"), ("shop-", "withdrawn")],
    "nginx": [("ingress-nginx", "one")],
    "pod": [("kept", "most")],
    "start": [("hello", "most"), ("hello", "least")],
    "statefulset": [("named", "create"), ("named", "update"), ("named", "partition"), ("wide", "update")],
    "traefik": [("store-", "withdrawn")],
}
"""Of each recording some promises that were put to the test and kept: how the object's name begins, and which."""


@cache
def found(name: str) -> Verified:
    return verify(Recording.open(CHECKOUT / "recordings" / name).frames)


@cache
def found_once(name: str) -> Verified:
    return verify(Recording.open(SAMPLES / name).frames)


@pytest.mark.parametrize("name", sorted(KEPT))
def test_a_lessons_recording_has_the_findings_that_it_makes_on_purpose_and_no_others(name: str) -> None:
    result = found(name)
    broken = set(zip(result.breaches["name"], result.breaches["promise"], strict=True))
    assert broken == set(BROKEN.get(name, {})), result.breaches.to_string()
    assert result.contradictions.empty, result.contradictions.to_string()
    assert result.kept is (not broken)
    kept = result.table[result.table["kept"].fillna(False)]
    for start, promise in KEPT[name]:
        assert (kept["name"].str.startswith(start) & (kept["promise"] == promise)).any(), (start, promise)


def test_a_node_that_is_lost_is_named_as_the_cause() -> None:
    crew = found_once("statefulset").breaches.query("name == 'crew'").iloc[0]
    assert (crew["value"], crew["bound"], crew["by"]) == (1, 2, "node-controller (NodeNotReady)")
    assert crew["object"].startswith("crew-") and crew["resourceVersion"] == 4370 and 80 < crew["seconds"] < 81


def test_what_somebody_wrote_by_hand_has_his_name() -> None:
    assert list(found("deployment").breaches["by"]) == ["kitlib"]
    assert set(found("pod").breaches["by"]) == {"whoever deleted it"}


def test_a_gap_leaves_open_what_was_not_seen_broken() -> None:
    result = found_once("job")
    open_ = result.table[result.table["kept"].isna()]
    assert result.breaches.empty and len(open_) > 100
    assert open_["why"].str.contains("a gap of Pod at 235.4–236.0 s").sum() > 100
    assert set(result.table.query("kept == True")["name"]) == {"tidy"}  # it was deleted before the gap


@pytest.mark.parametrize(("kind", "name", "why"), [
    ("Pod", "statefulset", "Pod not recorded"), ("ReplicaSet", "statefulset", "ReplicaSet not recorded"),
    ("Job", "cronjob", "Job not recorded"),
])  # fmt: skip
def test_without_a_kind_nothing_is_kept_and_nothing_broken(kind: str, name: str, why: str) -> None:
    without = [row for row in read(name) if row.kind != kind and not (row.origin == "kitlib" and of_stream(row, kind))]
    result = verify(told(without))
    needs = {"Pod": set(result.table["kind"]) - {"CronJob"}, "ReplicaSet": {"Deployment"}, "Job": {"CronJob"}}[kind]
    rows = result.table[result.table["kind"].isin(needs)]
    assert len(rows) and rows["kept"].isna().all()
    assert set(rows["why"]) == {why}
    assert not set(result.breaches["kind"]) & needs and not set(result.contradictions["kind"]) & needs


def of_stream(row: msgspec.Struct, kind: str) -> bool:
    return str(getattr(row, "stream", "")) == f"{kind.lower()}s"


def test_without_services_an_unready_address_may_be_meant_so() -> None:
    table = found("statefulset").table.set_index(["name", "promise"])
    row = table.loc[table.index.get_level_values(0).str.startswith("bold-")].iloc[0]
    assert pd.isna(row["kept"]) and row["why"].startswith("Service not recorded")


def test_a_gap_within_hides_what_lies_in_it_and_no_more(rows: Rows) -> None:
    begin, end = rows[0].monotonic_ns, rows[-1].monotonic_ns
    after, until = begin + (end - begin) // 2, begin + (end - begin) // 2 + 2 * 10**9
    known = next(row for row in rows if row.kind == "Pod")
    what = {"kind": "Pod", "after_ns": after, "until_ns": until, "after_rv": "1", "until_rv": "2", "reason": "cut"}
    mark = msgspec.structs.replace(
        with_object(known, what), monotonic_ns=until, kind="", name="Pod", uid="", type="GAP", origin="kitlib",
        resourceVersion="", namespace="",
    )  # fmt: skip
    number = next(n for n, row in enumerate(rows) if row.monotonic_ns > until)
    table = verify(told([*rows[:number], mark, *rows[number:]])).table
    spans = table[table["why"].str.startswith("a gap of Pod at ")]
    assert len(spans) and "(cut)" in spans["why"].iloc[0] and spans["kept"].isna().all()
    assert table["kept"].fillna(False).any()  # what was made after the gap


def test_what_nobody_follows_isnt_known_to_be_complete(rows: Rows) -> None:
    result = verify(told([row for row in rows if row.origin != "kitlib"]))
    assert result.kept is None and result.table["kept"].isna().all() and result.breaches.empty


@pytest.fixture(scope="module")
def rows() -> Rows:
    return read("statefulset")


def test_only_what_is_asked_for_and_what_it_owns(rows: Rows) -> None:
    frames = told(rows)
    told_of = {
        words: set(verify(frames, words).table["kind"])
        for words in ("deployment/crew", "deploy/crew", "sts/named", "service/ordered", "statefulsets.apps/named")
    }
    assert told_of["deployment/crew"] == told_of["deploy/crew"] == {"Deployment", "ReplicaSet"}
    assert told_of["sts/named"] == told_of["statefulsets.apps/named"] == {"StatefulSet"}
    assert told_of["service/ordered"] == {"EndpointSlice"}
    space = next(row.namespace for row in rows if row.name == "crew")
    assert set(verify(frames, f"deployment/{space}/crew").table["name"].str.partition("-")[0]) == {"crew"}
    with pytest.raises(UsageError, match=r"(?s)no 'deployment/crow'.*deployment/crew"):
        verify(frames, "deployment/crow")
    with pytest.raises(UsageError, match="no 'deployment/elsewhere/crew'"):
        verify(frames, "deployment/elsewhere/crew")


def test_a_service_that_publishes_what_is_not_ready_promises_nothing() -> None:
    changed = edit(
        read("traefik"),
        lambda row: row.kind == "Service",
        lambda obj: obj["spec"].update(publishNotReadyAddresses=True),
    )
    table = verify(told(changed)).table.query("kind == 'EndpointSlice'")
    assert len(table) and table["kept"].isna().all() and table["why"].str.contains("publishNotReadyAddresses").all()


def test_it_is_plain_values_too() -> None:
    document = json.loads(json.dumps(found("statefulset").as_dict()))
    assert document["kept"] is False and document["counts"]["broken"] == 2
    crew = next(each for each in document["objects"] if each["name"] == "crew")
    assert [each["verdict"] for each in crew["promises"]] == ["kept", "broken", "unknown"]
    assert crew["promises"][1]["breaches"][0]["value"] == 1


def test_marks_can_be_read(rows: Rows) -> None:
    """The tests above leave out the marks of a stream by its name."""
    assert {body(row)["kind"] for row in rows if row.type == "STREAM" and row.stream == "pods"} == {"Pod"}

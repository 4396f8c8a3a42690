"""The frames `lookups`, of lines as `probe dns` writes them, and `persistentvolumeclaims`, of objects written here."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from kitlib.frames import Frames, lookups, persistentvolumeclaims
from kitlib.frames.lookups import DTYPES
from kitlib.frames.persistentvolumeclaims import DTYPES as CLAIM_DTYPES
from kitlib.recording import Recording
from tests.frames.test_traffic import BEGIN, SECOND, logged, stamped

NAME = "db-0.db.shop.svc.cluster.local"


def lookup(at: float, *addresses: str, rcode: str = "NOERROR", error: str = "") -> str:
    query: dict[str, Any] = {"name": NAME + ".", "type": "A", "server": "10.96.0.10:53"}
    query |= {"error": error} if error else {"rcode": rcode, "answers": len(addresses)}
    answers = [{"name": NAME + ".", "type": "A", "ttl": 30, "data": each} for each in addresses]
    said = {"wall_ns": BEGIN + int(at * SECOND), "mono_ns": 7, "took_ns": 1000, "name": NAME + "."}
    return stamped(at, json.dumps({**said, "queries": [query], "answers": answers}))


def test_each_lookup_is_a_row():
    recording = Recording()
    lines = [
        lookup(1, rcode="NXDOMAIN"),
        lookup(2, "10.0.0.2", "10.0.0.1"),
        lookup(3, error="timeout"),
        stamped(4, "text"),
    ]
    logged(recording, lines)
    frame = lookups(recording.frames)
    assert frame.dtypes.astype(str).to_dict() == DTYPES
    assert frame["rcode"].tolist() == ["NXDOMAIN", "NOERROR", ""] and frame["asked"].unique().tolist() == [NAME]
    assert frame["answers"].tolist() == ["", "10.0.0.1,10.0.0.2", ""] and frame["error"].tolist() == ["", "", "timeout"]
    assert frame["type"].unique().tolist() == ["A"] and frame["queries"].tolist() == [1, 1, 1]
    assert frame["ttl"].isna().tolist() == [True, False, True] and frame["ttl"].iloc[1] == 30
    assert (frame["at"].dt.as_unit("ns").astype("int64") - BEGIN).tolist() == [SECOND, 2 * SECOND, 3 * SECOND]


def test_each_query_of_a_lookup_counts():
    recording = Recording()
    asked = [{"type": kind, "rcode": rcode} for rcode in ("NXDOMAIN", "NOERROR") for kind in ("A", "AAAA")]
    said = {"wall_ns": BEGIN + SECOND, "took_ns": 1000, "name": "web", "queries": asked, "answers": []}
    logged(recording, [stamped(1, json.dumps(said))])
    frame = lookups(recording.frames)
    assert frame[["type", "queries", "rcode"]].values.tolist() == [["A,AAAA", 4, "NOERROR"]]


def test_a_line_that_is_no_lookup_is_left_out():
    recording = Recording()
    logged(recording, [stamped(1, '{"queries": 3}'), stamped(2, '{"queries": [')])
    frame = lookups(recording.frames)
    assert len(frame) == 0 and frame.dtypes.astype(str).to_dict() == DTYPES


def claim(at: int, type: str, version: int, phase: str = "Bound", **meta: Any) -> dict[str, Any]:
    meta = {"name": "data-db-0", "namespace": "shop", "uid": "c", "resourceVersion": str(version), **meta}
    spec = {"volumeName": "pv-1" if phase == "Bound" else None, "storageClassName": "standard"}
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": phase},
    }
    return {"at": at, "type": type, "body": body}


@pytest.fixture
def frames() -> Frames:
    recording = Recording()
    owner = [{"kind": "StatefulSet", "name": "db", "uid": "s"}, {"kind": "Pod", "name": "db-0", "uid": "p"}]
    for each in (
        claim(1, "ADDED", 10, "Pending"),
        claim(2, "MODIFIED", 11),
        claim(3, "MODIFIED", 12, ownerReferences=owner),
        claim(4, "DELETED", 13, ownerReferences=owner, deletionTimestamp="2026-11-25T20:00:00Z"),
    ):
        recording.add(
            json.dumps(each["body"]).encode(), kind="PersistentVolumeClaim", api_version="v1", type=each["type"],
            origin="watch", stream="persistentvolumeclaims", at=(BEGIN + each["at"] * SECOND, each["at"] * SECOND),
        )  # fmt: skip
    return recording.frames


def test_each_version_of_a_claim_is_a_row(frames: Frames):
    frame = persistentvolumeclaims(frames)
    assert frame.dtypes.astype(str).to_dict() == CLAIM_DTYPES
    assert frame["phase"].tolist() == ["Pending", "Bound", "Bound", "Bound"]
    assert frame["volumeName"].tolist() == ["", "pv-1", "pv-1", "pv-1"]
    assert frame["owner"].tolist() == ["", "", *["StatefulSet/db,Pod/db-0"] * 2]
    assert frame["deletionTimestamp"].iloc[-1] == pd.Timestamp("2026-11-25T20:00:00Z")
    assert frame["deletionTimestamp"].isna().tolist() == [True, True, True, False]


def test_without_claims_it_has_its_columns():
    frame = persistentvolumeclaims(Recording().frames)
    assert len(frame) == 0 and frame.dtypes.astype(str).to_dict() == CLAIM_DTYPES

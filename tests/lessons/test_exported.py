"""What an exporter wrote of Events, laid beside what was recorded; and how long Events were kept."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from kitlib.lessons import events
from kitlib.recording import Recording, WatchEvent

SECOND = 1_000_000_000
BEGIN = pd.Timestamp("2026-11-29T12:00:00Z").value


def attributes(**values: Any) -> list[dict[str, Any]]:
    kinds = {int: "intValue", str: "stringValue"}
    return [{"key": f"k8s.event.{name}", "value": {kinds[type(one)]: one}} for name, one in values.items()]


def told(uid: str, count: int | None, message: str = "Created pod: x", kind: str = "Normal") -> str:
    """A line as the receiver k8s_events and the exporter file make it."""
    about = attributes(uid=uid, reason="SuccessfulCreate", **({} if count is None else {"count": count}))
    record = {"severityText": kind, "body": {"stringValue": message}, "attributes": about}
    scope = {"scope": {"name": "example.com/receiver/k8seventsreceiver"}, "logRecords": [record]}
    return json.dumps({"resourceLogs": [{"scopeLogs": [scope]}]})


def handed_on(event: dict[str, Any]) -> str:
    """A line as the receiver k8sobjects makes it."""
    scope = {
        "scope": {"name": "example.com/receiver/k8sobjectsreceiver"},
        "logRecords": [{"body": otlp({"object": event})}],
    }
    return json.dumps({"resourceLogs": [{"scopeLogs": [scope]}]})


def otlp(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": otlp(one)} for key, one in value.items()]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def event(uid: str, version: int, count: int | None = 1, **more: Any) -> dict[str, Any]:
    stamp = "2026-11-29T12:00:00Z"
    about = {"name": uid, "namespace": "shop", "uid": uid, "resourceVersion": str(version), "creationTimestamp": stamp}
    made = {"kind": "Event", "metadata": about, "reason": "SuccessfulCreate", "message": "Created pod: x", **more}
    return {**made, "type": "Normal", "involvedObject": {"kind": "ReplicaSet", "name": "web"}} | (
        {} if count is None else {"count": count, "lastTimestamp": stamp}
    )


def recording(*rows: tuple[str, dict[str, Any], float]) -> Recording:
    """Events as they were received: what became of each, and when."""
    made = Recording()
    for number, (kind, item, second) in enumerate(rows):
        about, at = item["metadata"], int(BEGIN + second * SECOND)
        names = ("v1", "Event", about["namespace"], about["name"], about["uid"], about["resourceVersion"])
        row = WatchEvent(at, at, *names, kind, "watch", "Event", json.dumps(item).encode(), number)
        with made.changed:
            made._append(row)
    return made


def logs(*lines: str) -> pd.DataFrame:
    return pd.DataFrame({"at": pd.Timestamp("2026-11-29T12:00:01Z"), "name": "exporter", "event": "", "line": [*lines]})


def test_each_receiver_is_read_and_all_else_is_left_out():
    whole = {
        "metadata": {"uid": "b", "resourceVersion": "7"},
        "reason": "Unhealthy",
        "message": "no",
        "type": "Warning",
    }
    lines = [
        told("a", 2),
        "Everything is ready.",
        handed_on({**whole, "count": 3}),
        '{"resourceLogs": [',
        told("c", None),
    ]
    wrote = events.exported(logs(*lines))
    assert wrote["receiver"].tolist() == ["k8sevents", "k8sobjects", "k8sevents"]
    assert wrote["event"].tolist() == ["a", "b", "c"]
    assert wrote["eventType"].tolist() == ["Normal", "Warning", "Normal"]
    assert wrote["reason"].tolist() == ["SuccessfulCreate", "Unhealthy", "SuccessfulCreate"]
    assert wrote["message"].tolist() == ["Created pod: x", "no", "Created pod: x"]
    assert wrote["count"].tolist()[:2] == [2, 3] and pd.isna(wrote["count"].iloc[2])
    assert wrote["resourceVersion"].dropna().tolist() == [7]
    assert (wrote["name"] == "exporter").all()


def test_the_newer_api_is_read_by_its_own_names():
    newer = {"metadata": {"uid": "b", "resourceVersion": "7"}, "note": "no", "series": {"count": 2}}
    wrote = events.exported(logs(handed_on(newer)))
    assert wrote[["message", "count"]].values.tolist() == [["no", 2]]


def test_no_lines_no_rows():
    assert events.exported(logs()).empty
    assert set(events.EXPORTED) <= set(events.exported(logs()).columns)


def test_what_the_exporter_has_not_written_is_missing():
    frames = recording(
        ("ADDED", event("a", 1), 0), ("MODIFIED", event("a", 2, 2), 1), ("ADDED", event("b", 3), 2)
    ).frames.events
    assert events.missing(frames, events.exported(logs(told("a", 1), told("b", 1))))["resourceVersion"].tolist() == [2]
    assert events.missing(frames, events.exported(logs(told("a", 1), told("a", 2), told("b", 1)))).empty
    assert len(events.missing(frames, events.exported(logs()))) == 3


def test_what_is_stamped_no_later_or_not_at_all_is_not_asked_for():
    old, bare = event("a", 1), event("b", 2, None)
    frames = recording(("ADDED", old, 0), ("ADDED", bare, 1)).frames.events
    nothing = events.exported(logs())
    assert events.missing(frames, nothing, pd.Timestamp("2026-11-29T11:59:59Z"))["uid"].tolist() == ["a"]
    assert events.missing(frames, nothing, pd.Timestamp("2026-11-29T12:00:00Z")).empty


def test_a_series_has_no_count_in_the_older_api():
    stamp = "2026-11-29T12:00:00.000001Z"
    frames = recording(
        ("ADDED", event("a", 1, None, eventTime=stamp), 0),
        ("MODIFIED", event("a", 2, None, eventTime=stamp, series={"count": 2, "lastObservedTime": stamp}), 1),
    ).frames.events
    assert frames["count"].tolist() == [1, 2]
    assert events.missing(frames, events.exported(logs(told("a", None)))).empty


def test_a_life_counts_from_the_last_write():
    written = {"managedFields": [{"time": "2026-11-29T12:00:10Z"}, {"time": "2026-11-29T12:00:05Z"}]}
    item = event("a", 2, 2)
    item["metadata"].update(written)
    made = recording(
        ("ADDED", event("a", 1), 0), ("ADDED", event("b", 1), 0), ("MODIFIED", item, 10), ("DELETED", item, 30.5)
    )
    lives = events.lives(made, "shop").set_index("uid")
    assert lives["writes"].to_dict() == {"a": 2, "b": 1}
    assert lives["seconds"]["a"] == 20.5
    assert pd.isna(lives["seconds"]["b"]) and pd.isna(lives["gone_at"]["b"])
    assert events.lives(made, "elsewhere").empty

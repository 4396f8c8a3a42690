"""Events as a lesson compares them: what an exporter has written of them, and how long each was kept.

In: the frame `logs`, and a recording. Out: frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from kitlib.recording import Recording

EXPORTED = {
    "receiver": "str",
    "event": "str",
    "eventType": "str",
    "reason": "str",
    "message": "str",
    "count": "Int64",
    "resourceVersion": "Int64",
}
"""Columns that `exported` adds to those of the frame `logs`, and their types."""


def exported(logs: pd.DataFrame) -> pd.DataFrame:
    """Read what OpenTelemetry's collector has written of Events, where it writes them as JSON to its standard output.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name: of the collector's container, perhaps among others.

    Returns
    -------
    DataFrame
        One row for each Event as it was written, with the columns of `logs` and: `receiver` ("k8sevents" or
        "k8sobjects"), `event` (its uid), `eventType`, `reason`, `message`, `count`, and `resourceVersion`, which only
        k8sobjects hands on.
    """
    of: list[int] = []
    rows: list[tuple[Any, ...]] = []
    for position, line in enumerate(logs["line"]):
        for row in _records(line):
            of.append(position)
            rows.append(row)
    told = logs.iloc[of].drop(columns="event").reset_index(drop=True)
    for number, (name, dtype) in enumerate(EXPORTED.items()):
        told[name] = pd.Series([row[number] for row in rows], index=told.index, dtype=dtype)
    return told


def missing(told: pd.DataFrame, wrote: pd.DataFrame, since: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return the writes of Events that a recording has, and an exporter hasn't.

    Parameters
    ----------
    told : DataFrame
        The frame `events`, or rows of it.
    wrote : DataFrame
        What `exported` returned, or rows of it.
    since : Timestamp, optional
        Only those that are stamped later; so those without a stamp are left out.

    Returns
    -------
    DataFrame
        Rows of `told`. Two writes are the same if the Event and its count are; a series has no count in core/v1.
    """
    has = set(zip(wrote["event"], wrote["count"].fillna(1).astype("int64"), strict=True))
    count = told["count"].where(told["eventTime"].isna(), 1)
    lacks = pd.Series([pair not in has for pair in zip(told["uid"], count, strict=True)], index=told.index, dtype=bool)
    if since is not None:
        lacks &= told["lastTimestamp"].fillna(told["eventTime"]) > since
    return told[lacks]


def lives(recording: Recording, namespace: str) -> pd.DataFrame:
    """Return how long each Event was kept.

    Parameters
    ----------
    recording : Recording
        With Events.
    namespace : str
        Whose.

    Returns
    -------
    DataFrame
        The last row of each Event of the frame `events`, and: `writes` (int: how many of its updates were recorded),
        `gone_at` (when its end was received; NaT while it is there), and `seconds` (float) from its last write, by the
        server's stamp of whole seconds, to that.
    """
    told = recording.frames.events
    told = told[told["namespace"] == namespace]
    ends = {row.uid: row for row in recording.rows if row.kind == "Event" and row.type == "DELETED"}
    last = told.groupby("uid", sort=False).tail(1).reset_index(drop=True)
    gone = last["uid"].map({uid: row.received_at for uid, row in ends.items()}).astype("Int64")
    stamps = last["uid"].map({uid: _written(json.loads(row.object)) for uid, row in ends.items()})
    gone_at = pd.to_datetime(gone, unit="ns", utc=True)
    return last.assign(
        writes=last["uid"].map(told.groupby("uid").size()),
        gone_at=gone_at,
        seconds=(gone_at - pd.to_datetime(stamps, utc=True)).dt.total_seconds(),
    )


def _written(event: dict[str, Any]) -> str:
    """Return the server's stamp of an object's last write."""
    about = event["metadata"]
    times = [each["time"] for each in about.get("managedFields") or () if "time" in each]
    return str(max([about["creationTimestamp"], *times]))


def _records(line: str) -> Iterator[tuple[Any, ...]]:
    """Yield what a line of the collector's holds of Events; nothing where it is none of its records."""
    if '"resourceLogs"' not in line:
        return
    try:
        resources = json.loads(line)["resourceLogs"]
    except ValueError:
        return
    for scope in (scope for each in resources for scope in each.get("scopeLogs", ())):
        receiver = scope.get("scope", {}).get("name", "").rpartition("/")[2].removesuffix("receiver")
        for record in scope.get("logRecords", ()):
            body = _value(record.get("body", {}))
            yield (receiver, *(_whole(body) if isinstance(body, dict) else _told(record, body)))


def _told(record: dict[str, Any], message: str) -> tuple[Any, ...]:
    """Return what the receiver k8s_events makes of an Event."""
    about = {each["key"]: _value(each["value"]) for each in record.get("attributes", ())}
    kind, reason = record.get("severityText", ""), about.get("k8s.event.reason", "")
    return about.get("k8s.event.uid", ""), kind, reason, message, about.get("k8s.event.count"), None


def _whole(body: dict[str, Any]) -> tuple[Any, ...]:
    """Return the same of what the receiver k8sobjects hands on: the object, as it is."""
    event = body.get("object", body)
    about = event.get("metadata", {})
    count = event.get("deprecatedCount", event.get("count")) or event.get("series", {}).get("count")
    message = event.get("note", event.get("message", ""))
    version = about.get("resourceVersion")
    told = about.get("uid", ""), event.get("type", ""), event.get("reason", ""), message
    return *told, None if count is None else int(count), None if version is None else int(version)


def _value(value: dict[str, Any]) -> Any:
    """Return a value of OTLP as Python's."""
    if "kvlistValue" in value:
        return {each["key"]: _value(each["value"]) for each in value["kvlistValue"].get("values", ())}
    if "arrayValue" in value:
        return [_value(each) for each in value["arrayValue"].get("values", ())]
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), "")


__all__ = ["EXPORTED", "exported", "lives", "missing"]

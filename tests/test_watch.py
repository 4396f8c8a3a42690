"""The recorder on a real API server: everything once, resumed, listed again with a gap that says so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kitlib.connection import Connection
from kitlib.errors import RecordingError
from kitlib.recording import Recording
from kitlib.watch import Recorder

pytestmark = pytest.mark.live


def config_map(connection: Connection, namespace: str, name: str, method: str = "POST", value: str = "1") -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps" + ("" if method == "POST" else f"/{name}")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
    connection.request(method, path, body=None if method == "DELETE" else body)


def changes(recording: Recording, prefix: str = "c") -> list[tuple[str, str, str]]:
    return [(row.name, row.type, row.origin) for row in recording.rows if row.name.startswith(prefix)]


def test_every_change_is_recorded_once_and_in_order(connection: Connection, namespace: str) -> None:
    config_map(connection, namespace, "c-before")
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        config_map(connection, namespace, "c-new")
        config_map(connection, namespace, "c-new", "PUT", "2")
        config_map(connection, namespace, "c-new", "DELETE")
        recorder.catch_up()
    assert changes(recorder.recording) == [
        ("c-before", "ADDED", "list"),
        ("c-new", "ADDED", "watch"),
        ("c-new", "MODIFIED", "watch"),
        ("c-new", "DELETED", "watch"),
    ]
    assert recorder.counts()["gaps"] == 0


def test_a_watch_that_is_cut_goes_on_where_it_was(connection: Connection, namespace: str) -> None:
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        for number in range(10):
            config_map(connection, namespace, f"c-{number}")
            if recorder.wait_for(lambda: recorder._streams.get("configmaps"), 5):
                recorder._streams["configmaps"].close()
        recorder.catch_up()
    names = [name for name, _, _ in changes(recorder.recording)]
    assert names == [f"c-{number}" for number in range(10)]
    assert recorder.counts()["gaps"] == 0


def test_a_relist_writes_its_gap_first_and_only_what_changed(connection: Connection, namespace: str) -> None:
    for name in ("c-stays", "c-changes", "c-goes"):
        config_map(connection, namespace, name)
    recorder = Recorder(connection, ["configmaps"], namespace=namespace)
    item = connection.discover("configmaps")
    recorder._list(item, since=1, reason="")
    config_map(connection, namespace, "c-changes", "PUT", "2")
    config_map(connection, namespace, "c-goes", "DELETE")
    config_map(connection, namespace, "c-comes")
    before = len(recorder.recording)
    recorder._list(item, since=1, reason="410: history is gone")
    rows = recorder.recording.rows[before:]
    assert rows[0].type == "GAP"
    assert json.loads(rows[0].object)["reason"] == "410: history is gone"
    assert sorted((row.name, row.type, row.origin) for row in rows[1:]) == [
        ("c-changes", "ADDED", "relist"),
        ("c-comes", "ADDED", "relist"),
        ("c-goes", "DELETED", "relist"),
    ]


def test_objects_are_the_bytes_that_the_server_sent(connection: Connection, namespace: str) -> None:
    config_map(connection, namespace, "c-raw")
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        pass
    kept = next(row.object for row in recorder.recording.rows if row.name == "c-raw")
    page = connection.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    assert kept in page


def test_a_kind_that_vanishes_or_is_forbidden_is_reported_and_the_rest_goes_on(
    connection: Connection, namespace: str
) -> None:
    recorder = Recorder(connection, ["configmaps", "componentstatuses"], namespace=namespace)
    with recorder:  # componentstatuses can be listed but not watched
        config_map(connection, namespace, "c-goes-on")
        assert recorder.wait_for(lambda: "componentstatuses" in recorder.problems, 10)
        recorder.catch_up()
    assert ("c-goes-on", "ADDED", "watch") in changes(recorder.recording)


def test_a_full_disk_ends_the_recording_with_what_it_has(
    connection: Connection, namespace: str, small_disk: Path
) -> None:
    recording = Recording.create(small_disk / "r")
    (small_disk / "ballast").write_bytes(b"x" * (1024 * 1024 - 24 * 1024))
    recorder = Recorder(connection, ["configmaps"], recording, namespace).start()
    try:
        with pytest.raises(RecordingError, match="free some space"):
            for number in range(40):
                config_map(connection, namespace, f"c-{number}", value=os.urandom(10000).hex())
                recorder.wait_for(lambda: False, 0.1)
    finally:
        (small_disk / "ballast").unlink()
        recorder.stop()

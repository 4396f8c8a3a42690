"""Recordings: what is kept, what never is, and files that can't be read or written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kitlib.errors import RecordingError
from kitlib.recording import FORMAT, Recording, redact

DATA = Path(__file__).parents[1] / "data" / "deployment"


def pod(name: str, version: int, **metadata: object) -> bytes:
    return json.dumps(
        {
            "metadata": {
                "name": name,
                "namespace": "n",
                "uid": f"uid-{name}",
                "resourceVersion": str(version),
                **metadata,
            }
        }
    ).encode()


def add(recording: Recording, raw: bytes, kind: str = "Pod", type: str = "ADDED") -> None:
    recording.add(raw, kind=kind, api_version="v1", type=type, origin="watch", stream="pods")


def test_what_was_recorded_is_read_again_byte_for_byte(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "r") as recording:
        for number in range(5):
            add(recording, pod(f"p{number}", number))
            recording.flush()
        recording.mark("GAP", "Pod", stream="pods", kind="Pod", after_ns=1, until_ns=2, reason="test")
        rows = recording.rows
    again = Recording.open(tmp_path / "r")
    assert list(again.rows) == list(rows)
    assert again.info["complete"] is True
    assert [part.name for part in (tmp_path / "r").rglob("*.parquet")] == ["part-000000000000.parquet"]


def test_rows_that_were_flushed_survive_a_kill(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from kitlib.recording import Recording\n"
        f"recording = Recording.create({str(tmp_path / 'r')!r})\n"
        "for number in range(3):\n"
        '    raw = b\'{"metadata":{"name":"p","uid":"u","resourceVersion":"%d"}}\' % number\n'
        "    recording.add(raw, kind='Pod', api_version='v1', type='ADDED', origin='watch', stream='pods')\n"
        "    if number < 2: recording.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -9
    again = Recording.open(tmp_path / "r")
    assert len(again) == 2
    assert again.info["complete"] is False
    assert "not closed" in repr(again) and "3 s at its end are missing" in repr(again)
    with again:
        pass
    assert Recording.open(tmp_path / "r").info["complete"] is False  # who reads it closes nothing


def test_the_data_of_a_secret_never_reaches_the_disk(tmp_path: Path) -> None:
    secret = json.dumps(
        {
            "metadata": {
                "name": "s",
                "uid": "u",
                "resourceVersion": "1",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"aHVudGVyMg=="}}'},
            },
            "data": {"key": "aHVudGVyMg=="},
            "stringData": {"other": "hunter2"},
        }
    ).encode()
    with Recording.create(tmp_path / "r") as recording:
        add(recording, secret, kind="Secret")
        add(recording, pod("p", 2, annotations={"my.org/api-token": "hunter2", "my.org/colour": "blue"}))
    kept = b"".join(row.object for row in Recording.open(tmp_path / "r").rows)
    assert b"aHVudGVyMg" not in kept and b"hunter2" not in kept
    assert b'"key":"redacted"' in kept and b"blue" in kept


def test_other_objects_stay_the_bytes_they_came_in() -> None:
    raw = b'{ "metadata" : {"annotations":{"colour":"blue"}} ,  "spec":{} }'
    assert redact("Pod", raw) is raw


def test_a_second_recording_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    Recording.create(tmp_path / "r").close()
    with pytest.raises(RecordingError, match="there is a recording already"):
        Recording.create(tmp_path / "r")


@pytest.mark.parametrize(
    ("info", "told"),
    [(None, "holds no recording"), ("{", "holds no recording"), (json.dumps({"format": FORMAT + 1}), "update kitlib")],
)
def test_what_is_no_recording_says_so(tmp_path: Path, info: str | None, told: str) -> None:
    if info is not None:
        (tmp_path / "recording.json").write_text(info)
    with pytest.raises(RecordingError, match=told):
        Recording.open(tmp_path)


def test_a_recording_that_is_not_there_or_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    with pytest.raises(RecordingError, match="there is no such folder"):
        Recording.open(tmp_path / "gone")
    with pytest.raises(RecordingError, match="this is a file"):
        Recording.open(tmp_path / "file")


def test_a_broken_part_is_named(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "r")
    part = next((tmp_path / "r").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:1000])
    with pytest.raises(RecordingError, match=part.name):
        Recording.open(tmp_path / "r")


def test_a_full_disk_ends_it_with_what_it_has(small_disk: Path) -> None:
    recording = Recording.create(small_disk / "r")
    add(recording, pod("p", 1))
    recording.flush()
    with pytest.raises(RecordingError, match=r"can't write.*\n.*free some space"):
        for number in range(2000):
            add(recording, pod(f"p{number}", number, labels={"noise": os.urandom(2000).hex()}))
            if number % 50 == 0:
                recording.flush()
    again = Recording.open(small_disk / "r")
    assert 1 <= len(again) < 2000
    assert not list((small_disk / "r").glob("*.tmp"))


def test_many_parts_give_the_same_rows_in_the_order_of_receipt(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "r", part_rows=40)
    for number in range(95):
        add(recording, pod(f"p{number % 7}", number), kind="Pod" if number % 3 else "Job")
        if number % 10 == 9:
            recording.flush()
    live = recording.rows
    assert [row.seq for row in live] == list(range(95))
    opened = Recording.open(tmp_path / "r")  # while it is being written: all that was flushed
    assert list(opened.rows) == list(live)[:90]
    recording.close()
    closed = Recording.open(tmp_path / "r").rows
    assert list(closed) == list(live) == [closed[number] for number in range(95)]
    assert closed[-1] == live[-1] and closed[3:5] == live[3:5]
    assert [row.seq for row in closed.of("Job")] == list(range(0, 95, 3))
    assert len(list((tmp_path / "r" / "rows").glob("hour=*/*.parquet"))) == 3
    assert not list((tmp_path / "r").glob("flush-*"))


def test_rows_of_two_hours_lie_in_two_partitions(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "r") as recording:
        for number in range(4):
            at = (1_800_000_000_000_000_000 + number * 1_200_000_000_000, number)
            recording.add(
                pod("p", number), kind="Pod", api_version="v1", type="ADDED", origin="watch", stream="s", at=at
            )
    folders = sorted(path.parent.name for path in (tmp_path / "r").rglob("part-*"))
    assert folders == ["hour=2027-01-15T08", "hour=2027-01-15T09"]
    assert [row.monotonic_ns for row in Recording.open(tmp_path / "r").rows] == [0, 1, 2, 3]


def test_a_part_whose_flushed_rows_were_not_cleaned_up_counts_them_once(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "r")
    for number in range(6):
        add(recording, pod("p", number))
        recording.flush()
    kept = {path: path.read_bytes() for path in (tmp_path / "r").glob("flush-*")}
    recording.close()
    for path, data in kept.items():  # as after a kill between the two
        path.write_bytes(data)
    assert [row.resourceVersion for row in Recording.open(tmp_path / "r").rows] == [str(n) for n in range(6)]


def test_an_older_format_still_opens() -> None:
    old = Recording.open(DATA)
    assert old.info["format"] == 1
    assert [row.seq for row in old.rows] == list(range(len(old)))
    assert {row.kind for row in old.rows.of("Pod", "Event")} == {"Pod", "Event"}


def test_environments_are_left_out_when_asked(tmp_path: Path) -> None:
    body = json.loads(pod("p", 1))
    body["spec"] = {"containers": [{"env": [{"name": "KEY", "value": "hunter2"}, {"name": "REF", "valueFrom": {}}]}]}
    applied = json.dumps({"spec": body["spec"]})
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    with Recording.create(tmp_path / "r", redact_env=True) as recording:
        add(recording, json.dumps(body).encode())
        add(recording, json.dumps({"metadata": {"name": "d"}, "spec": {"template": {"spec": body["spec"]}}}).encode())
    for row in Recording.open(tmp_path / "r").rows:
        assert b"hunter2" not in row.object and b'"KEY"' in row.object and b'"valueFrom"' in row.object


def test_tokens_in_annotations_of_a_template_or_in_their_values_go_too(tmp_path: Path) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
    template = {"metadata": {"annotations": {"vault/token": "hunter2"}}}
    bodies = [
        {"metadata": {"name": "d", "annotations": {"a": "b"}}, "spec": {"template": template}},
        {"metadata": {"name": "e", "annotations": {"harmless": f"x {jwt}"}}},
    ]
    with Recording.create(tmp_path / "r") as recording:
        for body in bodies:
            add(recording, json.dumps(body).encode(), kind="Deployment")
    kept = b"".join(row.object for row in Recording.open(tmp_path / "r").rows)
    assert b"hunter2" not in kept and b"eyJ" not in kept and kept.count(b"redacted") == 2


def test_what_is_added_to_what_is_known_of_it_is_on_disk_at_once(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "r", {"namespaces": ["a"]}) as recording:
        recording.describe(namespaces=["a", "kube-system"])
        found = Recording.open(tmp_path / "r")
        assert found.info["namespaces"] == ["a", "kube-system"] and not found.complete
        found.describe(namespaces=[])  # who opens it only reads it
    again = Recording.open(tmp_path / "r")
    assert again.info["namespaces"] == ["a", "kube-system"] and again.complete

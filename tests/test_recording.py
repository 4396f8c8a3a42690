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

DATA = Path(__file__).parent / "data" / "deployment"


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
    assert [part.name for part in (tmp_path / "r").glob("*.parquet")] == ["part-00000.parquet"]


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
    assert "still open" in repr(again)


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

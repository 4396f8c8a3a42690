"""Programs that are run: their words, their failures in one message, and an end to all that they started."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine import subprocesses


def test_every_line_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    said = subprocesses.call(["sh", "-c", "cat; echo two >&2; printf three"], "try", told.append, stdin="one\n")
    assert said.splitlines() == ["one", "two", "three"]
    assert told == ["one", "two"]


def test_a_failure_has_the_last_words_and_the_step() -> None:
    with pytest.raises(BuildError, match=r"(?s)^try: sh ended with 3:\n  E: it is broken\n  Next: try again"):
        subprocesses.call(["sh", "-c", "echo chatter; echo 'E: it is broken'; exit 3"], "try")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("write: No space left on device", "the disk is full"),
        ("E: Failed to fetch http://mirror/x  Could not resolve 'mirror'", "a Debian mirror can't be reached"),
    ],
)
def test_what_is_known_is_explained(words: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        subprocesses.call(["sh", "-c", f'echo "{words}"; exit 1'], "try")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(BuildError, match=r"no-such-program can't be started: No such file"):
        subprocesses.call(["no-such-program"], "try")


def test_silence_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(BuildError, match="has been silent for 1 s"):
        subprocesses.call(["sleep", "60"], "try", silent=1.0)
    assert time.monotonic() - began < 10


def test_what_is_cancelled_ends_with_its_children(tmp_path: Path) -> None:
    cancel = threading.Event()
    pids = tmp_path / "pids"
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(BuildError, match="was cancelled"):
        subprocesses.call(["sh", "-c", f"sleep 60 & echo $! >{pids}; wait"], "try", cancel=cancel)
    until = time.monotonic() + 5
    while Path(f"/proc/{pids.read_text().strip()}/cmdline").exists() and time.monotonic() < until:
        state = Path(f"/proc/{pids.read_text().strip()}/stat").read_text().split()[2]
        if state == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pids.read_text().strip()}").exists()


def test_the_size_of_a_folder_counts_a_file_with_two_names_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    once = subprocesses.size(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert subprocesses.size(tmp_path) == once >= 100_000

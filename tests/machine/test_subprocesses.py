"""Programs that are run: their words, their failures in one message, and an end to all that they started."""

from __future__ import annotations

import signal
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
    assert told == ["one", "two", "three"], "also a last line that nothing ends"


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


def test_output_and_what_is_said_are_apart() -> None:
    told: list[str] = []
    ended = subprocesses.run(["sh", "-c", "echo out; echo err >&2; exit 4"], told.append)
    assert (ended.code, ended.output, ended.lines, told) == (4, "out\n", ["err"], ["err"])
    assert subprocesses.said(["sh", "-c", "echo out; echo err >&2"]) == "out\n\nerr"
    assert subprocesses.said(["sh", "-c", "echo out; exit 1"]) is None
    assert subprocesses.said(["no-such-program"]) is None


def test_what_is_late_is_ended_also_if_it_talks_on() -> None:
    began = time.monotonic()
    with pytest.raises(subprocesses.Unfinished) as caught:
        subprocesses.run(["sh", "-c", "while true; do echo on >&2; sleep 0.1; done"], timeout=0.5)
    assert caught.value.why == "late" and "on" in caught.value.lines
    assert time.monotonic() - began < 10


def test_a_program_that_closes_what_it_says_and_lives_on_is_late() -> None:
    with pytest.raises(subprocesses.Unfinished, match="late"):
        subprocesses.run(["sh", "-c", "exec >&- 2>&-; sleep 60"], timeout=0.5)


def test_it_is_asked_to_end_before_it_is_killed(tmp_path: Path) -> None:
    trap = f"trap 'echo asked >{tmp_path}/asked; exit' INT; while true; do sleep 0.1; done"
    with pytest.raises(subprocesses.Unfinished):
        subprocesses.run(["sh", "-c", trap], timeout=0.5, ask=signal.SIGINT)
    assert (tmp_path / "asked").read_text() == "asked\n"

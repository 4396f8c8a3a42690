"""What a step says of what was held up at its end."""

from __future__ import annotations

import pytest

from kitlib.errors import UsageError
from kitlib.lab.replay.lab import RecordedStep
from kitlib.recording import Recording
from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def steps() -> dict[str, RecordedStep]:
    recording = Recording.open(CHECKOUT / "recordings" / "lifecycle")
    spaces = [str(recording.info["namespace"])]
    rows = recording.frames.steps
    return {
        str(name): RecordedStep(recording, str(name), spaces, int(begin), int(end))
        for name, begin, end in zip(rows["name"], rows["begin_ns"], rows["end_ns"], strict=True)
    }


def test_it_is_asked_about_its_end(steps: dict[str, RecordedStep]) -> None:
    assert steps["start them all"].why("pod/oom").first is None
    then = steps["phases"].why("pod/oom")
    assert then.first is not None and (then.first.cause.name, then.certainty) == ("oom", "certain")


def test_what_was_not_there_is_an_error(steps: dict[str, RecordedStep]) -> None:
    with pytest.raises(UsageError, match="there is no Pod nobody"):
        steps["phases"].why("pod/nobody")


def test_what_is_left_out_is_told_and_nothing_is_known_of_it(steps: dict[str, RecordedStep]) -> None:
    told = steps["phases"].why("pod/oom", without=("Event",))
    assert told.unseen["Event"] == "it was left out"
    with pytest.raises(UsageError, match="it was left out"):
        steps["phases"].why("pod/oom", without=("Pod",))

"""Exercises, as a reader meets them on a cluster that kitlib made."""

from __future__ import annotations

from pathlib import Path

import pytest

import kitlib
from kitlib.cluster import Cluster
from kitlib.errors import UsageError
from kitlib.lab import exercise as exercises

pytestmark = pytest.mark.live
OWN = '''
from kitlib import eventually, never
from kitlib.lab import Exercise

EXERCISES = [
    Exercise(
        name="note",
        task="Make a ConfigMap `note`, and leave `stage` alone <b>.",
        before="lab.apply({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'stage'}})",
        check=lambda frames: {
            "There is a Pod": eventually(frames.pods, "name == 'note'"),
            "No Pod fails": never(frames.pods, "phase == 'Failed'"),
        },
        hints=("It is called `note`.", "Any image will do."),
        solution="""lab.apply({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'note'},
            'spec': {'containers': [{'name': 'a', 'image': 'a:1'}]}})""",
        wrong="pass",
        told="There is a Pod",
    ),
]
'''


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Path:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / exercises.FOLDER).mkdir()
    (tmp_path / exercises.FOLDER / "test.py").write_text(OWN)
    return tmp_path


def test_an_exercise_from_its_task_to_its_count(place: Path, capsys: pytest.CaptureFixture) -> None:
    lab = kitlib.open("test")
    try:
        attempt = lab.exercise("note")
        with pytest.raises(UsageError, match="nothing was tried yet"):
            attempt.check()
        with attempt:
            pass
        answer = attempt.check()
        assert not answer.solved and str(answer).startswith("Not yet: 0 of 2 so far.")
        assert [verdict for _, verdict, _ in answer.lines] == ["fails", "unknown"], "nothing was recorded of a Pod"
        with attempt:
            exec(attempt.exercise.solution, {"lab": lab})
        answer = attempt.check()
        assert answer.solved and str(answer).startswith("Solved.") and attempt.solved
        assert "✓ There is a Pod" in str(answer) and "&lt;" not in str(answer)
    finally:
        lab.close()
    said = capsys.readouterr().out
    assert "configmap/stage" in said, "the stage was set"
    assert "Exercises: 1 of 1 solved" in said


def test_one_that_is_unknown_is_refused_with_those_that_there_are(place: Path) -> None:
    lab = kitlib.open("test")
    try:
        with pytest.raises(UsageError, match=r"no such exercise.*\n.*note"):
            lab.exercise("other")
    finally:
        lab.close()


def test_what_is_shown_folds_the_second_hint_into_the_first_and_the_solution_into_the_last(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(exercises, "display", lambda text, markup: shown.append(markup))
    exercises.show(exercises.load("test", place)["note"])
    (markup,) = shown
    order = [markup.index(word) for word in ("Hint 1", "called <code>note</code>", "Hint 2", "Solution", "lab.apply")]
    assert order == sorted(order) and markup.count("<details>") == 3 and markup.index("</details>") > order[-1]
    assert "<b>" not in markup and "&lt;b&gt;" in markup


def test_a_notebook_without_exercises_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no exercises"):
        exercises.load("start", tmp_path)

"""Each exercise: its solution solves it, untouched it isn't solved, and a wrong try is told what is wrong.

What a reader meets is run: the stage is set, the step is worked in, the check is asked.
"""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

import kitlib
from kitlib.lab import exercise as exercises
from kitlib.lab.lab import Lab
from kitlib.watch import KINDS
from tests.conftest import CHECKOUT

BASE = CHECKOUT / "notebooks"
ALL = [
    pytest.param(path.stem, each.name, marks=pytest.mark.kind if each.containers else pytest.mark.live)
    for path in sorted((BASE / exercises.FOLDER).glob("*.py"))
    for each in exercises.load(path.stem, BASE).values()
]


def recorded(notebook: str) -> tuple[str, ...]:
    """Return what the notebook has its lab record."""
    for cell in nbformat.read(BASE / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type != "code" or "kitlib.open(" not in cell.source:
            continue
        known: dict[str, object] = {}
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and not any(isinstance(each, ast.Call) for each in ast.walk(node)):
                exec(ast.unparse(node), known)
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.keyword) and node.arg == "kinds":
                return tuple(eval(ast.unparse(node.value), known))
    return KINDS


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    notebook, name, *_ = (request.node.callspec.params[each] for each in ("notebook", "name"))
    real = exercises.load(notebook, BASE)[name].containers
    cluster = request.getfixturevalue("kind" if real else "cluster")
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.setenv("KITLIB_CLUSTER", cluster.name)
    monkeypatch.chdir(BASE)
    lab = kitlib.open(notebook, kinds=recorded(notebook))
    yield lab
    lab.close()


@pytest.mark.parametrize(("notebook", "name"), ALL)
def test_untouched_it_is_not_solved_and_a_wrong_try_is_told_what_is_wrong(lab: Lab, notebook: str, name: str) -> None:
    attempt = lab.exercise(name)
    with attempt:
        pass
    assert not attempt.check().solved
    with attempt:
        exec(attempt.exercise.wrong, {"lab": lab})
    answer = attempt.check()
    assert not answer.solved
    unmet = [sentence for sentence, verdict, _ in answer.lines if verdict != "holds"]
    assert attempt.exercise.told in unmet, str(answer)


@pytest.mark.parametrize(("notebook", "name"), ALL)
def test_its_solution_solves_it(lab: Lab, notebook: str, name: str) -> None:
    attempt = lab.exercise(name)
    with attempt:
        exec(attempt.exercise.solution, {"lab": lab})
    answer = attempt.check()
    assert answer.solved, str(answer)


@pytest.mark.parametrize("path", sorted((BASE / exercises.FOLDER).glob("*.py")), ids=lambda path: path.stem)
def test_a_lesson_uses_each_of_its_exercises_and_each_has_all_that_a_reader_needs(path: Path) -> None:
    import json

    notebook = json.loads((BASE / f"{path.stem}.ipynb").read_text())
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    known = exercises.load(path.stem, BASE)
    assert len(known) >= 3
    for name, each in known.items():
        assert f'lab.exercise("{name}")' in code, name
        assert each.task and each.hints and each.solution and each.wrong and each.told
    assert code.count("exercise.check()") == len(known)

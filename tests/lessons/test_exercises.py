"""Each exercise: its solution solves it, untouched it isn't solved, and a wrong try is told what is wrong.

What a reader meets is run: the stage is set, the step is worked in, the check is asked.
"""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import kitlib
from kitlib import cluster as clusters
from kitlib.lab import exercise as exercises
from kitlib.lab.lab import Lab
from kitlib.watch import KINDS
from tests.conftest import CHECKOUT, PLACE
from tests.machine.airgap import machine

BASE = CHECKOUT / "notebooks"
ALL = [
    pytest.param(path.stem, each.name, marks=pytest.mark.kind if each.containers else pytest.mark.live)
    for path in sorted((BASE / exercises.FOLDER).glob("*.py"))
    for each in exercises.load(path.stem, BASE).values()
]


def opened(notebook: str) -> dict[str, Any]:
    """Return how the notebook opens its lab: the `kinds` that it records, and `kubernetes` where it names a version."""
    for cell in nbformat.read(BASE / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type != "code" or "kitlib.open(" not in cell.source:
            continue
        known: dict[str, object] = {}
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and not any(isinstance(each, ast.Call) for each in ast.walk(node)):
                exec(ast.unparse(node), known)
        (call,) = (node for node in ast.walk(ast.parse(cell.source)) if _opens(node))
        said = {each.arg: each.value for each in call.keywords if each.arg in ("kinds", "kubernetes")}
        return {"kinds": KINDS} | {str(name): eval(ast.unparse(value), known) for name, value in said.items()}
    return {"kinds": KINDS}


def _opens(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "kitlib.open"


@pytest.fixture(scope="module")
def apart() -> Iterator[Path]:
    """A state folder for clusters of versions that lessons name: a walk takes down those that it brought up."""
    folder = PLACE / "states" / f"{os.getpid()}-exercises"
    folder.mkdir(parents=True)
    yield folder
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KITLIB_STATE", str(folder))
        with machine.alone():
            clusters.down()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    notebook, name, *_ = (request.node.callspec.params[each] for each in ("notebook", "name"))
    how = opened(notebook)
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    if "kubernetes" in how:
        monkeypatch.setenv("KITLIB_STATE", str(request.getfixturevalue("apart")))
        with machine.alone():
            clusters.up(kubernetes=how["kubernetes"], progress=True)  # or it may go with the first lab
    else:
        real = exercises.load(notebook, BASE)[name].containers
        monkeypatch.setenv("KITLIB_CLUSTER", request.getfixturevalue("kind" if real else "cluster").name)
    monkeypatch.chdir(BASE)
    lab = kitlib.open(notebook, **how)
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

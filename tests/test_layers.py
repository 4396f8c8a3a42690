"""The design's one-way flow, checked by import-linter and by a process that has no way to a cluster."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
KITLIB = CHECKOUT / "kitlib"
LINTER = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_no_module_imports_against_the_flow():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False, env={"NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["recording", "frames", "rollout", "claims", "plots", "serve", "report"])
def test_a_file_is_enough(module):
    """What is right of the recording loads nothing that is left of it, nor the Kubernetes client."""
    code = (
        f"import sys, kitlib.{module}\n"
        "left = {'kubernetes', 'urllib3'} | {'kitlib.' + name for name in"
        " ('machine', 'cluster', 'api', 'watch', 'lab', 'lessons')}\n"
        "sys.exit(', '.join(sorted(left & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, f"kitlib.{module} loads {done.stderr}"


def test_no_module_is_called_utils():
    names = {path.stem for path in (CHECKOUT / "kitlib").rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def too_long(paths: Iterable[Path], most: int = 400) -> list[str]:
    """Say which files of Python code are longer than one idea needs."""
    lengths = {path: path.read_text().count("\n") for path in sorted(paths)}
    return [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > most]


def test_no_file_is_longer_than_400_lines(tracked):
    files = [path for path in tracked if path.suffix == ".py"]
    assert {"benchmarks", "kitlib", "tests", "tools"} <= {path.relative_to(CHECKOUT).parts[0] for path in files}
    assert not too_long(files)


def test_that_count_sees_a_file_that_is_too_long(tmp_path):
    good, long = tmp_path / "good.py", tmp_path / "long.py"
    good.write_text("a = 1\n" * 400)
    long.write_text("a = 1\n" * 410)
    assert not too_long([good])
    assert too_long([good, long]) == [f"{long}: 410 lines"]


# Imports inside functions. import-linter reads them as it reads all others; that none of them is waived, and none hides
# behind a string, is seen here, by another reading of the same contract.


@cache
def rooms() -> dict[str, int]:
    """Return each room of the contract with its height: what is higher may import what is lower."""
    contracts = [each for each in LINTER["contracts"] if each["type"] == "layers" and "containers" not in each]
    (layers,) = (each["layers"] for each in contracts)  # those with containers are within a room
    return {room.strip(): -height for height, layer in enumerate(layers) for room in layer.split("|")}


def room_of(module: str) -> str:
    """Return the room that a module is in, "" for one that is in none."""
    return next((room for room in rooms() if f"{module}.".startswith(f"{room}.")), "")


def is_module(name: str) -> bool:
    path = CHECKOUT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def named(node: ast.AST, package: str) -> list[str]:
    """Return the modules of kitlib that a statement or a call imports."""
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        found = [f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base for alias in node.names]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        found = [each.value for each in node.args[:1] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    else:
        found = []
    return [name for name in found if name.split(".")[0] == "kitlib"]


def late_imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and module of what is imported inside functions."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                for name in named(node, package):
                    yield node.lineno, name  # type: ignore[attr-defined]


def against(source: str, module: str, package: str) -> list[str]:
    """Say which imports inside functions of a module go against the arrows."""
    mine = room_of(module)
    found = []
    for line, name in sorted(set(late_imports(ast.parse(source), package))):
        theirs = room_of(name)
        if not mine or theirs == mine or rooms()[mine] == 0:  # who is on top may import everything
            continue
        if not theirs:
            found.append(f"{module}:{line} imports {name}, which is in no room: name the room")
        elif rooms()[theirs] >= rooms()[mine]:
            found.append(f"{module}:{line} imports {name}, but {theirs} is not below {mine}")
    return found


def test_no_import_inside_a_function_goes_against_an_arrow():
    found = []
    for path in sorted(KITLIB.rglob("*.py")):
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        package = ".".join(parts[:-1])
        module = package if parts[-1] == "__init__" else ".".join(parts)
        found += against(path.read_text(), module, package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("from kitlib.machine import paths", True),
        ("from . import record", True),
        ("from ..machine import paths", True),
        ("from kitlib import machine", True),
        ("import kitlib.watch", False),
        ("from ..watch.logs import follow", False),
        ("from kitlib import watch", False),
        ("importlib.import_module('kitlib.lab')", False),
        ("from kitlib import open", False),
        ("import json", True),
    ],
)
def test_that_reading_sees_what_it_should(line, good):
    source = f"class A:\n    def f(self):\n        if self:\n            {line}\n"
    assert (against(source, "kitlib.cluster.find", "kitlib.cluster") == []) is good


def test_the_contract_names_every_room_and_waives_nothing():
    there = {f"kitlib.{path.stem}" for path in KITLIB.iterdir() if (path / "__init__.py").is_file()}
    assert there <= set(rooms()), "a room that import-linter doesn't know"
    assert all(is_module(room) for room in rooms())
    waived = [
        each["name"]
        for each in LINTER["contracts"]
        if {"ignore_imports", "unmatched_ignore_imports_alerting"} & set(each)
    ]
    assert not waived and "ignore_imports" not in LINTER

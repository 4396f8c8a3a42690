"""Each lesson is executed once on each provider that it claims, by `kitlib walk`, while other tests run.

What came of it feeds both who looks at it: the strict check (tests/lessons/test_notebooks.py), and nbval, which
compares the outputs of its cells with the committed ones. nbval's own code does that; what it takes for a kernel
answers with what the executed copy holds.

A lesson that loses a node, touches one from within or takes its ports, or makes what no namespace holds, such as an
ingress controller's kinds, has a cluster to itself. On kind these have one of their own, from the first test with a
cluster on; else they come first. The others run beside the tests of their cluster, and beside exercises. On each
cluster one comes after the other. Lessons that bring up further clusters are walked by one process, since a walk takes
down at its end what it brought up.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen  # by its own name, since tests put something else into subprocess.Popen's place
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbFile

CHECKOUT = Path(__file__).resolve().parent.parent
NOTEBOOKS = CHECKOUT / "notebooks"
DEADLINE = 3600.0
"""Seconds within which every lesson of a provider must have been executed."""
DISTURBS = re.compile(
    r"\b(scale_nodes|stop_node|cut_off_node|taint|label_node|cordon|restart_kubelet|node)\(|patch\(.*namespace=|kinds\.yaml"
)
SEVERAL = re.compile(r"\b(labs|beside)\(")
NAMED = re.compile(r"\bkitlib\.open\([^)]*kubernetes=")


@dataclass(frozen=True)
class Lesson:
    """A notebook, as far as it matters for when and where it is executed.

    Parameters
    ----------
    name : str
    cells : int
        How many it runs: who has more comes first.
    containers : bool
        Whether it needs some, and so a kind cluster.
    disturbs : bool
        Whether it loses a node, touches one from within, or changes or makes what isn't in its namespace.
    further : bool
        Whether it brings up further clusters.
    own : bool
        Whether it is on one cluster alone, of a version that it names: then it is the same wherever it is walked.
    """

    name: str
    cells: int
    containers: bool
    disturbs: bool
    further: bool
    own: bool

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """Read one."""
        document = json.loads(path.read_text())
        code = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
        text = "\n".join(code)
        needs = document["metadata"].get("kitlib", {}).get("needs")
        disturbs, several, named = (bool(each.search(text)) for each in (DISTURBS, SEVERAL, NAMED))
        disturbs = disturbs or (needs == "containers" and _takes_ports(path.parent / "manifests" / path.stem))
        return cls(path.stem, len(code), needs == "containers", disturbs, several or named, named and not several)

    @property
    def claims(self) -> tuple[str, ...]:
        """The providers on which it says that it runs."""
        if self.containers:
            return ("kind",)
        return ("embedded",) if self.own else ("embedded", "kind")

    @property
    def committed_on(self) -> str:
        """The provider whose outputs nbval compares with the committed ones."""
        return self.claims[0]


def _takes_ports(manifests: Path) -> bool:
    """Say whether a lesson's Pods take a node's own ports for HTTP: whoever asks the node is answered by any lab's."""
    return any(re.search(r"hostPort: (80|443)\b", path.read_text()) for path in manifests.rglob("*.yaml"))


def lessons() -> dict[str, Lesson]:
    """Return all lessons by name."""
    return {path.stem: Lesson.read(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def plan(chosen: Iterable[Lesson]) -> tuple[list[list[str]], list[list[str]]]:
    """Return what is walked together, long ones first: what other lessons may run beside, and what runs alone."""
    ordered = sorted(chosen, key=lambda lesson: (-lesson.cells, lesson.name))
    beside = [[lesson.name] for lesson in ordered if not lesson.disturbs and not lesson.further]
    further = [lesson.name for lesson in ordered if lesson.further and not lesson.disturbs]
    return [further, *beside] if further else beside, [[lesson.name] for lesson in ordered if lesson.disturbs]


@dataclass
class Executions:
    """The lessons of one provider, executed in the background.

    Parameters
    ----------
    provider, cluster, state : str
        Where: the cluster's name, and the state folder that knows it.
    place : Path
        What each unit leaves is in a folder below it.
    apart : tuple of str, optional
        The name and the state folder of another cluster, for lessons that have one to themselves.
    """

    provider: str
    cluster: str
    state: str
    place: Path
    apart: tuple[str, str] | None = None
    results: dict[str, Future[dict[str, Any]]] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    stopped: bool = False
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))  # a test changes its own meanwhile
    awaited: threading.Event = field(default_factory=threading.Event)
    """Set once tests of this cluster run, or wait for a lesson."""

    def begin(self, names: Iterable[str]) -> None:
        """Begin with those that were not begun yet."""
        known = lessons()
        new = sorted(set(names).difference(self.results))
        if not new:
            return
        self.results |= {name: Future() for name in new}
        beside, alone = plan(known[name] for name in new)
        lanes = [([], alone), (beside, [])] if self.apart else [(beside, alone)]
        for number, units in enumerate(lanes):
            name = f"lessons-{self.provider}-{number}"
            threading.Thread(target=self._all, args=units, name=name, daemon=True).start()

    def result(self, name: str) -> dict[str, Any]:
        """Return what `kitlib walk --output json` told of a lesson, once it has been executed."""
        self.begin([name])
        self.awaited.set()
        try:
            return self.results[name].result(timeout=DEADLINE)
        except TimeoutError:
            pytest.fail(f"{name} was not executed on {self.provider} within {DEADLINE:.0f} s; see {self.place}")

    def copy(self, name: str) -> nbformat.NotebookNode:
        """Return its executed copy.

        Raises
        ------
        RuntimeError
            If it has none; says why.
        """
        result = self.result(name)
        path = Path(result.get("path", ""))
        if not path.is_file():
            raise RuntimeError(f"{name} was not executed on {self.provider}: {result['problems']}")
        return nbformat.read(path, as_version=4)

    def stop(self) -> None:
        """End what still runs, as Ctrl-C does: each walk leaves no namespace."""
        self.stopped = True
        self.awaited.set()
        for process in list(self.running):
            process.send_signal(signal.SIGINT)
        for process in list(self.running):
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()

    def _all(self, beside: list[list[str]], alone: list[list[str]]) -> None:
        here = (self.cluster, self.state)
        for unit in alone:
            if not self.stopped:
                self._one(unit, self.apart or here)
        while beside and not self.awaited.wait(0.5) and not self.begun.exists():
            pass
        for unit in beside:
            if not self.stopped:
                self._one(unit, here)

    @property
    def begun(self) -> Path:
        """What another process makes once it has no more to do than to run exercises: there is room for lessons."""
        return self.place.with_name("exercises-begun")

    def _one(self, unit: list[str], where: tuple[str, str]) -> None:
        """Walk one unit, and tell what came of it, whatever that is."""
        build = self.place / unit[0]
        said, found = "", {}
        try:
            said, found = self._walk(unit, build, where)
        except (OSError, ValueError, KeyError) as error:
            said += f"{type(error).__name__}: {error}"
        for name in unit:
            missing = {"name": name, "problems": [f"`kitlib walk` told nothing of it. {said[-3000:]}"], "claims": []}
            self.results[name].set_result(found.get(name, missing))

    def _walk(self, unit: list[str], build: Path, where: tuple[str, str]) -> tuple[str, dict[str, dict[str, Any]]]:
        build.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "kitlib.cli", "walk", *unit, "--no-site", "--build", str(build)]
        environment = {
            **self.environment,
            "KITLIB_CLUSTER": where[0],
            "KITLIB_STATE": where[1],
            "KITLIB_BUILD": str(build),
        }
        with open(build / "walk.log", "w") as log:
            process = Popen(
                [*command, "--output", "json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=CHECKOUT,
                env=environment,
            )
            self.running.append(process)
            try:
                out, _ = process.communicate()
            finally:
                self.running.remove(process)
        said = (build / "walk.log").read_text()
        try:
            document = json.loads(out)
        except ValueError:
            return said, {}
        return said, {each["name"]: each for each in document["notebooks"]}


def wait_for_file(path: Path, timeout: float = DEADLINE) -> None:
    """Wait until another process has made a file, or for so long."""
    end = time.monotonic() + timeout
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.5)


class Kernel:
    """What nbval takes for a kernel: it answers each cell with what the executed copy holds.

    Parameters
    ----------
    copy : NotebookNode
        The executed copy.
    problems : list of str
        What the walk found wrong; told where a cell was not run.
    """

    def __init__(self, copy: nbformat.NotebookNode, problems: list[str]) -> None:
        self.cells = [cell for cell in copy.cells if cell.cell_type == "code"]
        self.problems = problems
        self.next = 0
        self.messages: list[dict[str, Any]] = []

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        """Take the next cell with this source; return the name of its messages."""
        for number in range(self.next, len(self.cells)):
            if self.cells[number].source == source:
                break
        else:
            raise RuntimeError("the executed copy has no such cell after the last one")
        self.next = number + 1
        cell = self.cells[number]
        if cell.execution_count is None:
            raise RuntimeError("the walk did not come to this cell: " + "; ".join(self.problems))
        name = f"cell-{number}"
        self.messages = [self._message(name, output) for output in cell.outputs]
        self.messages.append(self._wrapped(name, "status", {"execution_state": "idle"}))
        return name

    def _message(self, name: str, output: nbformat.NotebookNode) -> dict[str, Any]:
        content = {key: value for key, value in output.items() if key != "output_type"}
        return self._wrapped(name, output.output_type, content)

    @staticmethod
    def _wrapped(name: str, what: str, content: dict[str, Any]) -> dict[str, Any]:
        return {"msg_type": what, "parent_header": {"msg_id": name}, "content": content}

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message."""
        return self.messages.pop(0)

    def await_reply(self, name: str, timeout: float | None = None) -> None:
        """Nothing is waited for: it was executed before."""

    def await_idle(self, name: str, timeout: float | None = None) -> None:
        """See above."""

    def is_alive(self) -> bool:
        """It never dies."""
        return True

    def interrupt(self) -> None:
        """There is nothing to interrupt."""

    def stop(self) -> None:
        """There is nothing to stop."""


class Executed(IPyNbFile):
    """A lesson that nbval checks: as nbval does it, but for the kernel, whose place an executed copy takes."""

    executions: Executions

    def setup(self) -> None:
        """Wait until the lesson has been executed."""
        copy = self.executions.copy(self.path.stem)
        self.kernel = Kernel(copy, self.executions.result(self.path.stem)["problems"])
        self.setup_sanitize_files()


def took(result: dict[str, Any]) -> float:
    """Return the seconds that a lesson's execution took."""
    return float(result.get("seconds", 0.0))


__all__ = [
    "DEADLINE",
    "NOTEBOOKS",
    "Executed",
    "Executions",
    "Kernel",
    "Lesson",
    "lessons",
    "plan",
    "took",
    "wait_for_file",
]

"""Each lesson is executed once on each provider that it claims, by `kitlib walk`, while other tests run.

What came of it feeds both who looks at it: the strict check (tests/lessons/test_notebooks.py), and nbval, which
compares the outputs of its cells with the committed ones. nbval's own code does that; what it takes for a kernel
answers with what the executed copy holds.

A lesson that loses a node, touches one from within, or changes the cluster's own parts (its DNS) has the cluster to
itself. These come first: they leave a processor free for the tests of other clusters. The others wait for the first
test of their cluster, and run beside its tests. On each cluster one comes after the other. Lessons that bring up
further clusters are walked by one process, since a walk takes down at its end what it brought up.
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
SHARES = re.compile(r"\blabel_node\(|kinds\.yaml")
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
        Whether it loses a node, touches one from within, or changes what isn't its own.
    further : bool
        Whether it brings up further clusters.
    own : bool
        Whether it is on one cluster alone, of a version that it names: then it is the same wherever it is walked.
    shares : bool
        Whether what it makes belongs to no namespace, as an ingress controller's kinds do, and a node's label or port:
        its exercises make the same, and at their end that goes.
    """

    name: str
    cells: int
    containers: bool
    disturbs: bool
    further: bool
    own: bool
    shares: bool

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """Read one."""
        document = json.loads(path.read_text())
        code = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
        text = "\n".join(code)
        needs = document["metadata"].get("kitlib", {}).get("needs")
        disturbs, several, named, shares = (bool(each.search(text)) for each in (DISTURBS, SEVERAL, NAMED, SHARES))
        own = named and not several
        shares = not own and (shares or _takes_ports(path.parent / "manifests" / path.stem))
        return cls(path.stem, len(code), needs == "containers", disturbs and not own, several or named, own, shares)

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
    """Say whether a lesson's Pods take a node's own ports: whoever asks the node is answered by any lab's."""
    return any("hostPort:" in path.read_text() for path in manifests.rglob("*.yaml"))


def lessons() -> dict[str, Lesson]:
    """Return all lessons by name."""
    return {path.stem: Lesson.read(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def plan(chosen: Iterable[Lesson]) -> tuple[list[list[str]], list[list[str]]]:
    """Return what is walked together, long ones first: what other lessons may run beside, and what runs alone.

    Who has a cluster of nodes of its own comes last: it takes most of a processor, and the others are done.
    """
    ordered = sorted(chosen, key=lambda lesson: (-lesson.cells, lesson.name))
    last = [lesson for lesson in ordered if lesson.own and lesson.containers]
    rest = [lesson for lesson in ordered if lesson not in last]
    further = [lesson.name for lesson in rest if lesson.further and not lesson.disturbs]
    single = [lesson for lesson in rest if not lesson.disturbs and not lesson.further]
    beside = [*([further] if further else []), *([lesson.name] for lesson in [*single, *last])]
    return beside, [[lesson.name] for lesson in rest if lesson.disturbs]


@dataclass
class Executions:
    """The lessons of one provider, executed in the background.

    Parameters
    ----------
    provider, cluster, state : str
        Where: the cluster's name, and the state folder that knows it.
    place : Path
        What each unit leaves is in a folder below it.
    """

    provider: str
    cluster: str
    state: str
    place: Path
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
        thread = threading.Thread(target=self._all, args=(beside, alone), name=f"lessons-{self.provider}", daemon=True)
        thread.start()

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
        for unit in alone:
            if not self.stopped:
                self._one(unit)
        shared_file(self.place).touch()
        self.awaited.wait()
        for unit in beside:
            if not self.stopped:
                self._one(unit)

    def _one(self, unit: list[str]) -> None:
        """Walk one unit, and tell what came of it, whatever that is."""
        build = self.place / unit[0]
        said, found = "", {}
        try:
            said, found = self._walk(unit, build)
        except (OSError, ValueError, KeyError) as error:
            said += f"{type(error).__name__}: {error}"
        for name in unit:
            missing = {"name": name, "problems": [f"`kitlib walk` told nothing of it. {said[-3000:]}"], "claims": []}
            self.results[name].set_result(found.get(name, missing))

    def _walk(self, unit: list[str], build: Path) -> tuple[str, dict[str, dict[str, Any]]]:
        build.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "kitlib.cli", "walk", *unit, "--no-site", "--build", str(build)]
        environment = {
            **self.environment,
            "KITLIB_STATE": self.state,
            "KITLIB_CLUSTER": self.cluster,
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


def shared_file(place: Path) -> Path:
    """Return the file that is made once no lesson has a cluster to itself: others may use it beside the lessons."""
    return place.with_name(f"{place.name}-shared")


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

"""A notebook run again on what was recorded of it, without a cluster: what stands on the recording alone must come out.

Every statement of every cell is run in turn, in a lab that knows the recording and nothing else. What asks the cluster
can't be answered; it is left out, and so is what stands on its answer. A `with lab.step(…)` gets the window that was
recorded. The claims and figures that are left are made for real, from the same lines as in the notebook.
"""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import kitlib
from kitlib import Frames, claims, plots
from kitlib.errors import ClusterError
from kitlib.lab import Changes
from kitlib.recording import Recording
from tests.conftest import CHECKOUT

WRITES = ("apply", "patch", "scale", "set_image", "pause", "resume", "undo", "delete")
SILENT = (
    "show",
    "wait",
    "wait_ready",
    "until",
    "catch_up",
    "cut_off_node",
    "stop_node",
    "bring_back",
    "taint",
    "label_node",
    "cordon",
    "uncordon",
    "scale_nodes",
)


class NotRecorded(Exception):
    """The cluster would have to be asked."""


class Unknown:
    """Something of the cluster; whatever is wanted of it is not recorded."""

    def __getattr__(self, name: str) -> Any:
        raise NotRecorded(name)


class Window:
    """A step, as it was recorded."""

    def __init__(self, lab: Lab, name: str, begin_ns: int, end_ns: int) -> None:
        self.name, self.begin_ns, self.end_ns = name, begin_ns, end_ns
        self.seconds = (end_ns - begin_ns) / 1e9
        self.frames = Frames(lab.recording, begin_ns, end_ns, lab.namespaces)


class Lab:
    """What `kitlib.open` returns, of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.notebook, self.namespace = self.recording.info["notebook"], self.recording.info["namespace"]
        self.namespaces = self.recording.info.get("namespaces", [self.namespace])
        self.connection = self.cluster = Unknown()
        steps = self.recording.frames.steps.sort_values("begin_ns")
        self.left = list(steps[["name", "begin_ns", "end_ns"]].itertuples(index=False, name=None))
        self.now = 0

    @property
    def frames(self) -> Frames:
        """All until the next step begins."""
        end = int(self.left[0][1]) if self.left else None
        return Frames(self.recording, end_ns=end, namespace=self.namespaces)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Window]:
        at = next((number for number, step in enumerate(self.left) if step[0] == name), None)
        assert at is not None, f"the recording has no further step {name!r}: is it of this version of the notebook?"
        found = self.left[at]
        del self.left[: at + 1]
        self.now = 0  # when in a step something was asked is not known
        yield Window(self, name, int(found[1]), int(found[2]))
        self.now = int(found[2])

    def span(self, first: Window, last: Window, lead: float = 0) -> Frames:
        """As of a lab."""
        return Frames(self.recording, first.begin_ns - round(lead * 1e9), last.end_ns, self.namespaces)

    def beside(self, *versions: str) -> dict[str, Any]:
        """This one; of further versions nothing was recorded, so they are as on a machine that can't have them."""
        missing = {version: ClusterError("nothing was recorded of it", step="replay") for version in versions}
        return {**missing, self.recording.info["version"]: self}

    def owned(self, plural: str, owner: str) -> list[dict[str, Any]]:
        """What was owned by an object at the end of the step, as far as recorded."""
        return [
            item
            for item in self._standing(plural.removesuffix("s"))
            if owner in [reference["name"] for reference in item["metadata"].get("ownerReferences") or ()]
        ]

    def get(self, ref: str, *, namespace: str | None = None) -> dict[str, Any]:
        """The object as it was at the end of the step."""
        kind, _, name = ref.partition("/")
        for item in self._standing(kind, namespace):
            if item["metadata"]["name"] == name:
                return item
        raise NotRecorded(ref)

    def _standing(self, kind: str, namespace: str | None = None) -> list[dict[str, Any]]:
        where = (namespace or self.namespace, "")
        rows = [row for row in self.recording.rows if row.kind.lower() == kind and row.monotonic_ns <= self.now]
        rows = [row for row in rows if row.namespace in where]
        latest = {row.uid: row for row in rows}
        if not latest:
            raise NotRecorded(kind)
        return [json.loads(row.object) for row in latest.values() if row.type != "DELETED"]

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Nothing is left to be closed."""

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            return lambda *args, **options: Changes([])
        if name in SILENT:
            return lambda *args, **options: None
        raise NotRecorded(name)


class Replay:
    """A notebook's claims and figures, made from its recording.

    Parameters
    ----------
    recorded : Path or Recording
        The folder that holds it, or the recording itself.
    ledger : Path, optional
        The file that the claims are written to.

    Attributes
    ----------
    claims : list of Claim
    figures : list of Figure
    left_out : list of str
        The statements that needed a cluster.
    """

    def __init__(self, recorded: Path | Recording, ledger: Path | None = None) -> None:
        self.lab = Lab(Recording.open(recorded) if isinstance(recorded, Path) else recorded)
        self.figures: list[Figure] = []
        self.left_out: list[str] = []
        info = self.lab.recording.info
        self._ledger = claims.Ledger(info["notebook"], info["version"], info["release"], info["provider"], ledger)
        self._names: dict[str, Any] = {}

    @property
    def claims(self) -> list[claims.Claim]:
        return list(self._ledger.claims)

    def run(self) -> Replay:
        """Run the notebook."""
        cells = self._cells()
        opened = kitlib.open
        kitlib.open = lambda *args, **options: self.lab  # type: ignore[assignment]
        claims.use(self._ledger)
        try:
            with contextlib.chdir(CHECKOUT / "notebooks"):
                for statements in cells:
                    self._block(statements)
        finally:
            kitlib.open = opened
            claims.use(None)
        return self

    def _cells(self) -> Iterable[list[ast.stmt]]:
        return [cell.body for cell in parsed(self.lab.notebook)]

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.With) and "lab." in ast.unparse(statement.items[0]):
                self._with(statement)
            else:
                self._one(statement)

    def _with(self, statement: ast.With) -> None:
        """Run what is in a block by itself, so that what can't be done there leaves the rest."""
        with contextlib.ExitStack() as stack:
            for item in statement.items:
                entered = stack.enter_context(eval(_code(ast.Expression(item.context_expr), "eval"), self._names))
                if isinstance(item.optional_vars, ast.Name):
                    self._names[item.optional_vars.id] = entered
            self._block(statement.body)

    def _one(self, statement: ast.stmt) -> None:
        try:
            if isinstance(statement, ast.Expr):
                self._drawn(eval(_code(ast.Expression(statement.value), "eval"), self._names))
            else:
                exec(_code(ast.Module([statement], []), "exec"), self._names)
        except (NotRecorded, NameError):
            self.left_out.append(ast.unparse(statement))
            for node in ast.walk(statement):  # what an earlier cell called so is not what is meant now
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self._names.pop(node.id, None)

    def _drawn(self, value: Any) -> None:
        figure = value.figure if isinstance(value, Axes) else value
        if isinstance(figure, Figure):
            assert plots.twin(figure).strip(), "a figure without words"
            self.figures.append(figure)


def _code(tree: Any, mode: str) -> Any:
    return compile(ast.fix_missing_locations(tree), "<cell>", mode)


def parsed(notebook: str) -> list[ast.Module]:
    """Return what a notebook's code cells say."""
    nb = nbformat.read(CHECKOUT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    return [ast.parse(_python(cell.source)) for cell in nb.cells if cell.cell_type == "code"]


def expectations(notebook: str) -> dict[str, str]:
    """Return a notebook's claims as they stand in its cells, each with the verdict that it expects."""
    found: dict[str, str] = {}
    for cell in parsed(notebook):
        for node in ast.walk(cell):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "claim":
                wanted = next((each.value for each in node.keywords if each.arg == "expected"), None)
                wanted = wanted.body if isinstance(wanted, ast.IfExp) else wanted
                found[ast.literal_eval(node.args[0])] = ast.literal_eval(wanted) if wanted else "holds"
    return found


def _python(source: str) -> str:
    """Return a cell's lines without magics."""
    return "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))

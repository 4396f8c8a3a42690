"""A notebook run again on what was recorded of it, without a cluster: what stands on the recording alone must come out.

Every statement of every cell is run in turn, in a lab of the recording (`kitlib.lab.replay`). What isn't answered there
is left out, and so is what stands on its answer: here no claim is made of it, as a test looks for those that are.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import nbformat
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kitlib import claims, plots
from kitlib.errors import NotKept
from kitlib.lab.extension import _kubectl
from kitlib.lab.lab import opened
from kitlib.lab.replay import Replayed
from kitlib.recording import Recording
from tests.conftest import CHECKOUT


class Replay:
    """A notebook's claims and figures, made from its recording.

    Parameters
    ----------
    recorded : Path or Recording
        The folder that holds it, or the recording itself.
    ledger : Path, optional
        The file that the claims are written to.
    beside : mapping, optional
        What was recorded on other versions, by the folder's name; what lies there by default.

    Attributes
    ----------
    claims : list of Claim
    figures : list of Figure
    left_out : list of str
        The statements that needed a cluster.
    """

    def __init__(
        self, recorded: Path | Recording, ledger: Path | None = None, beside: Mapping[str, Recording] | None = None
    ) -> None:
        recording = Recording.open(recorded) if isinstance(recorded, Path) else recorded
        info = recording.info
        self._ledger = claims.Ledger(info["notebook"], info["version"], info["release"], info["provider"], ledger)
        self.lab = Replayed(recording, CHECKOUT / "notebooks", ledger=self._ledger)
        vars(self.lab)["_recorded"] = lambda path: (beside or {}).get(path.name) or Recording.open(path)
        vars(self.lab)["close"] = lambda: self._ledger  # unexpected verdicts are for the test to judge
        self.figures: list[Figure] = []
        self.left_out: list[str] = []
        self._names: dict[str, Any] = {"_kubectl": _kubectl, "_captured": _captured}

    @property
    def claims(self) -> list[claims.Claim]:
        return list(self._ledger.claims)

    def run(self) -> Replay:
        """Run the notebook."""
        cells = self._cells()
        claims.use(self._ledger)
        try:
            with (
                contextlib.chdir(CHECKOUT / "notebooks"),
                mock.patch("kitlib.open", self._open),
                mock.patch("kitlib.lab.session.open", self._open),  # by which `kitlib.labs` opens each
            ):
                for statements in cells:
                    self._block(statements)
        finally:
            opened[:] = [each for each in opened if each.ledger is not self._ledger]
            claims.use(None)
        return self

    def _open(self, notebook: str, *, kubernetes: str | None = None, **options: Any) -> Replayed:
        """Open the lab, or one of what was recorded beside it on another version."""
        lab = self.lab.on(kubernetes) if kubernetes else self.lab
        opened.extend(each for each in dict.fromkeys((self.lab, lab)) if each not in opened)
        return lab

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
                try:
                    entered = stack.enter_context(eval(_code(ast.Expression(item.context_expr), "eval"), self._names))
                except NotKept:
                    self.left_out.append(ast.unparse(item))
                    return
                if isinstance(item.optional_vars, ast.Name):
                    self._names[item.optional_vars.id] = entered
            self._block(statement.body)

    def _one(self, statement: ast.stmt) -> None:
        try:
            if isinstance(statement, ast.Expr):
                self._drawn(eval(_code(ast.Expression(statement.value), "eval"), self._names))
            else:
                exec(_code(ast.Module([statement], []), "exec"), self._names)
        except (NotKept, NameError):
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
    """Return a notebook's claims as they stand in its cells, each with the verdict that it expects.

    One whose sentence is made when the lesson is run isn't among them.
    """
    found: dict[str, str] = {}
    for cell in parsed(notebook):
        for node in ast.walk(cell):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "claim":
                if not isinstance(node.args[0], ast.Constant):
                    continue
                wanted = next((each.value for each in node.keywords if each.arg == "expected"), None)
                wanted = wanted.body if isinstance(wanted, ast.IfExp) else wanted
                found[ast.literal_eval(node.args[0])] = ast.literal_eval(wanted) if wanted else "holds"
    return found


def _python(source: str) -> str:
    """Return a cell's lines with `%kubectl` and `%%capture` as calls, and without other magics."""
    magic, _, rest = source.partition("\n")
    if magic.startswith("%%capture "):
        return f"{magic.split()[-1]} = _captured(lambda: {_python(rest)})"
    source = re.sub(r"^%kubectl (.*)$", lambda found: f"_kubectl({found[1]!r})", source, flags=re.MULTILINE)
    return "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))


def _captured(said: Callable[[], Any]) -> SimpleNamespace:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        said()
    return SimpleNamespace(stdout=shown.getvalue())

"""Cells of a replayed lesson: what isn't in its recording is left out, statement by statement, and what stands on it.

A claim whose check can't be made gets the verdict unknown, with the reason. A name whose value isn't known stands for
`Missing` from then on. Any other error ends the cell, as it always does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from kitlib.claims.checks import not_asked
from kitlib.errors import ClusterError, NotKept
from kitlib.lab.display import show_lab
from kitlib.lab.lab import Lab
from kitlib.lab.replay.missing import Missing
from kitlib.lab.step import Step

HELPER = "__kitlib_replay__"
"""The name by which guarded cells know their guard."""
LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
PLAIN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass, ast.Global)


class Guard(ast.NodeTransformer):
    """Guards the statements of cells; IPython takes it as one of its `ast_transformers`.

    Parameters
    ----------
    names : dict
        Where the cells' names live.

    Attributes
    ----------
    left_out : list of str
        The statements that were left out.
    """

    NotKept = NotKept

    def __init__(self, names: dict[str, Any]) -> None:
        self.left_out: list[str] = []
        self._told: set[str] = set()
        self._last = ""
        self._names = names
        names[HELPER] = self

    def visit_Module(self, node: ast.Module) -> ast.Module:  # noqa: N802 - as ast calls it
        """Guard each statement of a cell."""
        node.body = self._all(node.body, shown=True)
        return ast.fix_missing_locations(node)

    def _all(self, body: Sequence[ast.stmt], shown: bool = False) -> list[ast.stmt]:
        return [self._one(each, shown and each is body[-1]) for each in body]

    def _one(self, statement: ast.stmt, shown: bool) -> ast.stmt:
        if isinstance(statement, PLAIN):
            return statement
        said, given, used = ast.unparse(statement), _given(statement), _used(statement)
        statement = _Claims().visit(statement)
        if isinstance(statement, ast.Expr) and (captured := _captured(statement.value)):
            given, shown = [captured], False
            statement.value = ast.Call(_of("whole"), [_later(statement.value)], [])
        if shown and isinstance(statement, ast.Expr) and not _binds(statement):  # its value is what the cell shows
            told = [_constant(said), _constant(list(used))]
            value = ast.Call(_of("value"), [_later(statement.value), *told], [])
            return ast.copy_location(ast.Expr(value), statement)
        for field in ("body", "orelse"):
            if isinstance(statement, ast.With | ast.For | ast.If | ast.While) and getattr(statement, field, None):
                setattr(statement, field, self._all(getattr(statement, field)))
        return ast.copy_location(_guarded(statement, said, given, used), statement)

    def value(self, expression: Callable[[], Any], said: str, used: Iterable[str]) -> Any:
        """Return the value of a cell's last line; None where it isn't known."""
        try:
            return expression()
        except (NotKept, Exception) as error:
            self.missed(error, said, used)
            return None

    def check(self, check: Callable[[], Any], used: Iterable[str]) -> Any:
        """Return a claim's check; one that says why it can't be made, where something isn't known."""
        try:
            return check()
        except (NotKept, Exception) as error:
            why = self._why(error, used)
            if why is None:
                raise
            return not_asked(f"not in the recording: {why}")

    def whole(self, act: Callable[[], Any]) -> None:
        """Run a cell within a cell; raise `NotKept` if something of it was left out: what it showed isn't known."""
        before = len(self.left_out)
        act()
        if len(self.left_out) > before:
            raise NotKept(self._last)

    def missed(self, error: BaseException, said: str, used: Iterable[str]) -> Missing:
        """Note that a statement is left out, and why; an error that has another reason is raised again."""
        why = self._why(error, used)
        if why is None:
            raise error
        self.left_out.append(said)
        self._last = why
        if why not in self._told:
            show_lab(f"Not in the recording: {why}")
        self._told.add(why)
        return Missing(why)

    def spoiled(self, value: Any, missing: Missing) -> Any:
        """Return what becomes of an object that a statement was to change: a list lacks something from now on."""
        return value if isinstance(value, Lab | Step | ModuleType | type) or callable(value) else missing

    def _why(self, error: BaseException, used: Iterable[str]) -> str | None:
        """Say what isn't in the recording, if that is why an error came."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, NotKept):
                return cause.why
            if isinstance(cause, ClusterError):  # there is no cluster: only kitlib's own words could have told
                return str(cause.message)
            cause = cause.__cause__ or cause.__context__
        found = (self._names.get(name) for name in used)
        return next((vars(each)["_why"] for each in found if isinstance(each, Missing)), None)


class _Claims(ast.NodeTransformer):
    """Lets a claim's check be made within a guard."""

    def visit_Call(self, node: ast.Call) -> ast.Call:  # noqa: N802 - as ast calls it
        """Put the second argument of a claim into a function that is called later."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "claim" and len(node.args) > 1 and not _binds(node):
            check = node.args[1]
            node.args[1] = ast.Call(_of("check"), [_later(check), _constant(list(_used(check)))], [])
        return node


def _guarded(statement: ast.stmt, said: str, given: Sequence[str], used: Sequence[str]) -> ast.Try:
    """Let a statement be left out, and what it gives a value be missing then."""
    missed = ast.Call(_of("missed"), [ast.Name("__error", ast.Load()), _constant(said), _constant(list(used))], [])
    handler: list[ast.stmt] = [ast.Assign([ast.Name("__missing", ast.Store())], missed)]
    handler += [ast.Assign([ast.Name(name, ast.Store())], ast.Name("__missing", ast.Load())) for name in given]
    for name in _changed(statement):
        now = ast.Call(_of("spoiled"), [ast.Name(name, ast.Load()), ast.Name("__missing", ast.Load())], [])
        handler.append(ast.Assign([ast.Name(name, ast.Store())], now))
    kinds = ast.Tuple([_of("NotKept"), ast.Name("Exception", ast.Load())], ast.Load())
    return ast.Try([statement], [ast.ExceptHandler(kinds, "__error", handler)], [], [])


def _of(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())


def _constant(value: Any) -> ast.expr:
    return ast.parse(repr(value), mode="eval").body


def _later(expression: ast.expr) -> ast.Lambda:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), expression)


def _binds(node: ast.AST) -> bool:
    """Say whether an expression gives a name a value, or awaits: then it can't be put into a function."""
    return any(isinstance(each, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for each in ast.walk(node))


def _captured(value: ast.expr) -> str:
    """Return the name under which `%%capture name` keeps what a cell shows; "" of anything else."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "run_cell_magic":
        given = [each.value for each in value.args if isinstance(each, ast.Constant)]
        if len(given) == 3 and given[0] == "capture":
            return str(given[1]).split()[-1] if str(given[1]).strip() else ""
    return ""


def _here(node: ast.AST) -> Iterable[ast.AST]:
    """Yield a statement's nodes but for those of functions in it, and names that a comprehension has for itself."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*LATER, ast.comprehension)):
            yield from _here(child)


def _given(statement: ast.stmt) -> list[str]:
    """Return the names to which a statement gives a value."""
    stored = [each.id for each in _here(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
    return list(dict.fromkeys(stored))


def _changed(statement: ast.stmt) -> list[str]:
    """Return the names of what a simple statement may change within: `each[0] = …`, `each.append(…)`."""
    if isinstance(statement, ast.With | ast.For | ast.If | ast.While | ast.Try):
        return []  # what is within is guarded by itself
    changed: list[ast.AST] = [
        node.value
        for node in _here(statement)
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
    ]
    call = statement.value if isinstance(statement, ast.Expr) else None
    changed += [call.func.value] if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else []
    found = []
    for inner in changed:
        while isinstance(inner, ast.Attribute | ast.Subscript):
            inner = inner.value
        found += [inner.id] if isinstance(inner, ast.Name) and inner.id != HELPER else []
    return [name for name in dict.fromkeys(found) if name not in _given(statement)]


def _used(node: ast.AST) -> list[str]:
    """Return the names that a statement reads, also those that a query does: "name == @pod"."""
    found: list[str] = []
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            found.append(each.id)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found += re.findall(r"@(\w+)", each.value)
    return list(dict.fromkeys(found))


__all__ = ["HELPER", "Guard"]

"""What of a notebook some claims stand on: its steps, the claims, and the statements that make what these are told."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

LATER = (ast.FunctionDef, ast.Lambda)


def text_of(statement: ast.stmt) -> str:
    """Return the sentence of a statement that is a claim; "" of any other."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "claim":
        return str(ast.literal_eval(call.args[0]))
    return ""


def is_step(statement: ast.stmt) -> bool:
    """Whether a statement enters a step."""
    return isinstance(statement, ast.With) and "lab.step" in ast.unparse(statement.items[0])


def wanted_for(statements: Sequence[ast.stmt], texts: Collection[str]) -> list[ast.stmt]:
    """Return the statements that claims stand on, in their order.

    Names are followed backwards. One that a function reads may be given its value anywhere, so all that give it one
    are kept.
    """
    enter = {each.name for each in statements if isinstance(each, ast.FunctionDef) and "lab.step" in ast.unparse(each)}
    late: set[str] = set()
    while True:
        known, wanted, kept = len(late), {"kitlib", "lab"}, list[ast.stmt]()
        for statement in reversed(statements):
            now, then = _read(statement)
            enters = now & enter and not text_of(statement)
            if text_of(statement) in texts or _given(statement) & (wanted | late) or enters:
                wanted -= _replaced(statement)
                wanted |= now
                late |= then
                kept.append(statement)
            elif is_step(statement):
                kept.append(statement)
        if len(late) == known:
            return kept[::-1]


def _given(statement: ast.stmt) -> set[str]:
    """Return the names to which a statement gives a value, or a part of one."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    found = set[str]()
    for node in _here(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found |= {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
    return found


def _replaced(statement: ast.stmt) -> set[str]:
    """Return the names whose former value is of no account after a statement."""
    if not isinstance(statement, ast.Assign):
        return set()
    names = [target.elts if isinstance(target, ast.Tuple) else [target] for target in statement.targets]
    return {each.id for some in names for each in some if isinstance(each, ast.Name)}


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement's nodes but for those of functions in it, which are run later."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, LATER):
            yield child
        else:
            yield from _here(child)


def _read(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the names that a statement reads now, and those that a function in it may read later."""
    now, then = set[str](), set[str]()
    for node in [statement] if isinstance(statement, LATER) else _here(statement):
        if isinstance(node, LATER):
            then |= set().union(*map(_names, ast.walk(node)))
        else:
            now |= _names(node)
    return now, then


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return set(re.findall(r"@(\w+)", node.value))  # of DataFrame.query
    return set()


__all__ = ["is_step", "text_of", "wanted_for"]

"""What a check found, in words: values as people write them, and conditions as they are read aloud.

In: what Python compares, and what `DataFrame.eval` takes. Out: text without a quote or a bracket of Python's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

QUOTED = re.compile(r"`([^`]+)`")
"""How `DataFrame.eval` takes a column whose name is no word of Python's."""
RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "is",
    ast.NotEq: "isn't",
    ast.Gt: "is above",
    ast.GtE: "is at least",
    ast.Lt: "is below",
    ast.LtE: "is at most",
    ast.In: "is one of",
    ast.NotIn: "is none of",
}
METHODS = {"contains": "contains", "startswith": "begins with", "endswith": "ends with", "isin": "is one of"}
BARE = {"isna": "isn't known", "notna": "is known"}


def value(found: Any) -> str:
    """Return a value as people write it: yes and no, lists without brackets, numbers with six digits at most.

    Parameters
    ----------
    found : object
        What was compared. Items of lists are separated by commas; where these hold lists in turn, by semicolons.
    """
    if isinstance(found, (bool, np.bool_)):
        return "yes" if found else "no"
    if found is None or (isinstance(found, str) and not found):
        return "none"
    if isinstance(found, (float, np.floating)):
        return f"{found:.6g}"
    if isinstance(found, Mapping):
        return _listed([f"{key}: {value(each)}" for key, each in found.items()], found.values())
    if isinstance(found, (set, frozenset)):
        found = sorted(found, key=str)
    if isinstance(found, (list, tuple, np.ndarray, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return _listed([value(each) for each in found], list(found))
    return str(found)


def _listed(texts: list[str], items: Collection[Any]) -> str:
    nested = any(isinstance(each, (Mapping, list, tuple, set, frozenset)) for each in items)
    return ("; " if nested else ", ").join(texts) if texts else "none"


def rows(count: int) -> str:
    """Return how many rows, as it is said."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def condition(text: str) -> str:
    """Return an expression of `DataFrame.eval` as it is read aloud; what has no words stays as it is.

    Parameters
    ----------
    text : str
        "phase == 'Running' and nodeName != ''": phase is Running and nodeName isn't empty.
    """
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        names[word := f"column_{len(names)}"] = match[1]
        return word

    try:
        tree = ast.parse(QUOTED.sub(named, text).replace("@", "").strip(), mode="eval")
    except SyntaxError:
        return text
    return _Reader(names).read(tree.body)


class _Reader:
    """Reads an expression aloud; `names` are those of columns that stand in backticks."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def read(self, node: ast.AST) -> str:
        match node:
            case ast.Constant():
                return value(node.value) if node.value != "" else "empty"
            case ast.Name():
                return self.names.get(node.id, node.id)
            case ast.List() | ast.Tuple():
                return ", ".join(map(self.read, node.elts)) or "none"
            case ast.BoolOp():
                return self._joined(node.values, "and" if isinstance(node.op, ast.And) else "or")
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                return self._joined([node.left, node.right], "and" if isinstance(node.op, ast.BitAnd) else "or")
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                inner = self.read(node.operand)
                return f"not {inner}" if isinstance(node.operand, (ast.Name, ast.Attribute)) else f"not ({inner})"
            case ast.Compare():
                return self._compared(node)
            case ast.Call(func=ast.Attribute()):
                return self._asked(node)
        return self._as_it_is(node)

    def _joined(self, parts: list[ast.expr], word: str) -> str:
        texts = [f"({self.read(each)})" if self._is_or(each) and word == "and" else self.read(each) for each in parts]
        return f" {word} ".join(texts)

    @staticmethod
    def _is_or(node: ast.AST) -> bool:
        return (isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
        )

    def _compared(self, node: ast.Compare) -> str:
        if len(node.ops) == 2 and all(isinstance(each, (ast.Lt, ast.LtE)) for each in node.ops):
            low, (middle, high) = node.left, node.comparators
            return f"{self.read(middle)} is from {self.read(low)} to {self.read(high)}"
        if not all(type(each) in RELATIONS for each in node.ops):
            return self._as_it_is(node)
        pairs = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
        return " and ".join(
            f"{self.read(left)} {RELATIONS[type(how)]} {self.read(right)}" for left, how, right in pairs
        )

    def _asked(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Attribute)
        of, how = node.func.value, node.func.attr
        if isinstance(of, ast.Attribute) and of.attr == "str":
            of = of.value
        if how in METHODS and len(node.args) == 1:
            return f"{self.read(of)} {METHODS[how]} {self.read(node.args[0])}"
        if how in BARE and not node.args:
            return f"{self.read(of)} {BARE[how]}"
        return self._as_it_is(node)

    def _as_it_is(self, node: ast.AST) -> str:
        text = ast.unparse(node)
        for word, name in self.names.items():
            text = re.sub(rf"\b{word}\b", name, text)
        return text


__all__ = ["condition", "rows", "value"]

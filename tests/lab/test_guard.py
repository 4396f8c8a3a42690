"""Cells of a replayed lesson: what its recording doesn't say is left out, and a claim on it is unknown."""

from __future__ import annotations

import ast
import operator
from typing import Any

import pandas as pd
import pytest

from kitlib import claims, equal
from kitlib.errors import ClusterError, NotKept, UsageError
from kitlib.lab.replay import Guard, Missing
from kitlib.lab.replay.guard import HELPER


def unasked() -> Any:
    raise NotKept("nobody asked")


@pytest.fixture
def names():
    ledger = claims.Ledger("test", "1.37", recorded="2026-11-29")
    claims.use(ledger)
    frame = pd.DataFrame({"name": ["a", "b"], "ready": [True, False]})
    yield {
        "claim": claims.claim,
        "equal": equal,
        "unasked": unasked,
        "frame": frame,
        "L": ledger,
    }
    claims.use(None)


def run(names: dict[str, Any], *cells: str) -> Guard:
    guard = names.get(HELPER) or Guard(names)
    for cell in cells:
        exec(compile(guard.visit(ast.parse(cell)), "<cell>", "exec"), names)
    return guard


def test_what_is_not_known_is_left_out_and_the_rest_is_done(names, capsys):
    guard = run(names, "before = 1\nfound = unasked()\nafter = 2")
    assert (names["before"], names["after"]) == (1, 2)
    assert isinstance(names["found"], Missing)
    assert guard.left_out == ["found = unasked()"]
    assert capsys.readouterr().out == "Not in the recording: nobody asked\n"


def test_a_claim_on_what_is_not_known_is_unknown_and_says_why(names):
    claim = "claim('{}', equal({}, 1, what='it is:', direct=True), source='test'{})"
    run(names, "found = unasked()", *(claim.format(*each) for each in (("on a name", "found", ""), ("on 1", "1", ""))))
    run(names, claim.format("in itself", "unasked()", ", expected='fails', instead='x'"))
    told = {each.text: (each.verdict, each.as_expected, each.why) for each in names["L"].claims}
    assert told["on a name"] == ("unknown", True, "not in the recording: nobody asked") == told["in itself"]
    assert told["on 1"][:2] == ("holds", True)
    assert {each.date for each in names["L"].claims} == {"2026-11-29"}
    assert all(each.recorded for each in names["L"].claims)


def test_what_stands_on_it_is_left_out_for_the_same_reason(names):
    guard = run(
        names, "found = unasked()", "text = f'{found}'\nrows = frame.query('name == @found')\nlength = len(text)"
    )
    assert {type(names[name]) for name in ("text", "rows", "length")} == {Missing}
    assert len(guard.left_out) == 4


def test_in_a_block_each_statement_is_by_itself(names):
    run(
        names,
        "said = []\nfor name in ('a', 'b'):\n    lost = unasked()\n    said.append(name)\n",
        "if said:\n    other = unasked()\nelse:\n    other = 1",
    )
    assert names["said"] == ["a", "b"]
    assert isinstance(names["lost"], Missing)
    assert isinstance(names["other"], Missing)


def test_a_block_that_is_not_entered_leaves_its_names_missing(names):
    run(names, "with unasked() as step:\n    inner = 1\nfor each in unasked():\n    last = each")
    assert {type(names[name]) for name in ("step", "inner", "each", "last")} == {Missing}


def test_a_collection_that_lacks_something_is_not_taken_for_whole(names):
    run(names, "some, told, kept = {}, [], [1]", "some['a'] = unasked()\ntold.append(unasked())\nkept.append(2)")
    assert isinstance(names["some"], Missing)
    assert isinstance(names["told"], Missing)
    assert names["kept"] == [1, 2]


def test_what_was_captured_of_a_cell_is_missing_if_something_of_it_is(names):
    class Shell:
        def run_cell_magic(self, magic: str, name: str, cell: str) -> None:
            run(names, cell)
            names[name] = "what was shown"

    names["get_ipython"] = Shell
    cell = "get_ipython().run_cell_magic('capture', 'said', {!r})"
    run(names, cell.format("found = 1"))
    assert names["said"] == "what was shown"
    run(names, cell.format("found = unasked()"))
    assert isinstance(names["said"], Missing)


def test_any_other_error_ends_the_cell(names):
    for cell, kind in (
        ("x = 1 / 0", ZeroDivisionError),
        ("nobody", NameError),
        ("claim('a', 1, source='s')", UsageError),
    ):
        with pytest.raises(kind):
            run(names, cell)


def test_where_there_is_no_cluster_its_absence_is_no_fault_of_the_lesson(names):
    def find() -> None:
        raise ClusterError("no cluster is running")

    names["find"] = find
    assert len(run(names, "found = find()").left_out) == 1


def test_no_error_that_a_lesson_expects_is_taken_for_it(names):
    names["KitlibError"] = __import__("kitlib").KitlibError
    run(
        names,
        "def asks():\n    try:\n        return unasked()\n    except Exception:\n        return 'refused'",
        "got = asks()",
    )
    assert isinstance(names["got"], Missing)


def test_the_last_line_is_shown(names):
    guard = Guard(names)
    tree = guard.visit(ast.parse("1\n2 + 3"))
    last = tree.body[-1]
    assert isinstance(last, ast.Expr), "IPython shows expressions only"
    assert eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) == 5
    tree = guard.visit(ast.parse("unasked()"))
    assert eval(compile(ast.Expression(tree.body[-1].value), "<cell>", "eval"), names) is None


@pytest.mark.parametrize(
    "use",
    [
        *(lambda it, act=act: act(it) for act in (str, bool, len, list, int, float, hash, abs, operator.neg, next)),
        *(lambda it, act=act: act(it, 1) for act in (operator.eq, operator.lt, operator.add, operator.getitem)),
        *(lambda it, act=act: act(1, it) for act in (operator.eq, operator.gt, operator.add, operator.mul)),
        lambda it: it.status,
        lambda it: it(),
        lambda it: f"{it:>3}",
        lambda it: 1 in it,
        lambda it: pd.Series([1, 2]) == it,
        lambda it: pd.Series(["a"]).isin(it),
        lambda it: {it: 1},
        lambda it: ", ".join(it),
    ],
)
def test_whatever_is_wanted_of_what_is_missing_says_so(use):
    with pytest.raises(NotKept, match="nobody asked"):
        use(Missing("nobody asked"))

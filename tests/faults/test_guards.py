"""The table of the guards follows the code: each stands where it says, and scenarios rely on it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.families import FAMILIES
from tests.faults.guards import GUARDS, Guard, without
from tests.faults.later import LATER
from tests.faults.suite import CHECKOUT


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.what)
def test_a_guard_can_be_taken_out(guard: Guard) -> None:
    text = (CHECKOUT / "kitlib" / guard.file).read_text()
    rest = guard.taken_out(text)
    assert rest != text and ast.parse(rest)
    assert set(guard.families) <= {*FAMILIES, *LATER}


def test_a_guard_is_taken_out_of_a_copy(tmp_path: Path) -> None:
    guard = GUARDS[0]
    without(guard, tmp_path / "there")
    assert (tmp_path / "there" / "kitlib" / guard.file).read_text() != (CHECKOUT / "kitlib" / guard.file).read_text()
    assert guard.old in (CHECKOUT / "kitlib" / guard.file).read_text()


def test_a_guard_that_stands_nowhere_is_told() -> None:
    with pytest.raises(ValueError, match="stands there 0 times"):
        GUARDS[0].taken_out("nothing")


def test_what_came_later_is_relied_on() -> None:
    relied = {family for guard in GUARDS for family in guard.families}
    alone = {"plain", "away at the end"}  # it shows that nothing relies on chunks; there a gap and an END both tell
    assert set(LATER) - relied == alone

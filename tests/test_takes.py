"""The page "What kitlib takes" is that of the tests that are there."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def takes() -> ModuleType:
    found = importlib.util.spec_from_file_location("takes", CHECKOUT / "tools" / "takes.py")
    assert found is not None and found.loader is not None
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    return made


def test_the_page_is_not_stale(takes: ModuleType) -> None:
    assert takes.PAGE.read_text() == takes.page(), "run `python tools/takes.py`"


def test_each_file_that_it_is_made_of_gives_it_something(takes: ModuleType) -> None:
    for place in (place for tests in takes.PARTS.values() for place in tests):
        name, _, pattern = place.partition("::")
        for part in pattern.split("|"):
            assert list(takes.listed(CHECKOUT / "tests" / name, part)), place


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("test_a_token_s_file_can_t_be_read", "A token's file can't be read"),
        ("test_kubectl_sends_the_same", "kubectl sends the same"),
        ("test_daemon_sets_go_on", "DaemonSets go on"),
        ("test_a_file_that_is_no_utf_8_is_told", "A file that is no UTF-8 is told"),
    ],
)
def test_a_name_is_read_as_a_sentence(takes: ModuleType, name: str, right: str) -> None:
    assert takes.sentence(name) == right

"""Label selectors as an API server reads them; the messages are its own, taken from Kubernetes 1.37."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitlib.serve import labels
from kitlib.serve.labels import Requirement, SelectorError

WEB = {"app": "web", "tier": "front", "size": "3"}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("! app", False),
        ("nope", False),
        ("!nope", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app!=web", False),
        ("nope!=web", True),
        ("nope=web", False),
        ("app in (web, shop)", True),
        ("app in (shop)", False),
        ("app notin (shop)", True),
        ("nope notin (shop)", True),
        ("nope in (shop)", False),
        ("app in (web),tier=front,!nope", True),
        ("app in (web),tier=back", False),
        ("nope in ()", False),
        ("app=", False),
        ("nope=", False),
        ("app in (web,)", True),
        ("size>2", True),
        ("size > 3", False),
        ("size<4", True),
        ("app>2", False),
        ("nope<4", False),
        ("in in (web)", False),
        ("app in (in, notin, web)", True),
        ("x/app notin (a),app", True),
    ],
)
def test_what_a_selector_chooses(selector: str, found: bool) -> None:
    assert labels.matches(labels.parse(selector), WEB) is found


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("app,", "found '', expected: identifier after ','"),
        ("app in", "unable to parse requirement: found '' expected: '('"),
        ("app in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("app web", "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"),
        ("app=web tier=x", "found 'tier', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("app=(", "unable to parse requirement: found '(', expected: identifier"),
    ],
)
def test_what_it_says_of_one_that_it_does_not_understand(selector: str, message: str) -> None:
    with pytest.raises(SelectorError) as met:
        labels.parse(selector)
    assert str(met.value) == message


@pytest.mark.parametrize("selector", ["-a=b", "a=-b", "a/b/c=d", "size>three", "A_/x", f"{'k' * 64}=v", "Ü=v"])
def test_what_can_be_no_label_is_refused(selector: str) -> None:
    with pytest.raises(SelectorError, match="Invalid value"):
        labels.parse(selector)


WORD = st.text("ab", min_size=1, max_size=2)
REQUIREMENT = st.one_of(
    st.builds(Requirement, WORD, st.sampled_from(["exists", "!"])),
    st.builds(
        lambda key, op, value: Requirement(key, op, frozenset([value])), WORD, st.sampled_from(["=", "==", "!="]), WORD
    ),
    st.builds(Requirement, WORD, st.sampled_from(["in", "notin"]), st.frozensets(WORD, min_size=1, max_size=3)),
)


def written(each: Requirement, space: str) -> str:
    """Write a requirement as a person may."""
    if each.operator == "exists":
        return each.key
    if each.operator == "!":
        return f"!{space}{each.key}"
    if each.operator in ("in", "notin"):
        values = f",{space}".join(sorted(each.values))
        return f"{each.key} {each.operator} {space}({space}{values}{space})"
    return f"{each.key}{space}{each.operator}{space}{next(iter(each.values))}"


@settings(deadline=None)
@given(st.lists(REQUIREMENT, max_size=4), st.sampled_from(["", " ", "  "]))
def test_what_is_written_is_read_again(wanted: list[Requirement], space: str) -> None:
    text = f"{space},{space}".join(written(each, space) for each in wanted)
    assert labels.parse(text) == sorted(wanted, key=lambda each: each.key)


@settings(deadline=None)
@given(st.lists(REQUIREMENT, min_size=1, max_size=4), st.dictionaries(WORD, WORD))
def test_all_requirements_hold_and_each_or_its_opposite_does(wanted: list[Requirement], found: dict[str, str]) -> None:
    assert labels.matches(wanted, found) is all(each.matches(found) for each in wanted)
    opposite = {"=": "!=", "==": "!=", "!=": "=", "in": "notin", "notin": "in", "exists": "!", "!": "exists"}
    for each in wanted:
        other = Requirement(each.key, opposite[each.operator], each.values)
        assert each.matches(found) is not other.matches(found)


@settings(deadline=None)
@given(st.text("abin()=!,<> ", max_size=12))
def test_any_text_is_a_selector_or_a_selectors_error(text: str) -> None:
    try:
        labels.parse(text)
    except SelectorError as error:
        assert str(error)

"""Patches as an API server applies them: what kubectl diff and apply send, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.serve.merge import merge, strategic

TWO = {"containers": [{"name": "a", "image": "1", "tty": True}, {"name": "b"}]}


@pytest.mark.parametrize(
    ("there", "patch", "made"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_a_merge_patch(there: Any, patch: Any, made: Any) -> None:
    assert merge(there, patch) == made


@pytest.mark.parametrize(
    ("there", "patch", "made"),
    [
        (
            TWO,
            {"containers": [{"name": "a", "image": "2"}]},
            {"containers": [{"name": "a", "image": "2", "tty": True}, {"name": "b"}]},
        ),
        (TWO, {"containers": [{"name": "c"}]}, {"containers": [*TWO["containers"], {"name": "c"}]}),
        (TWO, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [{"name": "b"}]}),
        (TWO, {"containers": [{"$patch": "replace"}, {"name": "c"}]}, {"containers": [{"name": "c"}]}),
        (
            TWO,
            {"containers": [{"name": "a", "tty": None}]},
            {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]},
        ),
        (
            TWO,
            {
                "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                "containers": [{"name": "b", "image": "3"}],
            },
            {"containers": [{"name": "b", "image": "3"}, {"name": "a", "image": "1", "tty": True}]},
        ),
        ({"finalizers": ["a", "b"]}, {"finalizers": ["c"]}, {"finalizers": ["a", "b", "c"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        ({"args": ["a"]}, {"args": ["b", "c"]}, {"args": ["b", "c"]}),
        (
            {"ports": [{"containerPort": 80, "name": "http"}]},
            {"ports": [{"containerPort": 80, "name": "web"}]},
            {"ports": [{"containerPort": 80, "name": "web"}]},
        ),
        (
            {"ports": [{"port": 80, "nodePort": 30000}]},
            {"ports": [{"port": 80, "name": "web"}]},
            {"ports": [{"port": 80, "nodePort": 30000, "name": "web"}]},
        ),
        (
            {"strategy": {"type": "A", "rollingUpdate": {}}},
            {"strategy": {"$retainKeys": ["type"], "type": "B"}},
            {"strategy": {"type": "B"}},
        ),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ({}, {"a": [{"name": "x", "$patch": "delete"}]}, {"a": []}),
    ],
)
def test_a_strategic_merge_patch(there: Any, patch: Any, made: Any) -> None:
    assert strategic(there, patch) == made


def test_what_is_patched_stays_as_it_was() -> None:
    there = {"containers": [{"name": "a", "env": [{"name": "x"}]}]}
    strategic(there, {"containers": [{"name": "a", "env": [{"name": "y"}]}]})
    assert there == {"containers": [{"name": "a", "env": [{"name": "x"}]}]}

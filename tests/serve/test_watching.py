"""A watch goes on where a list ended: what a client holds is at each moment what a list would tell it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitlib.serve.reading import Reader, Wanted, wanted
from kitlib.serve.status import Refusal
from kitlib.serve.watching import INITIAL_END, Watch
from tests.serve.made import POD, Made, reader

ONCE = "0.000000001"
"""So many seconds: it ends when all has been told."""


def watched(reader: Reader, want: Wanted, **query: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events that there are now."""

    async def gathered() -> bytes:
        watch = Watch(reader, want, {"timeoutSeconds": ONCE, **query})
        return b"".join([part async for part in watch.events(asyncio.Event())])

    lines = asyncio.run(gathered()).splitlines()
    return [(each["type"], each["object"]) for each in map(json.loads, lines)]


def listed(reader: Reader, want: Wanted, **query: str) -> tuple[dict[str, str], str]:
    """Return the objects of a list, each with its resourceVersion, and the list's own."""
    found = json.loads(reader.listed(want, query)[0])
    return {key(each): each["metadata"]["resourceVersion"] for each in found["items"]}, found["metadata"][
        "resourceVersion"
    ]


def key(body: dict[str, Any]) -> str:
    return f"{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"


def held(there: dict[str, str], events: list[tuple[str, dict[str, Any]]], strict: bool = True) -> dict[str, str]:
    """Return what a client holds that began with a list; where it is strict, an event that can't be is an error."""
    mine = dict(there)
    for type, body in events:
        if type == "DELETED":
            assert mine.pop(key(body), None) is not None or not strict, f"{key(body)} wasn't there"
        elif type in ("ADDED", "MODIFIED"):
            assert (key(body) in mine) is (type == "MODIFIED") or not strict, f"{type} {key(body)}"
            mine[key(body)] = body["metadata"]["resourceVersion"]
    return mine


ACTS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["shop", "yard"]),
        st.sampled_from(["MODIFIED", "MODIFIED", "DELETED"]),
        st.sampled_from(["red", "blue"]),
        st.sampled_from(["first", "second"]),
    ),
    min_size=1,
    max_size=15,
)


@settings(deadline=None)
@given(ACTS, st.integers(0, 15), st.sampled_from(["", "shop"]), st.sampled_from(["", "colour=red"]))
def test_a_list_and_its_watch_come_to_what_a_later_list_tells(
    acts: list[Any], at: int, namespace: str, chosen: str
) -> None:
    made = Made(namespace="").begun(namespace="")
    for second, (name, where, type, colour, uid) in enumerate(acts, 1):
        made.version(second, name, type, namespace=where, uid=f"{where}-{name}-{uid}", labels={"colour": colour})
    made.ended(20)
    want = wanted(POD, namespace, {"labelSelector": chosen}, "")
    there, rv = listed(reader(made, at), want)
    end, _ = listed(reader(made), want)
    assert held(there, watched(reader(made), want, resourceVersion=rv)) == end
    assert held({}, watched(reader(made), want)) == end, "a watch that names no moment begins with what is there"


@settings(deadline=None)
@given(ACTS, st.integers(0, 15))
def test_what_comes_late_from_another_stream_is_not_lost(acts: list[Any], at: int) -> None:
    """A namespace's own stream is in order; beside another's, its versions come behind greater ones."""
    made = Made(namespace="").begun(namespace="")
    for second, (name, where, type, _, uid) in enumerate(acts, 1):
        rv = 110 + 2 * second - (3 if where == "yard" else 0)
        made.version(second, name, type, namespace=where, uid=f"{where}-{name}-{uid}", rv=rv)
    made.ended(20)
    there, rv = listed(reader(made, at), Wanted(POD))
    events = watched(reader(made, speed=1e-9), Wanted(POD), resourceVersion=rv)
    assert held(there, events, strict=False) == listed(reader(made), Wanted(POD))[0]


def test_one_that_begins_with_what_is_there_says_when_that_is_all() -> None:
    made = Made().begun()
    made.version(1, "a")
    made.ended(5)
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    events = watched(reader(made), Wanted(POD, "shop"), **query)
    assert [type for type, _ in events] == ["ADDED", "BOOKMARK"]
    assert events[1][1]["metadata"]["annotations"] == {INITIAL_END: "true"}
    assert events[1][1]["metadata"]["resourceVersion"] == "101"


def gapped(until: float | None = 6, until_rv: str | None = "150") -> Made:
    """Return a recording with a gap from 4 to 6 seconds."""
    made = Made().begun()
    made.version(2, "a", rv=120)
    if until is not None:
        made.said(until, "GAP", after_ns=4, until_ns=until, after_rv="120", until_rv=until_rv, reason="410: forgotten")
        made.version(7, "b", rv=160)
    else:
        made.said(4, "GAP", after_ns=4, until_ns=None, after_rv="120", until_rv=None, reason="410: forgotten")
    return made.ended(10)


@pytest.mark.parametrize("until_rv", ["150", None])
def test_a_watch_from_before_a_gap_is_refused(until_rv: str | None) -> None:
    made = gapped(until_rv=until_rv)
    with pytest.raises(
        Refusal, match=r"pods of shop may be missing .* between 22:23:24.000Z and 22:23:26.000Z: 410: forg"
    ) as met:
        watched(reader(made), Wanted(POD, "shop"), resourceVersion="120")
    assert (met.value.code, met.value.reason) == (410, "Expired")


@pytest.mark.parametrize("at", [3, 5, 6.5, 9])
@pytest.mark.parametrize("until_rv", ["150", None])
def test_a_list_can_always_be_watched_from(at: float, until_rv: str | None) -> None:
    """Else a client would list for ever."""
    made = gapped(until_rv=until_rv)
    _, rv = listed(reader(made, at), Wanted(POD, "shop"))
    assert watched(reader(made, at), Wanted(POD, "shop"), resourceVersion=rv) == []


@pytest.mark.parametrize(
    ("begin", "at", "told"), [(3, 5, ["ERROR"]), (5, 7.5, ["ERROR"]), (6.5, 9, ["ADDED"]), (1, 3, ["ADDED"])]
)
def test_a_watch_ends_where_a_gap_begins_or_ends(begin: float, at: float, told: list[str]) -> None:
    seen = reader(gapped(), begin)
    _, rv = listed(seen, Wanted(POD, "shop"))

    async def gathered() -> bytes:
        watch = Watch(seen, Wanted(POD, "shop"), {"resourceVersion": rv, "timeoutSeconds": ONCE})
        seen.clock.set(int(at * 1e9))
        return b"".join([part async for part in watch.events(asyncio.Event())])

    events = [json.loads(line) for line in asyncio.run(gathered()).splitlines()]
    assert [each["type"] for each in events] == told
    if told == ["ERROR"]:
        assert events[0]["object"]["code"] == 410 and "410: forgotten" in events[0]["object"]["message"]


def test_a_watch_from_before_a_gap_is_refused_also_where_nothing_has_come_since() -> None:
    with pytest.raises(Refusal, match="too old resource version: 120; pods of shop may be missing"):
        watched(reader(gapped(), 6.5), Wanted(POD, "shop"), resourceVersion="120")


def test_what_is_listed_again_is_no_event() -> None:
    made = Made().begun()
    made.version(1, "a", "ADDED", rv=120)
    made.version(2, "a", "ADDED", rv=120)
    made.version(3, "a", "ADDED", rv=121)
    made.ended(5)
    events = watched(reader(made), Wanted(POD, "shop"), resourceVersion="110")
    assert [(type, body["metadata"]["resourceVersion"]) for type, body in events] == [
        ("ADDED", "120"),
        ("MODIFIED", "121"),
    ]


def test_what_was_made_anew_under_a_name_is_another_object() -> None:
    made = Made().begun()
    made.version(1, "a", uid="one")
    made.version(2, "a", uid="two")
    made.ended(5)
    events = watched(reader(made), Wanted(POD, "shop"), resourceVersion="100")
    assert [(type, body["metadata"]["uid"]) for type, body in events] == [
        ("ADDED", "one"),
        ("DELETED", "one"),
        ("ADDED", "two"),
    ]


def test_what_is_no_longer_chosen_goes_as_it_was() -> None:
    """With the resourceVersion at which it was changed, as a server's cache has it."""
    made = Made().begun()
    made.version(1, "a", labels={"colour": "red"})
    made.version(2, "a", labels={"colour": "blue"})
    made.ended(5)
    want = wanted(POD, "shop", {"labelSelector": "colour=red"}, "")
    (first, one), (second, two) = watched(reader(made), want, resourceVersion="100")
    assert (first, second) == ("ADDED", "DELETED")
    assert two["metadata"] == {**one["metadata"], "resourceVersion": "102"}


def test_only_the_first_event_of_a_table_says_its_columns() -> None:
    made = Made().begun()
    made.version(1, "a")
    made.version(2, "b")
    made.ended(5)
    want = wanted(POD, "shop", {}, "application/json;as=Table;v=v1;g=meta.k8s.io")
    events = watched(reader(made), want, resourceVersion="100")
    assert [bool(body["columnDefinitions"]) for _, body in events] == [True, False]
    assert [body["rows"][0]["cells"][0] for _, body in events] == ["a", "b"]


def test_a_watch_from_before_the_first_list_is_refused() -> None:
    made = Made().begun()
    made.version(1, "a")
    with pytest.raises(Refusal, match="too old resource version: 50"):
        watched(reader(made.ended(5)), Wanted(POD, "shop"), resourceVersion="50")

"""Lists: in pages, at a resourceVersion, chosen; and what is said of what isn't known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitlib.serve.reading import Wanted, shape, wanted
from kitlib.serve.resources import Resource
from kitlib.serve.status import Refusal
from tests.serve.made import POD, Made, reader

SERVICE = Resource("", "v1", "Service", "services", True)


def several(count: int) -> Made:
    made = Made().begun()
    for number in range(count):
        made.version(number, f"p{number}", labels={"odd": str(number % 2)})
    return made.ended(max(count, 1))


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(1, 13), st.sampled_from(["", "odd=1"]))
def test_pages_come_to_the_whole_list(count: int, limit: int, chosen: str) -> None:
    serving = reader(several(count))
    want = wanted(POD, "shop", {"labelSelector": chosen}, "")
    whole = json.loads(serving.listed(want, {})[0])["items"]
    query, found = {"limit": str(limit)}, []
    while True:
        page = json.loads(serving.listed(want, query)[0])
        assert len(page["items"]) <= limit
        found += page["items"]
        if not chosen and "continue" in page["metadata"]:
            assert page["metadata"]["remainingItemCount"] == len(whole) - len(found)
        if "continue" not in page["metadata"]:
            break
        query = {"limit": str(limit), "continue": page["metadata"]["continue"]}
    assert found == whole


def test_all_pages_are_of_one_moment() -> None:
    serving = reader(several(6), at=3)
    first = json.loads(serving.listed(Wanted(POD, "shop"), {"limit": "2"})[0])
    serving.clock.set(6 * 10**9)
    rest = json.loads(serving.listed(Wanted(POD, "shop"), {"limit": "9", "continue": first["metadata"]["continue"]})[0])
    assert [each["metadata"]["name"] for each in rest["items"]] == ["p2", "p3"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"] == "104"


def test_a_list_of_the_past_is_as_it_was() -> None:
    serving = reader(several(6))
    found, moment = serving.listed(Wanted(POD, "shop"), {"resourceVersion": "103", "resourceVersionMatch": "Exact"})
    assert [each["metadata"]["name"] for each in json.loads(found)["items"]] == ["p0", "p1", "p2"]
    assert moment == 2 * 10**9


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"resourceVersion": "99", "resourceVersionMatch": "Exact"}, 410, "older than what is known"),
        ({"resourceVersion": "999"}, 504, "Too large resource version: 999, current: 106"),
        ({"continue": "nonsense"}, 400, "continue key is not valid"),
        ({"limit": "x"}, 400, "no number"),
    ],
)
def test_what_cannot_be_listed_is_refused(query: dict[str, str], code: int, message: str) -> None:
    with pytest.raises(Refusal, match=message) as met:
        reader(several(6)).listed(Wanted(POD, "shop"), query)
    assert met.value.code == code


def test_what_nobody_followed_is_not_as_if_there_were_none() -> None:
    serving = reader(several(2))
    with pytest.raises(Refusal, match="services were not recorded; this recording has pods") as met:
        serving.listed(Wanted(SERVICE, "shop"), {})
    assert met.value.code == 403
    with pytest.raises(Refusal, match="pods of namespace yard were not recorded; this recording has those of shop"):
        serving.listed(Wanted(POD, "yard"), {})


def test_what_was_followed_and_never_there_is_an_empty_list() -> None:
    made = several(2).begun(stream="services", kind="Service")
    found = json.loads(reader(made.ended(3, "services", "Service")).listed(Wanted(SERVICE, "shop"), {})[0])
    assert (found["kind"], found["items"]) == ("ServiceList", [])


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (1, []),
        (4.5, ["pods of shop may be missing or out of date between 22:23:24.000Z and 22:23:26.000Z: why"]),
        (8, []),
        (10.5, ["pods of shop may be missing or out of date from 22:23:30.000Z on: the recording of it ended"]),
        (12, ["pods of shop may be missing or out of date from 22:23:30.000Z on: the recording of it ended"]),
    ],
)
def test_what_lies_in_a_gap_is_said(at: float, said: list[str]) -> None:
    made = Made().begun().begun(stream="services", kind="Service")
    made.version(2, "a")
    made.said(6, "GAP", after_ns=4, until_ns=6, after_rv="1", until_rv="2", reason="why")
    made.ended(10).ended(12, "services", "Service")
    assert reader(made, at).warnings(Wanted(POD, "shop"), int(at * 1e9)) == said


def test_a_reason_that_others_wrote_cannot_break_a_header() -> None:
    made = Made().begun()
    made.said(6, "GAP", after_ns=4, until_ns=6, after_rv="1", until_rv="2", reason='a"b\r\nSet-Cookie: x\n' + "ü" * 999)
    (said,) = reader(made.ended(10), 5).warnings(Wanted(POD, "shop"), 5 * 10**9)
    assert said.isascii() and said.isprintable() and len(said) < 400


def test_all_namespaces_are_only_those_that_were_followed() -> None:
    assert reader(several(2)).warnings(Wanted(POD, ""), 10**9) == ["pods were recorded in shop only"]


def test_what_came_late_is_said_before_it_came() -> None:
    made = Made().begun()
    made.version(9, "a", late=4)
    serving = reader(made.ended(12))
    assert [serving.warnings(Wanted(POD, "shop"), at * 10**9) for at in (4, 9, 11)] == [[], [], []]
    (said,) = serving.warnings(Wanted(POD, "shop"), 6 * 10**9)
    assert said == "1 version that was received up to 22:23:29.000Z may have been written before this moment"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", ""),
        ("application/json", ""),
        ("*/*", ""),
        ("application/vnd.kubernetes.protobuf,application/json", ""),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "Table"),
        ("application/json;as=Table;v=v3;g=meta.k8s.io,application/json", ""),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "PartialObjectMetadataList"),
    ],
)
def test_which_form_a_client_gets(accept: str, form: str) -> None:
    assert shape(accept)[0] == form


def test_a_form_that_there_is_not_is_refused() -> None:
    with pytest.raises(Refusal) as met:
        shape("application/vnd.kubernetes.protobuf")
    assert met.value.code == 406

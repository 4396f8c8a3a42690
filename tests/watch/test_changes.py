"""Bytes to changes, without a connection: what is read, what is left out and named, and how a server ends a watch."""

from __future__ import annotations

import json

import pytest

from kitlib.errors import ServerError
from kitlib.watch import changes


def thing(name: str, version: object = 7, **metadata: object) -> dict:
    return {"metadata": {"name": name, "uid": f"u-{name}", "resourceVersion": str(version), **metadata}}


def line(type: str, item: object, compact: bool = True) -> bytes:
    return json.dumps({"type": type, "object": item}, separators=(",", ":") if compact else None).encode()


def read(*batch: bytes, pending: list[bytes] | None = None) -> list[tuple[str, str]]:
    return [(change.type, change.meta.name) for change in changes.lines(batch, [] if pending is None else pending)]


@pytest.mark.parametrize("compact", [True, False])
def test_lines_are_read_however_they_are_spaced(compact: bool) -> None:
    assert read(line("ADDED", thing("a"), compact), line("DELETED", thing("b"), compact)) == [
        ("ADDED", "a"),
        ("DELETED", "b"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"type":"MODIFIED","object":null}',
        b'{"type":"MODIFIED"}',
        b'{"type":"ADDED","object":{"metadata":{"name":"b","resourceVersion":"x"}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":7}}}',
        b'{"type":"ADDED","object":{}}',
        b"<html>busy</html>",
        b'{"type":"ADDED","object":{"metadata":{"name":"b","resourceVersion":"8"',
    ],
)
def test_what_cant_be_read_is_left_out_and_named_and_spoils_nothing_beside_it(bad: bytes) -> None:
    found = list(changes.lines([line("ADDED", thing("a")), bad, line("ADDED", thing("c"))], []))
    assert [change.type for change in found] == ["ADDED", "UNREADABLE", "ADDED"]
    assert found[1].reason and found[1].raw
    if b'"b"' in bad:
        assert found[1].meta.name == "b" and "b can't be read" in found[1].reason


def test_annotations_without_a_value_and_objects_without_a_uid_are_read() -> None:
    (one,) = changes.lines([line("ADDED", thing("a", annotations={"x": None}, uid="", namespace="n"))], [])
    assert one.type == "ADDED" and one.meta.identity == "n/a"


STATUS = {"kind": "Status", "status": "Failure", "message": "too old resource version", "code": 410}


def test_an_error_ends_the_watch_after_what_came_before() -> None:
    found = changes.lines([line("ADDED", thing("a")), line("ERROR", STATUS), line("ADDED", thing("b"))], [])
    assert next(found).meta.name == "a"
    with pytest.raises(ServerError, match="too old") as met:
        next(found)
    assert met.value.status["code"] == 410


@pytest.mark.parametrize("status", [{"message": "etcd: something"}, {"reason": "Expired"}, {}, None, "gone"])
def test_an_error_without_a_code_is_an_error_all_the_same(status: object) -> None:
    with pytest.raises(ServerError):
        read(line("ERROR", status))


def test_a_status_over_several_lines_is_one_also_when_they_come_apart() -> None:
    lines = json.dumps(STATUS, indent=2).encode().split(b"\n")
    pending: list[bytes] = []
    assert read(*lines[:3], pending=pending) == []
    with pytest.raises(ServerError, match="too old"):
        read(*lines[3:], pending=pending)


def test_lines_that_never_make_sense_are_named_once_a_good_one_comes() -> None:
    pending: list[bytes] = []
    assert read(b"{", b'"half": ', pending=pending) == []
    assert read(line("ADDED", thing("a")), pending=pending) == [("UNREADABLE", ""), ("ADDED", "a")]
    assert not pending


def test_a_page_has_its_version_its_items_and_what_asks_for_the_next() -> None:
    body = json.dumps({"metadata": {"resourceVersion": "9", "continue": "on"}, "items": [thing("a"), None, {"x": 1}]})
    page = changes.page(body.encode())
    assert (page.version, page.next, len(page.items)) == (9, "on", 3)
    assert [changes.item(raw).type for raw in page.items] == ["LISTED", "UNREADABLE", "UNREADABLE"]
    assert changes.page(b'{"metadata":{"resourceVersion":"9"},"items":null}').items == []

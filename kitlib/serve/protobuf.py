"""Reviews as kubectl sends them, in Kubernetes' protobuf: just so much of it as these need."""

from __future__ import annotations

from typing import Any

from kitlib.serve.status import bad_request

MAGIC = b"k8s\x00"
"""How such a body begins."""
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_OTHER = {1: "path", 2: "verb"}


def review(body: bytes) -> dict[str, Any]:
    """Return the spec of a review, as JSON would have it.

    Raises
    ------
    Refusal
        If it can't be read.
    """
    try:
        envelope = _fields(body.removeprefix(MAGIC))
        spec = _fields(_fields(envelope.get(2, b"")).get(2, b""))
        found: dict[str, Any] = {}
        for number, name, known in ((1, "resourceAttributes", _RESOURCE), (2, "nonResourceAttributes", _OTHER)):
            if number in spec:
                told = _fields(spec[number])
                found[name] = {known[key]: value.decode() for key, value in told.items() if key in known}
        return {"spec": found}
    except (IndexError, UnicodeDecodeError):
        raise bad_request("the body is no review that can be read") from None


def _fields(data: bytes) -> dict[int, bytes]:
    """Return the fields of a message that have a length; others are passed over."""
    found, place = {}, 0
    while place < len(data):
        tag, place = _number(data, place)
        if tag & 7 == 2:
            length, place = _number(data, place)
            if place + length > len(data):
                raise IndexError("it is cut off")
            found[tag >> 3] = data[place : place + length]
            place += length
        elif tag & 7 == 0:
            _, place = _number(data, place)
        else:
            place += {1: 8, 5: 4}[tag & 7] if tag & 7 in (1, 5) else len(data)
    return found


def _number(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value, place, shift = value | (byte & 127) << shift, place + 1, shift + 7
        if byte < 128:
            return value, place


__all__ = ["MAGIC", "review"]

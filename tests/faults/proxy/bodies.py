"""Bodies: what is read of one, and what faults make of it or send instead; nothing here sends any."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from tests.faults.proxy.fault import BROKEN, Fault

HALVES = {
    "cut": b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"broken.faults.kitlib.example/v1","resou',
    "half": b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"broken.faults.kitlib.exam',
    "null": b'{"kind":"APIResourceList","apiVersion":"v1","resources":[null,{"name":null},{"kind":7}]}',
    "empty": b"",
    "html": b"<html><title>Log in</title></html>",
}
"""What an aggregated API that is broken says of itself."""


class _Meta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - the API's own spelling
    continue_: str = msgspec.field(default="", name="continue")
    annotations: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    code: int = 0


class _Line(msgspec.Struct):
    type: str
    object: _Object


LINE = msgspec.json.Decoder(_Line)
"""Reads a line of a watch."""
LIST = msgspec.json.Decoder(_Object)
"""Reads a list, as far as itself."""


def status(code: int) -> dict[str, Any]:
    """Return the Status object that an API server sends with a code."""
    reasons = {
        410: ("Expired", "too old resource version"),
        429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
        500: ("InternalError", "Internal error occurred"),
        503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504: ("Timeout", "the request did not complete within the time allotted"),
    }
    reason, message = reasons.get(code, ("Unknown", "unknown"))
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"{message} (by the fault suite)",
        "reason": reason,
        "code": code,
    }


def told(fault: Fault) -> bytes:
    """Return the Status that a fault sends."""
    found = status(fault.code)
    if fault.form == "too large":
        found |= {"message": "Too large resource version: 900719925, current: 17", "reason": "Timeout", "code": 504}
        found["details"] = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
    elif not fault.code:
        found = {"kind": "Status", "apiVersion": "v1", "message": "etcd: something is wrong (by the fault suite)"}
    return json.dumps(found).encode()


def expired(token: str, further: bool) -> bytes:
    """Return the Status for a continue token that has expired; with one that goes on at another moment, if wanted."""
    found = status(410)
    if further:
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        said["rv"] = -1
        again = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")
        found["metadata"] = {"continue": again}
    return json.dumps(found).encode()


def nameless(data: bytes) -> bytes:
    """Take the uid out of an object, a watch's line, or each object of a list."""
    found = json.loads(data)
    inner = found.get("items") or [found.get("object", found)]
    for item in inner:
        item.get("metadata", {}).pop("uid", None)
    end = b"\n" if data.endswith(b"\n") else b""
    return json.dumps(found, separators=(",", ":")).encode() + end


def spoilt(item: dict[str, Any], form: str) -> Any:
    """Return an item of a list as nobody can read it."""
    if form == "null":
        return None
    version = {"version": "x", "number": 7}.get(form, "")
    return {**item, "metadata": {**item["metadata"], "resourceVersion": version}}


def spoilt_line(line: bytes, form: str) -> bytes:
    """Return a line as nobody can read it."""
    if form == "cut":
        return line[: len(line) // 2] + b"\n"
    found = json.loads(line)
    found["object"] = spoilt(found["object"], form)
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def with_another(listed: dict[str, Any]) -> dict[str, Any]:
    """Return the list of API groups with one more, that is broken, before all others."""
    version = {"groupVersion": f"{BROKEN}/v1", "version": "v1"}
    broken = {"name": BROKEN, "versions": [version], "preferredVersion": version}
    return {**listed, "groups": [broken, *listed["groups"]]}

"""Bytes to changes: the pages of a list and the lines of a watch, taken apart; nothing here knows a connection.

One object or line that can't be read is left out and named; it spoils nothing beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kitlib.errors import ServerError
from kitlib.recording import Meta, head

NEVER_MORE = 64
"""A Status over so many lines is none."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """What a line of a watch, or an item of a list, says.

    Parameters
    ----------
    type : str
        ADDED, MODIFIED, DELETED, BOOKMARK; LISTED for an item of a list; UNREADABLE for what can't be read.
    raw : bytes
        The object; of what can't be read, all of it.
    meta : Meta
        Its metadata; of what can't be read, what could be guessed.
    reason : str
        Why it can't be read.
    version : int
        Its resourceVersion; of what can't be read, 0.
    """

    type: str
    raw: bytes
    meta: Meta
    reason: str = ""
    version: int = 0


class Page(msgspec.Struct, gc=False):
    """A page of a list.

    Parameters
    ----------
    version : int
        The resourceVersion that it is of.
    next : str
        What asks for the next page; empty on the last.
    items : list of bytes
    """

    version: int
    next: str
    items: list[bytes]


class _ListMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""  # noqa: N815 - the API's own spelling
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


_list = msgspec.json.Decoder(_List)
_line = msgspec.json.Decoder(_Line)
_envelope = re.compile(rb'\{"type":"([A-Z]+)","object":(?=\{)')
"""How Kubernetes begins a line; the object is what follows, but for the last brace."""
_name = re.compile(rb'"name"\s*:\s*"([^"\\]{1,253})"')


def page(body: bytes) -> Page:
    """Take a page of a list apart.

    Raises
    ------
    msgspec.MsgspecError
        If it is none: not JSON, or without metadata.
    ValueError
        If its resourceVersion is no number.
    """
    found = _list.decode(body)
    return Page(
        int(found.metadata.resourceVersion), found.metadata.continue_, [bytes(each) for each in found.items or ()]
    )


def item(raw: bytes, type: str = "LISTED") -> Change:
    """Read an object's metadata, or say why that can't be done."""
    try:
        meta = head(raw)
        version = int(meta.resourceVersion)
    except (msgspec.MsgspecError, ValueError) as error:
        guess = _name.search(raw)
        name = guess[1].decode(errors="replace") if guess else ""
        return Change("UNREADABLE", raw, Meta(name=name), f"{name or 'an object'} can't be read: {error}")
    if not meta.name and type != "BOOKMARK":
        return Change("UNREADABLE", raw, meta, "an object without a name can't be kept apart from others")
    return Change(type, raw, meta, "", version)


def lines(batch: Iterable[bytes], pending: list[bytes]) -> Iterator[Change]:
    """Take the lines of a watch apart.

    Parameters
    ----------
    batch : iterable of bytes
        Lines that came together.
    pending : list of bytes
        Lines before that make no sense yet: a Status that is written over several lines ends up here; kept between
        calls by the caller.

    Raises
    ------
    ServerError
        If the server says that it ends the watch, and why; what came before has been yielded.
    """
    for line in batch:
        begin = _envelope.match(line)
        if begin and line.endswith(b"}"):
            type, raw = begin[1].decode(), line[begin.end() : -1]
        else:  # written in another way
            try:
                change = _line.decode(line)
                type, raw = change.type, bytes(change.object)
            except msgspec.MsgspecError:
                pending.append(line)
                if status := status_of(pending):
                    raise failed(status) from None
                if len(pending) > NEVER_MORE:
                    yield from leftover(pending)
                continue
        if pending:
            yield from leftover(pending)
        if type == "ERROR":
            raise failed(status_of([raw]) or {"message": raw.decode(errors="replace")[:300]})
        yield item(raw, type)


def status_of(parts: list[bytes]) -> dict[str, Any] | None:
    """Return the Status that some lines make together, if they do."""
    try:
        found = json.loads(b"\n".join(parts))
    except ValueError:
        return None
    whole = isinstance(found, dict) and (found.get("kind") == "Status" or "message" in found or "code" in found)
    return found if whole else None


def leftover(pending: list[bytes]) -> Iterator[Change]:
    """Yield what made no sense, as one thing that can't be read, and forget it."""
    if pending:
        whole = b"\n".join(pending)
        pending.clear()
        guess = _name.search(whole)
        name = guess[1].decode(errors="replace") if guess else ""
        said = whole[:80].decode(errors="replace")
        yield Change("UNREADABLE", whole, Meta(name=name), f"{name or 'a line'} can't be read: {said!r}")


def failed(status: dict[str, Any]) -> ServerError:
    """Make the error for a watch that the server ends with a Status."""
    message = status.get("message") or status.get("reason") or "watch failed"
    return ServerError(str(message), step="watch", status=status)


__all__ = ["Change", "Page", "failed", "item", "leftover", "lines", "page", "status_of"]

"""Watches: what comes after a resourceVersion, as it is played; at a gap a watch says so, and ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import numpy as np

from kitlib.serve.reading import Reader, Wanted, typed
from kitlib.serve.status import Refusal, bad_request, expired, full

BOOKMARK_SECONDS = 60.0
"""How often a watch that wants bookmarks gets one."""
LONGEST = 3600.0
"""A watch that names no time ends after so many seconds; clients begin another one."""
MANY = 500
"""So many events are written at once."""
INITIAL_END = "k8s.io/initial-events-end"
_encode = msgspec.json.encode


class Watch:
    """One client's watch.

    Parameters
    ----------
    reader : Reader
    want : Wanted
        What is asked for.
    query : mapping
        resourceVersion, allowWatchBookmarks, sendInitialEvents, timeoutSeconds.

    Raises
    ------
    Refusal
        If it can't begin there.
    """

    def __init__(self, reader: Reader, want: Wanted, query: Mapping[str, str]) -> None:
        self._reader, self._want = reader, want
        self._versions = reader.versions(want)
        self._bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        self._seconds = float(query.get("timeoutSeconds") or 0) or LONGEST
        self._begun = reader.clock.now()
        self._position = self._versions.position(self._begun)
        self._headers = True
        self._rv = 0
        rv = query.get("resourceVersion") or ""
        if rv and not rv.isdigit():
            raise bad_request(f"Invalid value: {rv!r}: this is no resourceVersion of this server")
        self._to_end = query.get("sendInitialEvents") in ("true", "1")
        self._initial = self._to_end or (rv in ("", "0") and query.get("sendInitialEvents") not in ("false", "0"))
        if not self._initial and rv not in ("", "0"):
            self._position = self._from(int(rv))

    def _from(self, rv: int) -> int:
        """Return the position from which it goes on."""
        now = self._reader.rv(self._want, self._versions, self._position, self._begun)
        if rv >= now and not self._reader.clock.speed:
            return self._position  # there is no other moment at which it can have been listed
        position = min(self._versions.after(rv), self._position)
        if rv >= now:
            return position
        if 1 < rv < self._versions.floor:
            raise expired(f"too old resource version: {rv} ({self._versions.floor})")
        seen = int(self._versions.due[position - 1]) if position else self._reader.history.begin_ns
        if why := self._reader.known.gap(self._want.resource.kind, self._want.namespace, seen, self._begun):
            raise expired(f"too old resource version: {rv}; {why}")
        return position

    async def events(self, closed: asyncio.Event) -> AsyncIterator[bytes]:
        """Yield what is to be written, as it comes, until the client has gone, its time is over, or a gap begins.

        Parameters
        ----------
        closed : Event
            Set when nobody reads it any more.
        """
        if self._initial:
            yield b"".join(self._there())
        clock, known = self._reader.clock, self._reader.known
        broken = known.next_break(self._want.resource.kind, self._want.namespace, self._begun)
        ends, marked = time.monotonic() + self._seconds, time.monotonic()
        while not closed.is_set():
            now = clock.now()
            upto = min(now, broken[0] - 1) if broken else now
            until = self._versions.position(upto)
            for begin in range(self._position, until, MANY):
                if some := b"".join(self._between(begin, min(begin + MANY, until))):
                    yield some
            self._position = max(until, self._position)
            if broken and now >= broken[0]:
                yield _line("ERROR", expired(f"too old resource version: {broken[1]}").status)
                return
            if self._bookmarks and time.monotonic() - marked >= BOOKMARK_SECONDS:
                marked = time.monotonic()
                yield self._bookmark({})
            if (left := ends - time.monotonic()) <= 0:
                return
            waits = [left, *([marked + BOOKMARK_SECONDS - time.monotonic()] if self._bookmarks else [])]
            waits += [due for at in self._next(broken) if (due := clock.until(at)) is not None]
            try:
                await asyncio.wait_for(closed.wait(), max(min(waits), 0.001))
            except TimeoutError:
                continue

    def _next(self, broken: tuple[int, str] | None) -> list[int]:
        """Return the moments at which there is something to say."""
        due = [int(self._versions.due[self._position])] if self._position < len(self._versions) else []
        return due + ([broken[0]] if broken else [])

    def _there(self) -> list[bytes]:
        """Return what is there, each as if it had just come."""
        numbers = self._versions.alive(self._position, self._want.namespace)
        found = []
        for number, raw in zip(numbers, self._versions.bodies(numbers), strict=True):
            self._rv = max(self._rv, int(self._versions.rv[number]))
            if self._want.all or self._want.matches(json.loads(raw)):
                found.append(self._event("ADDED", raw))
        if self._to_end:
            found.append(self._bookmark({INITIAL_END: "true"}))
        return found

    def _between(self, begin: int, end: int) -> list[bytes]:
        """Return the events of the versions between two positions."""
        low, high = self._versions.bounds(self._want.namespace)
        key = self._versions.key[begin:end]
        numbers = begin + np.flatnonzero((key >= low) & (key < high))
        self._versions.bodies(numbers)  # each file is read once
        return [line for number in map(int, numbers) for line in self._step(number)]

    def _step(self, number: int) -> list[bytes]:
        """Return what a version means to who chose some of the objects."""
        versions = self._versions
        before, gone = int(versions.before[number]), bool(versions.gone[number])
        there = before >= 0 and not versions.gone[before]
        same = there and versions.uid[before] == versions.uid[number]
        if same and not gone and versions.rv[before] == versions.rv[number] and versions.rv[number]:
            return []  # listed again
        raw = versions.body(number)
        was = there and self._chosen(versions.body(before))
        now = not gone and self._chosen(raw)
        if there and not same and not gone:
            found = [self._event("DELETED", versions.body(before))] if was else []
            return found + ([self._event("ADDED", raw)] if now else [])
        if now:
            return [self._event("MODIFIED" if was else "ADDED", raw)]
        if was and gone:
            return [self._event("DELETED", raw)]
        return [self._event("DELETED", _renewed(versions.body(before), int(versions.rv[number])))] if was else []

    def _chosen(self, raw: bytes) -> bool:
        return self._want.all or self._want.matches(json.loads(raw))

    def _event(self, type: str, raw: bytes) -> bytes:
        if not self._want.form:
            return b'{"type":"%s","object":%s}\n' % (type.encode(), typed(raw, self._versions))
        shown = self._reader.form(
            self._want, [json.loads(raw)], self._reader.clock.now(), {}, single=True, headers=self._headers
        )
        self._headers = False
        return _line(type, shown)

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        """Return an event that only says how far it is."""
        rv = self._reader.rv(self._want, self._versions, self._position, self._reader.clock.now())
        about = {"resourceVersion": str(max(rv, self._rv)), "creationTimestamp": None}
        body: dict[str, Any] = {
            "kind": self._want.resource.kind,
            "apiVersion": self._want.resource.group_version,
            "metadata": {**about, **({"annotations": annotations} if annotations else {})},
        }
        return self._event("BOOKMARK", _encode(body))


def _line(type: str, what: dict[str, Any]) -> bytes:
    return _encode({"type": type, "object": what}) + b"\n"


def _renewed(raw: bytes, rv: int) -> bytes:
    """Return an object with another resourceVersion: that at which it was no longer among what is asked for."""
    body = json.loads(raw)
    body["metadata"]["resourceVersion"] = str(rv)
    return _encode(body)


def check_watchable(want: Wanted) -> None:
    """Refuse a watch in a form that there is only for lists."""
    if want.form == "PartialObjectMetadataList":
        what = full(want.resource.group, want.resource.plural)
        raise Refusal(406, "NotAcceptable", f"a watch of {what} has objects, no lists")


__all__ = ["Watch", "check_watchable"]

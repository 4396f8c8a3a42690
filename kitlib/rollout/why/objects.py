"""Objects as the API server gave them, read so that nothing in them can break a reader; and Events in one form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from kitlib.frames.probes import COMBINED
from kitlib.rollout.fields import at, items, labels, number, stamp, text

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of what has no stamp."""


@dataclass(eq=False)
class Object:
    """One version of one object.

    Parameters
    ----------
    kind, api_version, namespace, name, uid, version : str
        Its own; `version` is its resourceVersion.
    raw : bytes
        All of it, JSON; read when it is asked for.
    """

    kind: str
    api_version: str
    namespace: str
    name: str
    uid: str
    version: str
    raw: bytes
    _terms: dict[str, list[tuple[str, ...]]] = field(init=False, repr=False, default_factory=dict)

    @cached_property
    def body(self) -> dict[str, Any]:
        """All of it; empty if it can't be read."""
        try:
            found = msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def ref(self) -> str:
        """How kubectl names it: "pod/web-1"."""
        return f"{self.kind.lower()}/{self.name}"

    @cached_property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return labels(self.body, "metadata", "labels")

    @property
    def deleting(self) -> bool:
        """Whether its deletion has been wished for."""
        return bool(text(self.body, "metadata", "deletionTimestamp"))

    @property
    def owners(self) -> list[dict[str, Any]]:
        """Who owns it; the controller first."""
        found = items(self.body, "metadata", "ownerReferences")
        return sorted(found, key=lambda each: each.get("controller") is not True)

    @property
    def behind(self) -> bool:
        """Whether its controller hasn't seen its newest spec yet."""
        seen = at(self.body, "status", "observedGeneration")
        return isinstance(seen, int) and seen < number(self.body, "metadata", "generation")

    def at(self, *path: str) -> Any:
        """Return what lies in it under some keys."""
        return at(self.body, *path)

    def text(self, *path: str) -> str:
        """Return the text in it under some keys."""
        return text(self.body, *path)

    def number(self, *path: str, default: int = 0) -> int:
        """Return the whole number in it under some keys."""
        return number(self.body, *path, default=default)

    def items(self, *path: str) -> list[dict[str, Any]]:
        """Return the objects of the list in it under some keys."""
        return items(self.body, *path)

    def terms(self, name: str, *keys: str) -> list[tuple[str, ...]]:
        """Return the texts under some keys of each object of a list in its spec; read once."""
        if name not in self._terms:
            self._terms[name] = [tuple(text(each, key) for key in keys) for each in self.items("spec", name)]
        return self._terms[name]

    def condition(self, kind: str) -> dict[str, Any]:
        """Return its condition of a type; empty if it has none."""
        return next((each for each in self.items("status", "conditions") if each.get("type") == kind), {})


@dataclass(eq=False)
class Event:
    """An Event of v1 or of events.k8s.io/v1.

    Parameters
    ----------
    source : Object
        The Event itself.
    reason, message, about, field : str
        What it says, of the object of which uid, and of which field of it.
    kind, name : str
        That object's.
    count : int
        How many times.
    last : datetime
        When it was so last.
    """

    source: Object
    reason: str
    message: str
    about: str
    field: str
    kind: str
    name: str
    count: int
    last: datetime

    @classmethod
    def of(cls, source: Object) -> Event:
        """Read one."""
        body = source.body
        about = body.get("regarding") or body.get("involvedObject")
        stamps = (("series", "lastObservedTime"), ("lastTimestamp",), ("deprecatedLastTimestamp",), ("eventTime",))
        more = (("firstTimestamp",), ("metadata", "creationTimestamp"))
        found = [stamp(body, *path) for path in (*stamps, *more)]
        return cls(
            source,
            text(body, "reason"),
            (text(body, "message") or text(body, "note")).removeprefix(COMBINED),
            text(about, "uid"),
            text(about, "fieldPath"),
            text(about, "kind"),
            text(about, "name"),
            max(number(body, "count"), number(body, "deprecatedCount"), number(body, "series", "count"), 1),
            next((each for each in found if each), EVER),
        )


class _Reference(msgspec.Struct, gc=False):
    uid: str = ""


class _Regarding(msgspec.Struct, gc=False):
    involvedObject: _Reference | None = None  # noqa: N815 - the API's own spelling
    regarding: _Reference | None = None


_regarding = msgspec.json.Decoder(_Regarding)


def regarded(raw: bytes) -> str:
    """Return the uid of the object that an Event is about, and read no more of it; empty if it can't be read."""
    try:
        found = _regarding.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return ""
    about = found.regarding or found.involvedObject
    return about.uid if about else ""


def newest(events: Iterable[Event]) -> Event | None:
    """Return the Event that was so last."""
    return max(events, key=lambda each: (each.last, each.source.version), default=None)


__all__ = ["EVER", "Event", "Object", "newest", "regarded"]

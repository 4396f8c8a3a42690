"""The frame `endpoints`: one row for each change of what an EndpointSlice says of an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kitlib.frames.objects import ObjectMeta, identity, named, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("EndpointSlice",)
SERVICE = "kubernetes.io/service-name"


class _Target(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""


class _Conditions(msgspec.Struct, gc=False):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class _Endpoint(msgspec.Struct, gc=False):
    addresses: list[str] | None = None
    conditions: _Conditions = msgspec.field(default_factory=_Conditions)
    targetRef: _Target | None = None  # noqa: N815
    nodeName: str | None = None  # noqa: N815


class _Slice(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    endpoints: list[_Endpoint] | None = None


_slice = msgspec.json.Decoder(_Slice)
GONE = (False, False, False, False)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; the first of each address among these events, too."""
    last: dict[str, dict[tuple, tuple]] = {}
    for row in events:
        found = decode(_slice, row, left)
        if found is None:
            continue
        service = (found.metadata.labels or {}).get(SERVICE)
        known = last.setdefault(identity(row), {})
        now: dict[tuple, tuple] = {}
        for each in (found.endpoints or ()) if row.type != "DELETED" else ():
            target = each.targetRef or _Target()
            says = each.conditions
            for address in each.addresses or ():
                now[address, target.name, each.nodeName] = (True, says.ready, says.serving, says.terminating)
        for key in [*now, *(key for key in known if key not in now)]:
            value = now.get(key, GONE)
            if known.get(key) != value:
                yield (*observed(row), *named(row), service, *key, *value)
        last[identity(row)] = now

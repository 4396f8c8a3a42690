"""What the proxy remembers from one request to the next: whose turn it was, where the store stands, and what passed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

from kitlib.recording import clock
from tests.faults.proxy.fault import AHEAD, BROKEN, LASTING, READER, Fault, Seen
from tests.faults.proxy.request import Request

VERSION = re.compile(rb'"resourceVersion":"(\d+)"')


class Memory:
    """Of one proxy.

    Parameters
    ----------
    plurals : iterable of str
        The kinds that are recorded.
    faults : iterable of Fault
    """

    def __init__(self, plurals: Iterable[str], faults: Iterable[Fault]) -> None:
        self.plurals = frozenset(plurals)
        self._faults = tuple(faults)
        self.log: list[Seen] = []
        self.user = READER
        """As whom the API server is asked."""
        self.calm = False
        """Whether no more harm is done."""
        self.garbled: dict[tuple[str, int, str], str] = {}
        """In which form a line can't be read, whenever it is sent, by stream, version and type."""
        self._ahead = AHEAD if any(fault.kind == "rewind" for fault in self._faults) else 0
        self._matched: dict[tuple[int, str], int] = {}
        self._newest: list[tuple[float, int]] = []
        self._poisoned: dict[str, int] = {}

    def note(self, request: Request, what: str, value: Any = None) -> None:
        """Write down what passed."""
        self.log.append(Seen(clock.monotonic_ns(), request.number, request.stream, request.verb, what, value))

    def befall(self, request: Request) -> list[Fault]:
        """Return the faults whose turn it is at this request."""
        found = []
        for index, fault in enumerate(self._faults):
            if fault.verb != request.verb or fault.stream not in ("", request.stream):
                continue
            if fault.kind == "expire" and "continue" not in request.query:
                continue
            turn = self._matched.get((index, request.stream), 0)
            self._matched[index, request.stream] = turn + 1
            still = not self.calm or fault.kind in LASTING
            if still and fault.skip <= turn < fault.skip + fault.count:
                found.append(fault)
        return found

    @property
    def has_broken_api(self) -> bool:
        """Whether an aggregated API is broken."""
        return any(BROKEN in fault.stream for fault in self._faults)

    def stands(self, version: int) -> None:
        """Note where the store stands."""
        if not self._newest or self._newest[-1][1] < version:
            self._newest.append((time.monotonic(), version))

    def forgotten(self, version: int, seconds: float) -> bool:
        """Say whether the store stood further than at a version so many seconds ago."""
        return any(newest > version for at, newest in self._newest if at < time.monotonic() - seconds)

    def poison(self, request: Request, faults: list[Fault]) -> list[Fault]:
        """Have a watch that begins too early end by an ERROR, whenever it is opened."""
        version = request.version
        if version is None or not any(fault.kind == "poison" for fault in faults):
            return faults
        if version <= self._poisoned.setdefault(request.stream, version):
            return [*faults, Fault("error", form="poison", how="end", after=0.0)]
        return faults

    # The store's versions are shown far ahead of what they are, until it is rewound.

    def rewind(self) -> None:
        """Have the store stand where it really does."""
        self._ahead = 0
        for plural in self.plurals:
            self.log.append(Seen(clock.monotonic_ns(), 0, plural, "watch", "gone"))

    def shifted(self, data: bytes) -> bytes:
        """Return what is shown: with other versions."""
        if not self._ahead:
            return data
        return VERSION.sub(lambda found: b'"resourceVersion":"%d"' % (int(found[1]) + self._ahead), data)

    def meant(self, version: int) -> int:
        """Return the store's own version for one that was shown."""
        return version - self._ahead if version >= AHEAD else version

    def stands_behind(self, request: Request, faults: list[Fault]) -> bool:
        """Say whether a watch begins where the store isn't yet, and the server says nothing about that."""
        asked = (request.version or 0) >= AHEAD and not self._ahead
        return asked and any(fault.kind == "deaf" for fault in faults)

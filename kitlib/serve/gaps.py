"""What a recording knows of a kind at a moment, in words for who asks, where it isn't everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from kitlib.recording import Interval
from kitlib.recording.coverage import NOT_LISTED
from kitlib.serve.history import LOG, History
from kitlib.serve.resources import Resource

LIVES_FIRST = 3
"""The first format of recordings whose streams say which namespace they follow."""
MOST = 200
"""So many characters of a reason are told."""
LATE_NS = 1_000_000_000
"""A version that may have been written so long before its receipt is told of."""


class Known:
    """What a recording knows, by kind, namespace and moment.

    Parameters
    ----------
    history : History
    served : iterable of Resource
        The kinds, how they are called, and whether they live in namespaces.
    """

    def __init__(self, history: History, served: Iterable[Resource]) -> None:
        self._history = history
        self._served = {each.kind: each for each in served}
        self._whose: defaultdict[str, defaultdict[str, list[Interval]]] = defaultdict(lambda: defaultdict(list))
        self._all = [each for each in history.intervals if each.kind == "*" and not each.covered]
        for each in history.intervals:
            if each.kind != LOG:
                self._whose[each.kind][self._namespace(each.kind, each.namespace)].append(each)
        for stream in history.streams:  # also one that has covered nothing yet
            if (kind := stream.get("kind", "")) != LOG:
                self._whose[kind].setdefault(self._namespace(kind, stream.get("namespace") or ""), [])

    def _namespace(self, kind: str, namespace: str) -> str:
        if kind in self._served and not self._served[kind].namespaced:
            return ""  # a lab's stream names its namespace all the same
        lives = self._history.info.get("format", LIVES_FIRST) >= LIVES_FIRST
        return namespace or ("" if lives else str(self._history.info.get("namespace") or ""))

    def _namespaces(self, kind: str) -> dict[str, list[Interval]]:
        """Return the intervals of a kind by the namespaces that were followed; "" for all."""
        return self._whose.get(kind, {})

    @property
    def kinds(self) -> list[str]:
        """The kinds that were followed."""
        return sorted(kind for kind in self._whose if kind and kind != "*")

    def namespaces(self, kind: str) -> list[str]:
        """Return the namespaces in which a kind was followed; none where it was in all, or not at all."""
        found = self._namespaces(kind)
        return [] if "" in found else sorted(found)

    def followed(self, kind: str, namespace: str) -> bool:
        """Say whether a kind was followed in a namespace; "" for any."""
        found = self._namespaces(kind)
        return bool(found) and (not namespace or not {"", namespace}.isdisjoint(found))

    def warnings(self, kind: str, namespace: str, moment_ns: int, api_version: str = "") -> list[str]:
        """Say what of a kind may be missing or out of date at a moment; nothing where all is known."""
        found = []
        for where, intervals in self._streams(kind, namespace):
            if not _covered(intervals, moment_ns):
                found.append(self._told(kind, where, _missing(intervals, moment_ns)))
        found += [self._told(kind, "", each) for each in self._all if each.begin_ns <= moment_ns <= each.end_ns]
        only = self.namespaces(kind)
        if not namespace and only:
            found.append(f"{self.plural(kind)} were recorded in {', '.join(only)} only")
        if late := self._late(api_version, kind, moment_ns):
            found.append(late)
        return found

    def next_break(self, kind: str, namespace: str, moment_ns: int) -> tuple[int, str] | None:
        """Return when what is known of a kind breaks off or begins anew after a moment, and why; None if never."""
        found = []
        for where, intervals in self._streams(kind, namespace):
            for each in intervals:
                if not each.covered and each.begin_ns > moment_ns:
                    found.append((each.begin_ns, self._told(kind, where, each)))
                elif not each.covered and each.begin_ns <= moment_ns < each.end_ns and not each.open:
                    found.append((each.end_ns, f"{self._told(kind, where, each)}; it was listed anew after that"))
        return min(found, default=None)

    def first_rv(self, kind: str, namespace: str, moment_ns: int) -> int:
        """Return the resourceVersion from which on everything is known up to a moment: that after the last gap."""
        past = [
            each.until_rv or 0
            for _, intervals in self._streams(kind, namespace)
            for each in intervals
            if not each.covered and each.end_ns <= moment_ns
        ]
        return max(past, default=0)

    def gap(self, kind: str, namespace: str, after_ns: int, until_ns: int) -> str:
        """Say what is missing between two moments; nothing where all is known."""
        found = [
            self._told(kind, where, each)
            for where, intervals in self._streams(kind, namespace)
            for each in intervals
            if not each.covered and each.reason != NOT_LISTED and each.end_ns > after_ns and each.begin_ns <= until_ns
        ]
        return found[-1] if found else ""

    def _streams(self, kind: str, namespace: str) -> list[tuple[str, list[Interval]]]:
        """Return the intervals of each namespace that is asked for."""
        found = self._namespaces(kind)
        if namespace and namespace in found:
            return [(namespace, found[namespace])]
        if namespace:
            return [("", found[""])] if "" in found else []
        return sorted(found.items())

    def log_warnings(self, namespace: str, pod: str, container: str, moment_ns: int) -> list[str]:
        """Say where lines of a container's log may be missing, up to a moment."""
        names = (f"logs/{pod}/{container}", f"logs/{namespace}/{pod}/{container}")
        mine = [each for each in self._history.intervals if each.stream in names and not each.covered]
        return [
            f"lines of {pod}/{container} may be missing {self._when(each)}: {_plain(each.reason)}"
            for each in mine
            if each.begin_ns <= moment_ns
        ]

    def _told(self, kind: str, where: str, interval: Interval | None) -> str:
        whose = f"{self.plural(kind)} of {where}" if where else self.plural(kind)
        if interval is None:
            return f"{whose} may be missing here: the recording says nothing of this moment"
        return f"{whose} may be missing or out of date {self._when(interval)}: {_plain(interval.reason)}"

    def plural(self, kind: str) -> str:
        """Return how a kind is called where there are several."""
        return self._served[kind].plural if kind in self._served else kind

    def _when(self, interval: Interval) -> str:
        begin = _clock(self._history.wall(interval.begin_ns))
        if interval.open:
            return f"from {begin} on"
        return f"between {begin} and {_clock(self._history.wall(interval.end_ns))}"

    def _late(self, api_version: str, kind: str, moment_ns: int) -> str:
        versions = self._history.kinds.get((api_version, kind))
        if versions is None:
            return ""
        then = (versions.late >= LATE_NS) & (versions.due > moment_ns) & (versions.due - versions.late <= moment_ns)
        if not (number := int(np.count_nonzero(then))):
            return ""
        until = _clock(self._history.wall(int(versions.due[then].max())))
        what = "version that was" if number == 1 else "versions that were"
        return f"{number} {what} received up to {until} may have been written before this moment"


def _covered(intervals: list[Interval], moment_ns: int) -> bool:
    return any(each.covered and each.begin_ns <= moment_ns <= each.end_ns for each in intervals)


def _missing(intervals: list[Interval], moment_ns: int) -> Interval | None:
    inside = [each for each in intervals if not each.covered and each.begin_ns <= moment_ns <= each.end_ns]
    return inside[-1] if inside else None


def _clock(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"


def _plain(text: str) -> str:
    """Return a reason on one line that a header can hold: others may have written it."""
    said = " ".join(text.split()).encode("ascii", "replace").decode()
    return said if len(said) <= MOST else f"{said[:MOST]} ..."


__all__ = ["Known"]

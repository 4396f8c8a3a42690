"""What containers logged, as far as it was recorded, up to the moment that is shown."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from kitlib.serve.clock import Clock
from kitlib.serve.gaps import Known
from kitlib.serve.history import LOG, History
from kitlib.serve.status import Refusal, bad_request, not_found


class Logs:
    """Answers for logs of containers.

    Parameters
    ----------
    history : History
    known : Known
    clock : Clock
    """

    def __init__(self, history: History, known: Known, clock: Clock) -> None:
        self._history, self._known, self._clock = history, known, clock
        self._versions = history.versions("kitlib", LOG)

    def open(self, pod: dict[str, Any], query: Mapping[str, str]) -> Log:
        """Return the log of a run of a Pod's container.

        Parameters
        ----------
        pod : dict
            The Pod as it is now.
        query : mapping
            container, previous, follow, timestamps, tailLines, sinceSeconds, sinceTime, limitBytes.

        Raises
        ------
        Refusal
            If there is no such container, or no line of it was recorded.
        """
        meta = pod["metadata"]
        name = _container(pod, query.get("container", ""))
        run = _restarts(pod, name)
        if _true(query, "previous"):
            run -= 1
            if run < 0:
                what = f'previous terminated container "{name}" in pod "{meta["name"]}" not found'
                raise bad_request(what)
        wanted = f"{meta['uid']}/{name}/{run}"
        keys = self._versions.keys
        number = bisect_left(keys, wanted)
        if number == len(keys) or keys[number] != wanted:
            there = sorted({"/".join(key.split("/")[1:]) for key in keys if key.startswith(meta["uid"])})
            said = "no log of this Pod was" if not there else f"of this Pod those of {', '.join(there)} were"
            raise Refusal(403, "Forbidden", f"the log of container {name}, run {run}, was not recorded; {said}")
        mine = np.flatnonzero(self._versions.key == number)
        warnings = self._known.log_warnings(meta.get("namespace", ""), meta["name"], name, self._clock.now())
        return Log(self._history, self._clock, mine, query, warnings)


class Log:
    """The log of one run of a container.

    Parameters
    ----------
    history : History
    clock : Clock
    rows : array of int
        Its rows.
    query : mapping
        As of `Logs.open`.
    warnings : list of str
        Where lines may be missing.
    """

    def __init__(
        self, history: History, clock: Clock, rows: Any, query: Mapping[str, str], warnings: list[str]
    ) -> None:
        self.warnings = warnings
        self._versions, self._clock, self._rows = history.versions("kitlib", LOG), clock, rows
        self._stamps = _true(query, "timestamps")
        self._follow = _true(query, "follow")
        self._tail = int(query["tailLines"]) if query.get("tailLines") else None
        self._most = int(query["limitBytes"]) if query.get("limitBytes") else None
        now = history.wall(clock.now()) / 1e9
        self._since = now - float(query["sinceSeconds"]) if query.get("sinceSeconds") else None
        if query.get("sinceTime"):
            self._since = datetime.fromisoformat(query["sinceTime"].replace("Z", "+00:00")).timestamp()

    async def lines(self, closed: asyncio.Event) -> AsyncIterator[bytes]:
        """Yield its lines up to now; where it is followed, those that come, too."""
        place, first = 0, True
        while not closed.is_set():
            now = self._clock.now()
            known = int(np.searchsorted(self._versions.due[self._rows], now, "right"))
            found = [line for row in self._rows[place:known] for line in self._of(int(row))]
            if first and self._tail is not None:
                found = found[-self._tail :] if self._tail else []
            place, first = known, False
            if found:
                text = b"".join(self._shown(line) for line in found)
                yield text if self._most is None else text[: self._most]
            if not self._follow or self._most is not None or place == len(self._rows):
                return
            due = self._clock.until(int(self._versions.due[self._rows[place]]))
            if due is None:
                return
            try:
                await asyncio.wait_for(closed.wait(), max(due, 0.001))
            except TimeoutError:
                continue

    def _of(self, row: int) -> list[str]:
        lines = [str(line) for line in json.loads(self._versions.body(row)).get("lines", [])]
        return lines if self._since is None else [line for line in lines if _written(line) >= self._since]

    def _shown(self, line: str) -> bytes:
        return f"{line if self._stamps else line.partition(' ')[2]}\n".encode()


def _true(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in ("true", "1")


def _container(pod: dict[str, Any], asked: str) -> str:
    """Return which container is meant."""
    spec = pod.get("spec") or {}
    own = [each["name"] for each in spec.get("containers") or []]
    every = own + [each["name"] for key in ("initContainers", "ephemeralContainers") for each in spec.get(key) or []]
    name = pod["metadata"]["name"]
    if asked and asked not in every:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if not asked and len(own) != 1:
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(own)}]")
    if not own:
        raise not_found("", "pods", name)
    return asked or own[0]


def _restarts(pod: dict[str, Any], container: str) -> int:
    status = pod.get("status") or {}
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return next((each.get("restartCount") or 0 for each in told if each["name"] == container), 0)


def _written(line: str) -> float:
    """Return when a line was written, seconds since 1970."""
    stamp, _, _ = line.partition(" ")
    seconds, _, rest = stamp.rstrip("Z").partition(".")
    whole = datetime.fromisoformat(f"{seconds}+00:00").timestamp()
    return whole + float(f"0.{rest or 0}")


__all__ = ["Log", "Logs"]

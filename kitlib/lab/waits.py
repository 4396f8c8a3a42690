"""The words by which a lab waits for what its recorder sees, and looks at what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.errors import WaitTimeout
from kitlib.lab.display import show_wait
from kitlib.lab.keeping import Keeps, kept
from kitlib.lab.nodes import PATIENCE
from kitlib.progress import duration
from kitlib.recording import Recording
from kitlib.watch import Recorder


class Waits:
    """What waits for something in a lab; `Lab` has all of it.

    Attributes
    ----------
    connection : Connection
    namespace : str
    recording : Recording
    recorder : Recorder
    """

    connection: Connection
    namespace: str
    recording: Recording
    recorder: Recorder
    base: Path
    _keeper: Keeps
    _quiet = False
    _deleted: dict[str, str | None]

    @kept
    def wait(self, ref: str, *, namespace: str | None = None, timeout: float = PATIENCE, **goal: Any) -> None:
        """Wait for an object, and say how long it took; goals as of `kitlib.objects.wait`.

        Parameters
        ----------
        ref : str
            "deployment/web".
        namespace : str, optional
            Another one than the lab's own.
        timeout : float
            Seconds.
        **goal
            `rolled_out=True`, `settled=True`, `deleted=True`, `condition="Available"` …

        Raises
        ------
        WaitTimeout
            When the time is over; it says why.
        """
        where = namespace or self.namespace
        needed = [objects.find(self.connection, ref)[0].plural, *["pods"] * (where != self.namespace)]
        recorder = self.recorder if all(self.recorder.follows(each, where) for each in needed) else None
        known = goal.get("deleted") and where == self.namespace
        uid = self._deleted.get(ref) if known else None  # another may have its name by now
        seconds = objects.wait(self.connection, ref, where, **{"uid": uid, **goal}, timeout=timeout, recorder=recorder)
        words = next(
            (str(goal.get("what") or (value if isinstance(value, str) else key)) for key, value in goal.items())
        )
        text = f"{ref}: {words.replace('_', ' ')} after {duration(seconds)}"
        if not self._quiet:
            show_wait(text)

    @kept
    def wait_ready(self, label: str, count: int, without: Iterable[str] = (), timeout: float = PATIENCE) -> None:
        """Wait until so many Pods with a label, and no others, are there and Ready; those that are ending don't count.

        Parameters
        ----------
        label : str
            "app=web".
        count : int
            How many.
        without : iterable of str
            The uids of Pods that must not be among them.
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If it isn't so in time.
        """
        key, _, value = label.partition("=")
        old, began, standing = set(without), time.monotonic(), ""

        def so() -> bool:
            nonlocal standing
            mine = [pod for pod in self._here("pods") if pod["metadata"].get("labels", {}).get(key) == value]
            mine = [pod for pod in mine if "deletionTimestamp" not in pod["metadata"]]
            ready = [pod["metadata"]["uid"] for pod in mine if objects.has_condition(pod, "Ready")]
            standing = f"{len(ready)} of {len(mine)} Pods are Ready"
            return len(ready) == len(mine) == count and not old & set(ready)

        if not self.recorder.wait_for(so, timeout):
            raise WaitTimeout(
                f"not {count} Ready within {duration(timeout)}: {standing}",
                step="wait for Pods",
                object=label,
                next=f"kubectl describe pods --selector {label}",
            )
        text = f"{label}: {count} Ready after {duration(time.monotonic() - began)}"
        if not self._quiet:
            show_wait(text)

    @kept
    def until(self, predicate: Callable[[], Any], what: str, timeout: float = PATIENCE) -> None:
        """Wait until something is so, asked at every change that is recorded.

        Parameters
        ----------
        predicate : callable
            True when it is so.
        what : str
            The same in words, for the time-out's message.
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If it isn't so in time.
        """
        deadline = time.monotonic() + timeout
        seen = len(self.recording)
        while not predicate():  # without the recording's lock: a frame takes its time, and rows come meanwhile
            left = deadline - time.monotonic()
            if left <= 0 or not self.recorder.wait_for(partial(self._more_than, seen), left):
                raise WaitTimeout(
                    f"not so within {duration(timeout)}",
                    step="wait for",
                    object=what,
                    next="%kubectl shows what is there instead",
                )
            seen = len(self.recording)

    def _more_than(self, seen: int) -> bool:
        return len(self.recording) > seen

    @kept
    def owned(self, plural: str, owner: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now and are owned by one of this name, as far as recorded."""
        return [
            item
            for item in self._here(plural)
            if any(reference["name"] == owner for reference in item["metadata"].get("ownerReferences") or ())
        ]

    def _here(self, plural: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now in a namespace, the lab's own if None, or in none."""
        where = (namespace or self.namespace, "", None)
        return [item for item in self.recorder.latest(plural) if item["metadata"].get("namespace") in where]

    def _begun(self, pod: str, container: str | None, namespace: str) -> bool:
        """Say whether a container runs or has run; each of them if none is named."""
        found = next((each for each in self._here("pods", namespace) if each["metadata"]["name"] == pod), {})
        status = found.get("status", {})
        told = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        mine = [each for each in told if container in (None, each["name"])]
        return bool(mine) and all(each["restartCount"] or "waiting" not in each["state"] for each in mine)

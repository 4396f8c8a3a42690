"""A `Recorder`: several kinds at once into one Recording, each followed by a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kitlib.api import Connection, Resource
from kitlib.api.answers import NEVER
from kitlib.errors import ClusterError, KitlibError, RecordingError, WaitTimeout
from kitlib.recording import Meta, Recording, clock, store
from kitlib.recording.recording import FLUSH_SECONDS
from kitlib.watch import changes
from kitlib.watch.reflector import PARTIAL, Reflector
from kitlib.watch.timeouts import Timeouts

KINDS = ("pods", "replicasets", "deployments", "events")
"""What is recorded unless the caller names kinds."""


LAST_LOOK = 2.0
"""Seconds that the server may take to say, at the end, whether a stream has everything: Ctrl-C waits for it."""
IN_FLIGHT = 1.0
"""Seconds in which what it says then must have come."""


class Recorder:
    """Record several kinds until stopped: a thread and a watch for each.

    Use it in a `with` statement, or call `start` and `stop`.

    Parameters
    ----------
    connection : Connection
        Whose API server is watched; get, list and watch suffice.
    kinds : iterable of str
        Names as kubectl takes them ("pods", "deploy"); "kube-node-lease/leases" for those of another namespace. The
        same kind of several namespaces, and kinds of one plural, are kept apart.
    recording : Recording, optional
        Where rows go; one in memory if None.
    namespace : str, optional
        Only this one; all if None.
    timeouts : Timeouts, optional
        How long to wait for what.
    patience : Timeouts, optional
        The name that `timeouts` had before.

    Attributes
    ----------
    recording : Recording
    """

    def __init__(
        self,
        connection: Connection,
        kinds: Iterable[str] = KINDS,
        recording: Recording | None = None,
        namespace: str | None = None,
        timeouts: Timeouts | None = None,
        *,
        patience: Timeouts | None = None,
    ) -> None:
        self.connection = connection
        self.recording = Recording() if recording is None else recording
        self.namespace = namespace
        self._stopping = threading.Event()
        self._reflectors: dict[str, Reflector] = {}
        self._timeouts = timeouts or patience or Timeouts()
        for kind in kinds:
            elsewhere, _, name = kind.rpartition("/")
            self._add(connection.discover(name), elsewhere or namespace, self._timeouts)
        self._threads: list[threading.Thread] = []
        self._error: Exception | None = None

    def _add(self, resource: Resource, namespace: str | None, timeouts: Timeouts) -> None:
        """Follow one kind, once; its stream is named by its plural, and by more where that isn't enough."""
        for name in _names(resource, namespace):
            other = self._reflectors.get(name)
            if other is None:
                changed = self.recording.changed.notify_all
                args = self.connection, resource, self.recording, namespace, timeouts, self._stopping, changed
                self._reflectors[name] = Reflector(*args, stream=name)
                return
            if other.path == resource.path(namespace):
                return

    def _of(self, plural: str) -> list[Reflector]:
        """Return those that follow a kind, by its plural or by the name of one stream."""
        if (one := self._reflectors.get(plural)) is not None and one.resource.plural != plural:
            return [one]
        return [each for each in self._reflectors.values() if each.resource.plural == plural]

    def start(self, timeout: float = 30) -> Recorder:
        """Begin, and return when each kind has been listed once, or is refused.

        Parameters
        ----------
        timeout : float
            Seconds without a page of a list; a page that the server has been asked for may take the timeouts'
            `list_seconds`.

        Raises
        ------
        ClusterError
            If the API server doesn't answer in time.
        """
        jobs: list[tuple[str, Callable[[], None]]] = [
            (f"watch {name}", partial(self._run, each)) for name, each in self._reflectors.items()
        ]
        if self.recording.path is not None:
            jobs.append(("flush", self._flush_now_and_then))
        for name, target in jobs:
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        missing = self._missing
        received = -1
        while missing() and not self._error:
            now = sum(each.received for each in self._reflectors.values())
            if now == received and not any(each.asking_ns for each in missing()):
                break
            received = now  # a list that goes on, or is asked for, is waited for
            self.wait_for(lambda: not missing(), timeout)
        if self._error is not None:
            raise self._error
        if waiting := missing():
            self.stop()
            names = ", ".join(sorted(each.stream for each in waiting))
            why = next((each.last_error for each in waiting if each.last_error), "")
            raise ClusterError(
                f"no list of {names} within {timeout:.0f} s" + (f": {why}" if why else ""),
                step="record",
                object=self.connection.server,
                next="`kitlib status` shows whether the API server answers",
            )
        return self

    def follow(self, kind: str) -> None:
        """Record one kind more from now on, such as one that has been defined since; it is named as in `kinds`.

        Raises
        ------
        UsageError
            If the server serves no such kind.
        """
        elsewhere, _, name = kind.rpartition("/")
        resource = self.connection.discover(name)
        with self.recording.changed:
            before = list(self._reflectors.values())
            self._add(resource, elsewhere or self.namespace, self._timeouts)
            added = [each for each in self._reflectors.values() if each not in before]
        for each in added:
            thread = threading.Thread(target=partial(self._run, each), name=f"watch {each.stream}", daemon=True)
            thread.start()
            self._threads.append(thread)
        self.wait_for(lambda: all(each.listed or each.error for each in added), self._timeouts.list_seconds)

    def _missing(self) -> list[Reflector]:
        return [each for each in self._reflectors.values() if not (each.listed or each.error)]

    def stop(self) -> None:
        """End the watches, say up to where each is complete, and write what is not on disk yet.

        Raises
        ------
        RecordingError
            If the recording can't be written.
        """
        ended_ns = clock.monotonic_ns()
        self._prove(ended_ns)
        self._stopping.set()
        self.recording.due.set()
        with self.recording.changed:
            self.recording.changed.notify_all()
        for reflector in self._reflectors.values():
            reflector.close()
        for thread in self._threads:
            thread.join(timeout=10)
        if self._threads and self._error is None:
            for reflector in self._reflectors.values():
                reflector.end(ended_ns)
        self._threads = []
        self.recording.flush()

    def _prove(self, at_ns: int) -> None:
        """Ask the server whether each stream has everything: a watch may be dead, or behind, and nobody knows yet."""
        if self._error is not None or self._stopping.is_set():
            return
        whole = [each for each in self._reflectors.values() if each.is_whole()]
        shown: list[tuple[Reflector, dict[str, Any]]] = []
        for place, reflector in enumerate(whole):
            try:
                listed = self.connection.get(reflector.path, accept=PARTIAL, retry=NEVER, timeout=LAST_LOOK)
            except KitlibError as error:  # nobody answers, or not now: then nothing is proven
                for each in whole[place:]:
                    each.unproven(f"the server could not be asked at its end: {error}")
                break
            shown.append((reflector, listed))
        self.wait_for(lambda: all(_is_level(*each) for each in shown), IN_FLIGHT)
        with self.recording.changed:
            for reflector, listed in shown:
                if _is_level(reflector, listed):
                    reflector.proven(at_ns)
                else:
                    reflector.unproven("at its end the server had more than had come")

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def stopped(self) -> bool:
        """Whether it has been told to stop."""
        return self._stopping.is_set()

    def counts(self) -> dict[str, int]:
        """Return what there is: `rows` (versions of objects), `objects` that are alive now, `gaps`."""
        with self.recording.changed:
            alive = sum(len(each.latest) for each in self._reflectors.values())
            gaps = sum(each.gaps for each in self._reflectors.values())
        return {"rows": len(self.recording) - self.recording.marked, "objects": alive, "gaps": gaps}

    def lag(self) -> float:
        """Return for how many seconds a watch has been missing; 0 while there are all."""
        return max((each.lag() for each in self._reflectors.values()), default=0.0)

    @property
    def problems(self) -> dict[str, str]:
        """Kinds that can't be recorded now (forbidden, not served), with the reason; they are tried again."""
        return {name: each.error for name, each in self._reflectors.items() if each.error}

    @property
    def plurals(self) -> frozenset[str]:
        """The kinds that are recorded, by their plural names."""
        return frozenset(each.resource.plural for each in self._reflectors.values())

    def follows(self, plural: str, namespace: str | None) -> bool:
        """Say whether a kind is recorded as far as it lives in a namespace; of a kind that lives in none, at all."""
        paths = ((each.path, each.resource) for each in self._of(plural))
        return any(path in (resource.path(namespace), resource.path(None)) for path, resource in paths)

    def latest(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now, as far as recorded, decoded."""
        with self.recording.changed:
            rows = [row for each in self._of(plural) for row in each.latest.values()]
        return [json.loads(row.object) for row in rows]

    def wait_for(self, predicate: Callable[[], Any], timeout: float) -> Any:
        """Evaluate `predicate` at every row that comes, until it is true or the time is over.

        Returns
        -------
        object
            The predicate's last value; false if the time was over.

        Raises
        ------
        RecordingError
            If the recording can't be written any more.
        """
        deadline = time.monotonic() + timeout
        changed = self.recording.changed
        with changed:
            while not (value := predicate()):
                if self._error is not None:
                    raise self._error
                left = deadline - time.monotonic()
                if left <= 0 or self._stopping.is_set():
                    return value
                changed.wait(left)
            return value

    def catch_up(self, timeout: float = 15) -> None:
        """Return when all that the server holds now has been recorded.

        Raises
        ------
        WaitTimeout
            If that is not so in time; it names the kinds that lag.
        """
        deadline = time.monotonic() + timeout
        for name, reflector in self._reflectors.items():
            if reflector.error:
                continue
            left = max(deadline - time.monotonic(), 1)
            listed = self.connection.get(reflector.path, accept=PARTIAL, timeout=left)
            if not self.wait_for(partial(_is_level, reflector, listed), deadline - time.monotonic()):
                raise WaitTimeout(
                    f"the watch of {name} lags behind the server",
                    step="catch up",
                    object=self.connection.server,
                    next="the recording goes on; look at its gaps before you trust its end",
                )
        now = clock.monotonic_ns()
        for reflector in self._reflectors.values():
            reflector.proven(now)

    def seen(self, plural: str, uid: str, version: str) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        with self.recording.changed:
            return any(each.has(uid, int(version)) for each in self._of(plural))

    def listed(self, plural: str) -> bool:
        """Say whether a kind has been listed: then what isn't known of it wasn't there."""
        with self.recording.changed:
            found = self._of(plural)
            return bool(found) and all(each.listed for each in found)

    def _run(self, reflector: Reflector) -> None:
        try:
            reflector.run()
        except Exception as error:  # whatever it is must not end a watch unnoticed
            self._fail(error)

    def _flush_now_and_then(self) -> None:
        often = FLUSH_SECONDS / 3  # the rest is for the writing itself, on a machine with much to do
        due = time.monotonic() + often
        store.warm_up()
        while not self._stopping.is_set():
            self.recording.due.wait(max(due - time.monotonic(), 0))
            due = time.monotonic() + often
            try:
                self.recording.flush()
            except RecordingError as error:
                self._fail(error)
                return

    def _fail(self, error: Exception) -> None:
        self._error = error
        with self.recording.changed:
            self.recording.changed.notify_all()


def snapshot(
    connection: Connection, kinds: Iterable[str] = KINDS, namespace: str | None = None, timeout: float = 60
) -> Recording:
    """List some kinds once, and return a recording in memory of what is there: `snapshot(…).frames.pods`.

    Parameters
    ----------
    connection : Connection
        Whose API server is asked.
    kinds : iterable of str
        Names as kubectl takes them.
    namespace : str, optional
        Only this one; all if None.
    timeout : float
        Seconds that a page of a list may take.

    Raises
    ------
    ServerError
        If a kind is forbidden or not served.
    ClusterError
        If the API server does not answer.
    """
    recording = Recording()
    listed = recording.info["listed"] = []
    for kind in kinds:
        resource = connection.discover(kind)
        stopping = threading.Event()
        one = Reflector(connection, resource, recording, namespace, Timeouts(), stopping, lambda: None)
        _, items, _ = one.pages(timeout)
        at = clock.now()
        for change in map(changes.item, items):
            one.take_listed(change, at)
        listed.append((resource.plural, resource.kind, resource.group_version, at[1]))
    return recording


def _names(resource: Resource, namespace: str | None) -> list[str]:
    """Return the names that a stream may have, the shortest first."""
    group, _, _ = resource.group_version.rpartition("/")
    long = f"{resource.plural}.{group}" if group else resource.plural
    return [resource.plural, long, f"{namespace or '*'}/{resource.plural}", f"{namespace or '*'}/{long}"]


def _is_level(reflector: Reflector, listed: dict[str, Any]) -> bool:
    """Say whether all that a list shows was recorded, or left out with a word, and what it doesn't show has gone."""
    versions = {_identity(item["metadata"]): int(item["metadata"]["resourceVersion"]) for item in listed["items"] or ()}
    now = int(listed["metadata"]["resourceVersion"])
    left = reflector.latest.items()
    if any(identity not in versions and int(row.resourceVersion) <= now for identity, row in left):
        return False
    come = reflector.version or 0
    return all(version <= come or reflector.has(identity, version) for identity, version in versions.items())


def _identity(metadata: dict[str, Any]) -> str:
    name, namespace, uid = (metadata.get(key) or "" for key in ("name", "namespace", "uid"))
    return Meta(name, namespace, uid).identity


__all__ = ["KINDS", "Recorder", "snapshot"]

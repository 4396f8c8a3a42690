"""A `Recorder`: several kinds at once into one Recording, each followed by a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kitlib.api.transport import Connection
from kitlib.errors import ClusterError, RecordingError, WaitTimeout
from kitlib.recording import Recording, store
from kitlib.recording.recording import FLUSH_SECONDS
from kitlib.watch.reflector import PARTIAL, Follower, Patience

KINDS = ("pods", "replicasets", "deployments", "events")
"""What is recorded unless the caller names kinds."""


class Recorder:
    """Record several kinds until stopped: a thread and a watch for each.

    Use it in a `with` statement, or call `start` and `stop`.

    Parameters
    ----------
    connection : Connection
        Whose API server is watched; get, list and watch suffice.
    kinds : iterable of str
        Names as kubectl takes them ("pods", "deploy"); "kube-node-lease/leases" for those of another namespace.
    recording : Recording, optional
        Where rows go; one in memory if None.
    namespace : str, optional
        Only this one; all if None.
    patience : Patience, optional
        How long to wait for what.

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
        patience: Patience | None = None,
    ) -> None:
        self.connection = connection
        self.recording = Recording() if recording is None else recording
        self.namespace = namespace
        self._stopping = threading.Event()
        self._followers: dict[str, Follower] = {}
        for kind in kinds:
            elsewhere, _, name = kind.rpartition("/")
            resource = connection.discover(name)
            self._followers[resource.plural] = Follower(
                connection,
                resource,
                self.recording,
                elsewhere or namespace,
                patience or Patience(),
                self._stopping,
                self.recording.changed.notify_all,
            )
        self._threads: list[threading.Thread] = []
        self._error: Exception | None = None

    def start(self, timeout: float = 30) -> Recorder:
        """Begin, and return when each kind has been listed once.

        Raises
        ------
        ClusterError
            If the API server doesn't answer in time.
        """
        jobs: list[tuple[str, Callable[[], None]]] = [
            (f"watch {plural}", partial(self._run, follower)) for plural, follower in self._followers.items()
        ]
        if self.recording.path is not None:
            jobs.append(("flush", self._flush_now_and_then))
        for name, target in jobs:
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        followers = self._followers.values()
        if not self.wait_for(lambda: all(each.listed or each.problem for each in followers), timeout):
            missing = sorted(plural for plural, each in self._followers.items() if not each.listed)
            why = next((each.trouble for each in followers if each.trouble), "")
            self.stop()
            raise ClusterError(
                f"no list of {', '.join(missing)} within {timeout:.0f} s" + (f": {why}" if why else ""),
                step="record",
                object=self.connection.server,
                next="`kitlib status` shows whether the API server answers",
            )
        return self

    def stop(self) -> None:
        """End the watches, say up to where each is complete, and write what is not on disk yet.

        Raises
        ------
        RecordingError
            If the recording can't be written.
        """
        self._stopping.set()
        self.recording.due.set()
        with self.recording.changed:
            self.recording.changed.notify_all()
        for follower in self._followers.values():
            follower.close()
        for thread in self._threads:
            thread.join(timeout=10)
        self.recording.flush()

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def counts(self) -> dict[str, int]:
        """Return the number of rows, of objects alive now, and of gaps."""
        with self.recording.changed:
            alive = sum(len(each.latest) for each in self._followers.values())
            gaps = sum(each.gaps for each in self._followers.values())
        return {"rows": len(self.recording), "objects": alive, "gaps": gaps}

    def lag(self) -> float:
        """Return for how many seconds a watch has been missing; 0 while there are all."""
        return max((each.lag() for each in self._followers.values()), default=0.0)

    @property
    def problems(self) -> dict[str, str]:
        """Kinds that can't be recorded now (forbidden, not served), with the reason; they are tried again."""
        return {plural: each.problem for plural, each in self._followers.items() if each.problem}

    @property
    def plurals(self) -> frozenset[str]:
        """The kinds that are recorded, by their plural names."""
        return frozenset(self._followers)

    def latest(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now, as far as recorded, decoded."""
        with self.recording.changed:
            rows = list(self._followers[plural].latest.values())
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
        for plural, follower in self._followers.items():
            if follower.problem:
                continue
            listed = self.connection.get(follower.path, accept=PARTIAL)
            level = partial(self._level, follower, listed)
            if not self.wait_for(level, deadline - time.monotonic()):
                raise WaitTimeout(
                    f"the watch of {plural} lags behind the server",
                    step="catch up",
                    object=self.connection.server,
                    next="the recording goes on; look at its gaps before you trust its end",
                )

    def seen(self, plural: str, uid: str, version: str) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        with self.recording.changed:
            return self._followers[plural].has(uid, int(version))

    def _level(self, follower: Follower, listed: dict[str, Any]) -> bool:
        """Say whether all that a list shows has been recorded, and what it no longer shows has gone."""
        versions = {item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"]) for item in listed["items"] or ()}
        now = int(listed["metadata"]["resourceVersion"])
        left = follower.latest.items()
        if any(uid not in versions and int(row.resourceVersion) <= now for uid, row in left):
            return False
        return all(follower.has(uid, version) for uid, version in versions.items())

    def _run(self, follower: Follower) -> None:
        try:
            follower.run()
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
    for kind in kinds:
        resource = connection.discover(kind)
        follower = Follower(connection, resource, recording, namespace, Patience(), threading.Event(), lambda: None)
        follower.list_now(timeout)
    return recording


__all__ = ["KINDS", "Recorder", "snapshot"]

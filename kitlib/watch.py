"""List, then watch, several kinds at once into a Recording; what may be missing is said by a gap row."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from kitlib.connection import Connection, Resource, Stream
from kitlib.errors import ClusterError, RecordingError, ServerError, WaitTimeout
from kitlib.recording import Recording, WatchEvent

KINDS = ("pods", "replicasets", "deployments", "events")
"""What is recorded unless the caller names kinds."""
PAGE = 500
FLUSH_SECONDS = 2.0
WATCH_SECONDS = 240
SILENT_SECONDS = 90
"""A watch that is silent for longer, when bookmarks come every minute, is opened anew where it was: nothing is lost."""
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class _ListMeta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - the API's own spelling
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_list = msgspec.json.Decoder(_List)
_line = msgspec.json.Decoder(_Line)


class Recorder:
    """Record several kinds until stopped: a thread and a watch for each.

    Use it in a `with` statement, or call `start` and `stop`.

    Parameters
    ----------
    connection : Connection
        Whose API server is watched; get, list and watch suffice.
    kinds : iterable of str
        Names as kubectl takes them ("pods", "deploy").
    recording : Recording, optional
        Where rows go; one in memory if None.
    namespace : str, optional
        Only this one; all if None.

    Attributes
    ----------
    recording : Recording
    problems : dict of str to str
        Kinds that can't be recorded (forbidden, not served), with the reason.
    """

    def __init__(
        self,
        connection: Connection,
        kinds: Iterable[str] = KINDS,
        recording: Recording | None = None,
        namespace: str | None = None,
    ) -> None:
        self.connection = connection
        self.recording = Recording() if recording is None else recording
        self.namespace = namespace
        self.problems: dict[str, str] = {}
        self._resources = [connection.discover(kind) for kind in kinds]
        self._latest: dict[str, dict[str, WatchEvent]] = {item.plural: {} for item in self._resources}
        self._gone: set[str] = set()
        self._listed: set[str] = set()
        self._gaps = 0
        self._stopping = threading.Event()
        self._streams: dict[str, Stream] = {}
        self._threads: list[threading.Thread] = []
        self._error: Exception | None = None

    def start(self, timeout: float = 30) -> Recorder:
        """Begin, and return when each kind has been listed once.

        Raises
        ------
        ClusterError
            If the API server doesn't answer in time.
        """
        jobs: list[tuple[str, Callable[..., None], tuple]] = [
            (f"watch {item.plural}", self._follow, (item,)) for item in self._resources
        ]
        if self.recording.path is not None:
            jobs.append(("flush", self._flush_now_and_then, ()))
        for name, target, args in jobs:
            thread = threading.Thread(target=target, args=args, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        wanted = {item.plural for item in self._resources}
        if not self._until(lambda: wanted <= self._listed | set(self.problems), timeout):
            missing = ", ".join(sorted(wanted - self._listed - set(self.problems)))
            self.stop()
            raise ClusterError(
                f"no list of {missing} within {timeout:.0f} s",
                step="record",
                object=self.connection.server,
                next="`kitlib status` shows whether the API server answers",
            )
        return self

    def stop(self) -> None:
        """End the watches, and write what is not on disk yet."""
        self._stopping.set()
        with self.recording.changed:
            self.recording.changed.notify_all()
        for stream in list(self._streams.values()):
            stream.close()
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
            alive = sum(len(objects) for objects in self._latest.values())
        return {"rows": len(self.recording), "objects": alive, "gaps": self._gaps}

    @property
    def plurals(self) -> frozenset[str]:
        """The kinds that are recorded, by their plural names."""
        return frozenset(self._latest)

    def latest(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now, as far as recorded, decoded."""
        with self.recording.changed:
            rows = list(self._latest[plural].values())
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
        return self._until(predicate, timeout)

    def catch_up(self, timeout: float = 15) -> None:
        """Return when all that the server holds now has been recorded.

        Raises
        ------
        WaitTimeout
            If that is not so in time; it names the kinds that lag.
        """
        deadline = time.monotonic() + timeout
        for item in self._resources:
            if item.plural in self.problems:
                continue
            listed = self.connection.get(item.path(self.namespace), accept=PARTIAL)
            level = partial(self._level, item.plural, listed)
            if not self._until(level, deadline - time.monotonic()):
                raise WaitTimeout(
                    f"the watch of {item.plural} lags behind the server",
                    step="catch up",
                    object=self.connection.server,
                    next="the recording goes on; look at its gaps before you trust its end",
                )

    def seen(self, plural: str, uid: str, version: str) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        with self.recording.changed:
            return self._seen(plural, uid, version)

    def _level(self, plural: str, listed: dict[str, Any]) -> bool:
        """Say whether all that a list shows has been recorded, and what it no longer shows has gone."""
        versions = {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in listed["items"] or ()}
        now = int(listed["metadata"]["resourceVersion"])
        left = self._latest[plural].items()
        if any(uid not in versions and int(row.resourceVersion) <= now for uid, row in left):
            return False
        return all(self._seen(plural, uid, version) for uid, version in versions.items())

    def _seen(self, plural: str, uid: str, version: str) -> bool:
        row = self._latest[plural].get(uid)
        if row is not None:
            return int(row.resourceVersion) >= int(version)
        return uid in self._gone

    def _until(self, predicate: Callable[[], Any], timeout: float) -> Any:
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

    def _follow(self, item: Resource) -> None:
        failures = 0
        version: str | None = None
        since = time.monotonic_ns()
        reason = ""
        while not self._stopping.is_set():
            try:
                if version is None:
                    version = self._list(item, since, reason)
                    with self.recording.changed:
                        self._listed.add(item.plural)
                        self.recording.changed.notify_all()
                for reached in self._watch(item, version):
                    version = reached
                    since = time.monotonic_ns()
                    failures = 0
            except ServerError as error:
                code = error.status.get("code")
                if code in (403, 404, 405):
                    with self.recording.changed:
                        self.problems[item.plural] = error.message
                        self.recording.changed.notify_all()
                    return
                if code == 410:
                    version = None
                    reason = "410: the server has forgotten the history" if item.plural in self._listed else ""
                failures += 1
            except (ClusterError, ConnectionError, msgspec.DecodeError):  # no answer, cut, or cut within a line
                failures += 1
            except Exception as error:  # whatever else it is must not end a watch unnoticed
                self._fail(error)
                return
            if failures:
                self._stopping.wait(min(0.1 * 2**failures, 10) * random.uniform(0.5, 1))

    def _list(self, item: Resource, since: int, reason: str) -> str:
        """List in pages; at a relist write the gap first, then what has changed behind it."""
        known = dict(self._latest[item.plural])
        again = bool(reason)
        query: dict[str, Any] = {"limit": PAGE}
        found: list[bytes] = []
        while True:
            page = _list.decode(self.connection.request("GET", item.path(self.namespace), query))
            found += map(bytes, page.items or ())
            if not page.metadata.continue_:
                break
            query = {"limit": PAGE, "continue": page.metadata.continue_}
        if again:
            self._gaps += 1
            bounds = {"after_ns": since, "until_ns": time.monotonic_ns()}
            self.recording.mark("GAP", item.kind, stream=item.plural, kind=item.kind, **bounds, reason=reason)
        origin = "relist" if again else "list"
        seen = {self._keep(item, raw, "ADDED", origin, known).uid for raw in found}
        for uid, row in known.items():
            if uid not in seen:
                self._keep(item, row.object, "DELETED", "relist")
        return page.metadata.resourceVersion

    def _watch(self, item: Resource, version: str) -> Iterable[str]:
        query = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": WATCH_SECONDS}
        stream = self.connection.stream(item.path(self.namespace), query, read_timeout=SILENT_SECONDS)
        self._streams[item.plural] = stream
        if self._stopping.is_set():
            stream.close()
        for line in stream:
            change = _line.decode(line)
            if change.type == "ERROR":
                status = json.loads(bytes(change.object))
                raise ServerError(status.get("message", "watch failed"), step="watch", status=status)
            if change.type == "BOOKMARK":
                yield json.loads(bytes(change.object))["metadata"]["resourceVersion"]
            else:
                yield self._keep(item, bytes(change.object), change.type, "watch").resourceVersion

    def _keep(
        self, item: Resource, raw: bytes, type: str, origin: str, known: dict[str, WatchEvent] | None = None
    ) -> WatchEvent:
        with self.recording.changed:
            if known:
                meta = json.loads(raw)["metadata"]
                row = known.get(meta["uid"])
                if row is not None and row.resourceVersion == meta["resourceVersion"]:
                    return row
            row = self.recording.add(
                raw, kind=item.kind, api_version=item.group_version, type=type, origin=origin, stream=item.plural
            )
            if type == "DELETED":
                self._latest[item.plural].pop(row.uid, None)
                self._gone.add(row.uid)
            else:
                self._latest[item.plural][row.uid] = row
            self.recording.changed.notify_all()
            return row

    def _flush_now_and_then(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            try:
                self.recording.flush()
            except RecordingError as error:
                self._fail(error)
                return

    def _fail(self, error: Exception) -> None:
        self._error = error
        with self.recording.changed:
            self.recording.changed.notify_all()


__all__ = ["KINDS", "Recorder"]

"""One kind's watch: list, watch from there, and go on after whatever comes between, honest about what may be missing.

How it tells what it can't have missed:

* A watch goes on from the last resourceVersion that came, by an object or a bookmark: nothing lies between.
* The server ends each watch after `watch_seconds`, because it is asked to. So a watch that is silent for longer is
  dead, on every version of Kubernetes, also for a quiet kind and where no bookmarks are sent.
* A server that sends no bookmarks leaves a quiet kind at an old resourceVersion, which etcd forgets in the end. So the
  store's own resourceVersion is asked for before such a watch begins; when the server itself ends that watch at its
  time (the last chunk of the answer has come) and nothing came by it, nothing had been written before it began.
* Only when the server says 410, that it has forgotten the history, is something possibly missing. Then a list shows
  what is there now (`relist`), and a gap says between which resourceVersions changes may be missing.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from kitlib.api.transport import Connection, Resource, Stream
from kitlib.errors import ClusterError, ServerError
from kitlib.recording import Meta, Recording, WatchEvent, head

PAGE = 500
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
REMEMBERED = 10_000
"""So many deleted objects are remembered, to know a deletion that comes twice."""
SOONER = 2.0
"""Seconds until a kind that was recorded is tried again: a server that has just started forbids everything at first."""
REFUSED = (403, 404, 405)
"""Codes that say: not for you, or not here. Others pass."""


@dataclass(frozen=True)
class Patience:
    """How long a follower waits for what.

    Parameters
    ----------
    watch_seconds : int
        After so long the server ends a watch, and it is opened anew where it was.
    silent_seconds : float
        A watch that is silent for longer is dead; above watch_seconds.
    backoff : tuple of float
        Seconds before the second try, and at most; doubled each time, with jitter.
    refused_seconds : float
        How often a kind that is forbidden or not served is tried again; one that was recorded before, sooner.
    """

    watch_seconds: int = 55
    silent_seconds: float = 75
    backoff: tuple[float, float] = (0.1, 10)
    refused_seconds: float = 30


class _ListMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""  # noqa: N815 - the API's own spelling
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


_list = msgspec.json.Decoder(_List)
_line = msgspec.json.Decoder(_Line)
_envelope = re.compile(rb'\{"type":"([A-Z]+)","object":(?=\{)')
"""How Kubernetes begins a line; the object is what follows, but for the last brace."""


class Follower:
    """Record one kind until stopped.

    Parameters
    ----------
    connection : Connection
        Whose API server is watched.
    resource : Resource
        The kind.
    recording : Recording
        Where rows go.
    namespace : str or None
        Only this one; all if None.
    patience : Patience
        How long to wait for what.
    stopping : threading.Event
        Ends it.
    told : callable
        Called (with the lock of the recording held) when `listed` or `problem` has changed.

    Attributes
    ----------
    latest : dict of str to WatchEvent
        The last version of each object that exists, by uid.
    version : int or None
        The resourceVersion up to which everything was recorded.
    listed : bool
        Whether there has been a list.
    problem : str
        Why it can't be recorded now (forbidden, not served); empty while it can.
    trouble : str
        What the last try met, if it failed.
    gaps : int
        How many gaps there were.
    """

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        recording: Recording,
        namespace: str | None,
        patience: Patience,
        stopping: threading.Event,
        told: Callable[[], None],
    ) -> None:
        self.connection = connection
        self.resource = resource
        self.recording = recording
        self.path = resource.path(namespace)
        self.patience = patience
        self.latest: dict[str, WatchEvent] = {}
        self.version: int | None = None
        self.listed = False
        self.problem = ""
        self.trouble = ""
        self.gaps = 0
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._stopping = stopping
        self._told = told
        self._stream: Stream | None = None
        self._known_ns = time.monotonic_ns()  # when it was last known to have everything
        self._down_ns: int | None = self._known_ns  # since when there is no watch
        self._forgotten = ""  # why it must list again
        self._open = False  # a gap without an end is recorded
        self._bookmarks = False  # the last watch brought one
        self._came = False  # something came since the last failure

    def run(self) -> None:
        """Follow until stopped.

        Raises
        ------
        RecordingError
            If the recording takes no more.
        """
        failures = 0  # in a row, without anything that came between
        while not self._stopping.is_set():
            wait: float | None = None
            self._came = False
            try:
                if self.version is None or self._forgotten:
                    self.list_now()
                self._watch()
                failures = 0 if self._came else failures + 1
            except ServerError as error:
                failures = 1 if self._came else failures + 1
                self._met(error.message)
                wait = self._refused(error, failures)
            except (ClusterError, ConnectionError, msgspec.MsgspecError) as error:  # no answer, cut, cut within a line
                failures = 1 if self._came else failures + 1
                self._met(str(error))
                if failures % 3 == 0:
                    self._renew()
            except ValueError as error:
                failures += 1
                self._has_problem(f"its resourceVersions are no numbers: {error}")
                wait = self.patience.refused_seconds
            if failures and not self._stopping.is_set():
                first, most = self.patience.backoff
                self._stopping.wait(wait or min(first * 2 ** min(failures - 1, 30), most) * random.uniform(0.5, 1))
        if self.listed:
            self._end()

    def close(self) -> None:
        """End a watch that is open; `stopping` must be set."""
        if self._stream is not None:
            self._stream.close()

    def has(self, uid: str, version: int) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        row = self.latest.get(uid)
        return int(row.resourceVersion) >= version if row is not None else uid in self._gone

    def lag(self) -> float:
        """Seconds since there was a watch; 0 while there is one."""
        down = self._down_ns
        return 0.0 if down is None else (time.monotonic_ns() - down) / 1e9

    def _refused(self, error: ServerError, failures: int) -> float | None:
        """Do what the server's answer asks for; return how long to wait, if it says so."""
        code = error.status.get("code")
        if code == 410:
            if self.version is not None:
                self._forgotten = "410: the server has forgotten the history"
            return None if failures > 1 else 0.001
        if code == 401:
            self._renew()
        if code in REFUSED:
            self._has_problem(error.message)
            if self.listed and not self._open:
                self._gap(None, None, f"{code}: {error.message}")
            return min(self.patience.refused_seconds, SOONER) if self.listed else self.patience.refused_seconds
        return error.retry_after

    def _renew(self) -> None:
        try:
            self.connection.renew()
        except ClusterError:  # half-written, or gone for a moment: the next try reads it again
            pass

    def _met(self, trouble: str) -> None:
        with self.recording.changed:
            self.trouble = trouble
            self._told()

    def _has_problem(self, problem: str) -> None:
        with self.recording.changed:
            self.problem = problem
            self._told()

    def list_now(self, timeout: float = 30) -> None:
        """List in pages, at one resourceVersion; after a gap say first what it was, then record what has changed.

        Raises
        ------
        ServerError
            If the server refuses.
        ClusterError
            If it does not answer within `timeout` seconds.
        """
        query: dict[str, object] = {"limit": PAGE}
        found: list[bytes] = []
        while True:
            page = _list.decode(self.connection.request("GET", self.path, query, timeout=timeout))
            found += map(bytes, page.items or ())
            if not page.metadata.continue_:
                break
            query = {"limit": PAGE, "continue": page.metadata.continue_}
        version = int(page.metadata.resourceVersion)
        at = time.time_ns(), time.monotonic_ns()
        with self.recording.changed:
            if self.listed and version != self.version:
                self._gap(at[1], version, self._forgotten)
            origin = "relist" if self.listed else "list"
            listed: set[str] = set()
            for raw in found:
                meta = head(raw)
                listed.add(meta.uid)
                row = self.latest.get(meta.uid)
                if row is None or row.resourceVersion != meta.resourceVersion:
                    self._add(raw, meta, "ADDED" if row is None else "MODIFIED", origin, at)
            for uid in [uid for uid in self.latest if uid not in listed]:
                raw = self.latest[uid].object
                self._add(raw, head(raw), "DELETED", "relist", at)
            self.listed = True
            self._forgotten = ""
            self._came = True
            self._reached(version, at[1])
            self._told()

    def _watch(self) -> None:
        """Watch until the server ends it."""
        store = self._store_version()
        query = {
            "resourceVersion": self.version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": self.patience.watch_seconds,
        }
        began = time.monotonic()
        with self.connection.stream(self.path, query, read_timeout=self.patience.silent_seconds) as stream:
            self._stream = stream
            self._down_ns = None
            self._bookmarks = False
            quiet = True
            try:
                for lines in () if self._stopping.is_set() else stream.chunks():
                    at = time.time_ns(), time.monotonic_ns()
                    quiet = False
                    self.recording.await_room(self._stopping.is_set)
                    with self.recording.changed:
                        try:
                            for line in lines:
                                self._take(line, at)
                        finally:
                            self.recording.changed.notify_all()
                    self._came = True
            finally:
                if not self._stopping.is_set():
                    self._down_ns = time.monotonic_ns()
        # A server that has more to send than is read in time ends the watch all the same, and leaves the rest.
        if stream.complete and quiet and time.monotonic() - began >= self.patience.watch_seconds:
            self._came = True
            with self.recording.changed:
                self._reached(max(store or 0, self.version or 0), time.monotonic_ns())

    def _store_version(self) -> int | None:
        """Ask for the resourceVersion of the store as it is now, by a list of one object; None if it isn't needed."""
        age = (time.monotonic_ns() - self._known_ns) / 1e9
        if self._bookmarks or age < self.patience.watch_seconds / 2:
            return None
        try:
            listed = self.connection.request("GET", self.path, {"limit": 1}, accept=PARTIAL)
        except ServerError as error:
            if error.status.get("code") != 410:
                raise
            return None  # it says nothing about the history that a watch from here needs
        return int(_list.decode(listed).metadata.resourceVersion)

    def _take(self, line: bytes, at: tuple[int, int]) -> None:
        """Record what a line of a watch says, unless it came before."""
        begin = _envelope.match(line)
        if begin and line.endswith(b"}"):
            type, raw = begin[1].decode(), line[begin.end() : -1]
        else:  # written in another way
            change = _line.decode(line)
            type, raw = change.type, bytes(change.object)
        if type == "ERROR":
            status = json.loads(raw)
            raise ServerError(status.get("message", "watch failed"), step="watch", status=status)
        meta = head(raw)
        version = int(meta.resourceVersion)
        if type == "BOOKMARK":
            self._bookmarks = True
        elif not self._came_before(meta.uid, version, type):
            self._add(raw, meta, type, "watch", at)
        self._reached(max(version, self.version or 0), at[1])

    def _came_before(self, uid: str, version: int, type: str) -> bool:
        row = self.latest.get(uid)
        if row is None:
            return version <= self._gone.get(uid, -1)
        known = int(row.resourceVersion)
        return version < known or (version == known and type != "DELETED")

    def _add(self, raw: bytes, meta: Meta, type: str, origin: str, at: tuple[int, int]) -> None:
        row = self.recording.add(
            raw,
            kind=self.resource.kind,
            api_version=self.resource.group_version,
            type=type,
            origin=origin,
            stream=self.resource.plural,
            meta=meta,
            at=at,
        )
        if type == "DELETED":
            self.latest.pop(row.uid, None)
            self._gone[row.uid] = int(row.resourceVersion)
            if len(self._gone) > REMEMBERED:
                self._gone.popitem(last=False)
        else:
            self.latest[row.uid] = row

    def _reached(self, version: int, at_ns: int) -> None:
        """Note that everything up to a resourceVersion has been recorded."""
        if self._open:  # it went on where it was: nothing is missing after all
            self._gap(at_ns, version if self.version is None else self.version, "")
        self.version = version
        self._known_ns = at_ns
        self.trouble = ""
        if self.problem:
            self.problem = ""
            self._told()

    def _end(self) -> None:
        """Record up to where it has everything; what was written later isn't promised."""
        if self._down_ns is not None and not self._open:
            self._gap(None, None, "the recording ended while there was no watch")
        self._mark("END", known_ns=self._known_ns, rv=str(self.version))

    def _gap(self, until_ns: int | None, until_rv: int | None, reason: str) -> None:
        """Record that changes between two resourceVersions may be missing; without an end, that it goes on."""
        was_open, self._open = self._open, until_ns is None
        if self._open or not was_open:
            self.gaps += 1
        elif until_rv == self.version:
            self.gaps -= 1
        self._mark(
            "GAP",
            after_ns=self._known_ns,
            until_ns=until_ns,
            after_rv=None if self.version is None else str(self.version),
            until_rv=None if until_rv is None else str(until_rv),
            reason=reason,
        )

    def _mark(self, type: str, **what: object) -> None:
        kind = self.resource.kind
        self.recording.mark(type, kind, stream=self.resource.plural, kind=kind, **what)


__all__ = ["Follower", "Patience"]

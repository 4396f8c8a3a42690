"""One kind's watch: list, watch from there, and go on after whatever comes between, honest about what may be missing.

How it tells what it can't have missed:

* A watch goes on from the last resourceVersion that came, by an object or a bookmark: nothing lies between.
* The server ends each watch after `watch_seconds`, because it is asked to. So a watch that is silent for longer is
  dead, on every version of Kubernetes, also for a quiet kind and where no bookmarks are sent.
* Before a watch goes on, the store is asked where it stands. If it stands behind what was seen, it was put back to an
  older state: a gap, and a list. If it stands ahead, the server has ended this watch at its time (the last chunk of the
  answer has come) and nothing came by it, nothing had been written up to there: so a quiet kind keeps up with the store
  also where no bookmarks are sent, and etcd doesn't forget its version.
* Only when the history is not there to go on from is something possibly missing: the server says 410, that it has
  forgotten it, or 504, that it is behind. Then a list shows what is there now (`relist`), and a gap says between which
  resourceVersions changes may be missing.
* What comes by a watch that was opened after a break, and is no newer than the store was at its begin, was written
  during the break: its row says how long before its receipt that may have been (`late_ns`). Of what is newer the stamps
  in an object tell whether it was held up on its way.

Its life is written into the recording; see `kitlib.recording.coverage`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from kitlib.api.answers import Backoff
from kitlib.api.transport import Connection, Resource, Stream
from kitlib.errors import ClusterError, RecordingError, ServerError
from kitlib.recording import Recording, clock
from kitlib.watch import changes, lateness
from kitlib.watch.changes import Change
from kitlib.watch.life import Life
from kitlib.watch.timeouts import Timeouts

PAGE = 500
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
SOONER = 2.0
"""Seconds until a kind that was recorded is tried again: a server that has just started forbids everything at first."""
REFUSED = (403, 404, 405)
"""Codes that say: not for you, or not here. Others pass."""
STUCK = 3
"""A watch that ends by an error so often, without anything that came, can't go on from where it is."""


class Reflector(Life):
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
    timeouts : Timeouts
        How long to wait for what.
    stopping : threading.Event
        Ends it.
    on_change : callable
        Called (with the lock of the recording held) when `listed`, `error` or `received` has changed.
    stream : str, optional
        Its name in the recording; the kind's plural if left out.

    Attributes
    ----------
    listed : bool
        Whether there has been a list.
    asking_ns : int or None
        Since when the server has been asked for a page of a list; None while it isn't.
    received : int
        Objects of the list that is being taken.
    """

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        recording: Recording,
        namespace: str | None,
        timeouts: Timeouts,
        stopping: threading.Event,
        on_change: Callable[[], None],
        stream: str = "",
    ) -> None:
        super().__init__(resource, recording, namespace, on_change, stream or resource.plural)
        self.connection = connection
        self.path = resource.path(namespace)
        self.timeouts = timeouts
        self.asking_ns: int | None = None
        self.received = 0
        self._stopping = stopping
        self._open_stream: Stream | None = None
        self._forgotten = ""  # why it must list again
        self._just_listed = False  # nothing has been watched since
        self._came = False  # something came since the last failure
        self._failures = 0  # in a row, without anything that came between

    def run(self) -> None:
        """Follow until stopped; whatever ends it is written into the recording.

        Raises
        ------
        RecordingError
            If the recording takes no more.
        """
        try:
            self.begin()
            while not self._stopping.is_set():
                wait = self._once()
                if self._failures and not self._stopping.is_set():
                    self._stopping.wait(wait or Backoff(*self.timeouts.backoff).pause(self._failures))
        except BaseException as error:
            self.last_error = f"{type(error).__name__}: {error}"
            self._mark("DIED", error=self.last_error)
            raise
        finally:
            self.recording.live.pop(self.stream, None)

    def close(self) -> None:
        """End a watch that is open; `stopping` must be set."""
        if self._open_stream is not None:
            self._open_stream.close()

    def unproven(self, reason: str) -> None:
        """Note that it may not have everything now, at its end: what it brought shows up to when it has."""
        with self.recording.changed:
            came = [row.object for row in self.latest.values()]
            self._end_early(lateness.written_up_to(came, self.connection, clock.now()), reason)

    # One try.

    def _once(self) -> float | None:
        """List if need be, and watch until that ends; return how long to wait before the next try, if that is said."""
        self._came = False
        try:
            if self.history.version is None or self._forgotten:
                self.list_now()
            self._watch()
            self._failures = 0 if self._came else self._failures + 1
            return None
        except RecordingError:
            raise
        except ServerError as error:
            self._failures = 1 if self._came else self._failures + 1
            self._met(error.message)
            return self._refused(error)
        except ValueError as error:
            if isinstance(error, msgspec.MsgspecError):
                self._failures = 1 if self._came else self._failures + 1
                self._met(f"the answer can't be read: {error}")
                return None
            self._failures += 1
            self._cant(f"its resourceVersions are no numbers: {error}")
            return self.timeouts.refused_seconds
        except (ClusterError, ConnectionError) as error:  # no answer, or cut
            self._failures = 1 if self._came else self._failures + 1
            self._met(str(error))
            if self._failures % 3 == 0:
                self._renew()
            return None
        except Exception as error:  # unforeseen: it is a failure like others, and must not end a watch unnoticed
            self._failures = 1 if self._came else self._failures + 1
            self._met(f"{type(error).__name__}: {error}")
            return None

    def _refused(self, error: ServerError) -> float | None:
        """Do what the server's answer asks for; return how long to wait, if it says so."""
        code, status = error.status.get("code"), error.status
        if why := _not_there(status, error.message):
            if self.history.version is not None:
                self._forgotten = why
            return None if self._failures > 1 else 0.001
        if error.step == "watch" and code not in (*REFUSED, 401, 429, 500, 503) and self._failures >= STUCK:
            self._forgotten = f"the watch ends by an error each time: {error.message}"
        if code == 401:
            self._renew()
        if code in REFUSED:
            self._cant(error.message, code)
            return min(self.timeouts.refused_seconds, SOONER) if self.listed else self.timeouts.refused_seconds
        return error.retry_after

    def _renew(self) -> None:
        try:
            self.connection.renew()
        except ClusterError:  # half-written, or gone for a moment: the next try reads it again
            pass

    # The list.

    def list_now(self, timeout: float | None = None) -> None:
        """List in pages, at one resourceVersion; after a gap say first what it was, then record what has changed.

        Parameters
        ----------
        timeout : float, optional
            Seconds that the server may take for a page; by default the timeouts' `list_seconds`.

        Raises
        ------
        ServerError
            If the server refuses.
        ClusterError
            If it does not answer within `timeout` seconds.
        """
        seconds = timeout or self.timeouts.list_seconds
        asked_ns = clock.monotonic_ns()
        version, items, moments = self.pages(seconds)
        at = clock.now()
        listed: dict[str, Change] = {}
        unreadable = []
        for raw in items:
            change = changes.item(raw)
            if change.type == "UNREADABLE":
                unreadable.append(change)
            else:
                listed[change.meta.identity] = change
        with self.recording.changed:
            first, since = not self.listed, self._known_ns
            if not first and version != self.history.version:
                self._gap(at[1], version, self._forgotten)
            late = 0 if first else max(at[1] - self._known_ns, 0)
            for type, raw, meta in self.history.compared(listed):
                self._add(raw, meta, type, "list" if first else "relist", at, late)
            self.listed = True
            self._shown_ns = at[1]
            self._forgotten = ""
            self._came = self._just_listed = True
            self._mark("LISTED", known_ns=at[1], rv=str(version), objects=len(listed))
            self._reached(version, at[1], known_ns=asked_ns, force=True)
            for change in unreadable:
                self._left_out_of_list(change, at[1], since)
            if moments > 1:
                why = f"the list was taken at {moments} moments: its history was forgotten in between"
                self._point(since, at[1], why)
            self._on_change()

    def pages(self, seconds: float) -> tuple[int, list[bytes], int]:
        """Return a list's resourceVersion, its items, and of how many moments it is; each page may take so long."""
        query: dict[str, object] = {"limit": PAGE}
        items: list[bytes] = []
        moments = 1
        whole = False
        self.received = 0
        while True:
            try:
                page = changes.page(self._page(query, seconds))
            except ServerError as error:
                if error.status.get("code") != 410 or "continue" not in query:
                    raise
                if not whole:  # one page then, of one moment
                    query, items, whole = {}, [], True
                    continue
                on = (error.status.get("metadata") or {}).get("continue")
                if not on:
                    raise
                query = {"limit": PAGE, "continue": on}
                moments += 1
                continue
            items += page.items
            with self.recording.changed:
                self.received = len(items)
                self._on_change()
            if not page.next:
                return page.version, items, moments
            query = {"limit": PAGE, "continue": page.next}

    def _page(self, query: dict[str, object], seconds: float) -> bytes:
        self.asking_ns = clock.monotonic_ns()
        try:
            return self.connection.request("GET", self.path, query, timeout=seconds)
        finally:
            self.asking_ns = None

    # The watch.

    def _watch(self) -> None:
        """Watch until the server ends it."""
        asked_ns = clock.monotonic_ns()
        store, behind = self._store_version()
        if behind:
            self._forgotten = behind
            return
        version = self.history.version
        query = {
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": self.timeouts.watch_seconds,
        }
        began = time.monotonic()
        judge = lateness.Judge(self._known_ns, store, asked_ns, self.connection)
        self._just_listed = False
        with self.connection.stream(self.path, query, read_timeout=self.timeouts.silent_seconds) as stream:
            self._open_stream = stream
            self._down_ns = None
            quiet = True
            pending: list[bytes] = []
            try:
                for batch in () if self._stopping.is_set() else stream.chunks():
                    at = clock.now()
                    judge.batch(at[1])
                    quiet = False
                    self.recording.await_room(self._stopping.is_set)
                    with self.recording.changed:
                        try:
                            for change in changes.lines(batch, pending):
                                self._take(change, at, judge)
                            if store is not None and (self.history.version or 0) >= store:
                                self._known_ns = max(self._known_ns, asked_ns)
                        finally:
                            self.recording.changed.notify_all()
                    self._came = True
                with self.recording.changed:
                    for change in changes.leftover(pending):
                        self._left_out(change, clock.monotonic_ns())
            finally:
                if not self._stopping.is_set():
                    self._down_ns = clock.monotonic_ns()
        # A server that has more to send than is read in time ends the watch all the same, and leaves the rest.
        if stream.complete and quiet and time.monotonic() - began >= self.timeouts.watch_seconds:
            self._came = True
            with self.recording.changed:
                self._reached(max(store or 0, version or 0), clock.monotonic_ns(), force=True)

    def _store_version(self) -> tuple[int | None, str]:
        """Ask where the store stands, by a list of one object; return that, and why it can't be gone on from there.

        It isn't asked where a list has just shown it.
        """
        if self._just_listed:
            return None, ""
        try:
            listed = self.connection.request("GET", self.path, {"limit": 1}, accept=PARTIAL)
        except ServerError as error:
            if error.status.get("code") != 410:
                raise
            return None, ""  # it says nothing about the history that a watch from here needs
        version = changes.page(listed).version
        if self.history.version is not None and version < self.history.version:
            return version, (
                f"the store stands at {version}, behind {self.history.version}: it was put back to an older state"
            )
        return version, ""

    def _take(self, change: Change, at: tuple[int, int], judge: lateness.Judge) -> None:
        """Record a change, unless it came before."""
        late_ns = judge.late_ns(change, at)
        if change.type == "UNREADABLE":
            self._left_out(change, at[1])
            return
        if change.type != "BOOKMARK" and self.history.is_new(change):
            self._add(change.raw, change.meta, change.type, "watch", at, late_ns)
        # What is late, or may be, says nothing of what was written after it.
        known_ns = self._known_ns if judge.untold else max(self._known_ns, at[1] - late_ns)
        self._reached(max(change.version, self.history.version or 0), at[1], known_ns=known_ns)


def _not_there(status: dict, message: str) -> str:
    """Say why a history can't be gone on from; empty if the answer doesn't say so."""
    code, reason = status.get("code"), status.get("reason")
    causes = {cause.get("reason") for cause in (status.get("details") or {}).get("causes") or ()}
    if code == 410 or reason in ("Expired", "Gone"):
        return "410: the server has forgotten the history"
    if "ResourceVersionTooLarge" in causes or "too large resource version" in message.lower():
        return f"the server stands behind what was seen: {message}"
    return ""


__all__ = ["Reflector"]

"""What containers log, taken into a recording as it comes: a thread for each run of a container that is followed."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from kitlib.api import Connection, Stream
from kitlib.api.answers import ASKED, passes
from kitlib.errors import KitlibError, ServerError, UsageError, WaitTimeout
from kitlib.recording import Recording, clock
from kitlib.recording.redaction import REDACTED, TOKEN

RECENT = 5_000
"""So many of the newest lines are known by heart, to tell whether the log's end has come."""
PATIENCE = 240.0
"""Seconds until a wait for lines that names no deadline gives up: as a lab's."""
ATTEMPTS = 8
"""How often a log is opened anew when its connection breaks: at once, after a second, after two, and so on."""
UNREACHABLE = 30.0
"""Seconds that the stream of a Pod that can't be asked any more has for its end: it has gone, or its node has."""
LAST_WORD = 5.0
"""Seconds that what had been logged has to come when a log is followed no longer."""
LONG = 60
"""A connection that lasted so many seconds before it broke was a good one."""
CUT = "it was cut off"
"""What went wrong with a connection that doesn't say."""
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(Z|[+-]\d\d:\d\d)( |$)")
"""How the kubelet begins each line of a log; what has none isn't the container's, but the kubelet's own trouble."""


class LogFollower:
    """Follow the log of one run of a container, up to its end.

    What it logged before is read, too. Each batch of lines becomes a row of the recording, of the kind "Log"; the
    frames `logs`, `traffic` and `probes` are made of them. A line that holds a token is left out.

    Where the connection breaks, the log is asked for anew from the last line that came. Whether that is still the same
    log, and goes on where it was, is told by the Pod's status (its container may have been restarted) and by that line
    (the file may have been rotated): a gap says where lines may be missing, and where its end can't be reached.

    Parameters
    ----------
    connection : Connection
        Reading suffices.
    recording : Recording
        Where rows go.
    namespace, pod : str
    container : str, optional
        Which; needed where the Pod has several.
    previous : bool
        The run before the last restart, which has ended.

    Raises
    ------
    UsageError
        If the container isn't named and there are several.
    ServerError
        If there is no such Pod, or its container hasn't begun.
    """

    def __init__(
        self,
        connection: Connection,
        recording: Recording,
        namespace: str,
        pod: str,
        container: str | None = None,
        previous: bool = False,
    ) -> None:
        self.pod = pod
        self._connection, self._recording, self._namespace = connection, recording, namespace
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        found = ASKED.run(lambda: connection.get(path))
        names = [each["name"] for each in found["spec"]["containers"]]
        if container is None and len(names) > 1:
            raise UsageError(
                "it has several containers",
                step="record logs",
                object=pod,
                next=f"name one of {', '.join(names)}",
            )
        self.container = container or names[0]
        self.run = _restarts(found, self.container) - previous
        self._uid = f"{found['metadata']['uid']}/{self.container}/{self.run}"
        self._pod_path, self._path = path, f"{path}/log"
        self._query = {"container": self.container, "timestamps": "true", "previous": "true" if previous else None}
        elsewhere = (recording.info.get("namespace") or namespace) != namespace
        self._source = "/".join(["logs", *[namespace] * elsewhere, pod, self.container])
        self._count, self._known_ns = 0, clock.monotonic_ns()
        self._last = ""  # the last line that was recorded, with its stamp
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._counted: dict[str, int] = {}  # how many lines hold a text that was asked for
        self._closed = threading.Event()
        self._stream: Stream = ASKED.run(self._open)
        self._mark("STREAM", api_version="kitlib", namespace=namespace)
        self._mark("LISTED", known_ns=self._known_ns)
        recording.live[self._source] = clock.monotonic_ns
        self._thread = threading.Thread(target=self._follow, name=f"log of {pod}/{self.container}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the log has come to its end, and all of it is recorded."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Follow it no longer; what had been logged by then is waited for, if it can be asked for."""
        with suppress(KitlibError):  # who can't be asked has a gap from the last line on
            self.catch_up(timeout=LAST_WORD)
        self._closed.set()
        self._stream.close()
        self._thread.join(timeout=5)

    def wait_for(self, text: str, times: int = 1, timeout: float = PATIENCE) -> None:
        """Wait until so many lines hold a text; those that were logged before count, too.

        Parameters
        ----------
        text : str
            '"probe":"liveness"'.
        times : int
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If they don't come in time.
        """
        self._await(lambda: self.ended or self.count(text) >= times, timeout)
        if (found := self.count(text)) < times:
            raise WaitTimeout(
                f"{found} of {times} lines hold {text!r}" + (", and its log has ended" if self.ended else ""),
                step="wait for a log",
                object=f"{self.pod}/{self.container}",
                next=f"kubectl logs {self.pod} --container {self.container}",
            )

    def count(self, text: str) -> int:
        """Return how many lines up to now hold a text, of all that it has logged."""
        with self._recording.changed:
            if text not in self._counted:
                self._counted[text] = sum(text in line for line in self._all())
            return self._counted[text]

    def _all(self) -> Iterable[str]:
        """Return all lines up to now: the recording has those that are no longer known by heart."""
        if self._count <= len(self._recent):
            return self._recent
        rows = (row for row in self._recording.rows.of("Log") if row.uid == self._uid)
        return [line for row in rows if row.stream == self._source for line in json.loads(row.object)["lines"]]

    def last(self, count: int) -> list[str]:
        """Return the last lines up to now, or those that there are."""
        with self._recording.changed:
            return [*self._recent][-count:]

    def catch_up(self, timeout: float = 30) -> None:
        """Return when all that has been logged by now is recorded, which the recording then says.

        Raises
        ------
        WaitTimeout
            If it hasn't in time.
        """
        if self.ended:  # all of it is recorded, or a gap says why not
            return
        asked_ns = clock.monotonic_ns()
        try:
            last = self._connection.request("GET", self._path, {**self._query, "tailLines": "1"}, accept="*/*")
        except KitlibError:  # the Pod has gone: the stream has the rest, and its end
            self._thread.join(min(timeout, UNREACHABLE))
            return
        lines = last.decode(errors="replace").splitlines()
        if lines and not self._await(lambda: self.ended or _safe(lines[-1]) in self._recent, timeout):
            raise WaitTimeout(
                f"its log lags by more than {timeout:.0f} s",
                step="catch up",
                object=f"{self.pod}/{self.container}",
                next="the machine has too much to do; try again later",
            )
        with self._recording.changed:
            if not self.ended and asked_ns > self._known_ns:  # a silent connection is none that is dead
                self._known_ns = asked_ns
                self._mark("ALIVE", known_ns=asked_ns)

    def _await(self, done: Callable[[], bool], timeout: float) -> bool:
        """Return whether something is so in time; asked at each row, and twice a second: a log's end makes none."""
        deadline = time.monotonic() + timeout
        with self._recording.changed:
            while not done():
                if (left := deadline - time.monotonic()) <= 0:
                    return False
                self._recording.changed.wait(min(left, 0.5))
        return True

    def _open(self) -> Stream:
        query = {**self._query, "follow": "true"}
        if self._last:
            query["sinceTime"] = self._last[:19] + "Z"  # a whole second; what is known of it is passed over
        return self._connection.stream(self._path, query, accept="*/*", watch=False)

    def _follow(self) -> None:
        error = "its thread ended"
        try:
            error = self._to_its_end()
        except Exception as met:  # whatever it is must not end a log unnoticed
            error = f"{type(met).__name__}: {met}"
        finally:
            with self._recording.changed:  # whoever looks sees it alive, or its end
                self._recording.live.pop(self._source, None)
                if error:
                    self._gap(None, error)
                now = clock.monotonic_ns()
                self._mark("END", known_ns=now, end_ns=now, final=not self._closed.is_set())

    def _to_its_end(self) -> str:
        """Read to the log's end; return what went wrong if that can't be reached."""
        error, failures = self._read(), 0
        while error and failures < ATTEMPTS and not self._closed.wait(failures):
            failures += 1
            try:
                if lost := self._another_run():
                    return f"{error}; then {lost}"
                self._stream = self._open()
            except KitlibError as met:
                if isinstance(met, ServerError) and not passes(met):  # the Pod has gone
                    return f"{error}; then {met}"
                error = str(met)  # nobody answers, or not now: somebody may soon
                pause = met.retry_after if isinstance(met, ServerError) else None
                if pause and self._closed.wait(pause):
                    break
                continue
            if not self._last:
                why = "it was cut off before its first line came, and what had been logged may be gone since"
                self._gap(clock.monotonic_ns(), why)
            begun = time.monotonic()
            error = self._read()
            if time.monotonic() - begun > LONG:
                failures = 0
        return error

    def _another_run(self) -> str:
        """See whether the container was restarted meanwhile, and ask for the run before then; say if that is lost."""
        restarts = _restarts(self._connection.get(self._pod_path), self.container)
        if restarts > self.run + 1:
            return f"its container was restarted {restarts - self.run} times: nobody keeps this run's log"
        self._query["previous"] = "true" if restarts == self.run + 1 else None
        return ""

    def _read(self) -> str:
        """Record what is new; return what went wrong before the log's end, if anything did."""
        known = self._last  # passed over until it comes, or something newer does
        try:
            for batch in self._stream.chunks():
                fresh: list[str] = []
                for raw in batch:
                    line = raw.decode(errors="replace")
                    if not STAMP.match(line):
                        self._add(fresh)
                        return f"the kubelet says: {line[:300]}"
                    if known and line == known:
                        known = ""
                    elif known and _stamp(line) > _stamp(known):
                        self._gap(clock.monotonic_ns(), "it was opened anew, and begins later than it had been read")
                        known = ""
                        fresh.append(line)
                    elif not known:
                        fresh.append(line)
                self._add(fresh)
        except ConnectionError as error:
            return str(error) or CUT
        return "" if self._stream.complete else CUT

    def _add(self, found: list[str]) -> None:
        if not found:
            return
        lines = [_safe(line) for line in found]
        what = {
            "apiVersion": "kitlib",
            "kind": "Log",
            "metadata": {"name": self.pod, "namespace": self._namespace, "uid": self._uid},
            "container": self.container,
            "run": self.run,
            "begin": self._count,
            "lines": lines,
        }
        with self._recording.changed:
            self._recording.add(
                json.dumps(what).encode(),
                kind="Log",
                api_version="kitlib",
                type="MODIFIED" if self._count else "ADDED",
                origin="log",
                stream=self._source,
            )
            self._count += len(lines)
            self._last = found[-1]
            self._known_ns = clock.monotonic_ns()
            self._recent.extend(lines)
            for text in self._counted:
                self._counted[text] += sum(text in line for line in lines)
            self._recording.changed.notify_all()

    def _gap(self, until_ns: int | None, reason: str) -> None:
        what = {"after_ns": self._known_ns, "until_ns": until_ns, "after_rv": None, "until_rv": None}
        self._mark("GAP", **what, reason=reason)

    def _mark(self, type: str, **what: object) -> None:
        self._recording.mark(type, self.pod, self._source, kind="Log", **what)


def _restarts(pod: dict[str, Any], container: str) -> int:
    status = pod.get("status") or {}
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return next((each.get("restartCount") or 0 for each in told if each["name"] == container), 0)


def _stamp(line: str) -> str:
    """Return a line's stamp so that stamps can be compared: seconds, then nine digits."""
    stamp = line.partition(" ")[0].rstrip("Z")
    seconds, _, rest = stamp.partition(".")
    return f"{seconds}.{rest[:9]:0<9}"


def _safe(line: str) -> str:
    stamp, _, text = line.partition(" ")
    return f"{stamp} {REDACTED}" if TOKEN.search(text) else line


__all__ = ["LogFollower"]

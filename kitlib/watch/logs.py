"""What containers log, taken into a recording as it comes: a thread for each run of a container that is followed."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable

from kitlib.api.transport import Connection, Stream
from kitlib.errors import ClusterError, KitlibError, UsageError, WaitTimeout
from kitlib.recording import Recording
from kitlib.recording.redaction import REDACTED, TOKEN

RECENT = 5_000
"""So many of the newest lines are known by heart, to tell whether the log's end has come."""
ATTEMPTS = 8
"""How often a log is opened anew when its connection breaks: at once, after a second, after two, and so on."""
LONG = 60
"""A connection that lasted so many seconds before it broke was a good one."""
CUT = "it was cut off"
"""What went wrong with a connection that doesn't say."""


class LogFollower:
    """Follow the log of one run of a container, up to its end.

    What it logged before is read, too. Each batch of lines becomes a row of the recording, of the kind "Log"; the
    frames `logs`, `traffic` and `probes` are made of them. A line that holds a token is left out. Where the log's end
    can't be reached, because the connection broke and the Pod has gone meanwhile, a gap says so.

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
        found = connection.get(path)
        names = [each["name"] for each in found["spec"]["containers"]]
        if container is None and len(names) > 1:
            raise UsageError(
                "it has several containers",
                step="record logs",
                object=pod,
                next=f"name one of {', '.join(names)}",
            )
        self.container = container or names[0]
        status = found["status"]
        told = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        restarts = next((each["restartCount"] for each in told if each["name"] == self.container), 0)
        self.run = restarts - previous
        self._uid = f"{found['metadata']['uid']}/{self.container}/{self.run}"
        self._path = f"{path}/log"
        self._query = {"container": self.container, "timestamps": "true", "previous": "true" if previous else None}
        self._source = f"logs/{pod}/{self.container}"
        self._count, self._known_ns = 0, time.monotonic_ns()
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._closed = threading.Event()
        self._stream: Stream = self._open()
        self._thread = threading.Thread(target=self._follow, name=f"log of {pod}/{self.container}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the log has come to its end, and all of it is recorded."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Follow it no longer."""
        self._closed.set()
        self._stream.close()
        self._thread.join(timeout=5)

    def wait_for(self, text: str, times: int = 1, timeout: float = 120) -> None:
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
        """Return how many lines up to now hold a text."""
        with self._recording.changed:
            return sum(text in line for line in self._recent)

    def catch_up(self, timeout: float = 30) -> None:
        """Return when all that has been logged by now is recorded.

        Raises
        ------
        WaitTimeout
            If it hasn't in time.
        """
        try:
            last = self._connection.request("GET", self._path, {**self._query, "tailLines": "1"}, accept="*/*")
        except KitlibError:  # the Pod has gone: the stream has the rest, and its end
            self._thread.join(timeout)
            return
        lines = last.decode(errors="replace").splitlines()
        if lines and not self._await(lambda: self.ended or _safe(lines[-1]) in self._recent, timeout):
            raise WaitTimeout(
                f"its log lags by more than {timeout:.0f} s",
                step="catch up",
                object=f"{self.pod}/{self.container}",
                next="the machine has too much to do; try again later",
            )

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
        return self._connection.stream(self._path, {**self._query, "follow": "true"}, accept="*/*", watch=False)

    def _follow(self) -> None:
        trouble, failures = self._read(), 0
        while trouble and failures < ATTEMPTS and not self._closed.wait(failures):
            failures += 1
            try:
                self._stream = self._open()
            except ClusterError as error:  # nobody answers: somebody may soon
                trouble = str(error)
                continue
            except KitlibError as error:  # the Pod has gone
                trouble += f"; then {error}"
                break
            begun = time.monotonic()
            trouble = self._read()
            if time.monotonic() - begun > LONG:
                failures = 0
        if trouble and not self._closed.is_set():
            what = {"kind": "Log", "after_ns": self._known_ns, "until_ns": None, "reason": trouble}
            self._recording.mark("GAP", self.pod, self._source, **what)

    def _read(self) -> str:
        """Record what is new; return what went wrong before the log's end, if anything did."""
        seen = 0
        try:
            for lines in self._stream.chunks():
                fresh = lines[max(self._count - seen, 0) :]
                seen += len(lines)
                if fresh:
                    self._add([_safe(line.decode(errors="replace")) for line in fresh])
        except ConnectionError as error:
            return str(error) or CUT
        return "" if self._stream.complete else CUT

    def _add(self, lines: list[str]) -> None:
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
            self._known_ns = time.monotonic_ns()
            self._recent.extend(lines)
            self._recording.changed.notify_all()


def _safe(line: str) -> str:
    stamp, _, text = line.partition(" ")
    return f"{stamp} {REDACTED}" if TOKEN.search(text) else line


__all__ = ["LogFollower"]

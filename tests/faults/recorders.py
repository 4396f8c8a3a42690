"""The recorder under test: in this process, or as a process of its own that can be killed or given a wrong clock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitlib.api import discovery
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError, RecordingError, UsageError
from kitlib.recording import Interval, Recording, WatchEvent, clock
from kitlib.watch import Recorder, Timeouts, reflector
from tests.faults.workload import END

CHILD = Path(__file__).with_name("child.py")
PRELOADS = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
CONTEXT = "faults"


@dataclass(frozen=True)
class Order:
    """What is to be recorded, and how.

    Parameters
    ----------
    kubeconfig : Path
        Points at the proxy.
    namespace : str
    kinds : tuple of str
    path : Path or None
        The recording's folder; in memory if None.
    watch_seconds, silent_seconds, flush_seconds : float
    page : int
        Objects in a page of a list.
    list_seconds : float
        How long a page of a list may take.
    again : bool
        Whether it is tried once more where a kind isn't served at first.
    """

    kubeconfig: Path
    namespace: str
    kinds: tuple[str, ...]
    path: Path | None
    watch_seconds: int = 1
    silent_seconds: float = 1.5
    flush_seconds: float = 0.3
    page: int = 500
    list_seconds: float = 120
    again: bool = False

    @property
    def patience(self) -> Timeouts:
        """How long the recorder waits for what."""
        return Timeouts(self.watch_seconds, self.silent_seconds, refused_seconds=0.4, list_seconds=self.list_seconds)

    def save(self) -> str:
        """Write it as JSON, for a process of its own."""
        return json.dumps({key: str(value) if isinstance(value, Path) else value for key, value in vars(self).items()})


def write_kubeconfig(path: Path, url: str) -> None:
    """Write a kubeconfig file that points at a proxy."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": CONTEXT, "user": {}}],
    }
    path.write_text(json.dumps(config))


class Inside:
    """A recorder in this process.

    Parameters
    ----------
    order : Order
    recorder : callable
        Makes the Recorder; another than kitlib's where the suite itself is tested.
    connect : callable
        Makes its Connection.
    """

    def __init__(
        self,
        order: Order,
        recorder: Callable[..., Recorder] = Recorder,
        connect: Callable[..., Connection] = Connection,
        recording: Recording | None = None,
    ) -> None:
        self.order = order
        if recording is None:
            recording = Recording() if order.path is None else Recording.create(order.path, {})
        self.recording = recording
        reflector.PAGE = order.page  # a worker runs one scenario at a time
        discovery.PATIENCE = 3.0
        connection = connect(order.kubeconfig, CONTEXT)
        args = connection, order.kinds, self.recording, order.namespace, order.patience
        try:
            self._recorder = recorder(*args)
        except UsageError:
            if not order.again:
                raise
            self._recorder = recorder(*args)

    def start(self, timeout: float) -> None:
        """Begin; return when all kinds have been listed."""
        self._recorder.start(timeout)

    def reached(self, timeout: float, but: Collection[str] = ()) -> list[str]:
        """Wait for the last object of each kind, `but` some; return the kinds whose last object did not come."""
        return reached(self._recorder, timeout, but)

    def stop(self) -> None:
        """End it, and close the recording."""
        self._recorder.stop()
        self.recording.close()

    def rows(self) -> tuple[list[Any], bool | None]:
        """Return what was recorded (from disk, if it went there), and whether the recording says it is complete."""
        return read(self.order.path) if self.order.path is not None else (list(self.recording.rows), None)

    def coverage(self) -> list[Interval]:
        """Return what the recording says to have."""
        recording = self.recording if self.order.path is None else Recording.open(self.order.path)
        return recording.coverage()

    def problems(self) -> dict[str, str]:
        """Return the kinds that could not be recorded."""
        return dict(self._recorder.problems)


class Upset(Recording):
    """A recording in memory to which, once armed, an error happens that nobody expects.

    Parameters
    ----------
    way : str
        "error": one row can't be taken, the next can. "dies": what takes a row ends. "disk": no row is taken any more.
    """

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.armed = False
        self.struck_ns: int | None = None

    def add(self, raw: bytes, **what: Any) -> WatchEvent:
        """Take a row, unless it is time for an error."""
        if not self.armed or (self.way == "dies" and what["stream"] != "configmaps"):
            return super().add(raw, **what)
        self.armed = self.way == "disk"
        self.struck_ns = self.struck_ns or clock.monotonic_ns()
        if self.way == "disk":
            raise RecordingError("can't write: no space left on device", step="record", object="the fault suite")
        if self.way == "dies":
            raise SystemExit("by the fault suite")
        raise RuntimeError("by the fault suite")


def reached(recorder: Recorder, timeout: float, but: Collection[str] = ()) -> list[str]:
    """Wait until the recorder has the last object of each kind; return the kinds for which that was not so in time."""
    missing = set(recorder.plurals) - set(but)
    looked = 0

    def all_there() -> bool:
        nonlocal looked
        rows = recorder.recording.rows[looked:]
        missing.difference_update(row.stream for row in rows if row.name == END)
        looked += len(rows)
        return not missing

    recorder.wait_for(all_there, timeout)
    return sorted(missing)


def read(path: Path) -> tuple[list[Any], bool | None]:
    """Open a recording on disk; return its rows, and whether it says that it is complete."""
    recording = Recording.open(path)
    return list(recording.rows), recording.info.get("complete")


class Outside:
    """A recorder in a process of its own, which records to disk.

    Parameters
    ----------
    order : Order
        With a path.
    clock : Path or None
        A file with the wall clock's offset in seconds ("+3600"), if the clock is to be stepped.
    """

    def __init__(self, order: Order, clock: Path | None = None) -> None:
        assert order.path is not None
        self.order = order
        environment = dict(os.environ)
        self.how = ""
        if clock is not None:
            clock.write_text("+0")
            library = faketime()
            if library is not None:
                self.how = "libfaketime"
                environment |= {
                    "LD_PRELOAD": str(library),
                    "FAKETIME_TIMESTAMP_FILE": str(clock),
                    "FAKETIME_NO_CACHE": "1",
                    "DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }
            else:
                self.how = "an injected clock"
                environment["FAULTS_CLOCK"] = str(clock)
        self._clock = clock
        self._starved = self.starved = 0.0
        self._lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self._complaints = (order.path.parent / "child.err").open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(CHILD), order.save()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
            text=True,
            bufsize=1,
        )
        self._thread = threading.Thread(target=self._read, name="child", daemon=True)
        self._thread.start()

    def step_clock(self, seconds: float) -> None:
        """Set the process's wall clock to the true time and so many seconds."""
        assert self._clock is not None
        draft = self._clock.with_suffix(".part")
        draft.write_text(f"{seconds:+.3f}")
        draft.replace(self._clock)

    def start(self, timeout: float) -> None:
        """Begin; return when all kinds have been listed."""
        if self._ask({"start": timeout}, timeout + 30).get("started") is not True:
            raise KitlibError(f"the recorder did not start: {self._lines[-1:]} {self._last_words()}")
        self._starved = starved(self._child.pid)

    def reached(self, timeout: float, but: Collection[str] = ()) -> list[str]:
        """Wait for the last object of each kind; return the kinds whose last object did not come."""
        return list(self._ask({"reached": timeout}, timeout + 10).get("missing", self.order.kinds))

    def kill(self) -> None:
        """SIGKILL it; before that, note for how long its threads had been kept waiting for a processor."""
        self.starved = starved(self._child.pid) - self._starved
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(timeout=10)

    def stop(self) -> None:
        """End it, if it lives still."""
        try:
            if self._child.poll() is None:
                answer = self._ask({"stop": True}, 20)
                if answer.get("stopped") is not True:
                    raise KitlibError(f"the recorder did not stop: {answer} {self._last_words()}")
                self._child.wait(timeout=10)
        finally:
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait(timeout=10)
            self._thread.join(timeout=10)
            self._complaints.close()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass

    def rows(self) -> tuple[list[Any], bool | None]:
        """Return what is on disk."""
        assert self.order.path is not None
        return read(self.order.path)

    def coverage(self) -> list[Interval]:
        """Return what the recording on disk says to have."""
        assert self.order.path is not None
        return Recording.open(self.order.path).coverage()

    def _ask(self, order: dict[str, Any], timeout: float) -> dict[str, Any]:
        assert self._child.stdin is not None
        count = len(self._lines)
        try:
            self._child.stdin.write(json.dumps(order) + "\n")
            self._child.stdin.flush()
        except OSError as error:
            return {"error": f"{error} {self._last_words()}"}
        with self._news:
            self._news.wait_for(lambda: len(self._lines) > count or self._ended, timeout)
            return self._lines[-1] if len(self._lines) > count else {"error": f"no answer {self._last_words()}"}

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with self._news:
                self._lines.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _last_words(self) -> str:
        assert self.order.path is not None
        return (self.order.path.parent / "child.err").read_text(errors="replace")[-1500:]


def starved(pid: int) -> float:
    """Return for how many seconds a process's threads have been ready to run, and didn't; 0 where nothing tells."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(file.read_text().split()[1])
        except (OSError, ValueError, IndexError):  # a thread that has just ended
            continue
    return total / 1e9


def faketime() -> Path | None:
    """Return libfaketime for programs with threads, if it is installed."""
    if shutil.which("faketime") is None:
        return None
    for pattern in PRELOADS:
        for found in sorted(Path("/").glob(pattern.lstrip("/"))):
            return found
    return None


__all__ = ["CONTEXT", "Inside", "Order", "Outside", "Upset", "faketime", "write_kubeconfig"]

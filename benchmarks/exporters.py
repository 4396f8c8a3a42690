"""How many writes of Events a recording loses beside OpenTelemetry's collector, which hands them on meanwhile.

Events are written by hand, so what was written is known: one after the other, as fast as the API server takes them,
while the connection of all is cut, and while the collector is started again. Its two receivers lose different ones.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks._contest import BenchmarkError, Result, shown
from benchmarks._gate import Gate
from benchmarks._own import own_cluster
from kitlib.api.patches import MERGE
from kitlib.api.transport import Connection
from kitlib.lessons import events
from kitlib.machine.airgap import parts
from kitlib.recording import Recording
from kitlib.watch import Recorder

PATH = "/api/v1/namespaces/default/events"
RECEIVERS = ("k8sevents", "k8sobjects")
ARRIVED = 90.0
"""Seconds in which what was written must have arrived; an informer that lost its server asks again after 30 at most."""
WRITERS = 8

Writes = set[tuple[str, int]]
"""Each write of an Event: its uid, and its count."""


def measure(count: int = 100, burst: int = 800) -> list[Result]:
    """Write so many Events in each phase, and so many in the burst, each of them two or three times."""
    part = parts.find("otel")
    shown("exporters: have the collector")
    program = parts.make(part, progress=False).folder / "otelcol"
    with (
        own_cluster("exporters") as (kubeconfig, _),
        tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder,
        _gate(kubeconfig) as gate,
    ):
        through = Path(folder) / "kubeconfig"
        through.write_text(gate.kubeconfig)
        writer = Connection(kubeconfig, writable=True)
        collector = Collector(program, through, Path(folder))
        with Recorder(Connection(through), ("events",), Recording(), "default") as recorder, collector:
            race = Race(writer, recorder, collector)
            race.arrive("begin")
            found = race.run("one after the other", lambda: race.write("calm", count, 2, 1))
            found += race.run("a burst", lambda: race.write("burst", burst, 2, WRITERS))

            def cut() -> Writes:
                gate.cut()
                written = race.write("cut", count, 3, WRITERS)
                gate.open()
                return written

            def again() -> Writes:
                collector.stop()
                written = race.write("again", count, 2, WRITERS)
                collector.start()
                return written

            found += race.run("the connection is cut", cut)
            found += race.run("the collector is started again", again)
    return found


class Race:
    """A recorder and a collector side by side.

    Parameters
    ----------
    writer : Connection
        Which isn't disturbed.
    recorder : Recorder
    collector : Collector
    """

    def __init__(self, writer: Connection, recorder: Recorder, collector: Collector) -> None:
        self.writer, self.recorder, self.collector = writer, recorder, collector
        self.marks = 0

    def run(self, phase: str, write: Callable[[], Writes]) -> list[Result]:
        """Write, wait until all has arrived that will, and count what hasn't."""
        shown(f"exporters: {phase}")
        written = write()
        self.arrive(phase)
        ours = len(written - self.recorded())
        name = f"{phase}: lost of {len(written):,} writes"
        theirs = {receiver: len(written - self.collector.wrote(receiver)) for receiver in RECEIVERS}
        return [Result(name, ours, "writes", (ours, ours), receiver, lost) for receiver, lost in theirs.items()]

    def recorded(self) -> Writes:
        """Return the writes that the recording has."""
        frame = self.recorder.recording.frames.events
        return set(zip(frame["uid"], frame["count"], strict=True))

    def arrive(self, phase: str) -> None:
        """Return when an Event that is written now has arrived everywhere: what came before has, too."""
        until = time.monotonic() + ARRIVED
        waiting = {"the recording", *RECEIVERS}
        while waiting and time.monotonic() < until:
            self.marks += 1  # a receiver that isn't at work yet never gets the one before
            stamp = pd.Timestamp.now("UTC").ceil("s")
            mark = self._post(f"mark-{self.marks}", stamp)
            soon = time.monotonic() + 2
            while waiting and time.monotonic() < soon:
                self.recorder.wait_for(partial(self._has, mark), 0.1)
                waiting -= {who for who in waiting if mark in self._of(who)}
        if waiting:
            raise BenchmarkError(f"{phase}: nothing arrives any more at {', '.join(sorted(waiting))}")
        self.recorder.wait_for(
            lambda: pd.Timestamp.now("UTC") >= stamp, 2
        )  # what begins then is no older than they are

    def _has(self, mark: tuple[str, int]) -> bool:
        return mark in self.recorded()

    def _of(self, who: str) -> Writes:
        return self.collector.wrote(who) if who in RECEIVERS else self.recorded()

    def write(self, name: str, count: int, times: int, threads: int) -> Writes:
        """Write Events, each so many times; return what the server has taken."""

        def one(number: int) -> Writes:
            made = self._post(f"{name}-{number}")
            for again in range(2, times + 1):
                body: dict[str, Any] = {"count": again, "lastTimestamp": _stamp()}
                self.writer.request("PATCH", f"{PATH}/{name}-{number}", body=body, content_type=MERGE)
            return {(made[0], again) for again in range(1, times + 1)}

        with ThreadPoolExecutor(threads) as pool:
            return set().union(*pool.map(one, range(count)))

    def _post(self, name: str, at: pd.Timestamp | None = None) -> tuple[str, int]:
        """Write an Event; a receiver takes none whose stamp, a whole second, is before its own begin."""
        stamp = _stamp(at)
        about = {"apiVersion": "v1", "kind": "Pod", "name": "nobody", "namespace": "default"}
        event: dict[str, Any] = {
            "metadata": {"name": name},
            "involvedObject": about,
            "reason": "Written",
            "message": name,
        }
        event |= {"count": 1, "firstTimestamp": stamp, "lastTimestamp": stamp, "type": "Normal"}
        made = json.loads(self.writer.request("POST", PATH, body=event))
        return made["metadata"]["uid"], 1


class Collector:
    """The collector as a process of this machine, with a file for each receiver.

    Parameters
    ----------
    program : Path
    kubeconfig : Path
        By which it asks the API server.
    folder : Path
        Where its files are.
    """

    def __init__(self, program: Path, kubeconfig: Path, folder: Path) -> None:
        self.program, self.kubeconfig, self.folder = program, kubeconfig, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._read: dict[str, tuple[int, Writes]] = {receiver: (0, set()) for receiver in RECEIVERS}
        (folder / "config.yaml").write_text(yaml.safe_dump(self._config()))

    def _config(self) -> dict[str, Any]:
        files = {f"file/{receiver}": {"path": str(self._file(receiver)), "append": True} for receiver in RECEIVERS}
        watched = [{"name": "events", "mode": "watch", "namespaces": ["default"]}]
        receivers = {
            "k8s_events": {"auth_type": "kubeConfig", "namespaces": ["default"]},
            "k8sobjects": {"auth_type": "kubeConfig", "objects": watched},
        }
        pipelines = {
            f"logs/{file}": {"receivers": [receiver], "exporters": [f"file/{file}"]}
            for receiver, file in zip(receivers, RECEIVERS, strict=True)
        }
        service = {"telemetry": {"metrics": {"level": "none"}}, "pipelines": pipelines}
        return {"receivers": receivers, "exporters": files, "service": service}

    def _file(self, receiver: str) -> Path:
        return self.folder / f"{receiver}.jsonl"

    def __enter__(self) -> Collector:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; `Race.arrive` tells when it is at work."""
        command = [str(self.program), f"--config={self.folder / 'config.yaml'}"]
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        with (self.folder / "collector.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        """End it as a node would: asked first, killed if it doesn't."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def wrote(self, receiver: str) -> Writes:
        """Return the writes that it has handed on so far; each whole line of the file is read once."""
        begin, known = self._read[receiver]
        path = self._file(receiver)
        if path.exists():
            with path.open("rb") as file:
                file.seek(begin)
                whole = file.read().rpartition(b"\n")[0]
            lines = whole.decode().splitlines()
            told = events.exported(pd.DataFrame({"line": lines, "event": [""] * len(lines)}))
            known |= set(zip(told["event"], told["count"].fillna(1).astype("int64"), strict=True))
            self._read[receiver] = begin + len(whole) + bool(whole), known
        return known


@contextmanager
def _gate(kubeconfig: Path) -> Iterator[Gate]:
    gate = Gate(kubeconfig)
    try:
        yield gate
    finally:
        gate.close()


def _stamp(at: pd.Timestamp | None = None) -> str:
    return (at or pd.Timestamp.now("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")

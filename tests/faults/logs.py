"""Logs that are followed through faults, judged by what their writer itself counted.

The writer of a log serves it, too, as API server and kubelet do: a file of each run of a container, which may be
rotated; lines with stamps, from a second on; a follower reads on when the file is rotated, and to the end when the
container ends. What happens between two connections happens exactly there.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kitlib.api.transport import Connection
from kitlib.recording import Interval, Recording, clock
from kitlib.watch import LogFollower
from tests.faults.plan import LogFault, LogPlan
from tests.faults.recorders import CONTEXT, write_kubeconfig

POD = "/api/v1/namespaces/n/pods/p"
SLACK_NS = 50_000_000
ENDS = 20.0
"""Seconds in which a log that has ended must have been read."""


@dataclass
class Line:
    """One line, as its writer knows it: when it was written, and since when nobody can read it any more."""

    run: int
    number: int
    wall_ns: int
    written_ns: int
    lost_ns: int | None = None

    @property
    def said(self) -> bytes:
        """As the kubelet sends it."""
        seconds, rest = divmod(self.wall_ns, 10**9)
        stamp = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
        return f"{stamp} run {self.run} line {self.number}\n".encode()


@dataclass
class Writer:
    """A container that logs, and counts what it logs.

    Attributes
    ----------
    lines : list of Line
        All that was written.
    files : dict of int to list of list of Line
        Of each run, its files, the current one last.
    """

    lines: list[Line] = field(default_factory=list)
    files: dict[int, list[list[Line]]] = field(default_factory=lambda: {0: [[]]})
    run: int = 0
    ended: bool = False
    gone: bool = False
    news: threading.Condition = field(default_factory=threading.Condition)

    def do(self, what: str) -> None:
        """Write so many lines ("write 20"), or: rotate, restart, end, gone."""
        action, _, count = what.partition(" ")
        with self.news:
            if action == "write":
                for _ in range(int(count)):
                    line = Line(self.run, len(self.lines), time.time_ns(), clock.monotonic_ns())
                    if self.lines and line.wall_ns <= self.lines[-1].wall_ns:
                        line.wall_ns = self.lines[-1].wall_ns + 1
                    self.lines.append(line)
                    self.files[self.run][-1].append(line)
            elif action == "rotate":
                self._lose(self.files[self.run][-1])
                self.files[self.run].append([])
            elif action == "restart":
                for file in self.files.get(self.run - 1, []):  # nobody keeps the run before the last
                    self._lose(file)
                self.run += 1
                self.files[self.run] = [[]]
            elif action == "gone":
                self.gone = self.ended = True
                for file in self.files[self.run]:
                    self._lose(file)
            else:
                self.ended = True
            self.news.notify_all()

    def _lose(self, file: list[Line]) -> None:
        for line in file:
            line.lost_ns = line.lost_ns or clock.monotonic_ns()


class Server(ThreadingHTTPServer):
    """Serves a writer's log; use it in a `with` statement."""

    daemon_threads = True

    def __init__(self, writer: Writer, faults: tuple[LogFault, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.writer = writer
        self.faults = list(faults)
        self.hurts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="log server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        self._thread.join(timeout=5)
        super().__exit__(*args)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a follower that has left."""


class Handler(BaseHTTPRequestHandler):
    """Answers as API server and kubelet do, but for the faults."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer for the Pod, or its log."""
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        writer = self.server.writer
        if writer.gone:
            self._answer(404, {"kind": "Status", "code": 404, "message": 'pods "p" not found', "reason": "NotFound"})
        elif parts.path == POD:
            status = {"containerStatuses": [{"name": "c", "restartCount": writer.run}]}
            meta = {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1"}
            self._answer(200, {"metadata": meta, "spec": {"containers": [{"name": "c"}]}, "status": status})
        else:
            self._log(query)

    def _answer(self, code: int, what: Any) -> None:
        body = json.dumps(what).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _log(self, query: dict[str, str]) -> None:
        writer = self.server.writer
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault is not None and fault.kind == "refuse":
            self._strike(fault)
            self._answer(503, {"kind": "Status", "code": 503, "message": "busy (by the fault suite)"})
            return
        run = writer.run - (query.get("previous") == "true")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        since = query.get("sinceTime", "")
        file, at, sent = writer.files[run][-1], 0, 0
        while True:
            with writer.news:
                found, over = file[at : at + 500], writer.ended or run != writer.run
                if not found and file is not writer.files[run][-1]:
                    file, at = writer.files[run][-1], 0  # it was rotated: the kubelet reads on
                    continue
                if not found and not over:
                    writer.news.wait(0.2)
                    continue
            at += len(found)
            out = [line.said for line in found if line.said[:19] >= since[:19].encode()]
            if fault is not None and sent + len(out) >= fault.at:
                whole = out[: fault.at - sent]
                self._chunk(b"".join(whole) + (out[fault.at - sent][:9] if len(out) > fault.at - sent else b""))
                self._strike(fault)
                if fault.kind == "trouble":
                    self._chunk(b'failed to watch file "/var/log/pods/n_p_u/c/0.log": no space left on device\n')
                    self.wfile.write(b"0\r\n\r\n")
                self._leave(fault.kind == "rst")
                return
            sent += len(out)
            self._chunk(b"".join(out))
            if not found and over:
                self.wfile.write(b"0\r\n\r\n")
                return

    def _strike(self, fault: LogFault) -> None:
        """Have what happens before the next connection happen now: nothing more is sent."""
        self.wfile.flush()
        self.server.hurts[f"log {fault.kind}"] += 1
        time.sleep(0.05)  # what was sent is read before its connection is reset
        for what in fault.between:
            self.server.writer.do(what)
            self.server.hurts[f"log {what.split()[0]}"] += 1

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _leave(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close() if reset else self.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Told:
    """What came of following a log: how much was written, recorded and lost, and what is wrong."""

    written: int = 0
    recorded: int = 0
    in_gaps: int = 0
    rows: int = 0
    hurts: dict[str, int] = field(default_factory=dict)
    unreported: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    needless_gaps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def judge(writer: Writer, rows: list[Any], coverage: list[Interval], run: int, ended: bool, gapless: bool) -> Told:
    """Compare what was recorded of a run with what its writer counted.

    A line that isn't there must have become unreadable at a time that isn't covered; one that could be read all the
    time, at the end.
    """
    told = Told(rows=len(rows))
    lines = [line for row in rows if row.kind == "Log" for line in json.loads(row.object)["lines"]]
    numbers = [int(line.split()[4]) for line in lines if line.split()[1:3] == ["run", str(run)]]
    told.others += [f"another run's line, or none at all: {line}" for line in lines if f" run {run} line " not in line]
    told.duplicates += [f"line {number}, {count} times" for number, count in Counter(numbers).items() if count > 1]
    told.others += [f"line {two} comes after {one}" for one, two in pairwise(numbers) if two < one]
    mine = [line for line in writer.lines if line.run == run]
    there = set(numbers)
    told.written, told.recorded = len(mine), sum(line.number in there for line in mine)
    last = max((each.end_ns for each in coverage), default=0)
    for line in mine:
        if line.number in there:
            continue
        at = min(line.lost_ns or last, last) - 1
        if any(each.covered and each.begin_ns < at and at < max(each.end_ns - SLACK_NS, 0) for each in coverage) or (
            line.lost_ns is None and coverage and coverage[-1].covered
        ):
            told.unreported.append(f"line {line.number} of {len(mine)} is missing, and that time counts as covered")
        else:
            told.in_gaps += 1
    if gapless:
        told.needless_gaps += [f"{each.reason}" for each in coverage if not each.covered and each.reason != UNLISTED]
    if not ended:
        told.others.append(f"the log had ended, and was not read to its end in {ENDS:.0f} s")
    return told


UNLISTED = "it had not been listed yet"


def follow(plan: LogPlan, folder: Path) -> Told:
    """Follow a log through its faults, and judge what was recorded."""
    writer = Writer()
    for what in plan.before:
        writer.do(what)
    with Server(writer, plan.faults) as server:
        write_kubeconfig(folder / "kubeconfig", server.url)
        recording = Recording()
        run = writer.run
        follower = LogFollower(Connection(folder / "kubeconfig", CONTEXT), recording, "n", "p")
        try:
            for what in plan.then:
                time.sleep(0.02)  # as a program that logs now and then
                writer.do(what)
            until = time.monotonic() + ENDS
            while server.faults and not follower.ended and time.monotonic() < until:
                writer.do("write 1")
                time.sleep(0.02)
            writer.do("end")
            while not follower.ended and time.monotonic() < until:
                time.sleep(0.02)
            ended = follower.ended
        finally:
            follower.close()
        coverage = [each for each in recording.coverage() if each.stream.startswith("logs/")]
        told = judge(writer, list(recording.rows), coverage, run, ended, plan.gapless)
        told.hurts = dict(server.hurts)
    return told


__all__ = ["Line", "Told", "Writer", "follow", "judge"]

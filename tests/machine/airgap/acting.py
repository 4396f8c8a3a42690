"""A running probe and what it says, line by line, for tests that wait for a line rather than for a time."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECOND = 1_000_000_000
PATIENCE = 20.0
"""Seconds after which something that should happen counts as failed."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return an environment with these settings, and none of the caller's own."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("PROBE_")}
    return keep | {key if key.isupper() else variable(key): value for key, value in settings.items()}


def variable(name: str) -> str:
    """Return a setting's name in the environment."""
    return "PROBE_" + name.replace(".", "_").upper()


class Probe:
    """A probe as a process of its own, on a port of 127.0.0.1; use it in a `with` statement.

    Parameters
    ----------
    program : Path or list of str
        The program, or a command that ends with it.
    settings : dict
        By their names ("readiness.after"), or by those of the environment ("POD_NAME").
    arguments : str
    """

    def __init__(self, program: Path | list[str], settings: dict[str, str] | None = None, *arguments: str) -> None:
        self.port = free_port()
        self.environment = environment({"http": f"127.0.0.1:{self.port}", **(settings or {})})
        self.command = [*(program if isinstance(program, list) else [str(program)]), *arguments]
        self.lines: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.ended = False

    def __enter__(self) -> Probe:
        self.process = subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe
            pipe.close()

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            with self.changed:
                self.lines.append(json.loads(text))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def said(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the lines of an event with these fields so far."""
        with self.changed:
            lines = [line for line in self.lines if line.get("event") == event]
        return [line for line in lines if all(line.get(key) == value for key, value in fields.items())]

    def wait(self, event: str, number: int = 1, **fields: object) -> dict[str, Any]:
        """Wait until an event has been told so many times; return the last of those lines."""

        def there() -> bool:
            return len(self.said(event, **fields)) >= number

        with self.changed:
            self.changed.wait_for(lambda: there() or self.ended, PATIENCE)
        assert there(), f"{event} {fields} was not told; {self.lines}, {self.process.poll()}"
        return self.said(event, **fields)[number - 1]

    def ready(self) -> Probe:
        """Wait until it listens."""
        self.wait("listen")
        return self

    def exit(self) -> int:
        """Wait until it has ended; return its code."""
        return self.process.wait(PATIENCE)

    def get(self, path: str, form: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Ask; return the status and the answer's JSON, or its lines if there are several. A form is posted."""
        data = None if form is None else form.encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
            error.close()
        lines = [json.loads(line) for line in text.splitlines()]
        return status, lines[0] if len(lines) == 1 else lines

    def set(self, **values: str) -> None:
        """Change settings; dots are written as two underscores."""
        form = "&".join(f"{name.replace('__', '.')}={value}" for name, value in values.items())
        assert self.get("/set", form) == (200, {"done": True})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program again in the same environment, as an exec probe or hook does."""
        return subprocess.run(
            [self.command[0], *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def status_line(self, path: str) -> str:
        """Ask, and return the first line that comes back, as it is on the wire."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n".encode())
            return connection.makefile("rb").readline().decode().strip()

    def grpc(self, service: str, method: str = "Check") -> int | None:
        """Ask for a service's health as a gRPC client does; return ServingStatus, None if there is an error instead."""

        def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
            return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

        def literal(index: bytes, value: str) -> bytes:  # a header field that is neither compressed nor kept
            return index + bytes([len(value)]) + value.encode()

        fields = b"\x83\x86" + literal(b"\x04", f"/grpc.health.v1.Health/{method}") + literal(b"\x01", "probe")
        fields += literal(b"\x0f\x10", "application/grpc") + literal(b"\x00\x02te", "trailers")
        message = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
        data = b"\x00" + struct.pack(">I", len(message)) + message
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
            connection.sendall(frame(1, 4, 1, fields) + frame(0, 1, 1, data))
            stream, got = connection.makefile("rb"), b""
            while True:
                head = stream.read(9)
                payload = stream.read(int.from_bytes(head[:3], "big"))
                if head[3] == 0:
                    got += payload
                if head[3] in (0, 1) and head[4] & 1:  # the end of the one stream
                    return got[-1] if got else None


def open_port(port: int) -> bool:
    """Say whether something listens."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def eventually(check: Callable[[], bool], what: str) -> None:
    """Wait for what no line tells, such as the kernel's own figures."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, what
        pause.wait(0.01)


def run(
    program: Path, *arguments: str, before: tuple[str, ...] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return subprocess.run(
        [*before, str(program), *arguments],
        env=environment(named),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def connections(port: int) -> int:
    """Return how many connections to a port are established, as the kernel has it."""
    text = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01" for line in text)

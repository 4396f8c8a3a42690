"""A recording as a server on the loopback address, for as long as it is wanted, and the kubeconfig that leads to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from kitlib.errors import RecordingError
from kitlib.files import write_private
from kitlib.recording import Recording
from kitlib.serve.app import MOST_BODY, Serving, application
from kitlib.serve.clock import Clock
from kitlib.serve.discovery import Discovery
from kitlib.serve.gaps import Known
from kitlib.serve.history import History
from kitlib.serve.logs import Logs
from kitlib.serve.reading import Reader
from kitlib.serve.resources import resources

ADDRESS = "127.0.0.1"
NAME = "recording"
"""How the cluster, the user and the context of the kubeconfig are called, unless the recording's cluster has a name."""


class Server:
    """A recording as a read-only API server on 127.0.0.1.

    Who knows its address alone is told nothing: the address in its kubeconfig has a secret in its path.

    Parameters
    ----------
    recording : Recording
        As it is now.
    at_ns : int, optional
        The moment that is shown, on the recording's monotonic clock, ns; its end if left out, or its begin where it
        is played.
    speed : float
        How many seconds of the recording pass in a second; 0 for a moment that stands still.
    port : int
        0 for a free one.

    Attributes
    ----------
    history : History
        What the recording holds.
    clock : Clock
        The moment that is shown.
    url : str
        Where it is served.

    Raises
    ------
    RecordingError
        If the port is taken.
    """

    def __init__(self, recording: Recording, at_ns: int | None = None, speed: float = 0.0, port: int = 0) -> None:
        self.history = History(recording)
        begin, end = self.history.begin_ns, self.history.end_ns
        moment = (begin if speed else end) if at_ns is None else at_ns
        served = resources(self.history)
        known = Known(self.history, served)
        self.clock = Clock(moment, end, speed)
        reader = Reader(self.history, known, self.clock)
        self._parts = reader, Discovery(served, self.history.info), Logs(self.history, known, self.clock)
        self._secret = secrets.token_urlsafe(24)
        try:
            self._sockets = bind_sockets(port, ADDRESS)
        except OSError as error:
            raise RecordingError(
                f"port {port} can't be listened on: {error.strerror}",
                step="serve",
                object=str(recording.path or "recording"),
                next="leave --port away for a free one",
            ) from error
        self.url = f"http://{ADDRESS}:{self._sockets[0].getsockname()[1]}/{self._secret}"

    def show(self, moment_ns: int) -> None:
        """Show another moment, on the recording's monotonic clock, ns; where it is played, from there on."""
        self.clock.set(moment_ns)

    def kubeconfig(self, writer: dict[str, object] | None = None) -> str:
        """Return a kubeconfig that leads to it, in JSON, which is YAML, too; its namespace is the recording's.

        Parameters
        ----------
        writer : dict, optional
            Which process writes it, as an extension in it.
        """
        info = self.history.info
        name = f"{info['cluster']}-{NAME}" if info.get("cluster") else NAME
        about = {"cluster": name, "user": name, **({"namespace": info["namespace"]} if info.get("namespace") else {})}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": name, "cluster": {"server": self.url}}],
                "users": [{"name": name, "user": {}}],
                "contexts": [{"name": name, "context": about}],
                "current-context": name,
                **({"extensions": [{"name": "kitlib", "extension": writer}]} if writer else {}),
            },
            indent=2,
        )

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until it is stopped."""
        logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
        serving = Serving(*self._parts)
        server = HTTPServer(application(serving, self._secret), max_body_size=MOST_BODY)
        server.add_sockets(self._sockets)
        try:
            await stop.wait()
        finally:
            server.stop()
            serving.closing.set()
            await server.close_all_connections()


@contextlib.contextmanager
def running(
    server: Server, kubeconfig: Path | None = None, writer: dict[str, object] | None = None
) -> Iterator[Server]:
    """Have a server answer in a thread of its own while a `with` statement lasts.

    Parameters
    ----------
    server : Server
    kubeconfig : Path, optional
        A file that leads to it; it is removed at the end.
    writer : dict, optional
        As of `Server.kubeconfig`.

    Yields
    ------
    Server
    """
    ready = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        ready.set()
        await server.serve(stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="serve a recording", daemon=True)
    thread.start()
    ready.wait()
    try:
        if kubeconfig is not None:
            write_private(kubeconfig, server.kubeconfig(writer) + "\n")
        yield server
    finally:
        if kubeconfig is not None:
            kubeconfig.unlink(missing_ok=True)
        loop, stop = ends[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


__all__ = ["Server", "running"]

"""A proxy between recorder and API server that does, on purpose, what networks and servers do by accident.

The recorder speaks plain HTTP to it; it speaks TLS, with a client certificate, to the API server, as a user who may
get, list and watch, and nothing else. It knows chunked bodies and the lines of a watch, and writes down what passed.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from tests.faults.proxy.connections import LIMIT, LOOPBACK, Ended, bound, connect, next_byte, reset, send
from tests.faults.proxy.fault import NOBODY, READER, Fault, Seen
from tests.faults.proxy.forwarding import forward
from tests.faults.proxy.instead import instead
from tests.faults.proxy.memory import Memory
from tests.faults.proxy.request import Request


class Proxy:
    """Listens on 127.0.0.1, in a thread of its own; use it in a `with` statement.

    Parameters
    ----------
    host, port : str and int
        The API server's.
    tls : ssl.SSLContext
        With the client certificate loaded.
    plurals : iterable of str
        The kinds that are recorded; other requests pass unhurt.
    faults : iterable of Fault
    """

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext, plurals: Iterable[str], faults: Iterable[Fault] = ()
    ) -> None:
        self._upstream = (host, port)
        self._tls = tls
        self._memory = Memory(plurals, faults)
        self._number = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        # Bound for as long as the proxy lives, never listening: it keeps the port while the door is closed.
        self._place = bound(0)
        self.port: int = self._place.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the recorder finds it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> list[Seen]:
        """What has passed up to now."""
        return list(self._memory.log)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self.open_door()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._place.close()

    def open_door(self) -> None:
        """Take connections."""
        self._call(self._open)

    def close_door(self) -> None:
        """Refuse connections, and reset those there are."""
        self._call(self._close)

    def reset(self) -> None:
        """Reset the connections there are."""

        async def do() -> None:
            self._reset()

        self._call(do)

    def forbid(self, forbidden: bool) -> None:
        """From now on ask the API server as somebody who may nothing; or as the reader again."""
        self._memory.user = NOBODY if forbidden else READER

    def rewind(self) -> None:
        """Have the store stand where it really does: up to now it was shown far ahead of that."""
        self._memory.rewind()
        self.reset()

    def move(self) -> None:
        """Go to another port, and leave the old one."""
        self.close_door()
        self._place.close()
        self._place = bound(0)
        self.port = self._place.getsockname()[1]
        self.open_door()

    def calm(self) -> None:
        """Do no more harm; what is being stalled goes on."""
        self._memory.calm = True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _call(self, make: Callable[[], Any]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(make(), self._loop)
        done.result(timeout=20)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=bound(self.port), limit=LIMIT)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    def _reset(self) -> None:
        for writer in list(self._writers):
            reset(writer)
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers.add(writer)
        self._tasks.add(task)
        rest = b""
        try:
            while True:
                head = rest + await reader.readuntil(b"\r\n\r\n")
                self._number += 1
                request = Request.read(self._number, head, self._memory.plurals)
                rest = await self._one(request, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, Ended):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _one(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer one request; return what came of the next one."""
        self._memory.note(request, "request", request.real)
        if request.method not in ("GET", "HEAD"):
            self._memory.note(request, "refused", f"{request.method} {request.target}")
            await send(writer, 405, b"{}")
            return b""
        faults = self._memory.befall(request)
        if answer := await instead(request, faults, self._memory):
            await send(writer, *answer)
            if answer.cut:
                writer.close()
                raise Ended
            return b""
        try:
            slow = any(fault.kind == "throttle" for fault in faults)
            server = await connect(self._upstream, self._tls, slow)
        except OSError:  # the API server is down: so is this connection
            reset(writer)
            raise Ended from None
        gone = asyncio.ensure_future(next_byte(reader))
        try:
            await forward(request, faults, self._memory, server, writer, gone)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, EOFError):
            reset(writer)  # the API server has gone within its answer
            raise Ended from None
        finally:
            server.writer.transport.abort()
            if not gone.done():
                gone.cancel()
        try:
            return await gone  # the first byte of the next request, if it was there already
        except asyncio.CancelledError:
            if not gone.cancelled():
                raise
            return b""

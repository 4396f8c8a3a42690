"""A proxy between recorder and API server that does, on purpose, what networks and servers do by accident.

The recorder speaks plain HTTP to it; it speaks TLS, with a client certificate, to the API server, as a user who may
get, list and watch, and nothing else. It knows chunked bodies and the lines of a watch, and writes down what passed.
Every fault is bounded in time and count.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from kitlib.recording import clock

LOOPBACK = "127.0.0.1"
LIMIT = 2**24
LATE = 0.15
"""Seconds by which a busy machine may delay an orderly end."""
READER = "faults-reader"
"""The user as whom requests are made: get, list and watch are all that is allowed."""
AHEAD = 10**9
"""By so much a store's versions are shown ahead of what they are, before it is rewound."""
BROKEN = "broken.faults.kitlib.example"
"""The group of an aggregated API that doesn't work."""
_HALVES = {
    "cut": b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"broken.faults.kitlib.example/v1","resou',
    "half": b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"broken.faults.kitlib.exam',
    "null": b'{"kind":"APIResourceList","apiVersion":"v1","resources":[null,{"name":null},{"kind":7}]}',
    "empty": b"",
    "html": b"<html><title>Log in</title></html>",
}
"""What an aggregated API that is broken says of itself."""
_LASTING = ("anonymous", "plain", "terse", "deaf", "rewind", "poison")
"""What is no harm but a way to speak, and stays to the end."""
_VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
_DISCOVERY = re.compile(r"/apis?|/api/v1|/apis/[^/]+/[^/]+")
NOBODY = "faults-nobody"
"""The user who may nothing, for while the recorder is to be forbidden."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to some of the answers.

    Parameters
    ----------
    kind : str
        cut, truncate, stall, split, join, duplicate, replay, delay, throttle (delay, and take no more from the server
        than was forwarded), answer, error, wait (before anything is answered), forbid (ask as somebody who may
        nothing), half (a half-written answer), garble (make a line or an item that can't be read), anonymous (take the
        uids away), plain (HTTP/1.0, without chunks), expire (a continue token), paging (lists come in pages, asked for
        or not), terse (no bookmarks), poison (each watch from the first version that was asked for ends by an ERROR),
        forgetful (a memory of so many seconds), deaf (a watch of a version that the store hasn't reached says
        nothing), rewind (versions far ahead of the store's, until it is put back); and swallow, which no scenario has:
        it loses a line without a trace, and shows that the judge notices.
    verb : str
        "list", "watch" or "discovery": which requests.
    stream : str
        The plural of a kind; any if empty.
    skip, count : int
        How many matching requests of a stream are spared first, and how many are hurt then.
    lines : int
        For watches: how many lines pass before it happens.
    at_byte : int or None
        How many bytes of the body pass before it happens (or, for split, how many are split); counts instead of lines.
    after : float or None
        Seconds after the headers when it happens at the latest, however few lines have passed.
    share : float
        Where within a line it happens.
    seconds : float
        How long (stall), how late (delay, join).
    code, retry_after : int
        Of an answer or an ERROR event.
    how : str
        How the body ends: "fin", "rst", "end" (as if it were complete), or "stay" (not at all).
    form : str
        In which form it comes; each kind that has several says which.
    """

    kind: str
    verb: str = "watch"
    stream: str = ""
    skip: int = 0
    count: int = 1
    lines: int = 0
    at_byte: int | None = None
    after: float | None = None
    share: float = 0.0
    seconds: float = 0.0
    code: int = 0
    retry_after: int = 0
    how: str = "fin"
    form: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that passed.

    Parameters
    ----------
    at : int
        Monotonic clock, ns.
    request : int
        Number of the request.
    stream, verb : str
        The plural, and "list" or "watch"; of discovery, the path.
    what : str
        request (value: the query), status (an answer of 400 or more: its code), retry (Retry-After), listed (a list was
        sent whole: its resourceVersion), line (resourceVersion, type), bookmark (resourceVersion), error (the code of
        an ERROR event), gone (the server said, in other words than 410, that its history isn't the one that was
        asked for), garbled (a line or an item: resourceVersion, type), moments (a list is of several), hurt (the kind
        of fault), refused (the recorder tried to write).
    value : object
    """

    at: int
    request: int
    stream: str
    verb: str
    what: str
    value: Any = None


class _Meta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - the API's own spelling
    continue_: str = msgspec.field(default="", name="continue")
    annotations: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    code: int = 0


class _Line(msgspec.Struct):
    type: str
    object: _Object


_line = msgspec.json.Decoder(_Line)
_list = msgspec.json.Decoder(_Object)


@dataclass
class _Request:
    number: int
    method: str
    target: str
    headers: dict[str, str]
    stream: str = ""
    verb: str = "other"
    query: dict[str, str] = field(default_factory=dict)


class _Ended(Exception):
    """A fault has ended the connection to the recorder."""


class _Complete(Exception):
    """A fault has ended the body, as if it were complete."""


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
        self._plurals = frozenset(plurals)
        self._faults = tuple(faults)
        self._matched: dict[tuple[int, str], int] = {}
        self._user = READER
        self._calm = False
        self._ahead = AHEAD if any(fault.kind == "rewind" for fault in self._faults) else 0
        self._newest: list[tuple[float, int]] = []
        self._garbled: dict[tuple[str, int, str], str] = {}
        self._poisoned: dict[str, int] = {}
        self._number = 0
        self._log: list[Seen] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        # Bound for as long as the proxy lives, never listening: it keeps the port while the door is closed.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the recorder finds it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> list[Seen]:
        """What has passed up to now."""
        return list(self._log)

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
        self._user = NOBODY if forbidden else READER

    def rewind(self) -> None:
        """Have the store stand where it really does: up to now it was shown far ahead of that."""
        self._ahead = 0
        for plural in self._plurals:
            self._log.append(Seen(clock.monotonic_ns(), 0, plural, "watch", "gone"))
        self.reset()

    def move(self) -> None:
        """Go to another port, and leave the old one."""
        self.close_door()
        self._place.close()
        self._place = _bound(0)
        self.port = self._place.getsockname()[1]
        self.open_door()

    def calm(self) -> None:
        """Do no more harm; what is being stalled goes on."""
        self._calm = True

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
            self._server = await asyncio.start_server(self._serve, sock=_bound(self.port), limit=LIMIT)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    def _reset(self) -> None:
        for writer in list(self._writers):
            _rst(writer)
        for task in list(self._tasks):
            task.cancel()

    def _note(self, request: _Request, what: str, value: Any = None) -> None:
        self._log.append(Seen(clock.monotonic_ns(), request.number, request.stream, request.verb, what, value))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers.add(writer)
        self._tasks.add(task)
        rest = b""
        try:
            while True:
                head = rest + await reader.readuntil(b"\r\n\r\n")
                rest = await self._one(self._request(head), reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, _Ended):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    def _request(self, head: bytes) -> _Request:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        self._number += 1
        request = _Request(self._number, method, target, headers)
        url = urlsplit(target)
        request.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        *_, parent, plural = ["", "", *url.path.strip("/").split("/")]
        if plural in self._plurals and parent != "namespaces":
            request.stream = plural
            request.verb = "watch" if request.query.get("watch") in ("1", "true") else "list"
        elif _DISCOVERY.fullmatch(url.path):
            request.stream, request.verb = url.path, "discovery"
        return request

    def _befall(self, request: _Request) -> list[Fault]:
        """Return the faults whose turn it is at this request."""
        found = []
        for index, fault in enumerate(self._faults):
            if fault.verb != request.verb or fault.stream not in ("", request.stream):
                continue
            if fault.kind == "expire" and "continue" not in request.query:
                continue
            turn = self._matched.get((index, request.stream), 0)
            self._matched[index, request.stream] = turn + 1
            still = not self._calm or fault.kind in _LASTING
            if still and fault.skip <= turn < fault.skip + fault.count:
                found.append(fault)
        return found

    async def _one(self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer one request; return what came of the next one."""
        self._note(request, "request", _real(request.query))
        if request.method not in ("GET", "HEAD"):
            self._note(request, "refused", f"{request.method} {request.target}")
            await _answer(writer, 405, b"{}")
            return b""
        faults = self._befall(request)
        if answer := await self._instead(request, faults, reader):
            code, body, retry_after, cut = answer
            await _answer(writer, code, body, retry_after, cut)
            if cut:
                writer.close()
                raise _Ended
            return b""
        try:
            slow = any(fault.kind == "throttle" for fault in faults)
            upstream, sender = await _connect(self._upstream, self._tls, slow)
        except OSError:  # the API server is down: so is this connection
            _rst(writer)
            raise _Ended from None
        gone = asyncio.ensure_future(_next_byte(reader))
        try:
            await self._forward(request, faults, upstream, sender, writer, gone)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, EOFError):
            _rst(writer)  # the API server has gone within its answer
            raise _Ended from None
        finally:
            sender.transport.abort()
            if not gone.done():
                gone.cancel()
        try:
            return await gone  # the first byte of the next request, if it was there already
        except asyncio.CancelledError:
            if not gone.cancelled():
                raise
            return b""

    async def _instead(
        self, request: _Request, faults: list[Fault], reader: asyncio.StreamReader
    ) -> tuple[int, bytes, int, bool] | None:
        """Return what is answered instead of asking the API server: code, body, Retry-After, and whether it is cut."""
        for fault in faults:
            if fault.kind == "wait":
                self._note(request, "hurt", "wait")
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "answer":
                self._note(request, "hurt", f"answer {fault.code}")
                self._note(request, "status", fault.code)
                if fault.form == "too large":
                    self._note(request, "gone")
                if fault.retry_after:
                    self._note(request, "retry", fault.retry_after)
                body = b"<html><title>Busy</title></html>" if fault.form == "html" else _status(fault)
                return fault.code, body, fault.retry_after, fault.form == "cut"
            elif fault.kind == "half":
                self._note(request, "hurt", "half")
                return 200, _HALVES[fault.form], 0, fault.form == "cut"
            elif fault.kind == "expire":
                self._note(request, "hurt", "expire")
                self._note(request, "status", 410)
                if fault.form == "go on":
                    self._note(request, "moments")
                await asyncio.sleep(fault.seconds)
                return 410, _expired(request.query["continue"], fault.form == "go on"), 0, False
            elif fault.kind == "forgetful" and (asked := _version(request)) and self._forgotten(asked, fault.seconds):
                self._note(request, "hurt", "forgetful")
                self._note(request, "status", 410)
                return 410, _status(replace(fault, code=410)), 0, False
        return None

    def _forgotten(self, version: int, seconds: float) -> bool:
        """Say whether the store stood further than at a version so many seconds ago."""
        return any(newest > version for at, newest in self._newest if at < time.monotonic() - seconds)

    def _stands(self, version: int) -> None:
        """Note where the store stands."""
        if not self._newest or self._newest[-1][1] < version:
            self._newest.append((time.monotonic(), version))

    async def _forward(
        self,
        request: _Request,
        faults: list[Fault],
        upstream: asyncio.StreamReader,
        sender: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        gone: asyncio.Future[bytes],
    ) -> None:
        kept = {name: request.headers[name] for name in ("accept", "accept-encoding") if name in request.headers}
        headers = {
            "host": f"{self._upstream[0]}:{self._upstream[1]}",
            "connection": "close",
            "impersonate-user": NOBODY if any(fault.kind == "forbid" for fault in faults) else self._user,
            "impersonate-group": "system:authenticated",
            **kept,
        }
        for fault in faults:
            if fault.kind in ("forbid", "anonymous", "paging", "plain", "terse", "rewind"):
                self._note(request, "hurt", fault.kind)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sender.write(f"{request.method} {self._target(request, faults)} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        head = (await upstream.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        code = int(head[0].split(" ", 2)[1])
        answered = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        if code >= 400:
            self._note(request, "status", code)
        plain = any(fault.kind == "plain" for fault in faults)
        blocks = _blocks(upstream, answered)
        out = _Out(self, request, self._poison(request, faults) if code < 400 else [], writer, gone)
        passed = [line for line in head[1:] if line and not line.lower().startswith(("connection:", "audit-id:"))]
        if plain:
            head[0] = head[0].replace("HTTP/1.1", "HTTP/1.0")
            passed = [line for line in passed if not line.lower().startswith(("transfer-encoding:", "content-length:"))]
        if request.verb == "watch" and code == 200:
            out.chunked = not plain
            await out.head(head[0], passed)
            try:
                if self._stands_behind(request, faults):
                    self._note(request, "hurt", "deaf")
                    await out._pause(float(request.query.get("timeoutSeconds", 1)))
                else:
                    await out.pump(blocks)
            except _Complete:
                pass
            await out.finish()
            if plain:
                writer.close()
                raise _Ended
            return
        body = b"".join([block async for block in blocks])
        if request.verb == "list" and code == 200:
            if answered.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
                passed = [line for line in passed if not line.lower().startswith("content-encoding:")]
            meta = _list.decode(body).metadata
            self._stands(int(meta.resourceVersion))
            if not meta.continue_ and request.query.get("limit") != "1":
                self._note(request, "listed", int(meta.resourceVersion))
            body = self._remade(request, faults, body)
        if request.stream == "/apis" and any(BROKEN in fault.stream for fault in self._faults):
            body = json.dumps(_with_another(json.loads(body))).encode()
        if plain:
            await out.head(head[0], passed)
            out.chunked = False
            await out.put(body)
            writer.close()
            raise _Ended
        passed = [line for line in passed if not line.lower().startswith(("transfer-encoding:", "content-length:"))]
        chunked = "transfer-encoding" in answered
        await out.head(head[0], [*passed, "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"])
        out.chunked = chunked
        try:
            await out.put(body)
        except _Complete:
            pass
        await out.finish()

    def _poison(self, request: _Request, faults: list[Fault]) -> list[Fault]:
        """Have a watch that begins too early end by an ERROR, whenever it is opened."""
        version = _version(request)
        if version is None or not any(fault.kind == "poison" for fault in faults):
            return faults
        if version <= self._poisoned.setdefault(request.stream, version):
            return [*faults, Fault("error", form="poison", how="end", after=0.0)]
        return faults

    def _target(self, request: _Request, faults: list[Fault]) -> str:
        """Return what the API server is asked for."""
        target = request.target
        if version := _version(request):
            target = re.sub(r"resourceVersion=\d+", f"resourceVersion={version - self._shift(version)}", target)
            if self._stands_behind(request, faults):
                target = re.sub(r"resourceVersion=\d+", "resourceVersion=0", target)
        if any(fault.kind == "paging" for fault in faults) and "limit" not in request.query:
            target += f"{'&' if '?' in target else '?'}limit=4"
        return target

    def _shift(self, version: int) -> int:
        return self._ahead if version >= AHEAD else 0

    def _stands_behind(self, request: _Request, faults: list[Fault]) -> bool:
        """Say whether a watch begins where the store isn't yet, and the server says nothing about that."""
        asked = (_version(request) or 0) >= AHEAD and not self._ahead
        return asked and any(fault.kind == "deaf" for fault in faults)

    def _remade(self, request: _Request, faults: list[Fault], body: bytes) -> bytes:
        """Return a list as it is passed on."""
        for fault in faults:
            if fault.kind == "anonymous":
                body = _nameless(body)
            elif fault.kind == "garble" and (items := json.loads(body).get("items")):
                found = json.loads(body)
                item = items[min(fault.lines, len(items) - 1)]
                self._note(request, "hurt", "garble item")
                self._note(request, "garbled", (int(item["metadata"]["resourceVersion"]), "LISTED"))
                found["items"] = [_bad(each, fault.form) if each is item else each for each in items]
                body = json.dumps(found).encode()
        return self.shifted(body)

    def shifted(self, data: bytes) -> bytes:
        """Show the store's versions far ahead of what they are, until it is rewound."""
        if not self._ahead:
            return data
        return _VERSION.sub(lambda found: b'"resourceVersion":"%d"' % (int(found[1]) + self._ahead), data)


class _Out:
    """One body on its way to the recorder, and what befalls it."""

    def __init__(
        self,
        proxy: Proxy,
        request: _Request,
        faults: list[Fault],
        writer: asyncio.StreamWriter,
        gone: asyncio.Future[bytes],
    ) -> None:
        self.chunked = True
        self._proxy = proxy
        self._request = request
        self._writer = writer
        self._gone = gone
        self._sent = 0
        self._lines = 0
        self._began = time.monotonic()
        self._waiting = [fault for fault in faults if fault.kind in ("cut", "truncate", "stall", "error", "garble")]
        if request.verb != "watch":
            self._waiting = [fault for fault in self._waiting if fault.kind != "garble"]
        self._shape = {fault.kind: fault for fault in faults}
        self._history: list[bytes] = []
        self._held: list[bytes] = []
        self._held_since: float | None = None
        for kind in ("split", "join", "duplicate", "replay", "delay", "throttle", "swallow"):
            if kind in self._shape:
                self._note("hurt", kind)

    def _note(self, what: str, value: Any) -> None:
        self._proxy._note(self._request, what, value)

    async def head(self, status_line: str, headers: list[str]) -> None:
        self._writer.write("\r\n".join([status_line, *headers, "", ""]).encode("latin-1"))
        await self._writer.drain()
        self._began = time.monotonic()

    async def pump(self, blocks: AsyncIterator[bytes]) -> None:
        """Forward the lines of a watch as they come, and let happen what is due by the clock."""
        rest = b""
        coming: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                await self._due()
                if coming is None:
                    coming = asyncio.ensure_future(anext(blocks, None))
                done, _ = await asyncio.wait(
                    {coming, self._gone}, timeout=self._next_due(), return_when=asyncio.FIRST_COMPLETED
                )
                if self._gone in done:
                    raise _Ended
                if coming not in done:
                    continue
                block, coming = coming.result(), None
                if block is None:
                    await self._release()
                    if rest:
                        await self.put(rest)
                    return
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    await self.line(line + b"\n")
        finally:
            if coming is not None:
                coming.cancel()

    def _next_due(self) -> float | None:
        now = time.monotonic()
        times = [self._began + fault.after - now for fault in self._waiting if fault.after is not None]
        if self._held_since is not None:
            times.append(self._held_since + self._shape["join"].seconds - now)
        return max(0.0, min(times)) if times else None

    async def _due(self) -> None:
        now = time.monotonic()
        if self._held_since is not None and now >= self._held_since + self._shape["join"].seconds:
            await self._release()
        for fault in list(self._waiting):
            if fault.after is not None and time.monotonic() >= self._began + fault.after:
                self._waiting.remove(fault)
                await self._release()
                await self._happen(fault)

    async def line(self, line: bytes) -> None:
        """Forward one line of a watch, with what is due before or within it."""
        decoded = _line.decode(line)
        version = decoded.object.metadata.resourceVersion
        if version:
            self._proxy._stands(int(version))
        if decoded.type == "BOOKMARK" and "terse" in self._shape:
            return
        bad = False
        if decoded.type == "ERROR":
            self._note("error", decoded.object.code)
            if b"arge resource version" in line:
                self._note("gone", None)
        elif "swallow" in self._shape and self._lines == self._shape["swallow"].lines and decoded.type != "BOOKMARK":
            self._lines += 1
            return
        for fault in list(self._waiting):
            if fault.at_byte is None and self._lines >= fault.lines and (fault.after is None or fault.lines):
                if fault.kind == "garble":
                    if decoded.type not in ("BOOKMARK", "ERROR") and b'"the-end"' not in line:
                        self._waiting.remove(fault)
                        self._note("hurt", "garble")
                        self._proxy._garbled[self._request.stream, int(version), decoded.type] = fault.form
                    continue
                self._waiting.remove(fault)
                await self._release()
                if fault.kind in ("truncate", "stall") and fault.share:
                    middle = max(1, min(len(line) - 2, int(len(line) * fault.share)))
                    await self.put(line[:middle])
                    line = line[middle:]
                await self._happen(fault)
        if form := self._proxy._garbled.get(
            (self._request.stream, int(version or 0), decoded.type)
        ):  # whenever it is sent
            self._note("garbled", (int(version), decoded.type))
            line, bad = _bad_line(line, form), True
        self._lines += 1
        await self._send(line)
        if decoded.type == "BOOKMARK":
            self._note("bookmark", int(version))
            if (decoded.object.metadata.annotations or {}).get("k8s.io/initial-events-end") == "true":
                self._note("listed", int(version))
        elif decoded.type != "ERROR" and not bad:
            self._note("line", (int(version), decoded.type))
        await self._again(line, decoded.type)

    async def _send(self, line: bytes) -> None:
        delay = self._shape.get("delay") or self._shape.get("throttle")
        if delay is not None and not self._proxy._calm and self._lines <= delay.lines:
            await self._pause(delay.seconds)
        if "join" in self._shape and not self._proxy._calm:
            self._held.append(self._made(line))
            if self._held_since is None:
                self._held_since = time.monotonic()
        else:
            await self._release()
            await self.put(self._made(line))

    def _made(self, line: bytes) -> bytes:
        if "anonymous" in self._shape and line.startswith(b'{"type":"'):
            line = _nameless(line)
        return self._proxy.shifted(line)

    async def _again(self, line: bytes, type_: str) -> None:
        """Send a line twice (duplicate), or one of the last lines once more (replay)."""
        if type_ == "BOOKMARK" or self._proxy._calm:
            return
        twice = self._shape.get("duplicate")
        if twice is not None and self._lines <= twice.lines:
            await self._send(line)
        replay = self._shape.get("replay")
        if replay is not None and type_ != "ERROR":
            self._history.append(line)
            if self._lines <= replay.lines and self._lines % 3 == 0:
                await self._send(self._history[max(0, len(self._history) - 4)])

    async def _release(self) -> None:
        """Send what was held back to be joined, as one chunk."""
        held, self._held, self._held_since = b"".join(self._held), [], None
        if held:
            await self.put(held)

    async def put(self, data: bytes) -> None:
        """Send bytes, and let happen what is due at a count of bytes."""
        for fault in sorted(
            (each for each in self._waiting if each.at_byte is not None), key=lambda each: each.at_byte
        ):
            assert fault.at_byte is not None
            if self._sent + len(data) > fault.at_byte:
                before = max(0, fault.at_byte - self._sent)
                await self._raw(data[:before])
                data = data[before:]
                self._waiting.remove(fault)
                await self._happen(fault)
        await self._raw(data)

    async def _raw(self, data: bytes) -> None:
        split = self._shape.get("split")
        while data:
            size = len(data)
            if split is not None and not self._proxy._calm and self._sent < (split.at_byte or 0):
                size = 1 + (self._sent * 7 + self._lines) % 11
            part, data = data[:size], data[size:]
            self._sent += len(part)
            if self._writer.transport.is_closing():
                raise _Ended
            wrapped = b"%x\r\n%s\r\n" % (len(part), part) if self.chunked else part
            if split is not None and split.how == "tcp":  # pieces within the chunk's own framing, too
                for start in range(0, len(wrapped), 3):
                    if self._writer.transport.is_closing():
                        raise _Ended
                    self._writer.write(wrapped[start : start + 3])
                    await asyncio.sleep(0)
            else:
                self._writer.write(wrapped)
            await self._writer.drain()

    async def finish(self) -> None:
        """Say that the body is complete."""
        if self.chunked:
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _happen(self, fault: Fault) -> None:
        if self._proxy._calm and fault.form != "poison":
            return
        self._note("hurt", fault.form if fault.form == "poison" else fault.kind)
        if fault.kind == "stall":
            await self._pause(fault.seconds)
            return
        if fault.kind == "error":
            self._note("error", fault.code)
            if fault.form == "too large":
                self._note("gone", None)
            whole = json.loads(_status(fault))
            if fault.form in ("lines", "apart"):
                written = json.dumps(whole, indent=2).encode() + b"\n"
            elif fault.form == "bare":
                written = json.dumps(whole).encode() + b"\n"
            else:
                written = json.dumps({"type": "ERROR", "object": whole}).encode() + b"\n"
            for piece in written.splitlines(keepends=True) if fault.form == "apart" else [written]:
                await self._raw(piece)
        how = fault.how
        if how == "end" and fault.after is not None and time.monotonic() > self._began + fault.after + LATE:
            how = "rst"  # so late that it could be taken for the server's own end
        if how == "end":
            if self.chunked:
                raise _Complete
            self._writer.close()
        elif how == "fin":
            self._writer.close()
        elif how == "rst":
            _rst(self._writer)
        else:  # "stay": neither ended nor going on, until the recorder leaves
            await self._pause(fault.seconds)
            self._writer.close()
        raise _Ended

    async def _pause(self, seconds: float) -> None:
        """Forward nothing for a while; the recorder may leave meanwhile."""
        done, _ = await asyncio.wait({self._gone}, timeout=seconds)
        if done:
            raise _Ended


async def _connect(
    address: tuple[str, int], tls: ssl.SSLContext, slow: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the API server; so that little is taken from it ahead of need, if that is wanted."""
    if not slow:
        return await asyncio.open_connection(*address, ssl=tls, limit=LIMIT)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=address[0], limit=2**16)


async def _next_byte(reader: asyncio.StreamReader) -> bytes:
    """Wait for the recorder's next request, or its end: b"" then."""
    try:
        return await reader.read(1)
    except OSError:
        return b""


async def _blocks(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """Yield a body as it comes, without its framing; raises IncompleteReadError if it is cut."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while True:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                raise asyncio.IncompleteReadError(line, None)
            size = int(line.split(b";")[0], 16)
            block = await reader.readexactly(size)
            await reader.readexactly(2)
            if not size:
                return
            yield block
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while block := await reader.read(2**16):
            yield block


async def _answer(
    writer: asyncio.StreamWriter, code: int, body: bytes, retry_after: int = 0, cut: bool = False
) -> None:
    more = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    head = f"HTTP/1.1 {code} Fault\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    writer.write(head.encode() + (body[: len(body) // 2] if cut else body))
    await writer.drain()


def _status(fault: Fault) -> bytes:
    """Return the Status that a fault sends."""
    found = status(fault.code)
    if fault.form == "too large":
        found |= {"message": "Too large resource version: 900719925, current: 17", "reason": "Timeout", "code": 504}
        found["details"] = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
    elif not fault.code:
        found = {"kind": "Status", "apiVersion": "v1", "message": "etcd: something is wrong (by the fault suite)"}
    return json.dumps(found).encode()


def _expired(token: str, further: bool) -> bytes:
    """Return the Status for a continue token that has expired; with one that goes on at another moment, if wanted."""
    found = status(410)
    if further:
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        said["rv"] = -1
        again = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")
        found["metadata"] = {"continue": again}
    return json.dumps(found).encode()


def _version(request: _Request) -> int | None:
    """Return the version that a watch begins at."""
    said = request.query.get("resourceVersion", "")
    return int(said) if request.verb == "watch" and said.isdecimal() else None


def _real(query: dict[str, str]) -> dict[str, str]:
    """Return a query with the version that the store really had."""
    said = query.get("resourceVersion", "")
    return {**query, "resourceVersion": str(int(said) % AHEAD)} if said.isdecimal() else query


def _nameless(data: bytes) -> bytes:
    """Take the uid out of an object, a watch's line, or each object of a list."""
    found = json.loads(data)
    inner = found.get("items") or [found.get("object", found)]
    for item in inner:
        item.get("metadata", {}).pop("uid", None)
    end = b"\n" if data.endswith(b"\n") else b""
    return json.dumps(found, separators=(",", ":")).encode() + end


def _bad(item: dict[str, Any], form: str) -> Any:
    """Return an item of a list as nobody can read it."""
    if form == "null":
        return None
    version = {"version": "x", "number": 7}.get(form, "")
    return {**item, "metadata": {**item["metadata"], "resourceVersion": version}}


def _bad_line(line: bytes, form: str) -> bytes:
    """Return a line as nobody can read it."""
    if form == "cut":
        return line[: len(line) // 2] + b"\n"
    found = json.loads(line)
    found["object"] = _bad(found["object"], form)
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def _with_another(listed: dict[str, Any]) -> dict[str, Any]:
    """Return the list of API groups with one more, that is broken, before all others."""
    version = {"groupVersion": f"{BROKEN}/v1", "version": "v1"}
    broken = {"name": BROKEN, "versions": [version], "preferredVersion": version}
    return {**listed, "groups": [broken, *listed["groups"]]}


def status(code: int) -> dict[str, Any]:
    """Return the Status object that an API server sends with a code."""
    reasons = {
        410: ("Expired", "too old resource version"),
        429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
        500: ("InternalError", "Internal error occurred"),
        503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504: ("Timeout", "the request did not complete within the time allotted"),
    }
    reason, message = reasons.get(code, ("Unknown", "unknown"))
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"{message} (by the fault suite)",
        "reason": reason,
        "code": code,
    }


def _rst(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST rather than by FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


def _bound(port: int) -> socket.socket:
    # asyncio sends small pieces at once only where it sees that this is TCP
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((LOOPBACK, port))
    return sock


__all__ = ["AHEAD", "BROKEN", "NOBODY", "READER", "Fault", "Proxy", "Seen", "status"]

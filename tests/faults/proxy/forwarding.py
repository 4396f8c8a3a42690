"""How a request is forwarded to the API server, and its answer to the recorder, with what befalls it there."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Iterable

from tests.faults.proxy.bodies import LIST, nameless, spoilt, with_another
from tests.faults.proxy.connections import Complete, Ended, Upstream, blocks
from tests.faults.proxy.fault import NOBODY, Fault
from tests.faults.proxy.memory import Memory
from tests.faults.proxy.out import Out
from tests.faults.proxy.request import Request


async def forward(
    request: Request,
    faults: list[Fault],
    memory: Memory,
    server: Upstream,
    writer: asyncio.StreamWriter,
    gone: asyncio.Future[bytes],
) -> None:
    """Ask the API server, and pass its answer on.

    Parameters
    ----------
    request : Request
    faults : list of Fault
        What befalls it.
    memory : Memory
    server : Upstream
    writer : StreamWriter
        To the recorder.
    gone : Future
        Done when the recorder has left, or asks for the next thing.

    Raises
    ------
    Ended
        If the connection to the recorder has ended.
    """
    for fault in faults:
        if fault.kind in ("forbid", "anonymous", "paging", "plain", "terse", "rewind"):
            memory.note(request, "hurt", fault.kind)
    server.writer.write(asked(request, faults, memory, server.host))
    first, *lines = (await server.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    lines = [line for line in lines if line]
    code = int(first.split(" ", 2)[1])
    answered = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if code >= 400:
        memory.note(request, "status", code)
    coming = blocks(server.reader, answered)
    out = Out(memory, request, memory.poison(request, faults) if code < 400 else [], writer, gone)
    lines = but(lines, "connection:", "audit-id:")
    plain = any(fault.kind == "plain" for fault in faults)
    if plain:
        first = first.replace("HTTP/1.1", "HTTP/1.0")
        lines = but(lines, "transfer-encoding:", "content-length:")
    if request.verb == "watch" and code == 200:
        out.chunked = not plain
        await out.head(first, lines)
        await watched(request, faults, memory, out, coming)
    else:
        body = b"".join([block async for block in coming])
        if request.verb == "list" and code == 200:
            if answered.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
                lines = but(lines, "content-encoding:")
            body = listed(request, faults, memory, body)
        if request.stream == "/apis" and memory.has_broken_api:
            body = json.dumps(with_another(json.loads(body))).encode()
        out.chunked = not plain and "transfer-encoding" in answered
        if not plain:
            lines = but(lines, "transfer-encoding:", "content-length:")
            lines.append("Transfer-Encoding: chunked" if out.chunked else f"Content-Length: {len(body)}")
        await out.head(first, lines)
        try:
            await out.put(body)
        except Complete:
            pass
        await out.finish()
    if plain:
        writer.close()
        raise Ended


def but(lines: Iterable[str], *names: str) -> list[str]:
    """Return headers without those of these names."""
    return [line for line in lines if not line.lower().startswith(names)]


def asked(request: Request, faults: list[Fault], memory: Memory, host: str) -> bytes:
    """Return what the API server is sent."""
    kept = {name: request.headers[name] for name in ("accept", "accept-encoding") if name in request.headers}
    headers = {
        "host": host,
        "connection": "close",
        "impersonate-user": NOBODY if any(fault.kind == "forbid" for fault in faults) else memory.user,
        "impersonate-group": "system:authenticated",
        **kept,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {target(request, faults, memory)} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def target(request: Request, faults: list[Fault], memory: Memory) -> str:
    """Return what the API server is asked for."""
    found = request.target
    if version := request.version:
        real = 0 if memory.stands_behind(request, faults) else memory.meant(version)
        found = re.sub(r"resourceVersion=\d+", f"resourceVersion={real}", found)
    if any(fault.kind == "paging" for fault in faults) and "limit" not in request.query:
        found += f"{'&' if '?' in found else '?'}limit=4"
    return found


async def watched(
    request: Request, faults: list[Fault], memory: Memory, out: Out, coming: AsyncIterator[bytes]
) -> None:
    """Pass a watch on, until it ends."""
    try:
        if memory.stands_behind(request, faults):
            memory.note(request, "hurt", "deaf")
            await out.pause(float(request.query.get("timeoutSeconds", 1)))
        else:
            await out.pump(coming)
    except Complete:
        pass
    await out.finish()


def listed(request: Request, faults: list[Fault], memory: Memory, body: bytes) -> bytes:
    """Return a list as it is passed on."""
    meta = LIST.decode(body).metadata
    memory.stands(int(meta.resourceVersion))
    if not meta.continue_ and request.query.get("limit") != "1":
        memory.note(request, "listed", int(meta.resourceVersion))
    for fault in faults:
        if fault.kind == "anonymous":
            body = nameless(body)
        elif fault.kind == "garble" and (items := json.loads(body).get("items")):
            found = json.loads(body)
            item = items[min(fault.lines, len(items) - 1)]
            memory.note(request, "hurt", "garble item")
            memory.note(request, "garbled", (int(item["metadata"]["resourceVersion"]), "LISTED"))
            found["items"] = [spoilt(each, fault.form) if each is item else each for each in items]
            body = json.dumps(found).encode()
    return memory.shifted(body)

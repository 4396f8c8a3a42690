"""Connections and what is read from them: to the API server, with the framing of its bodies, and to the recorder."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
LIMIT = 2**24


class Ended(Exception):
    """A fault has ended the connection to the recorder."""


class Complete(Exception):
    """A fault has ended the body, as if it were complete."""


def bound(port: int) -> socket.socket:
    """Return a socket that has this port, not listening yet."""
    # asyncio sends small pieces at once only where it sees that this is TCP
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((LOOPBACK, port))
    return sock


class Upstream(NamedTuple):
    """A connection to the API server."""

    host: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def connect(address: tuple[str, int], tls: ssl.SSLContext, slow: bool) -> Upstream:
    """Connect to the API server; so that little is taken from it ahead of need, if that is wanted."""
    host = f"{address[0]}:{address[1]}"
    if not slow:
        return Upstream(host, *await asyncio.open_connection(*address, ssl=tls, limit=LIMIT))
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return Upstream(host, *await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=address[0], limit=2**16))


async def next_byte(reader: asyncio.StreamReader) -> bytes:
    """Wait for the recorder's next request, or its end: b"" then."""
    try:
        return await reader.read(1)
    except OSError:
        return b""


async def blocks(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
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


async def send(writer: asyncio.StreamWriter, code: int, body: bytes, retry_after: int = 0, cut: bool = False) -> None:
    """Answer a request, or half of it."""
    more = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    head = f"HTTP/1.1 {code} Fault\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    writer.write(head.encode() + (body[: len(body) // 2] if cut else body))
    await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST rather than by FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()

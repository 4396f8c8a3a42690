"""Bodies that come in chunks, taken apart as fast as they come.

A server sends a chunk for each line of a watch and each object of a list. urllib3 hands out one chunk at a time, at
four times the cost of the rest of the work. So chunks are taken apart here, where the file of urllib3's connection can
be read; where it can't, or where urllib3 must decode the body, urllib3 does it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import urllib3

MUCH = 2**18
"""Bytes that are read at a time, at most, unless more are known to come."""


def in_chunks(response: urllib3.BaseHTTPResponse) -> bool:
    """Say whether a body comes in chunks, so that its end is told apart from a connection that was cut."""
    return response.headers.get("Transfer-Encoding", "").lower() == "chunked"


def file_of(response: urllib3.BaseHTTPResponse) -> BufferedReader | None:
    """Return the file that a body comes by in chunks; None where it doesn't, or urllib3 must decode it."""
    file = getattr(getattr(response, "_fp", None), "fp", None)
    plain = in_chunks(response) and "Content-Encoding" not in response.headers
    return file if plain and hasattr(file, "read1") else None


def unchunk(file: BufferedReader) -> Iterator[bytes]:
    """Yield a chunked body, as much as there is at a time, up to its end and what follows that.

    Raises
    ------
    ConnectionError
        If the connection was closed within it.
    ValueError
        If a chunk's size is no number.
    """
    held = b""
    missing = 0
    while True:
        data = file.read(missing) if missing > MUCH else file.read1(MUCH)
        if len(data) < (missing if missing > MUCH else 1):
            raise ConnectionError("the connection was closed within the answer")
        held += data
        pieces: list[bytes] = []
        at = missing = 0
        last = False
        while not last and (line := held.find(b"\r\n", at)) >= 0:
            size = int(held[at:line].partition(b";")[0], 16)
            end = line + 2 + size
            last = size == 0
            if not last and len(held) < end + 2:
                missing = end + 2 - len(held)
                break
            pieces.append(held[line + 2 : end])
            at = end if last else end + 2
        held = held[at:]
        if any(pieces):
            yield b"".join(pieces)
        if last:
            break
    while held != b"\r\n" and not held.endswith(b"\r\n\r\n"):
        if not (more := file.readline()):
            raise ConnectionError("the connection was closed before the answer's end")
        held += more


def received(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield a body as it comes, as much as there is at a time, whether it is sent in chunks or not."""
    file = file_of(response)
    if file is not None:
        yield from unchunk(file)
        return
    plain: Any = getattr(response, "_fp", None)
    if in_chunks(response) or "Content-Encoding" in response.headers or not hasattr(plain, "read1"):
        yield from response.stream(2**16)
        return
    while data := plain.read1(MUCH):  # HTTP/1.0, or a length: urllib3 would wait until a whole block has come
        yield data


def body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read all of it, and give the connection back."""
    file = file_of(response)
    if file is None:
        return response.data or b""
    whole = b"".join(unchunk(file))
    response._fp.close()  # type: ignore[attr-defined] # all was read from it behind its back
    response.release_conn()
    return whole

"""A small name server for tests: it answers from a table, by UDP, and remembers what it was asked."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

TYPES = {1: "A", 5: "CNAME", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV"}


def encoded(text: str) -> bytes:
    """Return a name as it is in a message."""
    labels = [label for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


class NameServer:
    """A name server at 127.0.0.1; use it in a `with` statement.

    Parameters
    ----------
    zone : dict
        From name and type to the records' data, as bytes. A name that isn't there at all doesn't exist.
    change : callable, optional
        What makes another answer of the right one, or none at all.
    """

    def __init__(
        self, zone: dict[tuple[str, str], list[bytes]], change: Callable[[bytes], bytes | None] = lambda right: right
    ) -> None:
        self.zone, self.change = zone, change
        self.asked: list[tuple[str, str]] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self) -> NameServer:
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def _serve(self) -> None:
        while True:
            message, asker = self.socket.recvfrom(4096)
            if not message:
                return
            labels, at = [], 12
            while length := message[at]:
                labels.append(message[at + 1 : at + 1 + length].decode())
                at += 1 + length
            kind = TYPES[int.from_bytes(message[at + 1 : at + 3], "big")]
            asked = ".".join(labels) + "."
            self.asked.append((asked, kind))
            if (answer := self.change(self.answer(message, at + 5, asked, kind))) is not None:
                self.socket.sendto(answer, asker)

    def answer(self, message: bytes, end: int, asked: str, kind: str) -> bytes:
        """Return the right answer to a question; each record's name points at the question's."""
        known = any(asked == each for each, _ in self.zone)
        records = self.zone.get((asked, kind), [])
        number = next(number for number, name in TYPES.items() if name == kind)
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 30, len(data)) + data for data in records)
        flags = 0x8580 if known else 0x8583
        return message[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + message[12:end] + body

"""What a process listens on, and whether it lets a stranger in; from /proc, as `ss -ltnp` does it."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from pathlib import Path

LISTEN = "0A"


def listeners(pids: list[int]) -> list[tuple[int, str, int]]:
    """Return pid, address and port of every TCP socket that these processes listen on."""
    found = []
    for pid in pids:
        inodes = set()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and fields[9] in inodes:
                    address, port = fields[1].split(":")
                    found.append((pid, _address(address), int(port, 16)))
    return found


def _address(text: str) -> str:
    words = struct.pack(f"={len(text) // 8}I", *(int(text[at : at + 8], 16) for at in range(0, len(text), 8)))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words)


def stranger(port: int, path: str, tls: bool) -> bytes:
    """Ask for a path without a certificate; return the answer's first line, or nothing if there is none."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            sock = context.wrap_socket(plain) if tls else plain
            sock.sendall(request)
            return sock.recv(4096).split(b"\r\n", 1)[0]
    except (ssl.SSLError, ConnectionError):
        return b""

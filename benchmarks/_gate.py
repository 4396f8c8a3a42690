"""A gate before an API server: connections go through it as they are, until it is shut."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import yaml

CHUNK = 1 << 16


class Gate:
    """Hand connections on to the server that a kubeconfig names; its certificate holds for any port of the address.

    Parameters
    ----------
    kubeconfig : Path

    Attributes
    ----------
    kubeconfig : str
        The same, by way of the gate.
    """

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        where = urlsplit(cluster["server"])
        self._server = (where.hostname, where.port)
        self._open: list[socket.socket] = []
        self._shut, self._lock = threading.Event(), threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        cluster["server"] = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self.kubeconfig = yaml.safe_dump(config)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and let no other one through."""
        self._shut.set()
        with self._lock:
            broken, self._open = self._open, []
        for each in broken:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def open(self) -> None:
        """Let connections through again."""
        self._shut.clear()

    def close(self) -> None:
        """Cut, and listen no more."""
        self.cut()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._shut.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(self._server, 10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=_hand_on, args=(one, other), daemon=True).start()


def _hand_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(CHUNK):
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


__all__ = ["Gate"]

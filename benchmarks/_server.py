"""A server on loopback that says what a recorded API server said, as fast as it is read: plain sockets, own process.

It is no Kubernetes: it knows a list of Pods (whole or in pages), watches, and as much of discovery as clients ask for.
What it sends is made ahead or by rows, framed as a kube-apiserver of 1.37 frames it, so that what is measured is the
client and not the server. Lists come in chunks of one object each; `framing="whole"` sends a list's body in one piece
with its length, as a server before 1.33 in effect did.
"""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks import _contest, _corpus

BATCH = 2**18
"""Bytes of a watch that are handed to the kernel in one call."""
HEAD = (
    "HTTP/1.1 {status}\r\nAudit-Id: 00000000-0000-0000-0000-000000000000\r\nCache-Control: no-cache, private\r\n"
    "Content-Type: application/json\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n{framing}\r\n\r\n"
)
CHUNKED = HEAD.format(status="200 OK", framing="Transfer-Encoding: chunked").encode()
GROUPS = {
    "v1": [
        ("pods", "Pod", "po"),
        ("events", "Event", "ev"),
        ("namespaces", "Namespace", "ns"),
        ("replicationcontrollers", "ReplicationController", "rc"),
    ],
    "apps/v1": [("replicasets", "ReplicaSet", "rs"), ("deployments", "Deployment", "deploy")],
}


class Lists:
    """The Pods, laid out so that any page of them is a few slices.

    Parameters
    ----------
    count : int
        How many there are.
    chunked : bool
        Whether each is a chunk of its own.
    """

    def __init__(self, count: int, chunked: bool) -> None:
        self.count = count
        self.chunked = chunked
        self._places = [0]
        laid = bytearray()
        for body in _corpus.pods(count):
            laid += _chunk(body + b",") if chunked else body + b","
            self._places.append(len(laid))
        self._laid = memoryview(laid)

    def page(self, begin: int, limit: int, version: int) -> list[bytes | memoryview]:
        """Return a response: the head, and the body's parts."""
        end = min(begin + limit, self.count)
        left = self.count - end
        meta = {"resourceVersion": str(version)}
        if left:
            meta |= {"continue": str(end), "remainingItemCount": left}  # type: ignore[dict-item]
        first = b'{"kind":"PodList","apiVersion":"v1","metadata":%s,"items":[' % _json(meta)
        if not self.count:
            return _answer(first + b"]}\n")
        last = bytes(self._laid[self._places[end - 1] : self._places[end]])
        most = self._laid[self._places[begin] : self._places[end - 1]]
        if not self.chunked:
            last = last[:-1] + b"]}\n"
            length = len(first) + len(most) + len(last)
            head = HEAD.format(status="200 OK", framing=f"Content-Length: {length}").encode()
            return [head + first, most, last]
        body = last.split(b"\r\n", 1)[1][:-3]
        return [CHUNKED + _chunk(first), most, _chunk(body) + _chunk(b"]}\n") + _chunk(b"")]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _version(body: bytes) -> int:
    return int(json.loads(body)["metadata"]["resourceVersion"])


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _answer(body: bytes, status: str = "200 OK") -> list[bytes | memoryview]:
    return [HEAD.format(status=status, framing=f"Content-Length: {len(body)}").encode() + body]


class Watches:
    """The rows of all kinds as watches send them: after a resourceVersion, each a line in a chunk of its own.

    Parameters
    ----------
    count : int
        How many rows there are of all kinds together.
    kind : str, optional
        Only this kind counts, and only its rows are sent.
    ahead : bool
        Whether they are made before the first request, which is quicker then, and takes the memory.

    Attributes
    ----------
    stands : dict
        Up to which resourceVersion each kind was sent: who asks where the store stands is told that.
    """

    def __init__(self, count: int, kind: str | None, ahead: bool) -> None:
        self._count = count
        self._kind = kind
        self._ahead: dict[str, list[tuple[bytes, int]]] = {}
        self.stands: dict[str, int] = {}
        if ahead:
            for plural in [_corpus.PLURALS[kind]] if kind else _corpus.PLURALS.values():
                self._ahead[plural] = list(self.batches(plural, 0))

    def batches(self, plural: str, after: int) -> Iterator[tuple[bytes, int]]:
        """Yield what is sent, in pieces of about BATCH bytes, with the resourceVersion of each piece's last row."""
        if plural in self._ahead and after <= _corpus.FIRST:
            yield from self._ahead[plural]
            return
        kind = next(kind for kind, name in _corpus.PLURALS.items() if name == plural)
        if self._kind is None:
            source = _corpus.rows(self._count, kind, after)
        else:
            source = _corpus.updates(self._count if kind == self._kind else 0, kind, after)
        batch, size, body = [], 0, b""
        for row, body in source:
            batch.append(_chunk(b'{"type":"%s","object":%s}\n' % (row.type.encode(), body)))
            size += len(body)
            if size > BATCH:
                yield b"".join(batch), _version(body)
                batch, size = [], 0
        if batch:
            yield b"".join(batch), _version(body)


class _Client(threading.Thread):
    """One connection: requests, one after the other, until it is closed or becomes a watch."""

    def __init__(self, connection: socket.socket, lists: Lists, watches: Watches) -> None:
        super().__init__(daemon=True)
        self._socket = connection
        self._lists = lists
        self._watches = watches

    def run(self) -> None:
        """Answer until the other side is gone."""
        with self._socket, contextlib.suppress(ConnectionError):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = b""
            while True:
                while b"\r\n\r\n" not in waiting:
                    got = self._socket.recv(2**16)
                    if not got:
                        return
                    waiting += got
                request, waiting = waiting.split(b"\r\n\r\n", 1)
                target = urlsplit(request.split(b" ", 2)[1].decode())
                query = {name: values[0] for name, values in parse_qs(target.query).items()}
                if query.get("watch", "").lower() in ("1", "true"):
                    self._watch(target.path.rsplit("/", 1)[1], query)
                else:
                    for part in self._get(target.path.rstrip("/"), query):
                        self._socket.sendall(part)

    def _get(self, path: str, query: dict[str, str]) -> list[bytes | memoryview]:
        plural = path.rsplit("/", 1)[1]
        if plural == "pods" and self._lists.count:
            limit = int(query.get("limit", "0")) or self._lists.count
            return self._lists.page(int(query.get("continue", "0")), max(limit, 1), _corpus.FIRST)
        known = {
            "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.2"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group("apps/v1")]},
            "/api/v1": _resources("v1"),
            "/apis/apps/v1": _resources("apps/v1"),
        }
        if path in known:
            return _answer(_json(known[path]))
        if plural in _corpus.PLURALS.values():
            kind = next(kind for kind, name in _corpus.PLURALS.items() if name == plural)
            asks = query.get("limit") == "1"  # where the store stands, that is
            meta = {"resourceVersion": str(self._watches.stands.get(plural, _corpus.FIRST) if asks else _corpus.FIRST)}
            return _answer(_json({"kind": f"{kind}List", "apiVersion": "v1", "metadata": meta, "items": []}))
        status = {"kind": "Status", "code": 404, "reason": "NotFound", "message": f"{path} is not served"}
        return _answer(_json(status), "404 Not Found")

    def _watch(self, plural: str, query: dict[str, str]) -> None:
        """Send the rows after a version, then nothing more until the time is over or the client has gone."""
        until = time.monotonic() + float(query.get("timeoutSeconds", 3600))
        self._socket.sendall(CHUNKED)
        for batch, version in self._watches.batches(plural, int(query.get("resourceVersion") or 0)):
            self._socket.sendall(batch)
            self._watches.stands[plural] = version
            if time.monotonic() > until:
                break
        self._socket.settimeout(max(until - time.monotonic(), 0.01))
        with contextlib.suppress(TimeoutError):
            if not self._socket.recv(1):
                return
        self._socket.settimeout(None)
        self._socket.sendall(_chunk(b""))


def _group(version: str) -> dict[str, object]:
    entry = {"groupVersion": version, "version": version.split("/")[1]}
    return {"name": version.split("/")[0], "versions": [entry], "preferredVersion": entry}


def _resources(version: str) -> dict[str, object]:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    found = [
        {
            "name": plural,
            "singularName": kind.lower(),
            "namespaced": kind != "Namespace",
            "kind": kind,
            "verbs": verbs,
            "shortNames": [short],
        }
        for plural, kind, short in GROUPS[version]
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _serve(ready: Connection, pods: int, framing: str, rows: int, kind: str | None, ahead: bool) -> None:
    lists = Lists(pods, framing == "chunks")
    watches = Watches(rows, kind, ahead)
    listening = socket.create_server(("127.0.0.1", 0), backlog=32)
    ready.send(listening.getsockname()[1])
    threading.Thread(target=_end_with_parent, args=(ready, listening), daemon=True).start()
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            _Client(connection, lists, watches).start()


def _end_with_parent(ready: Connection, listening: socket.socket) -> None:
    with contextlib.suppress(EOFError, OSError):
        ready.recv()
    with contextlib.suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@contextlib.contextmanager
def serving(
    pods: int = 0, framing: str = "chunks", rows: int = 0, kind: str | None = None, ahead: bool = True
) -> Iterator[Path]:
    """Run such a server, and give a kubeconfig file for it.

    Parameters
    ----------
    pods : int
        How many Pods a list has.
    framing : str
        "chunks": each object of a list in a chunk of its own; "whole": one piece, its length told ahead.
    rows, kind, ahead
        Of watches: see `Watches`.
    """
    ours, process = _contest.started(_serve, pods, framing, rows, kind, ahead)
    with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder:
        try:
            kubeconfig = Path(folder) / "kubeconfig"
            kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{ours.recv()}")))
            yield kubeconfig
        finally:
            ours.close()
            process.join(timeout=10)
            if _contest.APART and process.is_alive():
                process.kill()


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "loopback", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [
            {"name": "loopback", "context": {"cluster": "loopback", "user": "nobody", "namespace": "default"}}
        ],
        "current-context": "loopback",
    }

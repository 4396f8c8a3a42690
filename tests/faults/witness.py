"""etcd's own history of what was written: the witness that a recording is judged by.

A key's mod_revision is the object's resourceVersion, so nothing needs to be believed of the API server. The witness
watches live, from before the first write, so that a compaction doesn't take from it what it has not read yet.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from kitlib.errors import ClusterError, WaitTimeout
from kitlib.recording import clock

ROOT = "/registry/"
MARK = "faults/mark/"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object, as etcd has it.

    Parameters
    ----------
    revision : int
        The key's mod_revision, which is the object's resourceVersion.
    stream, namespace, name : str
        The plural of its kind, and the object.
    type : str
        ADDED, MODIFIED or DELETED.
    seen_ns : int
        Monotonic clock when the witness read it.
    """

    revision: int
    stream: str
    namespace: str
    name: str
    type: str
    seen_ns: int = 0


class _KeyValue(msgspec.Struct):
    key: str
    mod_revision: str
    create_revision: str = "0"


class _Event(msgspec.Struct):
    kv: _KeyValue
    type: str = "PUT"


class _Header(msgspec.Struct):
    revision: str = "0"


class _Result(msgspec.Struct):
    header: _Header | None = None
    events: list[_Event] = []
    created: bool = False
    canceled: bool = False
    cancel_reason: str = ""
    compact_revision: str = "0"


class _Answer(msgspec.Struct):
    result: _Result | None = None
    error: Any = None


_answer = msgspec.json.Decoder(_Answer)


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """etcd by its HTTP gateway, with a client certificate.

    Parameters
    ----------
    host, port : str and int
    tls : ssl.SSLContext
        With the client certificate loaded.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self.host = host
        self.port = port
        self._tls = tls

    def open(self, timeout: float | None = 10) -> http.client.HTTPSConnection:
        """Return a connection of one's own."""
        return http.client.HTTPSConnection(self.host, self.port, context=self._tls, timeout=timeout)

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request; return the answer."""
        connection = self.open()
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ClusterError(
                f"etcd answers {answer.status}: {data[:300].decode(errors='replace')}", step="ask etcd", object=path
            )
        return json.loads(data)

    def revision(self) -> int:
        """Return the revision etcd is at."""
        return int(self.call("/v3/kv/range", {"key": _coded("faults/none")})["header"]["revision"])

    def put(self, key: str) -> int:
        """Write a key of no meaning; return the revision at which that was done."""
        return int(self.call("/v3/kv/put", {"key": _coded(key), "value": ""})["header"]["revision"])

    def compact(self, revision: int) -> None:
        """Forget all history before a revision; that it is forgotten already is no error."""
        try:
            self.call("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        except ClusterError as error:
            if "compacted" not in error.message:
                raise


class Witness:
    """Reads all of etcd's changes in a thread, and keeps those of the namespaces that it was asked to look at.

    Use it in a `with` statement; inside it, etcd is being watched.

    Parameters
    ----------
    etcd : Etcd
    streams : dict of str to str
        The plural of each kind by where etcd keeps it: {"/registry/pods/": "pods"}.
    """

    def __init__(self, etcd: Etcd, streams: dict[str, str]) -> None:
        self._etcd = etcd
        self._streams = dict(streams)
        self._changes: dict[str, list[Change]] = {}
        self._marks: set[str] = set()
        self._news = threading.Condition()
        self._error: BaseException | None = None
        self._begun = False
        self._ended = False
        self._connection = etcd.open(None)
        self._thread = threading.Thread(target=self._read, name="witness", daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        self._until(lambda: self._begun, 20, "begin to watch etcd")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        try:
            if self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(timeout=10)
        self._connection.close()

    def look(self, namespace: str) -> None:
        """Keep the changes in a namespace from now on; to be called before it is made."""
        with self._news:
            self._changes[namespace] = []

    def also(self, where: str, stream: str) -> None:
        """Look at one more kind: where etcd keeps it, and its plural."""
        with self._news:
            self._streams[where] = stream

    def leave(self, namespace: str) -> None:
        """Forget a namespace and its changes."""
        with self._news:
            self._changes.pop(namespace, None)

    def complete(self, namespace: str, timeout: float = 20) -> list[Change]:
        """Return all changes up to now, once it is sure that all have been read.

        etcd sends changes in the order of their revisions; so a key that is written now, and seen, says that all
        that was written before has been seen.

        Raises
        ------
        WaitTimeout
            If that key is not seen in time.
        ClusterError
            If etcd ended the watch: then the witness knows too little, and nothing can be judged.
        """
        mark = MARK + secrets.token_hex(8)
        self._etcd.put(mark)
        self._until(lambda: mark in self._marks, timeout, "read etcd's history to its end")
        with self._news:
            return list(self._changes[namespace])

    def _until(self, predicate: Any, timeout: float, step: str) -> None:
        deadline = time.monotonic() + timeout
        with self._news:
            while not predicate():
                if self._error is not None:
                    raise ClusterError(
                        f"the witness is blind: {self._error}", step=step, object=f"{self._etcd.host}:{self._etcd.port}"
                    ) from self._error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WaitTimeout(f"not within {timeout:.0f} s", step=step, object="etcd")
                self._news.wait(left)

    def _read(self) -> None:
        body = {"create_request": {"key": "AA==", "range_end": "AA=="}}  # every key there is
        try:
            self._connection.request("POST", "/v3/watch", json.dumps(body), {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            if answer.status != 200:
                raise ConnectionError(f"etcd answers {answer.status} to /v3/watch")
            while line := answer.readline():
                self._take(line)
            if not self._ended:
                raise ConnectionError("etcd ended the watch")
        except (OSError, ValueError, http.client.HTTPException, msgspec.MsgspecError) as error:
            if not self._ended:
                with self._news:
                    self._error = error
                    self._news.notify_all()

    def _take(self, line: bytes) -> None:
        answer = _answer.decode(line)
        if answer.result is None or answer.result.canceled:
            raise ConnectionError(f"etcd ended the watch: {answer.error or answer.result}")
        now = clock.monotonic_ns()
        with self._news:
            self._begun = self._begun or answer.result.created
            for event in answer.result.events:
                key = base64.b64decode(event.kv.key).decode(errors="replace")
                if key.startswith(MARK):
                    self._marks.add(key)
                elif (change := self._change(key, event, now)) is not None:
                    self._changes[change.namespace].append(change)
            self._news.notify_all()

    def _change(self, key: str, event: _Event, now: int) -> Change | None:
        root, _, rest = key.rpartition("/")
        where, _, namespace = root.rpartition("/")
        stream = self._streams.get(where + "/")
        if stream is None or namespace not in self._changes:
            return None
        type_ = event.type
        if type_ == "PUT":
            type_ = "ADDED" if event.kv.create_revision == event.kv.mod_revision else "MODIFIED"
        else:
            type_ = "DELETED"
        return Change(int(event.kv.mod_revision), stream, namespace, rest, type_, now)


__all__ = ["Change", "Etcd", "Witness"]

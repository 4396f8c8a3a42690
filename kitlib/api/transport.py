"""A connection to one API server: the official client's configuration and authentication, and the bytes as they come.

Writing is refused here, in one place, unless the cluster is kitlib's own or was named explicitly.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException

from kitlib.errors import ClusterError, RefusedError, ServerError, UsageError

READS = frozenset({"GET", "HEAD", "OPTIONS"})
MUCH = 2**18
"""Bytes that are read at a time, at most, unless more are known to come."""
MOST_PATIENCE = 60.0
"""A server that asks to come again later than in so many seconds is asked after these."""


@dataclass(frozen=True)
class Resource:
    """Where the API server serves a kind, as its discovery documents say.

    Parameters
    ----------
    kind, plural, singular : str
        "Deployment", "deployments", "deployment".
    group_version : str
        "apps/v1", or "v1" for the core group.
    namespaced : bool
        Whether its objects live in a namespace.
    short_names : tuple of str
        kubectl's abbreviations ("deploy").
    """

    kind: str
    plural: str
    singular: str
    group_version: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection, of one object, or of its subresource."""
        root = "/api/v1" if self.group_version == "v1" else f"/apis/{self.group_version}"
        parts = [root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


class Stream:
    """The lines of a watch or of a log, as bytes; `close` ends it from another thread.

    Attributes
    ----------
    complete : bool
        Whether the server ended it, by its own last chunk: everything that it sent has come.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, watch: bool = True) -> None:
        self._response = response
        self._watch = watch
        self._closed = threading.Event()
        self.complete = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        for lines in self.chunks():
            yield from lines

    def chunks(self) -> Iterator[list[bytes]]:
        """Yield the whole lines that came together; the rest of one that was cut is left out.

        A log's last line needs no line break.

        Raises
        ------
        ConnectionError
            If the connection breaks, or is silent for too long.
        """
        rest = b""
        try:
            for data in self._received():
                *lines, rest = (rest + data).split(b"\n")
                if found := [line for line in lines if line]:
                    yield found
            ended = _in_chunks(self._response) and not self._closed.is_set()
            if ended and rest and not self._watch:
                yield [rest]
                rest = b""
            self.complete = ended and not rest
        except (urllib3.exceptions.HTTPError, OSError, AttributeError, ValueError) as error:
            if not self._closed.is_set():
                raise ConnectionError(str(error)) from error
        finally:
            self._response.close()

    def _received(self) -> Iterator[bytes]:
        """Yield what came, as much as there is at a time."""
        file = _chunked(self._response)
        yield from self._response.stream(2**16) if file is None else _unchunk(file)

    def close(self) -> None:
        """End the stream; the thread that reads it sees its end."""
        self._closed.set()
        try:
            self._response.shutdown()
        except (ValueError, OSError, AttributeError, RuntimeError):
            pass


def _in_chunks(response: urllib3.BaseHTTPResponse) -> bool:
    return response.headers.get("Transfer-Encoding", "").lower() == "chunked"


def _chunked(response: urllib3.BaseHTTPResponse) -> BufferedReader | None:
    """Return the file that a body comes by in chunks; None where it doesn't, or urllib3 must decode it.

    A server sends a chunk for each line of a watch and each object of a list, and urllib3 hands out one chunk at a
    time, at four times the cost of the rest of the work; so chunks are taken apart here, where its connection can be
    read.
    """
    file = getattr(getattr(response, "_fp", None), "fp", None)
    plain = _in_chunks(response) and "Content-Encoding" not in response.headers
    return file if plain and hasattr(file, "read1") else None


def _unchunk(file: BufferedReader) -> Iterator[bytes]:
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


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read all of it, and give the connection back."""
    file = _chunked(response)
    if file is None:
        return response.data
    body = b"".join(_unchunk(file))
    response._fp.close()  # type: ignore[attr-defined] # all was read from it behind its back
    response.release_conn()
    return body


class Connection:
    """One API server, with the credentials of one context of a kubeconfig file.

    Parameters
    ----------
    kubeconfig : Path or str, optional
        The file; the official client's default (`KUBECONFIG`, then ~/.kube/config) if None.
    context : str, optional
        The context in it; its current context if None.
    writable : bool
        Whether requests that write are sent; a `RefusedError` is raised for them otherwise.

    Raises
    ------
    ClusterError
        If the file or the context can't be used.
    """

    def __init__(
        self, kubeconfig: Path | str | None = None, context: str | None = None, writable: bool = False
    ) -> None:
        self.context = context
        self.writable = writable
        self._kubeconfig = str(kubeconfig) if kubeconfig else None
        self._resources: dict[str, list[Resource]] = {}
        self.renew()

    def renew(self) -> None:
        """Read the kubeconfig again: its certificates and tokens may have been replaced.

        Raises
        ------
        ClusterError
            If the file or the context can't be used.
        """
        try:
            self._api = config.new_client_from_config(config_file=self._kubeconfig, context=self.context)
        except (ConfigException, OSError) as error:
            raise ClusterError(
                f"can't use this kubeconfig: {error}",
                step="connect",
                object=self._kubeconfig or self.context or "default kubeconfig",
                next="run `kitlib up` for a cluster of kitlib's own, or check the file and the context's name",
            ) from error
        self._pool: urllib3.PoolManager = self._api.rest_client.pool_manager
        self.server: str = self._api.configuration.host.rstrip("/")

    @property
    def api_client(self) -> client.ApiClient:
        """The official client with this connection's configuration, for what kitlib has no word for."""
        return self._api

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: bytes | None,
        headers: dict[str, str],
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        if method not in READS and not self.writable:
            raise RefusedError(
                "kitlib did not make this cluster and does not write to it",
                step=f"{method} {path}",
                object=f"context {self.context or 'current'}",
                next="use a cluster of kitlib's own (`kitlib up`), or name this one: --context NAME --yes-write",
            )
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self.server + path
        if query:
            url += "?" + urlencode({key: value for key, value in query.items() if value is not None})
        try:
            response = self._pool.request(
                method, url, body=body, headers=headers, timeout=timeout, retries=False, preload_content=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._silent(error, f"{method} {path}") from error
        if response.status >= 400:
            raise server_error(response.status, response.data or b"", f"{method} {path}", response.headers)
        return response

    def _silent(self, error: Exception, step: str) -> ClusterError:
        return ClusterError(
            f"the API server does not answer: {error}",
            step=step,
            object=self.server,
            next="`kitlib status` shows what is running, `kitlib up` starts it again",
        )

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30,
    ) -> bytes:
        """Send one request and return the body's bytes.

        Parameters
        ----------
        method, path : str
            "GET", "/api/v1/namespaces".
        query : mapping, optional
            Parameters of the URL; None values are left out.
        body : bytes, str or JSON-like, optional
            What is sent; anything but bytes and str is written as JSON.
        content_type, accept : str
            Media types.
        timeout : float
            Seconds to wait for an answer.

        Raises
        ------
        RefusedError
            If it would write and this connection may not.
        ServerError
            If the server refuses; `status` holds its Status object.
        ClusterError
            If the server does not answer.
        """
        headers = {"Accept": accept, "User-Agent": "kitlib"}
        data: bytes | None = None
        if body is not None:
            headers["Content-Type"] = content_type
            text = body if isinstance(body, bytes | str) else json.dumps(body)
            data = text.encode() if isinstance(text, str) else text
        response = self._send(method, path, query, data, headers, urllib3.Timeout(connect=5, read=timeout))
        try:
            return _body(response)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            response.close()
            raise self._silent(error, f"{method} {path}") from error

    def get(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """GET a path and decode the JSON that comes back."""
        return json.loads(self.request("GET", path, query, **options))

    def stream(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        read_timeout: float = 300,
        accept: str = "application/json",
        watch: bool = True,
    ) -> Stream:
        """Open a watch, or a log that is followed, and return its lines as they come.

        Parameters
        ----------
        path : str
            A collection's path.
        query : mapping, optional
            Its parameters; `watch=1` is added.
        read_timeout : float
            Seconds of silence after which reading raises `ConnectionError`.
        accept : str
            Media type.
        watch : bool
            Whether it is a watch.
        """
        headers = {"Accept": accept, "User-Agent": "kitlib"}
        timeout = urllib3.Timeout(connect=5, read=read_timeout)
        asked = {**(query or {}), **({"watch": "1"} if watch else {})}
        return Stream(self._send("GET", path, asked, None, headers, timeout), watch)

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        """Find a kind by any of its names, as kubectl does: "Deployment", "deployments", "deploy", "jobs.batch".

        Raises
        ------
        UsageError
            If the server serves no such kind.
        """
        wanted, _, group = name.partition(".")
        wanted = wanted.lower()
        for version in [group_version] if group_version else self._group_versions():
            if group and version.split("/")[0] != group:
                continue
            for resource in self._served(version):
                names = {resource.kind.lower(), resource.plural, resource.singular, *resource.short_names}
                if wanted in names:
                    return resource
        raise UsageError(
            f"this API server serves no kind {name!r}" + (f" in {group_version}" if group_version else ""),
            step="discovery",
            object=self.server,
            next="`kubectl api-resources` lists what it serves; check the spelling and the apiVersion",
        )

    def _group_versions(self) -> Iterator[str]:
        yield from ("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1")
        for group in self.get("/apis")["groups"]:
            yield from (version["groupVersion"] for version in group["versions"])

    def _served(self, group_version: str) -> list[Resource]:
        if group_version not in self._resources:
            path = "/api/v1" if group_version == "v1" else f"/apis/{group_version}"
            try:
                listed = self.get(path)["resources"]
            except ServerError as error:
                if error.status.get("code") != 404:
                    raise
                listed = []
            self._resources[group_version] = [
                Resource(
                    kind=item["kind"],
                    plural=item["name"],
                    singular=item.get("singularName") or item["kind"].lower(),
                    group_version=group_version,
                    namespaced=item["namespaced"],
                    short_names=tuple(item.get("shortNames") or ()),
                )
                for item in listed
                if "/" not in item["name"]
            ]
        return self._resources[group_version]


def server_error(code: int, body: bytes, step: str, headers: Mapping[str, str] | None = None) -> ServerError:
    """Make the error that says what the server's Status object says, and when to come again."""
    try:
        status = json.loads(body)
    except ValueError:
        status = {"code": code, "message": body.decode(errors="replace")[:500] or f"HTTP {code}"}
    if not isinstance(status, dict):
        status = {"message": str(status)[:500]}
    status.setdefault("code", code)
    hints = {
        401: "the credentials in the kubeconfig are not accepted: `kitlib up` renews those of its own clusters",
        403: "the server's answer names the permission that is missing",
        404: "check the name and the namespace",
        409: "another field manager owns a field, or the object exists: the message names it",
        422: "the message names the field; `kubectl explain` shows what it takes",
        400: "the message names the field; `kubectl explain` shows what it takes",
    }
    error = ServerError(str(status.get("message") or f"HTTP {code}"), step=step, next=hints.get(code), status=status)
    asked = (headers or {}).get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    if asked is not None and str(asked).isdigit():
        error.retry_after = min(float(asked), MOST_PATIENCE)
    return error

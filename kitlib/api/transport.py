"""A connection to one API server: one HTTP client for everything, with the credentials of a kubeconfig's context.

Writing is refused here, in one place, unless the cluster is kitlib's own or was named explicitly.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from kitlib.api import answers, chunked, credentials, discovery, pool, tls
from kitlib.api import kubeconfig as kubeconfigs
from kitlib.api.answers import ASKED, NEVER, Answer, Retry, server_error
from kitlib.api.discovery import Resource
from kitlib.api.notices import say_once
from kitlib.api.streams import Stream
from kitlib.errors import ClusterError, RefusedError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

READS = frozenset({"GET", "HEAD", "OPTIONS"})
CONNECT = 5.0
"""Seconds that a server may take to accept a connection."""
_FAILURES = (urllib3.exceptions.HTTPError, OSError, ValueError)


class Connection:
    """One API server, with the credentials of one context of a kubeconfig file.

    Parameters
    ----------
    kubeconfig : Path or str, optional
        The file, or several as ``KUBECONFIG`` names them; by default yours (`KUBECONFIG`, then ~/.kube/config, then
        a Pod's service account), read as kubectl reads them.
    context : str, optional
        The context in it; its current context if None.
    writable : bool
        Whether requests that write are sent; a `RefusedError` is raised for them otherwise.

    Raises
    ------
    ClusterError
        If the file or the context can't be used, or no credentials can be had.
    """

    def __init__(
        self, kubeconfig: Path | str | None = None, context: str | None = None, writable: bool = False
    ) -> None:
        self.context = context
        self.writable = writable
        self._kubeconfig = str(kubeconfig) if kubeconfig else None
        self._fixed: kubeconfigs.Context | None = None
        self._begin()

    def _begin(self) -> None:
        self._resources: dict[str, list[Resource]] = {}
        self._api: ApiClient | None = None
        self._ahead = (-math.inf, math.inf)
        self.renew()

    @classmethod
    def to(
        cls,
        server: str,
        authority: Path | bytes | None = None,
        certificate: Path | bytes | None = None,
        key: Path | bytes | None = None,
        writable: bool = False,
    ) -> Connection:
        """Return a connection without a kubeconfig file, such as to a cluster that is coming up.

        Parameters
        ----------
        server : str
            Such as https://127.0.0.1:6443.
        authority, certificate, key : Path or bytes, optional
            PEM files, or what they would hold: who signed the server's certificate; the client's own.
        writable : bool
            Whether requests that write are sent.
        """
        made = cls.__new__(cls)
        made.context, made.writable, made._kubeconfig = None, writable, None
        trusted = kubeconfigs.given("certificate-authority", authority)
        shown = kubeconfigs.given("client-certificate", certificate) | kubeconfigs.given("client-key", key)
        made._fixed = kubeconfigs.Context(server, {"server": server, **trusted}, shown)
        made._begin()
        return made

    def renew(self) -> None:
        """Read the kubeconfig again: its certificates and tokens may have been replaced.

        Raises
        ------
        ClusterError
            If the file or the context can't be used.
        """
        entry = self._fixed
        if entry is None:
            found = kubeconfigs.read(self._kubeconfig)
            entry = found.context(self.context)
            for path, why in found.broken.items():
                say_once(f"{path} is left out: this is not a kubeconfig file that can be read: {why}")
        self._entry = entry
        self._credentials = credentials.Credentials(entry.user, entry.cluster)
        scheme, mark, rest = str(entry.cluster["server"]).partition("://")
        self.server: str = (f"{scheme.lower()}://{rest}" if mark else f"http://{scheme}").rstrip("/")
        self._certificate: tuple[bytes, bytes] | None = None
        self._link: pool.Link | None = None

    @property
    def authority(self) -> bytes:
        """The certificates, as PEM, by which the server is known; empty where this machine's own count."""
        return tls.material(self._entry.cluster, "certificate-authority")

    @property
    def api_client(self) -> ApiClient:
        """The official client over this connection, for what kitlib has no word for; it writes only where this may."""
        if self._api is None:
            from kitlib.api import official  # late: it takes a second to load

            self._api = official.client(self)
        return self._api

    def _connected(self) -> pool.Link:
        """Return the connections to the server; anew where a plugin has made another certificate."""
        link, shown = self._link, self._certificate
        if link is not None and (certificate := self._credentials.certificate()) is shown:
            return link
        certificate = self._credentials.certificate()
        if link is None or certificate != shown:
            link = self._link = pool.opened(self.server, self._entry.cluster, certificate)
        self._certificate = certificate
        return link

    @property
    def ahead(self) -> tuple[float, float]:
        """By how many seconds the server's wall clock is ahead of this machine's: at least, and at most.

        From the Date of its answers, which is a whole second; both infinite while it sent none.
        """
        return self._ahead

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: bytes | None,
        headers: dict[str, str],
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; return the answer, a refusal included, as soon as its head has come."""
        if method not in READS and not self.writable:
            raise RefusedError(
                "kitlib did not make this cluster and does not write to it",
                step=f"{method} {path}",
                object=f"context {self.context or 'current'}",
                next="use a cluster of kitlib's own (`kitlib up`), or name this one: --context NAME --yes-write",
            )
        url = path
        if query:
            url += "?" + urlencode({key: value for key, value in query.items() if value is not None})
        for again in (True, False):
            sent = urllib3.HTTPHeaderDict(headers)
            acting = "Impersonate-User" in headers
            for name, value in self._credentials.headers():
                if not (acting and name.startswith("Impersonate-")):
                    sent.add(name, value)
            link = self._connected()
            asked = time.time()
            try:
                response = link.ask(method, url, body, sent, timeout)
            except _FAILURES as error:
                raise answers.silent(error, self.server, f"{method} {path}", link.proxy) from error
            if response.status != 401 or not again or not self._credentials.refused():
                break
            response.close()
        self._ahead = answers.ahead(self._ahead, response.headers.get("Date"), asked, time.time())
        if 300 <= response.status < 400:
            response.close()
            raise answers.redirect(response, self.server, f"{method} {path}")
        return response

    def _whole(self, response: urllib3.BaseHTTPResponse, step: str) -> bytes:
        try:
            return chunked.body(response)
        except (*_FAILURES, AttributeError) as error:
            response.close()
            raise answers.silent(error, self.server, step) from error

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30,
        retry: Retry = NEVER,
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
        retry : Retry
            What is asked again, how often, and with which pauses; by default nothing is.

        Raises
        ------
        RefusedError
            If it would write and this connection may not.
        ServerError
            If the server refuses; `status` holds its Status object.
        ClusterError
            If the server does not answer, or what answers is no API server.
        """
        if retry is not NEVER:
            return retry.run(lambda: self.request(method, path, query, body, content_type, accept, timeout))
        headers = {"Accept": accept, "User-Agent": "kitlib"}
        data = _encoded(body)
        if data is not None:
            headers["Content-Type"] = content_type
        step = f"{method} {path}"
        limits = urllib3.Timeout(connect=min(CONNECT, timeout), read=timeout)
        response = self._send(method, path, query, data, headers, limits)
        if response.status >= 400:
            raise answers.refusal(response, self._whole, step)
        answer = self._whole(response, step)
        if accept.startswith("application/json") and (what := answers.page(answer, response.headers)):
            raise answers.no_api_server(what, self.server, step)
        return answer

    def exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send one request and return the answer whole, a refusal and the server's warnings included.

        Parameters
        ----------
        method, path, query, body, content_type, timeout
            As for `request`.
        headers : mapping, optional
            Besides the usual ones, such as Impersonate-User.

        Raises
        ------
        RefusedError
            If it would write and this connection may not.
        ClusterError
            If the server does not answer.
        """
        sent = {"Accept": "application/json", "User-Agent": "kitlib", **(headers or {})}
        data = _encoded(body)
        if data is not None:
            sent["Content-Type"] = content_type
        limits = urllib3.Timeout(connect=min(CONNECT, timeout), read=timeout)
        response = self._send(method, path, query, data, sent, limits)
        return Answer(response.status, response.headers, self._whole(response, f"{method} {path}"))

    def get(
        self, path: str, query: Mapping[str, Any] | None = None, retry: Retry = ASKED, **options: Any
    ) -> dict[str, Any]:
        """GET a path and decode the JSON that comes back; what passes is asked again, as client-go does.

        Raises
        ------
        ServerError, ClusterError
            As `request` does; also if it is no JSON.
        """
        body = self.request("GET", path, query, retry=retry, **options)
        return answers.decoded(body, self.server, f"GET {path}")

    def version(self) -> dict[str, str]:
        """Return what the server says of its version: at least `major`, `minor` and `gitVersion`.

        Raises
        ------
        ServerError, ClusterError
            As `get` does; also if what answers says nothing of the kind.
        """
        found = self.get("/version", timeout=10)
        if not isinstance(found, dict) or not {"major", "minor", "gitVersion"} <= set(found):
            raise answers.no_api_server("it tells no version", self.server, "GET /version")
        return found

    def watch(self, path: str, until: float) -> Iterator[dict[str, Any]]:
        """Yield the objects of a collection, as they are first and whenever they change, for a wait of its own.

        Parameters
        ----------
        path : str
            The collection's path, with its parameters.
        until : float
            When it ends, by `time.monotonic`; without an error before that, where the connection ends.

        Raises
        ------
        ServerError
            If the server refuses.
        """
        left = until - time.monotonic()
        if left <= 0:
            return
        mark = "&" if "?" in path else "?"
        asked = f"{path}{mark}{urlencode({'watch': 1, 'timeoutSeconds': int(left) + 1})}"
        try:
            with self.stream(asked, watch=False, read_timeout=left) as lines:
                for line in lines:
                    yield json.loads(line)["object"]
                    if time.monotonic() > until:
                        return
        except (ConnectionError, ClusterError, ValueError, LookupError, TypeError):
            return

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

        Raises
        ------
        ServerError, ClusterError
            As `request` does.
        """
        headers = {"Accept": accept, "User-Agent": "kitlib"}
        timeout = urllib3.Timeout(connect=CONNECT, read=read_timeout)
        asked = {**(query or {}), **({"watch": "1"} if watch else {})}
        response = self._send("GET", path, asked, None, headers, timeout)
        if response.status >= 400:
            raise answers.refusal(response, self._whole, f"GET {path}")
        if what := answers.page(b"", response.headers):
            response.close()
            raise answers.no_api_server(what, self.server, f"GET {path}")
        return Stream(response, watch)

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        """Find a kind by any of its names, as kubectl does: "Deployment", "deployments", "deploy", "jobs.batch".

        Raises
        ------
        UsageError
            If the server serves no such kind; APIs that did not answer are named.
        """
        return discovery.find(self, name, group_version)


def _encoded(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


__all__ = ["Answer", "Connection", "Resource", "Stream", "server_error"]

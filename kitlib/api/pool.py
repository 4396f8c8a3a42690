"""Where requests go: urllib3's connections to one server, direct or through a proxy, and kept open in between."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from urllib3.util import make_headers

from kitlib.api import proxies, tls
from kitlib.api.notices import say_once
from kitlib.errors import ClusterError

OPEN = 32
"""So many connections to a server are kept open."""


class _Unverified:
    """A connection whose server is not checked, on purpose: that is said once, in words of kitlib's own."""

    is_verified = True

    def connect(self) -> None:
        """Connect, and let urllib3 not warn of each request."""
        super().connect()  # type: ignore[misc]
        self.is_verified = True


class Link:
    """Connections to one server.

    Parameters
    ----------
    server : str
        Its URL, with or without a path before all others.
    secure : ssl.SSLContext or None
        Settings of a secure connection; None where it is none.
    name : str
        The name that the server's certificate is to hold, where it isn't that of the URL.
    proxy_url : str
        A proxy for all requests; by default the environment's.

    Raises
    ------
    ClusterError
        If URL or proxy can't be used.
    """

    def __init__(self, server: str, secure: ssl.SSLContext | None = None, name: str = "", proxy_url: str = "") -> None:
        self.server = server.rstrip("/")
        parts = urlsplit(self.server)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if parts.scheme not in ("http", "https") or not host:
            raise _unusable(f"{server!r} is no address of a server", server, "write `server: https://HOST:PORT`")
        options: dict[str, Any] = {"maxsize": OPEN}
        if parts.scheme == "https":
            options["ssl_context"] = secure
            if name:
                options["server_hostname"] = name
        self._prefix = parts.path.rstrip("/")
        self.proxy = proxies.choose(self.server, proxy_url)
        try:
            manager = _manager(self.proxy, secure, options) if self.proxy else urllib3.PoolManager(**options)
        except ValueError as error:  # of urllib3, or of an address with a port that is none
            raise _unusable("this is no address of a proxy", self.proxy, "write http://HOST:PORT") from error
        self.pool = manager.connection_from_host(host, port, parts.scheme)
        if self.proxy and parts.scheme == "http" and not self.proxy.startswith("socks"):
            self._prefix = self.server  # such a proxy is told the whole address
        if secure is not None and secure.verify_mode is ssl.CERT_NONE and parts.scheme == "https":
            self.pool.ConnectionCls = type("Unverified", (_Unverified, self.pool.ConnectionCls), {})

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        timeout: urllib3.Timeout | float,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, and return the answer as soon as its head has come."""
        return self.pool.urlopen(
            method,
            self._prefix + path or "/",
            body=body,
            headers=urllib3.HTTPHeaderDict(headers),
            timeout=timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.pool.close()


def opened(server: str, cluster: Mapping[str, Any], certificate: tuple[bytes, bytes] | None) -> Link:
    """Return connections to the server of a kubeconfig's cluster; say so, once, if it isn't verified.

    Parameters
    ----------
    server : str
        Its URL.
    cluster : mapping
        The entry: whom to trust, which name and which proxy.
    certificate : tuple of bytes or None
        The client's, and its key.
    """
    secure = None
    if server.startswith("https://"):
        secure = tls.trust(cluster)
        if certificate is not None:
            tls.present(secure, *certificate)
        if secure.verify_mode is ssl.CERT_NONE:
            say_once(
                f"{server} is not verified: insecure-skip-tls-verify is set in the kubeconfig, so anybody between you"
                " and it can read and change what is sent."
            )
    return Link(server, secure, str(cluster.get("tls-server-name") or ""), str(cluster.get("proxy-url") or ""))


def _manager(proxy: str, secure: ssl.SSLContext | None, options: dict[str, Any]) -> urllib3.PoolManager:
    """Return what makes connections through a proxy."""
    parts = urlsplit(proxy)
    scheme = parts.scheme.lower()
    if scheme in ("socks5", "socks5h"):
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            raise _unusable("a SOCKS proxy needs PySocks", proxy, "pip install pysocks") from error
        # The proxy finds the address of a name, as it does for kubectl.
        return SOCKSProxyManager(urlunsplit(("socks5h", parts.netloc, "", "", "")), **options)
    if scheme not in ("http", "https") or not parts.hostname:
        raise _unusable(f"{scheme or proxy!r} is no kind of proxy", proxy, "use http, https or socks5")
    if scheme == "https":
        options["proxy_ssl_context"] = secure
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        options["proxy_headers"] = make_headers(proxy_basic_auth=pair)
    return urllib3.ProxyManager(urlunsplit((scheme, parts.netloc.rpartition("@")[2], "", "", "")), **options)


def _unusable(what: str, where: str, then: str) -> ClusterError:
    return ClusterError(what, step="connect", object=where.rpartition("@")[2], next=then)

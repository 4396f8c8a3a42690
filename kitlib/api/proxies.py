"""Which proxy a request goes through, as kubectl decides it (Go's net/http): this machine is always asked directly.

Read are HTTPS_PROXY, HTTP_PROXY and NO_PROXY, each also in small letters, and a context's `proxy-url`, which goes
before them. ALL_PROXY is not: neither does kubectl read it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def choose(server: str, proxy_url: str = "", environ: Mapping[str, str] | None = None) -> str:
    """Return the proxy's URL for a server; empty if it is asked directly.

    Parameters
    ----------
    server : str
        URL of what is asked.
    proxy_url : str
        The context's own `proxy-url`; it counts for every address.
    environ : mapping, optional
        The environment, by default this process'.
    """
    if proxy_url:
        return proxy_url
    environ = os.environ if environ is None else environ
    parts = urlsplit(server)
    scheme = parts.scheme.lower()
    found = _variable(environ, f"{scheme}_proxy")
    host, port = parts.hostname or "", parts.port or PORTS.get(scheme, 0)
    if not found or not _goes_through(host, port, _variable(environ, "no_proxy")):
        return ""
    return found if "://" in found else f"http://{found}"


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _goes_through(host: str, port: int, exceptions: str) -> bool:
    """Say whether a host is no exception: loopback always is one."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return False
    return not any(_is_meant(each.strip().lower(), host, port, address) for each in exceptions.split(","))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def _is_meant(each: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    """Say whether one entry of NO_PROXY is about a host: "*", a network, an address, a domain, also with a port."""
    if not each:
        return False
    if each == "*":
        return True
    if "/" in each:
        try:
            return address is not None and address in ipaddress.ip_network(each, strict=False)
        except ValueError:
            pass
    name, wanted = _split(each)
    if wanted and wanted != str(port):
        return False
    own = _address(name)
    if own is not None:
        return own == address
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _split(each: str) -> tuple[str, str]:
    """Return name and port of an entry; the port is empty where there is none."""
    if each.startswith("["):
        name, _, rest = each[1:].partition("]")
        return name, rest.removeprefix(":")
    if each.count(":") == 1:
        name, _, port = each.partition(":")
        return name, port
    return each, ""

"""Proxies that are named to what runs in a container: not one of this machine, which nobody reaches from there."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY")


def for_containers(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without proxies on a loopback address: within a container that address is its own.

    Parameters
    ----------
    environ : mapping, optional
        This process's by default.
    """
    environ = os.environ if environ is None else environ
    return {key: value for key, value in environ.items() if not (key.upper() in VARIABLES and of_this_machine(value))}


def of_this_machine(proxy: str) -> bool:
    """Say whether a proxy's URL, with or without a scheme, is on a loopback address."""
    try:
        host = (urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

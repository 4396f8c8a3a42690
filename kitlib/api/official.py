"""The official client over a connection of kitlib's: the same server, credentials, proxies and refusal to write.

Only its way out is replaced: the pool that it asks by method and URL, which is the same in all of its versions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import urllib3
from kubernetes import client as official

if TYPE_CHECKING:
    from kitlib.api.transport import Connection

SECONDS = 60.0
"""How long an answer may take where the caller doesn't say."""


class _Pool:
    """What the official client takes for urllib3's pool."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, timeout: Any = None, **_: Any
    ) -> urllib3.BaseHTTPResponse:
        """Send one request by the connection, and return urllib3's answer."""
        path = url.removeprefix(self._connection.server)
        data = body if body is None or isinstance(body, bytes) else _text(body).encode()
        limits = timeout if isinstance(timeout, urllib3.Timeout) else urllib3.Timeout(timeout or SECONDS)
        return self._connection._send(method, path, None, data, dict(headers or {}), limits)

    def clear(self) -> None:
        """Do nothing: the connection goes on."""


def client(connection: Connection) -> official.ApiClient:
    """Return the official client, over a connection."""
    configuration = official.Configuration()
    configuration.host = connection.server
    configuration.proxy = None  # the connection has its own
    made = official.ApiClient(configuration)
    made.rest_client.pool_manager = _Pool(connection)  # type: ignore[assignment]
    return made


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


__all__ = ["client"]

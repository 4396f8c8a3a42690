"""As whom a server is asked: tokens, passwords, certificates, whom to act as, and what plugins say.

One `Credentials` for a user of a kubeconfig. Nothing of it is written anywhere. What can't be had is an error with the
reason; nothing is asked as anonymous instead.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from kitlib.api import tls
from kitlib.errors import ClusterError

REREAD = 60.0
"""A token's file is read anew after so many seconds, as client-go does it: what is mounted into a Pod changes."""


class Source(Protocol):
    """Who makes a token or a certificate: a plugin or an auth-provider."""

    def token(self) -> str:
        """Return a token that is good now; empty if there is a certificate only."""
        ...

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Return a certificate and its key that are good now."""
        ...

    def refused(self) -> None:
        """Forget what it made: a server did not take it."""
        ...


class Credentials:
    """What is shown to a server, made of a user's entry in a kubeconfig.

    Parameters
    ----------
    user : mapping
        The entry, paths absolute.
    cluster : mapping
        The cluster's entry: a plugin may be told of it.

    Raises
    ------
    ClusterError
        If a file can't be read, or its plugin or auth-provider is none that kitlib knows.
    """

    def __init__(self, user: Mapping[str, Any], cluster: Mapping[str, Any]) -> None:
        self._acting = impersonation(user)
        self._fixed = ""
        self._file = str(user.get("tokenFile") or "")
        self._read_at = -REREAD
        self._source: Source | None = None
        self._own: tuple[bytes, bytes] | None = None
        if user.get("token"):
            self._fixed = f"Bearer {user['token']}"
        if user.get("username") or user.get("password"):
            pair = f"{user.get('username') or ''}:{user.get('password') or ''}"
            self._fixed = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if certificate := tls.material(user, "client-certificate"):
            self._own = certificate, tls.material(user, "client-key")
        if self._file:
            self._reread()
        elif user.get("exec") and not self._fixed and not self._own:
            from kitlib.api import execplugin  # late: few have one

            self._source = execplugin.find(user["exec"], cluster)
        elif user.get("auth-provider"):
            from kitlib.api import authprovider

            self._source = authprovider.find(user["auth-provider"])

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that go with each request; one name may come several times.

        Raises
        ------
        ClusterError
            If there is no token where one must be.
        """
        if self._file and time.monotonic() - self._read_at >= REREAD:
            self._reread()
        value = self._fixed
        if self._source is not None and (token := self._source.token()):
            value = f"Bearer {token}"
        return [("Authorization", value), *self._acting] if value else self._acting

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Return the client's certificate and key, if there are any; a plugin's may be others each time."""
        return self._own or (self._source.certificate() if self._source is not None else None)

    def refused(self) -> bool:
        """Note that a server said 401; say whether others can be had by asking again."""
        if self._source is not None:
            self._source.refused()
        elif self._file:
            self._read_at = -REREAD
        return self._source is not None or bool(self._file)

    def _reread(self) -> None:
        """Read the token's file; one that can't be read now may hold on to what it held."""
        try:
            token = Path(self._file).read_text(encoding="utf-8").strip()
            if not token:
                raise ValueError("it is empty")
        except (OSError, ValueError) as error:
            if not self._fixed:
                why = error.strerror if isinstance(error, OSError) else str(error)
                raise ClusterError(
                    f"tokenFile can't be read: {why}",
                    step="read the kubeconfig",
                    object=self._file,
                    next="check that file; whoever writes the token may be gone",
                ) from error
        else:
            self._fixed = f"Bearer {token}"
        self._read_at = time.monotonic()


def impersonation(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers that say as whom else a request is to count: `as`, `as-groups`, `as-uid`, `as-user-extra`."""
    if not user.get("as"):
        return []
    found = [("Impersonate-User", str(user["as"]))]
    if user.get("as-uid"):
        found.append(("Impersonate-Uid", str(user["as-uid"])))
    found += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    for key, values in (user.get("as-user-extra") or {}).items():
        name = quote(str(key), safe="!#$&'*+-.^_`|~")
        found += [(f"Impersonate-Extra-{name}", str(value)) for value in values or ()]
    return found

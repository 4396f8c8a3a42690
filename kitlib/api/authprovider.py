"""Auth-providers, the older way to log in: gcp and oidc; what they make is kept in memory, never in the kubeconfig.

kubectl writes a token that it has refreshed into the file. kitlib doesn't: your file stays as it is, and each process
refreshes for itself.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import urllib3

from kitlib.errors import ClusterError

EARLIER = 10.0
"""A token is refreshed so many seconds before it expires."""
SECONDS = 30.0
"""How long a program, or an issuer of tokens, may take."""

_known: dict[str, Provider] = {}
_finding = threading.Lock()


def find(about: Mapping[str, Any]) -> Provider:
    """Return the auth-provider for an entry; one that refreshed before remembers it.

    Raises
    ------
    ClusterError
        If it is neither gcp nor oidc.
    """
    name = str(about.get("name") or "")
    kinds = {"gcp": Gcp, "oidc": Oidc}
    config = about.get("config")
    if name not in kinds:
        raise _failed(name, "there is no such auth-provider any more", "use an exec plugin, as your provider describes")
    with _finding:
        key = json.dumps([name, config], sort_keys=True, default=str)
        if key not in _known:
            _known[key] = kinds[name]({str(k): v for k, v in config.items()} if isinstance(config, dict) else {})
        return _known[key]


class Provider:
    """What auth-providers have in common: a token that is good up to a time, and is made anew then.

    Parameters
    ----------
    config : mapping
        The entry `config`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._token, self._until = self.kept()

    def kept(self) -> tuple[str, float | None]:
        """Return the token that the kubeconfig holds, and until when it is good."""
        raise NotImplementedError

    def made(self) -> tuple[str, float | None]:
        """Make a new one."""
        raise NotImplementedError

    def token(self) -> str:
        """Return a token that is good now.

        Raises
        ------
        ClusterError
            If none can be made.
        """
        with self._lock:
            if not self._token or (self._until is not None and time.time() + EARLIER > self._until):
                self._token, self._until = self.made()
            return self._token

    def certificate(self) -> None:
        """Return None: they make tokens only."""

    def refused(self) -> None:
        """Forget the token: a server did not take it."""
        with self._lock:
            self._token = ""


class Gcp(Provider):
    """gcp: a program that prints a token, such as gcloud; kubectl has left it out since 1.26."""

    def kept(self) -> tuple[str, float | None]:
        """Return `access-token`, and its `expiry`."""
        return str(self.config.get("access-token") or ""), _moment(self.config.get("expiry"))

    def made(self) -> tuple[str, float | None]:
        """Run `cmd-path` with `cmd-args`, and take token and expiry from where the keys say."""
        command = str(self.config.get("cmd-path") or "")
        if not command:
            raise _failed("gcp", "its token has expired, and it names no program that makes a new one", _GKE)
        words = [command, *str(self.config.get("cmd-args") or "").split()]
        try:
            done = subprocess.run(words, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed("gcp", f"{command} can't be run: {error}", _GKE) from error
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())[-500:]
            raise _failed("gcp", f"{command} failed with exit code {done.returncode}: {said}", _GKE)
        try:
            answer = json.loads(done.stdout)
            token = _at(answer, str(self.config.get("token-key") or "{.access_token}"))
        except (ValueError, LookupError, TypeError) as error:
            raise _failed("gcp", f"what {command} wrote holds no token", _GKE) from error
        try:
            expiry = _at(answer, str(self.config.get("expiry-key") or "{.token_expiry}"))
        except (LookupError, TypeError):
            expiry = None
        return str(token), _moment(expiry)


class Oidc(Provider):
    """oidc: an issuer that gives a new id-token for a refresh-token."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._refresh = str(config.get("refresh-token") or "")
        super().__init__(config)

    def kept(self) -> tuple[str, float | None]:
        """Return `id-token`, and its own expiry."""
        token = str(self.config.get("id-token") or "")
        return token, _expiry(token) if token else None

    def made(self) -> tuple[str, float | None]:
        """Ask the issuer."""
        if not self._refresh:
            raise _failed("oidc", "its id-token has expired, and there is no refresh-token", _LOGIN)
        issuer = str(self.config.get("idp-issuer-url") or "").rstrip("/")
        told = self._ask("GET", f"{issuer}/.well-known/openid-configuration")
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        answer = self._ask("POST", str(told.get("token_endpoint") or ""), urlencode(form).encode())
        token = str(answer.get("id_token") or "")
        if not token:
            raise _failed("oidc", "the issuer gave no id-token for the refresh-token", _LOGIN)
        self._refresh = str(answer.get("refresh_token") or self._refresh)
        return token, _expiry(token)

    def _ask(self, method: str, url: str, form: bytes | None = None) -> dict[str, Any]:
        """Ask the issuer, through the environment's proxy if there is one."""
        from kitlib.api import pool, tls  # late: few have it

        authority = {
            "certificate-authority-data": self.config.get("idp-certificate-authority-data"),
            "certificate-authority": self.config.get("idp-certificate-authority"),
        }
        headers = {"Accept": "application/json"}
        if form is not None:
            pair = f"{self.config.get('client-id') or ''}:{self.config.get('client-secret') or ''}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            link = pool.Link(url, tls.trust(authority))
            response = link.ask(method, "", form, headers, timeout=SECONDS)
            answer = json.loads(response.data)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise _failed("oidc", f"the issuer {url} does not answer: {error}", _LOGIN) from error
        if response.status != 200 or not isinstance(answer, dict):
            said = answer.get("error_description") or answer.get("error") if isinstance(answer, dict) else ""
            raise _failed("oidc", f"the issuer refuses with {response.status}: {said or ''}".rstrip(": "), _LOGIN)
        return answer


_GKE = "log in by `gcloud container clusters get-credentials`, which writes an exec plugin instead"
_LOGIN = "log in anew with the program that wrote this kubeconfig"


def _failed(name: str, why: str, then: str) -> ClusterError:
    return ClusterError(f"no token of the auth-provider {name!r}: {why}", step="log in", object=name, next=then)


def _at(answer: Any, path: str) -> Any:
    """Return what a simple JSONPath names, such as {.credential.access_token}."""
    for key in path.strip().strip("{}").lstrip(".").split("."):
        answer = answer[key]
    return answer


def _moment(stamp: Any) -> float | None:
    """Return a time as seconds; one that can't be read is long past."""
    if not stamp:
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(stamp)))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _expiry(token: str) -> float:
    """Return when a JSON web token expires; 0 if that can't be read."""
    try:
        body = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0

"""What a server answered, or that it didn't: one place makes errors of it, and one policy says what is tried again.

Every refusal, page, redirect and broken connection becomes one of `kitlib.errors` here and nowhere else. A `Retry` says
which of them pass by themselves, how often the same is asked again, and after which pause: lists, watches, logs,
discovery and waits share it.

    ASKED.run(lambda: connection.request("GET", path))     # a 429 is asked again when the server said
    pause = ASKED.pause(error, failures)                   # for a loop of one's own: None is never again
"""

from __future__ import annotations

import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import urllib3
import urllib3.exceptions as failures_of

from kitlib.errors import ClusterError, KitlibError, ServerError

MOST_PATIENCE = 60.0
"""A server that asks to come again later than in so many seconds is asked after these."""
PASSING = frozenset({429, 500, 502, 503, 504})
"""Codes that may be another one soon; any other is the same when it is asked for again."""

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What a server answered, refusals included.

    Parameters
    ----------
    code : int
        The HTTP status.
    headers : mapping
        `getlist` returns all of one name, such as "Warning".
    body : bytes
    """

    code: int
    headers: Any
    body: bytes


@dataclass(frozen=True)
class Backoff:
    """The pause before each further try: doubled each time, up to a bound, and spread so that not all come at once.

    Parameters
    ----------
    first, most : float
        Seconds before the second try, and at most.
    spread : float
        Share of a pause that is left to chance.
    """

    first: float = 0.1
    most: float = 10.0
    spread: float = 0.5

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row."""
        longest = min(self.first * 2 ** min(max(failures, 1) - 1, 30), self.most)
        return longest * random.uniform(1 - self.spread, 1)


@dataclass(frozen=True)
class Retry:
    """What is tried again, how often, and with which pause.

    Tried again is what passes: a refusal that says when to come again, those of `PASSING`, and a connection that was
    cut. Nobody at the address, a wrong certificate, a refusal for good are not: waiting changes nothing about them.

    Parameters
    ----------
    tries : int
        How often the same is asked for, at most; 1 is never again.
    seconds : float
        After so many seconds in all no pause begins.
    backoff : Backoff
        Pauses, where the server names none; what it names is waited for, never less.
    """

    tries: int = 6
    seconds: float = 90.0
    backoff: Backoff = field(default_factory=Backoff)

    def pause(self, error: Exception, failures: int) -> float | None:
        """Return the seconds to wait before asking again.

        Parameters
        ----------
        error : Exception
            What the last try met.
        failures : int
            How many there were in a row, this one included.

        Returns
        -------
        float or None
            None where it is not asked again.
        """
        if failures >= self.tries or not passes(error):
            return None
        asked = error.retry_after if isinstance(error, ServerError) else None
        return self.backoff.pause(failures) if asked is None else asked

    def run(self, attempt: Callable[[], T], stopping: threading.Event | None = None) -> T:
        """Return what `attempt` returns, tried as often as the policy says.

        Parameters
        ----------
        attempt : callable
            Asks once, and raises one of `kitlib.errors`.
        stopping : threading.Event, optional
            Ends the waiting; the last error is raised then.

        Raises
        ------
        KitlibError
            What the last try met.
        """
        stopping = stopping or threading.Event()
        until = time.monotonic() + self.seconds
        failures = 0
        while True:
            try:
                return attempt()
            except KitlibError as error:
                failures += 1
                pause = self.pause(error, failures)
                if pause is None or time.monotonic() + pause > until or stopping.wait(pause):
                    raise


NEVER = Retry(tries=1)
"""Ask once."""
ASKED = Retry()
"""As client-go does: what passes is asked for again, when the server says or after growing pauses."""
SHORT = Retry(tries=3, seconds=10.0)
"""For one of many questions, the others of which can be answered without it."""


def ahead(known: tuple[float, float], date: str | None, asked: float, answered: float) -> tuple[float, float]:
    """Return by how many seconds a server's wall clock is ahead of this machine's, at least and at most.

    Parameters
    ----------
    known : tuple of float
        What was known before. Where the answer contradicts it, a clock was set, and only the answer counts.
    date : str or None
        The answer's Date (RFC 9110, 6.6.1): a whole second.
    asked, answered : float
        When the request was sent and the answer's head had come, wall clock, s.
    """
    try:
        stamp = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return known
    low, high = stamp - answered, stamp + 1 - asked
    both = max(low, known[0]), min(high, known[1])
    return both if both[0] <= both[1] else (low, high)


def passes(error: Exception) -> bool:
    """Say whether an error may be gone when the same is asked again."""
    if isinstance(error, ServerError):
        return error.retry_after is not None or error.status.get("code") in PASSING
    return isinstance(error, ClusterError) and error.cut


def server_error(code: int, body: bytes, step: str, headers: Mapping[str, str] | None = None) -> ServerError:
    """Make the error that says what the server's Status object says, and when to come again."""
    try:
        status = json.loads(body)
    except ValueError:
        said = page(body, headers) or body.decode(errors="replace").strip()[:500]
        status = {"code": code, "message": said or f"HTTP {code}"}
    if not isinstance(status, dict):
        status = {"message": str(status)[:500]}
    status.setdefault("code", code)
    hints = {
        401: "the credentials in the kubeconfig are not accepted: `kitlib up` renews those of its own clusters",
        403: "the server's answer names the permission that is missing",
        404: "check the name and the namespace",
        407: "the proxy asks for a name and a password: write them into its address, http://NAME:PASSWORD@HOST:PORT",
        409: "another field manager owns a field, or the object exists: the message names it",
        422: "the message names the field; `kubectl explain` shows what it takes",
        400: "the message names the field; `kubectl explain` shows what it takes",
    }
    error = ServerError(str(status.get("message") or f"HTTP {code}"), step=step, next=hints.get(code), status=status)
    details = status.get("details")
    asked = (headers or {}).get("Retry-After") or (details.get("retryAfterSeconds") if isinstance(details, dict) else 0)
    if asked and str(asked).isdigit():
        error.retry_after = min(float(asked), MOST_PATIENCE)
    return error


def refusal(
    response: urllib3.BaseHTTPResponse, read: Callable[[urllib3.BaseHTTPResponse, str], bytes], step: str
) -> ServerError:
    """Make the error of an answer that refuses; one that is cut in its body has said its code, and when to come."""
    try:
        body = read(response, step)
    except ClusterError:
        body = b""
    return server_error(response.status, body, step, response.headers)


def page(body: bytes, headers: Mapping[str, str] | None = None) -> str:
    """Say which page of HTML a body is; empty if it is none."""
    kind = (headers or {}).get("Content-Type", "") or ""
    if "text/html" not in kind.lower() and not body[:200].lstrip().startswith(b"<"):
        return ""
    found = re.search(rb"<(title|h1)[^>]*>\s*([^<]{1,80})", body[:20_000], re.IGNORECASE)
    title = " ".join(found[2].decode(errors="replace").split()) if found else ""
    return f"it sent a page of HTML, {title!r}" if title else "it sent a page of HTML"


def no_api_server(what: str, server: str, step: str) -> ClusterError:
    """Make the error for an answer that no API server gives: a log-in page, a redirect, an empty object."""
    return ClusterError(
        f"what answers there is no API server: {what}",
        step=step,
        object=server,
        next="check `server` in the kubeconfig, and whether a proxy or a log-in page stands before it",
    )


def redirect(response: urllib3.BaseHTTPResponse, server: str, step: str) -> ClusterError:
    """Make the error for an answer that sends elsewhere: an API server doesn't, and credentials don't follow."""
    where = response.headers.get("Location", "")
    return no_api_server(
        f"it wants to send you elsewhere ({response.status} to {where[:200] or 'nowhere'})", server, step
    )


def decoded(body: bytes, server: str, step: str) -> Any:
    """Return the JSON of an answer.

    Raises
    ------
    ClusterError
        If it is none.
    """
    try:
        return json.loads(body)
    except ValueError as error:
        began = body[:60].decode(errors="replace")
        what = page(body) or (f"it sent {began!r}, which is no JSON" if body.strip() else "it sent nothing")
        raise no_api_server(what, server, step) from error


def silent(error: Exception, server: str, step: str, proxy: str = "") -> ClusterError:
    """Make the error for a request that got no answer, or only a part of one; it names the proxy between."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError | ssl.CertificateError):
        what, then = certificate_words(cause)
        return ClusterError(what, step=step, object=server, next=then)
    through = f" through the proxy {without_password(proxy)}" if proxy else ""
    made = ClusterError(
        f"the API server does not answer{through}: {_short(cause)}",
        step=step,
        object=server,
        next="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and `proxy-url` in the kubeconfig"
        if proxy
        else "`kitlib status` shows what is running, `kitlib up` starts it again",
    )
    opened = not isinstance(error, failures_of.NewConnectionError | failures_of.ConnectTimeoutError)
    waited = isinstance(error, failures_of.TimeoutError | TimeoutError) or isinstance(cause, TimeoutError)
    made.cut = opened and not waited and not isinstance(cause, ConnectionRefusedError)
    return made


def without_password(url: str) -> str:
    """Return a URL without the name and the password in it."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of what urllib3 wraps an error in."""
    seen: BaseException | None = error
    while seen is not None:
        error = seen
        inner = getattr(error, "reason", None)
        inner = inner if isinstance(inner, BaseException) else getattr(error, "original_error", None)
        if isinstance(error, failures_of.NewConnectionError):
            inner = error.__cause__
        if not isinstance(inner, BaseException) and error.args:
            inner = next((arg for arg in reversed(error.args) if isinstance(arg, BaseException)), None)
        seen = inner if isinstance(inner, BaseException) else None
    return error


def _short(error: BaseException) -> str:
    """Return what an error says, without Python's names for it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error.args[-1] if error.args else error)
    text = re.sub(r"^<[^>]*>: |(HTTPS?|SOCKS\w*)Connection(Pool)?\(host='[^']*', port=\d+\):? ?", "", text)
    return text.strip() or type(error).__name__


_STRICT = ("Missing Authority Key Identifier", "Basic Constraints of CA cert not marked critical", "key usage")


def certificate_words(error: ssl.SSLError | ssl.CertificateError) -> tuple[str, str]:
    """Say in words why the server's certificate was not accepted, and what to do about it."""
    said = str(getattr(error, "verify_message", "") or error)
    if "self-signed" in said or "self signed" in said or "local issuer" in said or "issuer certificate" in said:
        return (
            f"the server's certificate was not signed by the authority of the kubeconfig: {said}",
            "check `certificate-authority-data` in the kubeconfig: the cluster may have been made anew",
        )
    if "ostname mismatch" in said or "IP address mismatch" in said or "doesn't match" in said:
        return (
            f"the server's certificate is for another name: {said}",
            "use a name that it holds in `server`, or say which in `tls-server-name`",
        )
    if "expired" in said or "not yet valid" in said:
        return f"a certificate is out of its time: {said}", "check this machine's clock; then renew the certificate"
    if any(word.lower() in said.lower() for word in _STRICT):
        return (
            f"the certificate authority of this cluster is too lax for Python's strict checks: {said}",
            "have the authority made anew with critical basicConstraints, keyUsage and key identifiers",
        )
    if "CERTIFICATE_REQUIRED" in said or "alert" in said.lower():
        return (
            f"the server did not accept the client's certificate: {said}",
            "check `client-certificate-data` in the kubeconfig: it may have expired, or be for another cluster",
        )
    return (
        f"no secure connection could be made: {said}",
        "check `server` in the kubeconfig: is it an HTTPS address, and the right port?",
    )

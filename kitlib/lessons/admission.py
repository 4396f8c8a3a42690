"""What admission answers: an object sent as a dry run, the server's words, and what was written into it.

The server fills in fields of every object by itself. What a policy or a plugin wrote is what stands there beside them:
make the same object where no policy is, and `without_defaults` tells the two apart, without a list of defaults.

    answer = ask(connection, pod, "shop")            # where a policy is
    print(answer.verdict, answer.said, answer.warnings)
    stored(connection, pod, "shop", bare="default")  # as sent, and what the policy wrote
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kitlib import objects
from kitlib.api.answers import decoded
from kitlib.api.transport import Connection
from kitlib.errors import ServerError, UsageError, WaitTimeout
from kitlib.progress import Progress, duration

SERVERS_OWN = ("uid", "creationTimestamp", "resourceVersion", "generation", "managedFields", "selfLink", "namespace")
"""Fields of metadata that differ whenever an object is made."""

PATIENCE = 240.0
"""Seconds until `again` gives up: as a lab's waits."""


@dataclass(frozen=True)
class Answer:
    """What a server says to an object.

    Parameters
    ----------
    verdict : str
        refused (by admission), admitted, or invalid; `kitlib.policies.ask` also says written: admitted, and a policy
        wrote into it.
    said : str
        Why it was refused, in the server's words.
    warnings : tuple of str
        What the server warned of.
    stored : dict
        The object as it is, or would be, stored.
    """

    verdict: str
    said: str = ""
    warnings: tuple[str, ...] = ()
    stored: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def admitted(self) -> bool:
        """Whether the object was let in."""
        return self.verdict in ("admitted", "written")


def ask(
    connection: Connection,
    manifest: dict[str, Any],
    namespace: str,
    user: str | None = None,
    dry_run: bool = True,
) -> Answer:
    """Create an object, as a dry run unless told otherwise, and return what the server says.

    Parameters
    ----------
    connection : Connection
        A writable one; with `user`, one which may act as others.
    manifest : dict
        What is created.
    namespace : str
        Where.
    user : str or None
        As whom; None is whoever the connection is.
    dry_run : bool
        Whether nothing is stored: all of admission is asked all the same.

    Raises
    ------
    ServerError
        If the server answers neither yes nor no.
    """
    path = connection.discover(manifest["kind"], manifest["apiVersion"]).path(namespace)
    headers = {"Impersonate-User": user} if user else {}
    return send(connection, "POST", path, manifest, headers, dry_run=dry_run)


def send(
    connection: Connection,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str] | None = None,
    dry_run: bool = False,
) -> Answer:
    """Send a write, and return what the server says, its warnings included.

    Parameters
    ----------
    connection : Connection
        A writable one.
    method, path : str
        "PATCH", "/api/v1/namespaces/shop".
    body : dict
        The object, or (PATCH) the fields that change, as a strategic merge.
    headers : dict, optional
        Besides the usual ones.
    dry_run : bool
        Whether nothing is stored.

    Raises
    ------
    RefusedError, ServerError
        If this connection may not write; if the server answers neither yes nor no.
    """
    content_type = objects.STRATEGIC if method == "PATCH" else "application/json"
    query = {"dryRun": "All"} if dry_run else None
    answer = connection.exchange(method, path, query, body, content_type, headers)
    warned = _warnings(answer.headers)
    data = decoded(answer.body, connection.server, f"{method} {path}")
    if answer.code < 400:
        return Answer("admitted", "", warned, data)
    said = str(data.get("message") or f"HTTP {answer.code}")
    verdict = {403: "refused", 422: "invalid", 400: "invalid"}.get(answer.code)
    if verdict is None:
        raise ServerError(said, step=f"{method} {path}", status=data)
    return Answer(verdict, said, warned)


def _warnings(headers: Any) -> tuple[str, ...]:
    found = headers.getlist("Warning") if hasattr(headers, "getlist") else []
    return tuple(text.partition('"')[2].rpartition('"')[0].replace('\\"', '"') for text in found)


def again(asking: Callable[[], Answer], so: Callable[[Answer], Any], what: str, timeout: float = PATIENCE) -> Answer:
    """Ask again until the answer is as it should be: admission reads caches, and nothing tells how new they are.

    Parameters
    ----------
    asking : callable
        Asks once; best a dry run.
    so : callable
        Says whether an answer is the one.
    what : str
        The same in words, for the time-out's message.
    timeout : float
        Seconds.

    Raises
    ------
    WaitTimeout
        If it isn't so in time; the message has the last answer.
    """
    began = time.monotonic()
    with Progress(f"wait until {what}"):
        while not so(answer := asking()):
            if time.monotonic() - began > timeout:
                raise WaitTimeout(
                    f"not so within {duration(timeout)}; the server says {answer.verdict}: {answer.said or 'nothing'}",
                    step="wait for",
                    object=what,
                    next="look at the policy, its binding, and the namespace's labels",
                )
    return answer


def serves(connection: Connection, kind: str, group_version: str | None = None) -> bool:
    """Say whether a server knows a kind, of any version or of this one."""
    try:
        connection.discover(kind, group_version)
    except UsageError:
        return False
    return True


def stored(connection: Connection, manifest: dict[str, Any], namespace: str, bare: str = "default") -> dict[str, Any]:
    """Return an object as it would be stored, without what the server fills in by itself.

    Parameters
    ----------
    connection : Connection
        A writable one.
    manifest : dict
        What is created, as a dry run.
    namespace : str
        Where the policy is.
    bare : str
        A namespace where it isn't.

    Raises
    ------
    UsageError
        If the server refuses it, with its words.
    """
    answers = [ask(connection, manifest, place) for place in (bare, namespace)]
    for answer in answers:
        if not answer.admitted:
            raise UsageError(
                answer.said,
                step="ask for what would be stored",
                object=f"{manifest['kind']} {manifest['metadata'].get('name', '')}",
                next="only what is admitted is stored; mend what the server names",
            )
    return without_defaults(manifest, *(answer.stored for answer in answers))


def without_defaults(sent: dict[str, Any], bare: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return what was stored without what the server fills in by itself.

    Parameters
    ----------
    sent : dict
        The object as it was sent.
    bare : dict
        What the same server stores of it where no policy is.
    stored : dict
        What it stores where one is.

    Returns
    -------
    dict
        What was sent, as far as it is still there, and what was written into it. Items of lists are told apart by their
        names where these are unique, else by all that they hold.
    """
    kept = _beyond(sent, _without_servers_own(bare), _without_servers_own(stored))
    assert isinstance(kept, dict)
    return kept


def _without_servers_own(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVERS_OWN}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def _beyond(sent: Any, bare: Any, stored: Any) -> Any:
    """Return the part of `stored` that was sent or that `bare` lacks; None if nothing is left."""
    if bare is None:
        return stored
    if isinstance(stored, dict) and isinstance(bare, dict):
        own = sent if isinstance(sent, dict) else {}
        parts = {key: _beyond(own.get(key), bare.get(key), value) for key, value in stored.items()}
        kept: Any = {key: part for key, part in parts.items() if part is not None}
    elif isinstance(stored, list) and isinstance(bare, list):
        found = [_beyond(_like(item, sent), _like(item, bare), item) for item in stored]
        kept = [part for part in found if part is not None]
    else:
        kept = stored if stored != bare or sent is not None else None
    return kept if kept or sent is not None else None


def _like(item: Any, items: Any) -> Any:
    """Return the item of a list that is the same one: the only one of its name, else an equal one."""
    others = items if isinstance(items, list) else []
    if isinstance(item, dict) and "name" in item:
        named = [other for other in others if isinstance(other, dict) and other.get("name") == item["name"]]
        if len(named) == 1:
            return named[0]
    return next((other for other in others if other == item), None)

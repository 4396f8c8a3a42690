"""A namespace for each notebook: made with the name of the process that owns it, removed at its end or swept up."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from kitlib.api.transport import Connection
from kitlib.cluster import undo
from kitlib.errors import ServerError, WaitTimeout
from kitlib.machine import processes
from kitlib.progress import Progress, message

LABEL = "kitlib/notebook"
OWNER = "kitlib/owner"
ADMITTED = 120.0
"""Seconds within which a namespace has its ServiceAccount: a controller that lost its lease needs a minute of them."""


def create(
    connection: Connection, notebook: str, labels: Mapping[str, str] | None = None, name: str | None = None
) -> str:
    """Make a namespace that this process owns, and return its name.

    Parameters
    ----------
    connection : Connection
        A writable one.
    notebook : str
        Becomes part of the name and the value of the label kitlib/notebook.
    labels : mapping, optional
        Labels besides; they are there from the first moment, so nothing that goes by them can miss them.
    name : str, optional
        Its name, where others know it by that; what an earlier run has left of it is removed first.
    """
    if name:
        delete(connection, name)
    name = name or f"kitlib-{notebook}-{secrets.token_hex(3)}"
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {**(labels or {}), LABEL: notebook},
            "annotations": {OWNER: json.dumps(processes.identity())},
        },
    }
    connection.request("POST", "/api/v1/namespaces", {"fieldManager": "kitlib"}, body)
    try:
        _until(connection, f"/api/v1/namespaces/{name}/serviceaccounts", "default", ADMITTED, _whole(connection))
    except BaseException:
        delete(connection, name, timeout=None)
        raise
    return name


def delete(connection: Connection, name: str, timeout: float | None = 60) -> None:
    """Delete a namespace, and wait until it and all in it are gone.

    Parameters
    ----------
    connection : Connection
        A writable one.
    name : str
        The namespace.
    timeout : float or None
        Seconds to wait; None doesn't wait.

    Raises
    ------
    WaitTimeout
        If it isn't gone in time; the message holds the server's reason.
    """
    path = f"/api/v1/namespaces/{name}"
    try:
        connection.request("DELETE", path)
        if timeout is None:
            return
        with Progress(f"remove namespace {name}"):
            _until(connection, "/api/v1/namespaces", name, timeout, None)
    except ServerError as error:
        if error.status.get("code") != 404:
            raise


def sweep(connection: Connection) -> list[str]:
    """Delete the namespaces whose owner no longer runs; return their names, without waiting for their end.

    What the owner had changed elsewhere is put back first, the youngest namespace's before the others'; what can't be
    is told.
    """
    swept = []
    found = connection.get("/api/v1/namespaces", {"labelSelector": LABEL})["items"] or ()
    for item in sorted(found, key=lambda item: str(item["metadata"].get("creationTimestamp")), reverse=True):
        metadata = item["metadata"]
        try:
            owner = json.loads((metadata.get("annotations") or {}).get(OWNER, "{}"))
        except ValueError:
            owner = {}
        if owner.get("host") is not None and not processes.ended(owner):
            continue
        for failed in undo.Notes(connection, metadata["name"], metadata).put_back():
            message(f"{metadata['name']}: {failed}")
        if not metadata.get("deletionTimestamp"):
            delete(connection, metadata["name"], timeout=None)
            swept.append(metadata["name"])
    return swept


def _whole(connection: Connection) -> Callable[[dict[str, Any]], bool]:
    """Return what tells whether a ServiceAccount lets Pods in: until Kubernetes 1.23 it had to have its token first."""
    version = connection.get("/version")
    minor = re.match(r"\d+", version["minor"])
    with_token = version["major"] == "1" and minor is not None and int(minor[0]) < 24
    return lambda account: bool(account.get("secrets")) or not with_token


def _until(
    connection: Connection, path: str, name: str, timeout: float, whole: Callable[[dict[str, Any]], bool] | None
) -> None:
    """Return when an object is there and whole, or (None) when it is gone; driven by its watch."""
    deadline = time.monotonic() + timeout
    query = {"fieldSelector": f"metadata.name={name}"}
    there = whole is not None

    def so(kind: str, item: dict[str, Any]) -> bool:
        return kind == "DELETED" if whole is None else kind in ("ADDED", "MODIFIED") and whole(item)

    while True:
        found = connection.get(path, query)
        if not found["items"] if whole is None else any(map(whole, found["items"])):
            return
        left = deadline - time.monotonic()
        status = found["items"][0].get("status") or {} if found["items"] else {}
        said = "; ".join(item["message"] for item in status.get("conditions") or ())
        if left <= 0:
            raise WaitTimeout(
                f"{'not there' if there else 'still there'} after {timeout:.0f} s: {said or 'no reason given'}",
                step="namespace",
                object=f"{path.rpartition('/')[2]}/{name}",
                next="`kitlib status` shows whether the controllers run; `kitlib down` removes the whole cluster",
            )
        bounds = {"resourceVersion": found["metadata"]["resourceVersion"], "timeoutSeconds": max(int(left), 1)}
        stream = connection.stream(path, {**query, **bounds}, read_timeout=left + 1)
        try:
            if any(so(event["type"], event["object"]) for event in map(json.loads, stream)):
                return
        except ConnectionError:
            pass

"""A namespace for each notebook: made with the name of the process that owns it, removed at its end or swept up."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from pathlib import Path

from kitlib.connection import Connection
from kitlib.errors import ServerError, WaitTimeout
from kitlib.progress import Progress

LABEL = "kitlib/notebook"
OWNER = "kitlib/owner"


def create(connection: Connection, notebook: str) -> str:
    """Make a namespace that this process owns, and return its name.

    Parameters
    ----------
    connection : Connection
        A writable one.
    notebook : str
        Becomes part of the name and the value of the label kitlib/notebook.
    """
    name = f"kitlib-{notebook}-{secrets.token_hex(3)}"
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {LABEL: notebook},
            "annotations": {OWNER: json.dumps(_identity(os.getpid()))},
        },
    }
    connection.request("POST", "/api/v1/namespaces", {"fieldManager": "kitlib"}, body)
    try:
        _until(connection, f"/api/v1/namespaces/{name}/serviceaccounts", "default", 30, there=True)
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
            _until(connection, "/api/v1/namespaces", name, timeout, there=False)
    except ServerError as error:
        if error.status.get("code") != 404:
            raise


def sweep(connection: Connection) -> list[str]:
    """Delete the namespaces whose owner no longer runs; return their names, without waiting for their end."""
    swept = []
    for item in connection.get("/api/v1/namespaces", {"labelSelector": LABEL})["items"] or ():
        metadata = item["metadata"]
        try:
            owner = json.loads((metadata.get("annotations") or {}).get(OWNER, "{}"))
        except ValueError:
            owner = {}
        if owner.get("host") not in (None, socket.gethostname()) or metadata.get("deletionTimestamp"):
            continue
        if owner.get("pid") is None or _identity(owner["pid"]) != owner:
            delete(connection, metadata["name"], timeout=None)
            swept.append(metadata["name"])
    return swept


def _identity(pid: int) -> dict[str, object]:
    """Name a process so that another one with the same number later isn't taken for it."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = "" if _runs(pid) else "gone"
    return {"host": socket.gethostname(), "pid": pid, "started": started}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _until(connection: Connection, path: str, name: str, timeout: float, there: bool) -> None:
    """Return when an object is there, or gone; driven by its watch."""
    deadline = time.monotonic() + timeout
    query = {"fieldSelector": f"metadata.name={name}"}
    ending = "ADDED" if there else "DELETED"
    while bool((found := connection.get(path, query))["items"]) != there:
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
            if any(json.loads(line)["type"] == ending for line in stream):
                return
        except ConnectionError:
            pass

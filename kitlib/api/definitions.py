"""CustomResourceDefinitions: which kind one defines, and from when on that kind is served."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from kitlib.api.status import condition, has_condition
from kitlib.api.transport import Connection, Resource
from kitlib.errors import UsageError, WaitTimeout
from kitlib.progress import Progress

ESTABLISHED_SECONDS = 30.0
"""How long a new kind may take until it is served."""
_AGAIN = 0.1
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def defines(manifest: dict[str, Any]) -> tuple[str, str] | None:
    """Return group and kind that a CustomResourceDefinition defines; None for all else."""
    if manifest.get("kind") != "CustomResourceDefinition":
        return None
    spec = manifest.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return None
    return str(spec.get("group")), str(spec["names"].get("kind"))


def served(
    connection: Connection, name: str, kind: str, group_version: str, timeout: float = ESTABLISHED_SECONDS
) -> Resource:
    """Return where a kind is served, as soon as its CustomResourceDefinition is established.

    Parameters
    ----------
    connection : Connection
        Reading suffices.
    name : str
        The definition's: "orders.shop.example".
    kind, group_version : str
        "Order", "shop.example/v1".
    timeout : float
        Seconds.

    Raises
    ------
    UsageError
        If the server refuses its names.
    WaitTimeout
        If it isn't established, or not served, in time.
    """
    deadline = time.monotonic() + timeout
    turn = threading.Event()
    with Progress(f"wait for crd/{name}: established"):
        item = connection.get(f"{_PATH}/{name}")
        while not has_condition(item, "Established"):
            refused = condition(item, "NamesAccepted")
            if refused.get("status") == "False":
                raise UsageError(
                    f"its names are not accepted: {refused.get('message') or refused.get('reason')}",
                    step="apply",
                    object=f"customresourcedefinition.apiextensions.k8s.io/{name}",
                    next="another kind has such a name: `kubectl api-resources` lists them",
                )
            if time.monotonic() >= deadline:
                raise _late(name, f"not established within {timeout:.0f} s")
            item = _next(connection, item, name, deadline) or item
        while True:  # no watch tells when discovery knows it, some milliseconds later
            connection._resources.pop(group_version, None)
            try:
                return connection.discover(kind, group_version)
            except UsageError:
                if time.monotonic() >= deadline:
                    raise _late(name, f"established, but {group_version} does not serve {kind}") from None
                turn.wait(_AGAIN)


def _next(connection: Connection, item: dict[str, Any], name: str, deadline: float) -> dict[str, Any] | None:
    """Return the next version of a definition; None if none came."""
    left = max(deadline - time.monotonic(), 1)
    query = {
        "fieldSelector": f"metadata.name={name}",
        "resourceVersion": item["metadata"]["resourceVersion"],
        "timeoutSeconds": round(left) or 1,
    }
    try:
        with connection.stream(_PATH, query, read_timeout=left) as lines:
            for line in lines:
                event = json.loads(line)
                if event.get("type") in ("ADDED", "MODIFIED"):
                    return event["object"]
                break
    except ConnectionError:
        pass
    threading.Event().wait(_AGAIN)
    return connection.get(f"{_PATH}/{name}")


def _late(name: str, what: str) -> WaitTimeout:
    return WaitTimeout(what, step="apply", object=f"crd/{name}", next=f"kubectl describe crd {name}; then apply again")


__all__ = ["ESTABLISHED_SECONDS", "defines", "served"]

"""kubectl's verbs for one object: get, patch, scale, taint, delete.

Every write is under one field manager and returns a `Change`: what it did, as a person would say it, and the kubectl
command that does the same.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from kitlib.api.diff import Change
from kitlib.api.patches import MERGE, STRATEGIC, named, named_object, send_patch
from kitlib.api.secrets import masked, veil
from kitlib.api.transport import Connection, Resource
from kitlib.api.values import plain
from kitlib.errors import ServerError, UsageError

UNSUPPORTED_MEDIA_TYPE = 415


def find(connection: Connection, ref: str) -> tuple[Resource, str]:
    """Take "deployment/web" apart, and find its kind.

    Raises
    ------
    UsageError
        If it isn't of that form, or the server serves no such kind.
    """
    kind, slash, name = ref.partition("/")
    if not slash or not kind or not name:
        raise UsageError(f"{ref!r} names no object", step="find", next='write kind/name, as in "deployment/web"')
    return connection.discover(kind), name


def get(connection: Connection, ref: str, namespace: str) -> dict[str, Any]:
    """Read one object as a dict; a Secret's values are in it, but not in its repr.

    Raises
    ------
    ServerError
        If there is none of that name; `status["code"]` is 404.
    """
    resource, name = find(connection, ref)
    try:
        return veil(connection.get(resource.path(namespace, name)))
    except ServerError as error:
        raise named(error, "get", resource, name) from None


def patch(
    connection: Connection,
    ref: str,
    body: dict[str, Any],
    namespace: str,
    content_type: str | None = None,
    subresource: str = "",
) -> Change:
    """Change some fields of an object, as `kubectl patch` does.

    Parameters
    ----------
    connection : Connection
        A writable one.
    ref : str
        "deployment/web".
    body : dict
        Just the fields that change.
    namespace : str
        Where it lives.
    content_type : str, optional
        STRATEGIC (lists are merged by key, kubectl's default) or MERGE. None is STRATEGIC for kinds that know it, and
        MERGE for custom resources, which don't: the server says so with 415.
    subresource : str
        "status", to write what a controller or a kubelet writes.
    """
    if content_type is None:
        try:
            return patch(connection, ref, body, namespace, STRATEGIC, subresource)
        except ServerError as error:
            if error.status.get("code") != UNSUPPORTED_MEDIA_TYPE:
                raise
            content_type = MERGE
    resource, name = find(connection, ref)
    kind = "" if content_type == STRATEGIC else " --type=merge"
    body = plain(body, "patch")
    kind += f" --subresource={subresource}" if subresource else ""
    shown = masked({**body, "kind": resource.kind})
    shown = {key: value for key, value in shown.items() if key in body}
    kubectl = f"kubectl patch {resource.singular} {name}{kind} -p {shlex.quote(json.dumps(shown))}"
    return send_patch(
        connection, resource, name, namespace, body, content_type, "patched", kubectl, subresource=subresource
    )


def scale(connection: Connection, ref: str, replicas: int, namespace: str) -> Change:
    """Set spec.replicas, as `kubectl scale` does."""
    resource, name = find(connection, ref)
    kubectl = f"kubectl scale {resource.singular} {name} --replicas={replicas}"
    body = {"spec": {"replicas": replicas}}
    return send_patch(connection, resource, name, namespace, body, MERGE, "scaled", kubectl)


def taint(connection: Connection, node: str, taint: str) -> Change:
    """Add a taint to a node, or remove it, as `kubectl taint` does.

    Parameters
    ----------
    connection : Connection
        A writable one.
    node : str
        Its name.
    taint : str
        "key=value:effect"; with a dash at its end it is removed.

    Raises
    ------
    UsageError
        If the taint is not of that form.
    ServerError
        If there is no such node, or others change it all the time.
    """
    words, removed = taint.removesuffix("-"), taint.endswith("-")
    name, _, effect = words.rpartition(":")
    key, _, value = name.partition("=")
    if not key or not effect:
        raise UsageError(f"{taint!r} is no taint", step="taint", object=node, next='write "key=value:NoExecute"')
    resource = connection.discover("nodes")
    kubectl = f"kubectl taint node {node} {shlex.quote(taint)}"
    tries = 5
    while True:
        known = get(connection, f"node/{node}", "")
        others = [each for each in known["spec"].get("taints") or () if (each["key"], each["effect"]) != (key, effect)]
        wanted = others if removed else [*others, {"key": key, "value": value, "effect": effect}]
        body = {"metadata": {"resourceVersion": known["metadata"]["resourceVersion"]}, "spec": {"taints": wanted}}
        try:
            verb = "untainted" if removed else "tainted"
            return send_patch(connection, resource, node, "", body, MERGE, verb, kubectl)
        except ServerError as error:
            tries -= 1
            if error.status.get("code") != 409 or not tries:  # another writer came first
                raise


def delete(
    connection: Connection, ref: str, namespace: str, propagation: str | None = None, grace: int | None = None
) -> Change:
    """Delete an object.

    Parameters
    ----------
    propagation : str, optional
        Background, Foreground or Orphan; the server's default if None.
    grace : int, optional
        Grace period in seconds; the object's own if None.
    """
    resource, name = find(connection, ref)
    options = {"kind": "DeleteOptions", "apiVersion": "v1"}
    body = {**options, **({"propagationPolicy": propagation} if propagation else {})}
    if grace is not None:
        body["gracePeriodSeconds"] = grace  # type: ignore[assignment]
    kubectl = f"kubectl delete {resource.singular} {name}"
    kubectl += f" --cascade={propagation.lower()}" if propagation else ""
    kubectl += f" --grace-period={grace}" if grace is not None else ""
    kubectl += " --force" if grace == 0 else ""  # without it kubectl makes 1 of 0
    try:
        answer = json.loads(connection.request("DELETE", resource.path(namespace, name), body=body))
    except ServerError as error:
        raise named(error, "delete", resource, name) from None
    return Change(named_object(resource, name), "deleted", [], kubectl, veil(answer))


__all__ = ["delete", "find", "get", "patch", "scale", "taint"]

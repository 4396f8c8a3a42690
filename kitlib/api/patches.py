"""One patch of one object: what every verb that changes an object sends, and how its errors name the object."""

from __future__ import annotations

import json
from typing import Any

from kitlib.api.diff import Change, difference
from kitlib.api.transport import Connection, Resource
from kitlib.errors import ServerError

MANAGER = "kitlib"
"""The field manager of all that kitlib writes."""
MERGE = "application/merge-patch+json"
"""A patch whose lists replace the lists that are there."""
STRATEGIC = "application/strategic-merge-patch+json"
"""A patch whose lists are merged by key, kubectl's default."""
APPLY = "application/apply-patch+yaml"
"""A manifest that is applied on the server's side."""


def send_patch(
    connection: Connection,
    resource: Resource,
    name: str,
    namespace: str,
    body: dict[str, Any],
    content_type: str,
    verb: str,
    kubectl: str,
) -> Change:
    """Read an object, patch it, and say what has changed; `verb` is what was done, "unchanged" if nothing was."""
    path = resource.path(namespace, name)
    try:
        before = connection.get(path)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        after = json.loads(connection.request("PATCH", path, query, body, content_type=content_type))
    except ServerError as error:
        raise named(error, verb, resource, name) from None
    diff = difference(before, after)
    return Change(named_object(resource, name), verb if diff else "unchanged", diff, kubectl, after)


def get_or_none(connection: Connection, path: str) -> dict[str, Any] | None:
    """GET one object; None if there is none."""
    try:
        return connection.get(path)
    except ServerError as error:
        if error.status.get("code") == 404:
            return None
        raise


def named_object(resource: Resource, name: str) -> str:
    """Return an object's name as kubectl prints it: "deployment.apps/web"."""
    group = resource.group_version.partition("/")[0] if "/" in resource.group_version else ""
    return f"{resource.singular}{'.' + group if group else ''}/{name}"


def named(error: ServerError, step: str, resource: Resource, name: str) -> ServerError:
    """Return a server's error with the object's name and what to do next."""
    hint = error.next or f"the message names the field; `kubectl explain {resource.singular}` shows what it takes"
    return ServerError(error.message, step=step, object=named_object(resource, name), next=hint, status=error.status)


__all__ = ["APPLY", "MANAGER", "MERGE", "STRATEGIC", "get_or_none", "named", "named_object", "send_patch"]

"""One patch of one object: what every verb that changes an object sends, and how its errors name the object."""

from __future__ import annotations

import json
from typing import Any

from kitlib.api.diff import Change, difference
from kitlib.api.secrets import scrub_error, values, veil
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
STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
"""What every write asks for: kitlib owns the fields that it sends, and a field that there isn't is refused."""


def send_patch(
    connection: Connection,
    resource: Resource,
    name: str,
    namespace: str,
    body: Any,
    content_type: str,
    verb: str,
    kubectl: str,
    query: dict[str, Any] | None = None,
    subresource: str = "",
) -> Change:
    """Read an object, patch it, and say what has changed; `verb` is what was done, "unchanged" if nothing was."""
    path = resource.path(namespace, name, subresource)
    before: dict[str, Any] = {}
    try:
        before = connection.get(path)
        after = json.loads(connection.request("PATCH", path, query or STRICT, body, content_type=content_type))
    except ServerError as error:
        raise named(error, verb, resource, name, before, body) from None
    diff = difference(before, after)
    return Change(named_object(resource, name), verb if diff else "unchanged", diff, kubectl, veil(after))


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


def named(error: ServerError, step: str, resource: Resource, name: str, *objects: Any) -> ServerError:
    """Return a server's error with the object's name and what to do next, without any value of a Secret.

    Parameters
    ----------
    objects : dict
        What was sent, and what was there before: what the server may quote.
    """
    hint = error.next or f"the message names the field; `kubectl explain {resource.singular}` shows what it takes"
    found = ServerError(error.message, step=step, object=named_object(resource, name), next=hint, status=error.status)
    found.retry_after = error.retry_after
    return scrub_error(found, values(*objects)) if resource.kind == "Secret" else found


__all__ = ["APPLY", "MANAGER", "MERGE", "STRATEGIC", "STRICT", "get_or_none", "named", "named_object", "send_patch"]

"""kubectl's verbs for one object: get, patch, scale, set an image, pause, taint, undo, delete.

Every write is under one field manager and returns a `Change`: what it did, as a person would say it, and the kubectl
command that does the same.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from kitlib.api.diff import REVISION, Change, difference
from kitlib.api.patches import MANAGER, MERGE, STRATEGIC, named, named_object, send_patch
from kitlib.api.transport import Connection, Resource
from kitlib.errors import ServerError, UsageError

HASH = "pod-template-hash"
"""The label by which a ReplicaSet tells its Pods from those of other templates."""


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
    """Read one object as a dict.

    Raises
    ------
    ServerError
        If there is none of that name; `status["code"]` is 404.
    """
    resource, name = find(connection, ref)
    try:
        return connection.get(resource.path(namespace, name))
    except ServerError as error:
        raise named(error, "get", resource, name) from None


def patch(
    connection: Connection, ref: str, body: dict[str, Any], namespace: str, content_type: str = STRATEGIC
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
    content_type : str
        STRATEGIC (lists are merged by key, kubectl's default) or MERGE.
    """
    resource, name = find(connection, ref)
    kind = "" if content_type == STRATEGIC else " --type=merge"
    kubectl = f"kubectl patch {resource.singular} {name}{kind} -p {shlex.quote(json.dumps(body))}"
    return send_patch(connection, resource, name, namespace, body, content_type, "patched", kubectl)


def scale(connection: Connection, ref: str, replicas: int, namespace: str) -> Change:
    """Set spec.replicas, as `kubectl scale` does."""
    resource, name = find(connection, ref)
    kubectl = f"kubectl scale {resource.singular} {name} --replicas={replicas}"
    body = {"spec": {"replicas": replicas}}
    return send_patch(connection, resource, name, namespace, body, MERGE, "scaled", kubectl)


def set_image(connection: Connection, ref: str, image: str, namespace: str, container: str | None = None) -> Change:
    """Change a container's image in the Pod template, as `kubectl set image` does.

    Parameters
    ----------
    container : str, optional
        Its name; may be left out if there is one only.
    """
    resource, name = find(connection, ref)
    containers = _containers(connection, resource, name, namespace)
    if container is None and len(containers) == 1:
        container = containers[0]
    if container not in containers:
        raise UsageError(
            f"no container {container!r}" if container else "it has several containers",
            step="set image",
            object=ref,
            next="name one of: " + ", ".join(containers),
        )
    body = {"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}}
    kubectl = f"kubectl set image {resource.singular}/{name} {container}={image}"
    return send_patch(connection, resource, name, namespace, body, STRATEGIC, "image updated", kubectl)


def pause(connection: Connection, ref: str, namespace: str, paused: bool = True) -> Change:
    """Pause a rollout, or resume it with `paused=False`, as `kubectl rollout pause` and `resume` do."""
    resource, name = find(connection, ref)
    word = "pause" if paused else "resume"
    kubectl = f"kubectl rollout {word} {resource.singular}/{name}"
    body = {"spec": {"paused": paused or None}}
    return send_patch(connection, resource, name, namespace, body, MERGE, f"{word}d", kubectl)


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


def undo(connection: Connection, ref: str, namespace: str, to_revision: int | None = None) -> Change:
    """Roll a Deployment back, as `kubectl rollout undo` does: put an old ReplicaSet's template into the Deployment.

    Parameters
    ----------
    to_revision : int, optional
        The revision; the one before the current if None.

    Raises
    ------
    UsageError
        If no ReplicaSet holds that revision any more.
    """
    resource, name = find(connection, ref)
    sets_path = connection.discover("ReplicaSet", "apps/v1").path(namespace)
    owner = connection.get(resource.path(namespace, name))
    uid = owner["metadata"]["uid"]
    old: dict[int, dict[str, Any]] = {}
    for item in connection.get(sets_path)["items"]:
        references = item["metadata"].get("ownerReferences") or ()
        number = (item["metadata"].get("annotations") or {}).get(REVISION, "")
        if any(reference["uid"] == uid for reference in references) and number.isdigit():
            old[int(number)] = item["spec"]["template"]
    current = int((owner["metadata"].get("annotations") or {}).get(REVISION, 0))
    wanted = to_revision or max((number for number in old if number != current), default=0)
    kubectl = f"kubectl rollout undo {resource.singular}/{name}" + (
        f" --to-revision={to_revision}" if to_revision else ""
    )
    if wanted not in old or (wanted == current and not to_revision):
        raise UsageError(
            f"no ReplicaSet holds revision {to_revision}" if to_revision else "no old ReplicaSet is left to go back to",
            step="rollout undo",
            object=ref,
            next=f"revisions that are there: {sorted(old) or 'none'}; revisionHistoryLimit decides how many are kept",
        )
    template = json.loads(json.dumps(old[wanted]))
    (template["metadata"].get("labels") or {}).pop(HASH, None)
    body = [{"op": "replace", "path": "/spec/template", "value": template}]
    after = json.loads(
        connection.request(
            "PATCH",
            resource.path(namespace, name),
            {"fieldManager": MANAGER},
            body,
            content_type="application/json-patch+json",
        )
    )
    return Change(named_object(resource, name), "rolled back", difference(owner, after), kubectl, after)


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
    try:
        answer = json.loads(connection.request("DELETE", resource.path(namespace, name), body=body))
    except ServerError as error:
        raise named(error, "delete", resource, name) from None
    return Change(named_object(resource, name), "deleted", [], kubectl, answer)


def _containers(connection: Connection, resource: Resource, name: str, namespace: str) -> list[str]:
    try:
        owner = connection.get(resource.path(namespace, name))
    except ServerError as error:
        raise named(error, "set image", resource, name) from None
    return [container["name"] for container in owner["spec"]["template"]["spec"]["containers"]]


__all__ = ["HASH", "delete", "find", "get", "patch", "pause", "scale", "set_image", "taint", "undo"]

"""kubectl's verbs for rollouts: set an image, pause and resume, undo."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from kitlib.api.diff import REVISION, Change
from kitlib.api.patches import MANAGER, MERGE, STRATEGIC, named, named_object, send_patch
from kitlib.api.transport import Connection, Resource
from kitlib.api.verbs import find
from kitlib.errors import ServerError, UsageError

HASH = "pod-template-hash"
"""The label by which a ReplicaSet tells its Pods from those of other templates."""
JSON_PATCH = "application/json-patch+json"
"""A patch that is a list of steps."""
_KEPT = (
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
    "kubectl.kubernetes.io/last-applied-configuration",
)
"""Annotations of a Deployment that a rollback leaves as they are."""
_INSTEAD = {
    "StatefulSet": "spec.updateStrategy.rollingUpdate.partition holds Pods at the old revision",
    "DaemonSet": "spec.updateStrategy.type OnDelete lets you replace its Pods yourself",
    "Job": "patch spec.suspend",
    "CronJob": "patch spec.suspend",
}


def set_image(connection: Connection, ref: str, image: str, namespace: str, container: str | None = None) -> Change:
    """Change a container's image, as `kubectl set image` does: of a Pod, or in the template of what makes Pods.

    Parameters
    ----------
    connection : Connection
        A writable one.
    ref : str
        "deployment/web", "pod/web", "cronjob/nightly", or an object of a kind of your own that has a Pod template.
    image : str
        The new one.
    namespace : str
        Where it lives.
    container : str, optional
        Its name, also an init container's; "*" for all; may be left out if there is one only.

    Raises
    ------
    UsageError
        If it has no containers, or none of that name.
    """
    resource, name = find(connection, ref)
    item = _read(connection, resource, name, namespace, "set image")
    where = next((path for path in _TEMPLATES if "containers" in _at(item, path)), None)
    if where is None:
        raise UsageError(
            f"a {resource.kind} has no containers",
            step="set image",
            object=ref,
            next="name a Pod, or what makes Pods: a Deployment, a DaemonSet, a CronJob …",
        )
    spec = _at(item, where)
    names = [each["name"] for each in spec["containers"]]
    known = [each["name"] for field in _FIELDS for each in spec.get(field) or ()]
    if container is None and len(names) == 1:
        container = names[0]
    if container != "*" and container not in known:
        raise UsageError(
            f"no container {container!r}" if container else "it has several containers",
            step="set image",
            object=ref,
            next="name one of: " + ", ".join(known),
        )
    fitting = [
        (field, number, each["name"])
        for field in _FIELDS
        for number, each in enumerate(spec.get(field) or ())
        if container in ("*", each["name"])
    ]
    kubectl = f"kubectl set image {resource.singular}/{name} '*={image}'"
    if container != "*":
        kubectl = f"kubectl set image {resource.singular}/{name} {container}={image}"
    if _own_kind(resource):
        body: Any = {}
        for field, _, each in fitting:
            body.setdefault(field, []).append({"name": each, "image": image})
        for step in reversed(where):
            body = {step: body}
        return send_patch(connection, resource, name, namespace, body, STRATEGIC, "image updated", kubectl)
    steps = []
    for field, number, each in fitting:  # the server can't merge lists by name in a kind that it doesn't know
        path = "/" + "/".join((*where, field, str(number)))
        steps += [{"op": "test", "path": f"{path}/name", "value": each}]
        steps += [{"op": "add", "path": f"{path}/image", "value": image}]
    return send_patch(connection, resource, name, namespace, steps, JSON_PATCH, "image updated", kubectl)


def pause(connection: Connection, ref: str, namespace: str, paused: bool = True) -> Change:
    """Pause a Deployment's rollout, or resume it with `paused=False`, as `kubectl rollout pause` and `resume` do.

    Raises
    ------
    UsageError
        If it is no Deployment: no other kind's rollout can be paused.
    """
    resource, name = find(connection, ref)
    word = "pause" if paused else "resume"
    if resource.kind != "Deployment" or not _own_kind(resource):
        raise UsageError(
            f"only a Deployment's rollout can be paused, not a {resource.kind}'s",
            step=f"rollout {word}",
            object=ref,
            next=_INSTEAD.get(resource.kind, "name a Deployment"),
        )
    kubectl = f"kubectl rollout {word} {resource.singular}/{name}"
    body = {"spec": {"paused": paused or None}}
    return send_patch(connection, resource, name, namespace, body, MERGE, f"{word}d", kubectl)


def undo(connection: Connection, ref: str, namespace: str, to_revision: int | None = None) -> Change:
    """Roll back, as `kubectl rollout undo` does: put an old template into the object.

    A Deployment's old templates are in its ReplicaSets, those of a DaemonSet and a StatefulSet in ControllerRevisions.

    Parameters
    ----------
    to_revision : int, optional
        The revision; the one before the newest if None or 0.

    Raises
    ------
    UsageError
        If nothing holds that revision any more, the Deployment is paused, or nothing can be rolled back in its kind.
    """
    resource, name = find(connection, ref)
    if resource.kind not in _HISTORY or not _own_kind(resource):
        raise UsageError(
            f"nothing can be rolled back in a {resource.kind}",
            step="rollout undo",
            object=ref,
            next="name a Deployment, a DaemonSet or a StatefulSet",
        )
    owner = _read(connection, resource, name, namespace, "rollout undo")
    keeper = _HISTORY[resource.kind]
    old = dict(_revisions(connection, owner, namespace, keeper))
    wanted = to_revision or (sorted(old)[-2] if len(old) > 1 else 0)
    kubectl = f"kubectl rollout undo {resource.singular}/{name}" + (
        f" --to-revision={to_revision}" if to_revision else ""
    )
    if wanted not in old:
        raise UsageError(
            f"no {keeper} holds revision {to_revision}" if to_revision else f"no old {keeper} is left to go back to",
            step="rollout undo",
            object=ref,
            next=f"revisions that are there: {sorted(old) or 'none'}; revisionHistoryLimit decides how many are kept",
        )
    if (owner.get("spec") or {}).get("paused"):
        raise UsageError(
            "a paused Deployment can't be rolled back", step="rollout undo", object=ref, next="resume it first"
        )
    template, annotations = old[wanted]
    if template == _bare(owner["spec"]["template"]):
        return Change(
            named_object(resource, name), f"unchanged: its template is revision {wanted}'s", [], kubectl, owner
        )
    body = [{"op": "replace", "path": "/spec/template", "value": template}]
    if annotations is not None:
        current = owner["metadata"].get("annotations") or {}
        kept = {key: value for key, value in current.items() if key in _KEPT}
        body.append({"op": "add", "path": "/metadata/annotations", "value": {**kept, **annotations}})
    query = {"fieldManager": MANAGER}
    return send_patch(connection, resource, name, namespace, body, JSON_PATCH, "rolled back", kubectl, query)


def _revisions(
    connection: Connection, owner: dict[str, Any], namespace: str, keeper: str
) -> Iterator[tuple[int, tuple[dict[str, Any], dict[str, str] | None]]]:
    """Yield each revision that is kept of an object, with its template and, where they go with it, annotations."""
    uid = owner["metadata"]["uid"]
    for item in connection.get(connection.discover(keeper, "apps/v1").path(namespace)).get("items") or ():
        metadata = item["metadata"]
        if not any(each.get("uid") == uid for each in metadata.get("ownerReferences") or ()):
            continue
        if keeper == "ControllerRevision":
            yield int(item["revision"]), (_bare(_at(item, ("data", "spec", "template"))), None)
            continue
        annotations = metadata.get("annotations") or {}
        number = str(annotations.get(REVISION, ""))
        if number.isdigit():
            own = {key: value for key, value in annotations.items() if key not in _KEPT}
            yield int(number), (_bare(item["spec"]["template"]), own)


def _bare(template: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a template without what its keeper has added."""
    found = copy.deepcopy(template)
    found.pop("$patch", None)
    metadata = found.get("metadata") or {}
    (metadata.get("labels") or {}).pop(HASH, None)
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]
    return found


def _read(connection: Connection, resource: Resource, name: str, namespace: str, step: str) -> dict[str, Any]:
    try:
        return connection.get(resource.path(namespace, name))
    except ServerError as error:
        raise named(error, step, resource, name) from None


def _at(item: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return what lies at a path in an object; an empty dict if nothing does."""
    node: Any = item
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _own_kind(resource: Resource) -> bool:
    """Say whether a kind is Kubernetes' own: of the core group, apps or batch."""
    return resource.group_version.rpartition("/")[0] in ("", "apps", "batch")


_HISTORY = {"Deployment": "ReplicaSet", "DaemonSet": "ControllerRevision", "StatefulSet": "ControllerRevision"}
_FIELDS = ("initContainers", "containers")
_TEMPLATES = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",))
__all__ = ["HASH", "JSON_PATCH", "pause", "set_image", "undo"]

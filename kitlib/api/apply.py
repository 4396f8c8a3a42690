"""Apply manifests on the server's side, and say what changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kitlib.api.definitions import defines, served
from kitlib.api.diff import Change, difference
from kitlib.api.manifests import is_path, load
from kitlib.api.patches import APPLY, MANAGER, STRICT, get_or_none, named, named_object
from kitlib.api.secrets import veil
from kitlib.api.transport import Connection, Resource
from kitlib.errors import ServerError, UsageError, WaitTimeout

GONE_SECONDS = 120.0
"""How long an object may take to go that is being deleted when it is applied."""
AGAIN = 0.2
"""Seconds until it is looked at again."""


def apply(
    connection: Connection,
    source: str | Path | dict | Iterable[dict],
    namespace: str,
    base: Path | None = None,
    dry_run: bool = False,
    owner: str = "",
) -> list[Change]:
    """Apply manifests on the server's side, and say what changed.

    Unknown fields and wrong types are refused (fieldValidation=Strict). A field that kitlib itself changed by a patch
    or by scaling is taken back; a field that anybody else owns is a conflict. A CustomResourceDefinition may stand
    beside objects of its kind: it is applied first, and they when it is established. With an owner, as a lesson has it,
    the kinds that it defined are served when this returns.

    Parameters
    ----------
    connection : Connection
        A writable one.
    source : str, Path, dict or iterable of dict
        As `load` takes it.
    namespace : str
        For objects that live in one and don't name it.
    dry_run : bool
        Ask the server what would change, and change nothing.
    owner : str
        The namespace that shall own what is made here and lives in none: it goes when that goes. None if empty.

    Raises
    ------
    UsageError, ServerError, RefusedError
        For a manifest that can't be read, that the server refuses, or a cluster that may not be written to.
    WaitTimeout
        If a kind that is defined beside its objects isn't established in time.
    """
    file = str(source) if is_path(source) else "-"
    kubectl = f"kubectl apply --server-side -f {file}" + (" --dry-run=server" if dry_run else "")
    manifests = load(source, base)
    defined = {kind: item["metadata"]["name"] for item in manifests if (kind := defines(item))}
    used = {name for item in manifests if (name := defined.get(_kind(item)))}
    changes = []
    for manifest in sorted(manifests, key=lambda item: item["metadata"]["name"] not in used or not defines(item)):
        if definition := defined.get(_kind(manifest)):
            resource = _defined(connection, manifest, definition, dry_run)
        else:
            resource = connection.discover(manifest["kind"], manifest["apiVersion"])
        if owner and not resource.namespaced:
            manifest = _owned(connection, resource, manifest, owner)
        changes.append(_apply(connection, resource, manifest, namespace, dry_run, kubectl))
    for manifest in manifests if owner and not dry_run else ():
        found = manifest["spec"].get("versions", ()) if defines(manifest) else ()
        versions = [each["name"] for each in found if each.get("served")]
        if versions and manifest["metadata"]["name"] not in used:
            group, kind = manifest["spec"]["group"], manifest["spec"]["names"]["kind"]
            served(connection, manifest["metadata"]["name"], kind, f"{group}/{versions[0]}")
    return changes


def _owned(connection: Connection, resource: Resource, manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return a manifest with its owner, unless it is of something that was there before and that no namespace owns."""
    metadata = manifest["metadata"]
    there = _standing(connection, resource.path("", metadata["name"]))
    owners = [each["kind"] for each in ((there or {}).get("metadata") or {}).get("ownerReferences") or ()]
    if there is not None and "Namespace" not in owners:
        return manifest
    uid = connection.get(f"/api/v1/namespaces/{namespace}")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}
    return {**manifest, "metadata": {**metadata, "ownerReferences": [*metadata.get("ownerReferences", ()), owner]}}


def _standing(connection: Connection, path: str) -> dict[str, Any] | None:
    """Return what is there; what is being deleted, such as a kind with all its objects, is waited for."""
    deadline = time.monotonic() + GONE_SECONDS
    while (there := get_or_none(connection, path)) and "deletionTimestamp" in there["metadata"]:
        if time.monotonic() > deadline:
            raise WaitTimeout(
                f"it is being deleted for {GONE_SECONDS:.0f} s",
                step="apply",
                object=path,
                next="look at its finalizers: kubectl get --output yaml",
            )
        time.sleep(AGAIN)
    return there


def _apply(
    connection: Connection, resource: Resource, manifest: dict[str, Any], namespace: str, dry_run: bool, kubectl: str
) -> Change:
    name = manifest["metadata"]["name"]
    path = resource.path(manifest["metadata"].get("namespace") or namespace, name)
    before = get_or_none(connection, path)
    query = {**STRICT, "dryRun": "All"} if dry_run else STRICT
    kept = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}  # must be none, always
    body = json.dumps({**manifest, "metadata": kept})
    try:
        try:
            answer = connection.request("PATCH", path, query, body, content_type=APPLY)
        except ServerError as error:
            if error.status.get("code") != 409 or not _only_own(error.status):
                raise
            answer = connection.request("PATCH", path, {**query, "force": "true"}, body, content_type=APPLY)
    except ServerError as error:
        raise named(error, "apply", resource, name, manifest, before) from None
    after = json.loads(answer)
    diff = [] if before is None else difference(before, after)
    verb = "created" if before is None else ("configured" if diff else "unchanged")
    return Change(named_object(resource, name), verb + " (dry run)" * dry_run, diff, kubectl, veil(after))


def _defined(connection: Connection, manifest: dict[str, Any], definition: str, dry_run: bool) -> Resource:
    """Return where a kind is served that is defined beside its object."""
    if not dry_run:
        return served(connection, definition, manifest["kind"], manifest["apiVersion"])
    try:
        return connection.discover(manifest["kind"], manifest["apiVersion"])
    except UsageError as error:
        raise UsageError(
            f"its kind is defined beside it, by {definition}, which a dry run doesn't make",
            step="apply",
            object=f"{manifest['kind']}/{manifest['metadata']['name']}",
            next="apply the CustomResourceDefinition first, then try the rest",
        ) from error


def _kind(manifest: dict[str, Any]) -> tuple[str, str]:
    return str(manifest["apiVersion"]).rpartition("/")[0], manifest["kind"]


def _only_own(status: dict[str, Any]) -> bool:
    """Say whether all conflicts are with kitlib's own patches."""
    causes = (status.get("details") or {}).get("causes") or ()
    return bool(causes) and all(f'"{MANAGER}"' in cause.get("message", "") for cause in causes)


__all__ = ["AGAIN", "GONE_SECONDS", "apply"]

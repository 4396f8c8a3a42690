"""Apply manifests on the server's side, and say what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kitlib.api.diff import Change, difference
from kitlib.api.manifests import is_path, load
from kitlib.api.patches import APPLY, MANAGER, get_or_none, named, named_object
from kitlib.api.transport import Connection
from kitlib.errors import ServerError


def apply(
    connection: Connection,
    source: str | Path | dict | Iterable[dict],
    namespace: str,
    base: Path | None = None,
    dry_run: bool = False,
) -> list[Change]:
    """Apply manifests on the server's side, and say what changed.

    Unknown fields and wrong types are refused (fieldValidation=Strict). A field that kitlib itself changed by a patch
    or by scaling is taken back; a field that anybody else owns is a conflict.

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

    Raises
    ------
    UsageError, ServerError, RefusedError
        For a manifest that can't be read, that the server refuses, or a cluster that may not be written to.
    """
    file = str(source) if is_path(source) else "-"
    changes = []
    for manifest in load(source, base):
        resource = connection.discover(manifest["kind"], manifest["apiVersion"])
        metadata = manifest["metadata"]
        own = metadata.get("namespace") or namespace
        path = resource.path(own, metadata["name"])
        before = get_or_none(connection, path)
        query: dict[str, Any] = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        body = json.dumps(manifest)
        try:
            answer = connection.request("PATCH", path, query, body, content_type=APPLY)
        except ServerError as error:
            if error.status.get("code") != 409 or not _only_own(error.status):
                raise named(error, "apply", resource, metadata["name"]) from None
            answer = connection.request("PATCH", path, {**query, "force": "true"}, body, content_type=APPLY)
        after = json.loads(answer)
        kubectl = f"kubectl apply --server-side -f {file}" + (" --dry-run=server" if dry_run else "")
        diff = [] if before is None else difference(before, after)
        verb = "created" if before is None else ("configured" if diff else "unchanged")
        changes.append(
            Change(named_object(resource, metadata["name"]), verb + " (dry run)" * dry_run, diff, kubectl, after)
        )
    return changes


def _only_own(status: dict[str, Any]) -> bool:
    """Say whether all conflicts are with kitlib's own patches."""
    causes = (status.get("details") or {}).get("causes") or ()
    return bool(causes) and all(f'"{MANAGER}"' in cause.get("message", "") for cause in causes)


__all__ = ["apply"]

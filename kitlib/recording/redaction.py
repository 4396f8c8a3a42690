"""What must never reach the disk: the data of Secrets, annotations that hold a token, and, when asked, environments.

So with the copies of them that `kubectl apply` keeps in an annotation.
"""

from __future__ import annotations

import json
from typing import Any

from kitlib.recording.row import Meta, head
from kitlib.sensitive import LAST_APPLIED, SECRET_KEY, TOKEN, VALUES, tells

REDACTED = "redacted"
FLAT = ("Pod", "Event", "Node", "Lease", "ConfigMap", "Service", "Endpoints", "EndpointSlice")
"""Kinds that have no annotations but their own."""


def redact(kind: str, raw: bytes, env: bool = False, meta: Meta | None = None) -> bytes:
    """Take out what must never reach the disk; other objects' bytes are returned as they are.

    Parameters
    ----------
    kind : str
        The object's kind: a Secret's data always goes.
    raw : bytes
        The object, JSON.
    env : bool
        Whether the values of environment variables go as well, and with them the copy of them that `kubectl apply`
        keeps in an annotation.
    meta : Meta, optional
        Its metadata, if it is decoded already.
    """
    if not _suspicious(kind, raw, env, meta):
        return raw
    body = json.loads(raw)
    changed = _walk(body, env)
    if kind == "Secret":
        annotations = (body.get("metadata") or {}).get("annotations") or {}
        for where, keys in ((body, VALUES), (annotations, (LAST_APPLIED,))):
            for key in keys:
                if where.get(key):
                    value = where[key]
                    where[key] = dict.fromkeys(value, REDACTED) if isinstance(value, dict) else REDACTED
                    changed = True
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() if changed else raw


def _suspicious(kind: str, raw: bytes, env: bool, meta: Meta | None) -> bool:
    """Tell quickly that nothing can be in an object, which is so for nearly all of them."""
    if kind == "Secret" or (env and (b'"env"' in raw or b'\\"env\\"' in raw)):
        return True
    annotations = (meta or head(raw)).annotations or {}
    if kind not in FLAT and raw.count(b'"annotations"') > bool(annotations):  # a template's, as well
        return True
    return any(tells(key, value) or _copy_may_tell(key, value) for key, value in annotations.items())


def _copy_may_tell(key: str, value: Any) -> bool:
    return key == LAST_APPLIED and bool(SECRET_KEY.search(str(value)))


def _walk(node: Any, env: bool) -> bool:
    changed = False
    if isinstance(node, list):
        for item in node:
            changed |= _walk(item, env)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "annotations" and isinstance(value, dict):
                for name in value:
                    kept = _annotation(name, value[name], env)
                    changed |= kept != value[name]
                    value[name] = kept
            elif env and key == "env" and isinstance(value, list):
                for variable in value:
                    if isinstance(variable, dict) and variable.get("value"):
                        variable["value"] = REDACTED
                        changed = True
            else:
                changed |= _walk(value, env)
    return changed


def _annotation(name: str, value: Any, env: bool) -> Any:
    """Return what of an annotation may be kept: of a copy of the manifest, what may be kept of the manifest."""
    if name != LAST_APPLIED:
        return REDACTED if tells(name, value) else value
    try:
        copy = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return REDACTED if tells(str(value), value) or env else value
    if isinstance(copy, dict) and copy.get("kind") == "Secret":
        return REDACTED
    kept = json.dumps(copy, separators=(",", ":"), ensure_ascii=False) if _walk(copy, env) else value
    return REDACTED if TOKEN.search(kept) else kept


__all__ = ["redact"]

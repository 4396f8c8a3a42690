"""What must never reach the disk: the data of Secrets, annotations that hold a token, and, when asked, environments."""

from __future__ import annotations

import json
import re
from typing import Any

from kitlib.recording.row import Meta, head

SECRET_KEY = re.compile(r"token|password|secret|credential", re.IGNORECASE)
"""Annotations of such names are redacted."""
TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.|\bBearer\s", re.IGNORECASE)
"""So are those that hold a JSON web token or a bearer token."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
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
        for where, keys in ((body, ("data", "stringData")), (annotations, (LAST_APPLIED,))):
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
    return bool(annotations) and any(_tells(key, value) for key, value in annotations.items())


def _tells(key: str, value: Any) -> bool:
    return bool(SECRET_KEY.search(key) or (isinstance(value, str) and TOKEN.search(value)))


def _walk(node: Any, env: bool) -> bool:
    changed = False
    if isinstance(node, list):
        for item in node:
            changed |= _walk(item, env)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "annotations" and isinstance(value, dict):
                for name in value:
                    if value[name] != REDACTED and (
                        _tells(name, value[name]) or (env and name == LAST_APPLIED and '"env"' in str(value[name]))
                    ):
                        value[name] = REDACTED
                        changed = True
            elif env and key == "env" and isinstance(value, list):
                for variable in value:
                    if isinstance(variable, dict) and variable.get("value"):
                        variable["value"] = REDACTED
                        changed = True
            else:
                changed |= _walk(value, env)
    return changed


__all__ = ["redact"]

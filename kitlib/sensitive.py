"""What must reach neither disk nor screen nor notebook: annotations that hold a secret, and copies of them."""

from __future__ import annotations

import re
from typing import Any

SECRET_KEY = re.compile(r"token|password|secret|credential", re.IGNORECASE)
"""Annotations of such names are redacted."""
TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.|\bBearer\s", re.IGNORECASE)
"""So are those that hold a JSON web token or a bearer token."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which `kubectl apply` keeps a copy of the whole manifest."""
VALUES = ("data", "stringData")
"""The fields of a Secret that hold what is secret."""


def tells(key: str, value: Any) -> bool:
    """Say whether an annotation holds a secret, by its name or by what it looks like."""
    return bool(SECRET_KEY.search(key) or (isinstance(value, str) and TOKEN.search(value)))


__all__ = ["LAST_APPLIED", "SECRET_KEY", "TOKEN", "VALUES", "tells"]

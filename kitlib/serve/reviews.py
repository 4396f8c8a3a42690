"""What a client may ask about itself: whether it may do something, and who it is. What was recorded may be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kitlib.serve.discovery import VERBS

WHO = "reader-of-a-recording"
"""Who asks."""
KINDS = {
    "selfsubjectaccessreviews": ("SelfSubjectAccessReview", "authorization.k8s.io/v1"),
    "selfsubjectrulesreviews": ("SelfSubjectRulesReview", "authorization.k8s.io/v1"),
    "selfsubjectreviews": ("SelfSubjectReview", "authentication.k8s.io/v1"),
}
"""The reviews that are answered, by their plural names: kind, group and version."""


def answer(plural: str, asked: dict[str, Any], may: Callable[[str, str, str, str], str]) -> dict[str, Any]:
    """Answer a review.

    Parameters
    ----------
    plural : str
        One of `KINDS`.
    asked : dict
        The object that was sent.
    may : callable
        Takes verb, group, plural and namespace, and says why that may not be done; "" if it may.
    """
    kind, version = KINDS[plural]
    spec = asked.get("spec") or {}
    if kind == "SelfSubjectReview":
        status: dict[str, Any] = {"userInfo": {"username": WHO}}
    elif kind == "SelfSubjectRulesReview":
        status = {
            "resourceRules": [{"verbs": list(VERBS), "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
    elif about := spec.get("resourceAttributes"):
        words = (str(about.get(name) or "") for name in ("verb", "group", "resource", "namespace"))
        why = may(*words)
        status = {"allowed": not why, **({"reason": why} if why else {})}
    else:
        status = {"allowed": (spec.get("nonResourceAttributes") or {}).get("verb") == "get"}
    return {"kind": kind, "apiVersion": version, "metadata": {}, "spec": spec, "status": status}


__all__ = ["KINDS", "WHO", "answer"]

"""What an object's status says: whether it has a condition, was observed, is rolled out, and how far it is."""

from __future__ import annotations

from typing import Any


def has_condition(item: dict[str, Any], condition: str) -> bool:
    """Say whether an object has a condition: "Ready", "Progressing=False", "Progressing=False:DeadlineExceeded"."""
    kind, _, rest = condition.partition("=")
    status, _, reason = rest.partition(":")
    return any(
        found["type"] == kind
        and found["status"] == (status or "True")
        and (not reason or found.get("reason") == reason)
        for found in (item.get("status") or {}).get("conditions") or ()
    )


def rolled_out(item: dict[str, Any]) -> bool:
    """Say whether a rollout is done, as `kubectl rollout status` does."""
    status = item.get("status") or {}
    wanted = item["spec"].get("replicas", 1)
    return (
        observed(item)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def observed(item: dict[str, Any]) -> bool:
    """Say whether the controller has seen the newest spec."""
    return (item.get("status") or {}).get("observedGeneration", 0) >= item["metadata"].get("generation", 0)


def failed(item: dict[str, Any]) -> str:
    """Say why a rollout has failed for good; empty if it hasn't."""
    if not observed(item):
        return ""
    late = has_condition(item, "Progressing=False:ProgressDeadlineExceeded")
    return "it exceeded its progress deadline" if late else ""


def standing(item: dict[str, Any] | None) -> str:
    """Say how far an object is; empty where its kind has no such numbers."""
    if item is None or not isinstance(item["spec"].get("replicas"), int):
        return ""
    status, wanted = item.get("status") or {}, item["spec"]["replicas"]
    updated = status.get("updatedReplicas", status.get("replicas", 0))
    return f"{updated} of {wanted} updated, {status.get('availableReplicas', 0)} available"


__all__ = ["failed", "has_condition", "observed", "rolled_out", "standing"]

"""Which nodes a Pod asks for, and which taints it tolerates: as the scheduler decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitlib.rollout.fields import at, items, labels, text
from kitlib.rollout.selectors import fits
from kitlib.rollout.why.objects import Object


def asked_for(pod: Object, node: Object) -> bool:
    """Say whether a node is one that a Pod asks for by nodeSelector and required node affinity."""
    chosen = labels(pod.body, "spec", "nodeSelector")
    if any(node.labels.get(key) != value for key, value in chosen.items()):
        return False
    affinity = pod.at("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if not isinstance(affinity, Mapping):
        return True
    return any(_term(each, node) for each in items(affinity, "nodeSelectorTerms"))


def _term(term: Mapping[str, Any], node: Object) -> bool:
    by_label, by_field = items(term, "matchExpressions"), items(term, "matchFields")
    return (
        bool(by_label or by_field)
        and all(fits(each, node.labels) for each in by_label)
        and all(fits(each, {"metadata.name": node.name}) for each in by_field)
    )


def untolerated(pod: Object, node: Object) -> list[str]:
    """Return the taints of a node that keep a Pod off it, as kubectl writes them."""
    tolerations = pod.items("spec", "tolerations")
    found = []
    for taint in node.items("spec", "taints"):
        effect, key, value = (text(taint, each) for each in ("effect", "key", "value"))
        if effect in ("NoSchedule", "NoExecute") and not any(_tolerates(each, taint) for each in tolerations):
            found.append(f"{key}={value}:{effect}" if value else f"{key}:{effect}")
    return found


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    key, effect = text(toleration, "key"), text(toleration, "effect")
    exists = text(toleration, "operator") == "Exists"
    return (
        effect in ("", text(taint, "effect"))
        and (key == text(taint, "key") or (not key and exists))
        and (exists or text(toleration, "value") == text(taint, "value"))
    )


def cordoned(node: Object) -> bool:
    """Say whether a node takes no new Pods because it was cordoned."""
    return at(node.body, "spec", "unschedulable") is True


__all__ = ["asked_for", "cordoned", "untolerated"]

"""Which nodes a Pod asks for, and which taints it tolerates: as the scheduler decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitlib.rollout.fields import at, items, labels
from kitlib.rollout.selectors import fits
from kitlib.rollout.why.objects import Object


def asked_for(pod: Object, node: Object) -> bool:
    """Say whether a node is one that a Pod asks for by nodeSelector and required node affinity."""
    spec = pod.at("spec")
    chosen = labels(spec, "nodeSelector") if at(spec, "nodeSelector") else {}
    if any(node.labels.get(key) != value for key, value in chosen.items()):
        return False
    affinity = at(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
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
    found = []
    for taint in node.terms("taints", "key", "value", "effect"):
        key, value, effect = taint
        if effect in ("NoSchedule", "NoExecute") and not any(
            _tolerates(each, taint) for each in pod.terms("tolerations", "key", "operator", "value", "effect")
        ):
            found.append(f"{key}={value}:{effect}" if value else f"{key}:{effect}")
    return found


def _tolerates(toleration: tuple[str, ...], taint: tuple[str, ...]) -> bool:
    key, operator, value, effect = toleration
    exists = operator == "Exists"
    return effect in ("", taint[2]) and (key == taint[0] or (not key and exists)) and (exists or value == taint[1])


def cordoned(node: Object) -> bool:
    """Say whether a node takes no new Pods because it was cordoned."""
    return at(node.body, "spec", "unschedulable") is True


__all__ = ["asked_for", "cordoned", "untolerated"]

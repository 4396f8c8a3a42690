"""A preset as an object, whom it matches, and what a Pod says was applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

THEN, NOW = "settings.k8s.io/v1alpha1", "presets.example/v1"
"""The API group and version of a PodPreset: the one of March 2020, and the one that takes its place."""
EXCLUDE = "podpreset.admission.kubernetes.io/exclude"
"""The annotation that keeps presets away, where its value is "true"."""
APPLIED = "podpreset.admission.kubernetes.io/podpreset-"
"""What the annotation of a preset that was applied begins with; its value is the preset's resourceVersion."""


def manifest(name: str, spec: Mapping[str, Any], group_version: str) -> dict[str, Any]:
    """Return a preset as an object of `THEN`, or of `NOW`."""
    return {"apiVersion": group_version, "kind": "PodPreset", "metadata": {"name": name}, "spec": dict(spec)}


def fits(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Say whether labels fit a selector; an empty one fits all."""

    def one(wanted: Mapping[str, Any]) -> bool:
        there, listed = wanted["key"] in labels, labels.get(wanted["key"]) in (wanted.get("values") or ())
        return {"In": listed, "NotIn": not listed, "Exists": there, "DoesNotExist": not there}[wanted["operator"]]

    named = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return named and all(map(one, selector.get("matchExpressions") or ()))


def matching_labels(selector: Mapping[str, Any]) -> dict[str, str]:
    """Return labels that fit a selector."""
    labels = dict(selector.get("matchLabels") or {})
    for one in selector.get("matchExpressions") or ():
        if one["operator"] in ("In", "Exists"):
            labels[one["key"]] = (one.get("values") or [""])[0]
    return labels


def other_labels(selector: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that keep a Pod from a selector that would take it for what it lacks."""
    return {
        one["key"]: (one.get("values") or [""])[0]
        for one in selector.get("matchExpressions") or ()
        if one["operator"] in ("NotIn", "DoesNotExist")
    }


def applied(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the presets that a Pod says were applied to it, by name, with the version of each."""
    noted = pod["metadata"].get("annotations") or {}
    return {key.removeprefix(APPLIED): value for key, value in noted.items() if key.startswith(APPLIED)}

"""What a Pod and its presets say differently, and why two servers therefore store it differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from kitlib.lessons.presets.preset import EXCLUDE, fits

REASONS = (
    "one of several in conflict: then none was applied",
    "envFrom in conflict: then the Pod's own was lost",
    "one envFrom in several: then it was written twice",
    "equal quantities: then they were a conflict",
)
"""What `differs` says. Today those without a conflict are applied; envFrom is like the rest; equal is equal."""


@dataclass(frozen=True)
class Case:
    """A Pod, and the presets that it fits.

    Parameters
    ----------
    pod : dict
        Its manifest.
    matching : tuple of str
        The names of the presets whose selector it fits.
    """

    pod: dict[str, Any] = field(repr=False)
    matching: tuple[str, ...]

    @classmethod
    def of(cls, pod: dict[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> Case:
        """Find the presets that a Pod fits."""
        labels = pod["metadata"].get("labels") or {}
        return cls(pod, tuple(name for name, spec in presets.items() if fits(spec.get("selector") or {}, labels)))

    @property
    def excluded(self) -> bool:
        """Whether its annotation keeps presets away."""
        return (self.pod["metadata"].get("annotations") or {}).get(EXCLUDE) == "true"


def conflicts(presets: Mapping[str, Mapping[str, Any]], case: Case) -> list[str]:
    """Return what a Pod and the presets that fit it say differently: variables, mounts, volumes, envFrom.

    Parameters
    ----------
    presets : mapping
        Name to spec, as `generated` makes them.
    case : Case

    Returns
    -------
    list of str
        Such as "env DB_PORT"; empty where nothing does. Of two that the Pod itself says under one name the last counts.
    """
    specs = [presets[name] for name in case.matching]
    found = _contradicted("volumes", case.pod["spec"].get("volumes") or (), specs)
    for container in _containers(case.pod):
        for plural in ("env", "volumeMounts", "envFrom"):
            found += _contradicted(plural, container.get(plural) or (), specs)
    return list(dict.fromkeys(found))


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]


def _contradicted(plural: str, own: Iterable[Mapping[str, Any]], specs: Iterable[Mapping[str, Any]]) -> list[str]:
    known = {key: _meaning(item) for item in own for key in keys(plural, item)}
    found = []
    for spec in specs:
        for item in spec.get(plural) or ():
            for key in keys(plural, item):
                if known.setdefault(key, _meaning(item)) != _meaning(item):
                    found.append(f"{plural} {key}")
    return found


def keys(plural: str, item: Mapping[str, Any]) -> list[str]:
    """Return by what two items of a list are the same one; a mount counts by its name and by its path."""
    if plural == "volumeMounts":
        return [item["name"], item["mountPath"]]
    if plural == "envFrom":
        names = [item.get(kind, {}).get("name", "") for kind in ("configMapRef", "secretRef")]
        return ["/".join([item.get("prefix", ""), *names])]
    return [item["name"]]


def _meaning(item: Any) -> Any:
    """Return an item with the server's defaults in it, as far as the generated ones leave them out."""
    made = {key: value for key, value in deepcopy(dict(item)).items() if value not in (False, "")}
    if "fieldRef" in (source := made.get("valueFrom", {})):
        source["fieldRef"].setdefault("apiVersion", "v1")
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        if kind in made:
            made[kind].setdefault("defaultMode", 420)
    if "hostPath" in made:
        made["hostPath"].setdefault("type", "")
    return made


def differs(presets: Mapping[str, Mapping[str, Any]], case: Case) -> str:
    """Say why the two servers should store a Pod differently; an empty string where they should not.

    Parameters
    ----------
    presets : mapping
        Name to spec.
    case : Case
    """
    if case.excluded:
        return ""
    alone = [conflicts(presets, Case(case.pod, (name,))) for name in case.matching]
    clear = any(not key.startswith("envFrom ") for key in conflicts(presets, case))
    if clear or _measured(presets, case):
        applies = not all(alone)  # today the first preset without a conflict
        return REASONS[0 if clear else 3] if applies else ""
    if any(alone):
        return REASONS[1]
    shared = [keys("envFrom", item)[0] for name in case.matching for item in presets[name].get("envFrom") or ()]
    for container in _containers(case.pod):
        own = {keys("envFrom", item)[0] for item in container.get("envFrom") or ()}
        if any(shared.count(key) > 1 for key in set(shared) - own):
            return REASONS[2]
    return ""


def _measured(presets: Mapping[str, Mapping[str, Any]], case: Case) -> bool:
    """Say whether a Pod and a preset have one variable that is a resource's quantity."""
    lists = [presets[name].get("env") or () for name in case.matching]
    new = {one["name"] for env in lists for one in env if "resourceFieldRef" in one.get("valueFrom", {})}
    return any(one["name"] in new for container in _containers(case.pod) for one in container.get("env") or ())

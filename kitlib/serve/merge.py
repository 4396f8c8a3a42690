"""Patches, applied as an API server applies them: strategic merge, merge, and what an apply sends."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "resourceClaims": ("name",),
    "conditions": ("type",),
    "addresses": ("type",),
    "taints": ("key",),
    "ownerReferences": ("uid",),
    "secrets": ("name",),
    "webhooks": ("name",),
    "podIPs": ("ip",),
    "ports": ("containerPort", "port"),
}
"""Lists whose items are known by a field, and that field; the first of several that the items have."""
SETS = ("finalizers",)
"""Lists whose items are strings that are there or not."""
_ORDER, _DELETE, _RETAIN, _PATCH = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys", "$patch"


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merge(made.get(key), value)
    return made


def strategic(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch: items of known lists are merged by their key."""
    if not isinstance(patch, dict):
        return patch
    if patch.get(_PATCH) == "replace":
        return {key: value for key, value in patch.items() if key != _PATCH}
    if patch.get(_PATCH) == "delete":
        return {}
    made = dict(target) if isinstance(target, dict) else {}
    if _RETAIN in patch:
        made = {key: value for key, value in made.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            made[name] = [each for each in made.get(name) or [] if each not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            made.pop(key, None)
        elif isinstance(value, list):
            made[key] = _list(key, made.get(key), value)
        else:
            made[key] = strategic(made.get(key), value)
    for key, order in patch.items():
        if key.startswith(_ORDER) and (name := key.removeprefix(_ORDER)) in made:
            made[name] = _ordered(name, made[name], order)
    return made


def _list(name: str, there: Any, patch: list[Any]) -> list[Any]:
    """Return a list with what a patch says of its items."""
    if name in SETS:
        return [*(there or []), *(each for each in patch if each not in (there or []))]
    key = _key(name, patch) or _key(name, there or [])
    if key is None:
        return [each for each in patch if not (isinstance(each, dict) and _PATCH in each)]
    if any(each.get(_PATCH) == "replace" for each in patch):
        return [each for each in patch if _PATCH not in each]
    made = list(there or [])
    for each in patch:
        place = next((at for at, item in enumerate(made) if item.get(key) == each.get(key)), None)
        if each.get(_PATCH) == "delete":
            made = [item for item in made if item.get(key) != each.get(key)]
        elif place is None:
            made.append(strategic({}, each))
        else:
            made[place] = strategic(made[place], each)
    return made


def _key(name: str, items: list[Any]) -> str | None:
    """Return the field by which the items of a list are known."""
    if not items or not all(isinstance(each, dict) for each in items):
        return None
    return next((key for key in KEYS.get(name, ()) if any(key in each for each in items)), None)


def _ordered(name: str, items: list[Any], order: list[Any]) -> list[Any]:
    """Return a list's items in an order; those that it doesn't name keep their place behind the ones before them."""
    key = _key(name, items)
    wanted = [each.get(key) if isinstance(each, dict) else each for each in order]

    def mine(item: Any) -> Any:
        return item.get(key) if isinstance(item, dict) else item

    named = sorted((each for each in items if mine(each) in wanted), key=lambda each: wanted.index(mine(each)))
    others = [(place, each) for place, each in enumerate(items) if mine(each) not in wanted]
    for place, each in others:
        named.insert(min(place, len(named)), each)
    return named


__all__ = ["KEYS", "merge", "strategic"]

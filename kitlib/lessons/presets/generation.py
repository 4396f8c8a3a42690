"""Presets and Pods made from a seed: they often agree, and often contradict each other."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from kitlib.lessons.presets.preset import EXCLUDE
from kitlib.lessons.presets.reasons import Case, keys

_ENV: list[dict[str, Any]] = [
    {"name": "DB_PORT", "value": "6379"},
    {"name": "DB_PORT", "value": "5432"},
    {"name": "LEVEL", "value": "info"},
    {"name": "LEVEL", "value": ""},
    {"name": "LEVEL"},
    {"name": "HTTP_PROXY", "value": "http://proxy:3128"},
    {"name": "http_proxy", "value": "http://proxy:3128"},
    {"name": "PRICE", "value": "$(DB_PORT) $5"},
    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    {"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}},
    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token", "optional": True}}},
]
_ENV_FROM: list[dict[str, Any]] = [
    {"configMapRef": {"name": "database"}},
    {"configMapRef": {"name": "database", "optional": True}},
    {"configMapRef": {"name": "database"}, "prefix": "DB_"},
    {"configMapRef": {"name": "settings"}},
    {"secretRef": {"name": "key"}},
    {"secretRef": {"name": "database"}},
]
_VOLUMES: list[dict[str, Any]] = [
    {"name": "cache", "emptyDir": {}},
    {"name": "cache", "emptyDir": {"medium": "Memory"}},
    {"name": "certificates", "secret": {"secretName": "proxy"}},
    {"name": "certificates", "secret": {"secretName": "proxy", "defaultMode": 420}},
    {"name": "certificates", "secret": {"secretName": "proxy", "defaultMode": 256}},
    {"name": "settings", "configMap": {"name": "settings"}},
    {"name": "log", "hostPath": {"path": "/var/log"}},
    {"name": "log", "hostPath": {"path": "/var/log", "type": "Directory"}},
    {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
]
_MOUNT: list[dict[str, Any]] = [
    {},
    {},
    {"readOnly": False},
    {"readOnly": True},
    {"subPath": "one"},
    {"mountPath": "/shared"},
    {"mountPropagation": "HostToContainer"},
]


class _Maker:
    """Makes presets and Pods out of the same values, so that they often agree, and often contradict each other."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def some(self, plural: str, values: Sequence[dict[str, Any]], unique: bool) -> list[dict[str, Any]]:
        """Choose up to two; `unique`: no two that are the same one."""
        chosen = deepcopy(self.dice.sample(list(values), self.dice.choice([0, 0, 1, 2])))
        return list({keys(plural, item)[0]: item for item in chosen}.values()) if unique else chosen

    def mounts(self, volumes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Mount each of some volumes; no path twice."""
        made: dict[str, dict[str, Any]] = {}
        for volume in volumes:
            mount = {"name": volume["name"], "mountPath": f"/{volume['name']}", **self.dice.choice(_MOUNT)}
            made.setdefault(mount["mountPath"], mount)
        return list(made.values())

    def lists(self, unique: bool) -> dict[str, Any]:
        """Make variables, as a container says them, or (`unique`) a preset."""
        made = {"env": self.some("env", _ENV, unique), "envFrom": self.some("envFrom", _ENV_FROM, unique)}
        return {plural: items for plural, items in made.items() if items}

    def preset(self, name: str, style: int) -> dict[str, Any]:
        """Make a preset's spec."""
        volumes = self.some("volumes", _VOLUMES, unique=True)
        spec = self.lists(unique=True)
        if volumes:
            spec |= {"volumes": volumes, "volumeMounts": self.mounts(volumes)}
        if not spec:
            spec["env"] = [deepcopy(self.dice.choice(_ENV))]
        return {"selector": _SELECTORS[style % len(_SELECTORS)](name), **spec}

    def container(self, name: str, volumes: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a container."""
        made = {"name": name, "image": f"{name}:1.0", **self.lists(unique=False)}
        mounts = self.mounts(self.dice.choices(volumes, k=self.dice.choice([0, 1, 2, 3]))) if volumes else []
        return {**made, "volumeMounts": mounts} if mounts else made

    def case(self, name: str, presets: Mapping[str, Mapping[str, Any]]) -> Case:
        """Make a Pod that fits none, one, or several."""
        matching = self.dice.sample(sorted(presets), self.dice.choice([0, 1, 1, 1, 1, 2, 2, 3]))
        labels = {"app": "web"}
        for preset in presets:
            labels |= self.dice.choice(_fitting(preset, presets[preset]["selector"], preset in matching))
        volumes = self.some("volumes", _VOLUMES, unique=True)
        containers = [self.container(title, volumes) for title in ("web", "sidecar")[: self.dice.choice([1, 1, 2])]]
        spec: dict[str, Any] = {"automountServiceAccountToken": False, "containers": containers}
        if self.dice.random() < 0.3:
            spec["initContainers"] = [self.container("prepare", volumes)]
        if volumes:
            spec["volumes"] = volumes
        metadata: dict[str, Any] = {"name": name, "labels": labels}
        if self.dice.random() < 0.2:
            metadata["annotations"] = {EXCLUDE: self.dice.choice(["true", "false", "True", ""])}
        return Case({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, tuple(matching))


def _one(name: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": name, "operator": operator, **({"values": list(values)} if values else {})}


_SELECTORS: list[Any] = [
    lambda name: {"matchLabels": {"app": "web", name: "yes"}},
    lambda name: {"matchLabels": {"app": "web"}, "matchExpressions": [_one(name, "In", "yes", "always")]},
    lambda name: {"matchLabels": {"app": "web"}, "matchExpressions": [_one(name, "Exists")]},
    lambda name: {"matchLabels": {"app": "web"}, "matchExpressions": [_one(name, "NotIn", "no", "never")]},
    lambda name: {"matchLabels": {"app": "web"}, "matchExpressions": [_one(name, "DoesNotExist")]},
    lambda name: {"matchExpressions": [_one("app", "In", "web"), _one(name, "In", "yes")]},
]
"""Each also asks for app=web, which all generated Pods have: other Pods of the namespace are left alone."""


def _fitting(name: str, selector: Mapping[str, Any], fits: bool) -> list[dict[str, str]]:
    """Return labels that fit a preset's selector, or that don't."""
    absent: dict[str, str] = {}
    expressions = {item["key"]: item for item in selector.get("matchExpressions") or ()}
    expression = expressions.get(name) or _one(name, "In", "yes")
    operator, values = expression["operator"], expression.get("values")
    listed = [{name: value} for value in values or ("", "yes")]
    other = [{name: "No"}, {name: ""}]
    if operator == "In":
        return listed if fits else [absent, *other]
    if operator == "Exists":
        return listed if fits else [absent]
    if operator == "NotIn":
        return [absent, *other] if fits else listed
    return [absent] if fits else listed


def generated(count: int, seed: int = 17) -> dict[str, dict[str, Any]]:
    """Make presets, each with a selector of its own; the same for the same seed.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the random choices.

    Returns
    -------
    dict
        Name to spec; `manifest` makes an object of it.
    """
    maker = _Maker(seed)
    return {f"preset-{number}": maker.preset(f"preset-{number}", number) for number in range(count)}


def grid(presets: Mapping[str, Mapping[str, Any]], count: int, seed: int = 17) -> Iterator[Case]:
    """Make Pods that fit none, one or several of the presets, agree with them or contradict them.

    Parameters
    ----------
    presets : mapping
        As `generated` makes them.
    count : int
        How many.
    seed : int
        Of the random choices.

    Yields
    ------
    Case
    """
    maker = _Maker(seed + 1)
    for number in range(count):
        yield maker.case(f"pod-{number}", presets)

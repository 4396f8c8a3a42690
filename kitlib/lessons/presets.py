"""Presets put to the test: generated Pods and presets, what a preset wrote, and why two servers differ.

The folder notebooks/manifests/preset holds what 1.17's plugin PodPreset did by itself as objects of today: a kind (a
CustomResourceDefinition), a MutatingAdmissionPolicy that takes presets for its parameters, and one that warns.

    presets = generated(24)
    make(connection, presets, "shop")
    cases = list(grid(presets, 320))
    compare(presets, cases, {"1.37": stored_all(connection, cases, "shop")})
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.lessons import admission
from kitlib.progress import Progress

THEN, NOW = "settings.k8s.io/v1alpha1", "presets.example/v1"
"""The API group and version of a PodPreset: the one of March 2020, and the one that takes its place."""
EXCLUDE = "podpreset.admission.kubernetes.io/exclude"
"""The annotation that keeps presets away, where its value is "true"."""
APPLIED = "podpreset.admission.kubernetes.io/podpreset-"
"""What the annotation of a preset that was applied begins with; its value is the preset's resourceVersion."""
PART_OF = "app.kubernetes.io/part-of=kitlib-preset"
KINDS = (
    "mutatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "customresourcedefinitions",
)
AT_ONCE = 6


def known(connection: Connection, names: Iterable[str], namespace: str) -> None:
    """Wait until admission knows of presets, as it does a moment after they are made: each is asked for by its labels.

    Parameters
    ----------
    connection : Connection
        A writable one.
    names : iterable of str
        Of presets in this namespace.
    namespace : str
        Where they are.

    Raises
    ------
    WaitTimeout
        If one of them isn't applied in time to a Pod that fits it.
    """
    presets = {name: objects.get(connection, f"podpreset/{name}", namespace) for name in names}
    selectors = {name: preset["spec"].get("selector") or {} for name, preset in presets.items()}
    for name, preset in presets.items():
        labels = {key: value for other in presets if other != name for key, value in unfit(selectors[other]).items()}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "asked", "labels": labels | fit(selectors[name])},
            "spec": {"automountServiceAccountToken": False, "containers": [{"name": "web", "image": "web:1.0"}]},
        }
        wanted = (name, preset["metadata"]["resourceVersion"])
        admission.again(
            partial(admission.ask, connection, pod, namespace),
            lambda answer, wanted=wanted: answer.admitted and wanted in applied(answer.stored).items(),  # type: ignore[misc]
            f"preset {name} is known",
        )


def make(connection: Connection, presets: Mapping[str, Mapping[str, Any]], namespace: str) -> None:
    """Make presets, or change them, as the kind that this server knows; return when admission knows of them.

    Parameters
    ----------
    connection : Connection
        A writable one.
    presets : mapping
        Name to spec.
    namespace : str
        Where.

    Raises
    ------
    WaitTimeout
        If one of them isn't applied in time to a Pod that fits it.
    """
    group_version = THEN if admission.serves(connection, "PodPreset", THEN) else NOW
    objects.apply(connection, [manifest(*item, group_version) for item in presets.items()], namespace)
    known(connection, presets, namespace)


def fits(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Say whether labels fit a selector; an empty one fits all."""

    def one(wanted: Mapping[str, Any]) -> bool:
        there, listed = wanted["key"] in labels, labels.get(wanted["key"]) in (wanted.get("values") or ())
        return {"In": listed, "NotIn": not listed, "Exists": there, "DoesNotExist": not there}[wanted["operator"]]

    named = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return named and all(map(one, selector.get("matchExpressions") or ()))


def fit(selector: Mapping[str, Any]) -> dict[str, str]:
    """Return labels that fit a selector."""
    labels = dict(selector.get("matchLabels") or {})
    for one in selector.get("matchExpressions") or ():
        if one["operator"] in ("In", "Exists"):
            labels[one["key"]] = (one.get("values") or [""])[0]
    return labels


def unfit(selector: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that keep a Pod from a selector that would take it for what it lacks."""
    return {
        one["key"]: (one.get("values") or [""])[0]
        for one in selector.get("matchExpressions") or ()
        if one["operator"] in ("NotIn", "DoesNotExist")
    }


def remove(connection: Connection) -> None:
    """Remove the policies and the kind from a cluster, also what an interrupted run has left; wait until they are gone.

    Parameters
    ----------
    connection : Connection
        A writable one.
    """
    for kind in KINDS:
        if admission.serves(connection, kind):
            resource = connection.discover(kind)
            named = [
                item["metadata"]["name"]
                for item in connection.get(resource.path(), {"labelSelector": PART_OF})["items"] or ()
            ]
            for name in named:
                objects.delete(connection, f"{kind}/{name}", "")
            for name in named:
                objects.wait(connection, f"{kind}/{name}", "", deleted=True)


def applied(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the presets that a Pod says were applied to it, by name, with the version of each."""
    noted = pod["metadata"].get("annotations") or {}
    return {key.removeprefix(APPLIED): value for key, value in noted.items() if key.startswith(APPLIED)}


def unversioned(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Pod with words in the place of its presets' versions, which are other ones on each server."""
    made: dict[str, Any] = deepcopy(dict(pod))
    for name in applied(made):
        made["metadata"]["annotations"][APPLIED + name] = "its resourceVersion"
    return made


def comparable(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Pod so that those of two servers can be compared.

    It is `unversioned`, and its lists are sorted: several presets come in no order, on either server.
    """
    ordered: dict[str, Any] = _sorted(unversioned(pod))
    return ordered


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(part) for key, part in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda item: (_name(item), json.dumps(item, sort_keys=True)))
    return value


def _name(item: Any) -> str:
    return str(item.get("name", "")) if isinstance(item, dict) else ""


# Why two servers differ.

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
    known = {key: _meaning(item) for item in own for key in _keys(plural, item)}
    found = []
    for spec in specs:
        for item in spec.get(plural) or ():
            for key in _keys(plural, item):
                if known.setdefault(key, _meaning(item)) != _meaning(item):
                    found.append(f"{plural} {key}")
    return found


def _keys(plural: str, item: Mapping[str, Any]) -> list[str]:
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
    shared = [_keys("envFrom", item)[0] for name in case.matching for item in presets[name].get("envFrom") or ()]
    for container in _containers(case.pod):
        own = {_keys("envFrom", item)[0] for item in container.get("envFrom") or ()}
        if any(shared.count(key) > 1 for key in set(shared) - own):
            return REASONS[2]
    return ""


def _measured(presets: Mapping[str, Mapping[str, Any]], case: Case) -> bool:
    """Say whether a Pod and a preset have one variable that is a resource's quantity."""
    lists = [presets[name].get("env") or () for name in case.matching]
    new = {one["name"] for env in lists for one in env if "resourceFieldRef" in one.get("valueFrom", {})}
    return any(one["name"] in new for container in _containers(case.pod) for one in container.get("env") or ())


def stored_all(connection: Connection, cases: Iterable[Case], namespace: str) -> list[dict[str, Any]]:
    """Return what would be stored of each Pod, without what the server fills in by itself, in their order.

    Parameters
    ----------
    connection : Connection
        A writable one.
    cases : iterable of Case
        The Pods.
    namespace : str
        Where the presets are.
    """
    listed, found = list(cases), []
    with Progress("ask for Pods", total=len(listed)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
        for pod in pool.map(lambda case: admission.stored(connection, case.pod, namespace), listed):
            found.append(pod)
            bar.update(f"{len(found)} of {len(listed)} Pods", len(found))
    return found


def compare(
    presets: Mapping[str, Mapping[str, Any]],
    cases: Sequence[Case],
    heard: Mapping[str, Sequence[Mapping[str, Any]]],
) -> pd.DataFrame:
    """Lay out what servers of several versions stored of the same Pods.

    Parameters
    ----------
    presets : mapping
        Name to spec.
    cases : sequence of Case
        The Pods.
    heard : mapping
        Version to what was stored of each, as `stored_all` returns it.

    Returns
    -------
    DataFrame
        Pod (its name), conflict (whether it and its presets say something differently; not of an excluded one), a
        column for each version (the presets that were applied), same (whether all fields that were stored agree), why
        (the reason not to, if there is one; see `differs`).
    """
    rows = []
    for number, case in enumerate(cases):
        pods = {version: made[number] for version, made in heard.items()}
        rows.append(
            {
                "Pod": case.pod["metadata"]["name"],
                "conflict": not case.excluded and bool(conflicts(presets, case)),
                **{version: ", ".join(sorted(applied(pod))) or "–" for version, pod in pods.items()},
                "same": len({json.dumps(comparable(pod), sort_keys=True) for pod in pods.values()}) == 1,
                "why": differs(presets, case),
            }
        )
    return pd.DataFrame(rows)


# The grid.

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
        return list({_keys(plural, item)[0]: item for item in chosen}.values()) if unique else chosen

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


def manifest(name: str, spec: Mapping[str, Any], group_version: str) -> dict[str, Any]:
    """Return a preset as an object of `THEN`, or of `NOW`."""
    return {"apiVersion": group_version, "kind": "PodPreset", "metadata": {"name": name}, "spec": dict(spec)}


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

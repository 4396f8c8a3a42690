"""What a case is, and the words in which one is written."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Objects = Callable[[str], list[dict[str, Any]]]
Sign = Callable[[Objects], bool]
"""Looks at the objects of the case's namespace, by their plural, and says whether the cause can be seen."""


@dataclass
class Case:
    """One cause, made in one way.

    Parameters
    ----------
    subject : str
        What is asked about.
    objects : list of dict
        What is applied, in this order.
    sign : callable
        When it can be seen.
    then : list of tuple
        What is done after that: ("patch", ref, patch), ("delete", ref), ("evict", pod), ("await", sign).
    labels : dict
        Of its namespace.
    accepted : tuple of str
        Causes that are as right as the case's own, where one can't be told from the other.
    """

    subject: str
    objects: list[dict[str, Any]]
    sign: Sign
    then: list[tuple[Any, ...]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()


@dataclass
class Making:
    """Who makes the cases of a cause.

    Parameters
    ----------
    cause : str
        Its name in the table; "" for a case in which nothing is the matter.
    make : callable
        Takes a seeded generator, the number of the way, and the namespace.
    containers : bool
        Whether it needs a kubelet that runs containers.
    ways : int
        How many ways there are.
    """

    cause: str
    make: Callable[[random.Random, int, str], Case]
    containers: bool
    ways: int


CASES: dict[str, Making] = {}


def case(cause: str, containers: bool = False, ways: int = 3, name: str = "") -> Callable[[Any], Any]:
    """Take a function as the maker of a cause's cases."""

    def take(make: Callable[[random.Random, int, str], Case]) -> Callable[[random.Random, int, str], Case]:
        CASES[name or cause] = Making(cause, make, containers, ways)
        return make

    return take


# What manifests are made of.

IMAGE = "localhost/probe:local"
"""The image that kitlib's nodes have; simulated ones take any."""


def word(rng: random.Random) -> str:
    """Return a name for something."""
    return rng.choice(("web", "shop", "cart", "api", "search", "mail", "queue", "cache", "front", "pay"))


def template(app: str, spec: dict[str, Any] | None = None, container: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a Pod template."""
    one = {"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", **(container or {})}
    found = {"terminationGracePeriodSeconds": 1, **(spec or {})}
    return {"metadata": {"labels": {"app": app}}, "spec": {**found, "containers": [one]}}


def workload(kind: str, name: str, pod: dict[str, Any], replicas: int = 1, **spec: Any) -> dict[str, Any]:
    """Return a Deployment, StatefulSet, DaemonSet, Job or Pod of a template."""
    if kind == "Pod":
        metadata = {"name": name, **pod["metadata"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
    if kind == "Job":
        once = {**pod, "spec": {"restartPolicy": "Never", **pod["spec"]}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": {"template": once, **spec}}
    found = {"selector": {"matchLabels": dict(pod["metadata"]["labels"])}, "template": pod, **spec}
    if kind != "DaemonSet":
        found["replicas"] = replicas
    if kind == "StatefulSet":
        found["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": found}


# Signs.


def event(reason: str, words: str = "") -> Sign:
    """Wait for an Event of a reason, and with some words in it."""

    def seen(objects: Objects) -> bool:
        return any(each.get("reason") == reason and words in _message(each) for each in objects("events"))

    return seen


def condition(plural: str, kind: str, status: str = "", reason: str = "") -> Sign:
    """Wait for a condition of any object of a kind."""

    def seen(objects: Objects) -> bool:
        for each in objects(plural):
            for one in (each.get("status") or {}).get("conditions") or ():
                if one["type"] == kind and status in ("", one["status"]) and reason in ("", one.get("reason")):
                    return True
        return False

    return seen


def there(plural: str, test: Callable[[dict[str, Any]], Any], count: int = 1) -> Sign:
    """Wait for some objects that pass a test."""
    return lambda objects: sum(bool(test(each)) for each in objects(plural)) >= count


def both(*signs: Sign) -> Sign:
    """Wait for several signs."""
    return lambda objects: all(sign(objects) for sign in signs)


def waiting(*reasons: str) -> Sign:
    """Wait for a container that waits for one of some reasons."""

    def seen(pod: dict[str, Any]) -> bool:
        status = pod.get("status") or {}
        states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        return any(((each.get("state") or {}).get("waiting") or {}).get("reason") in reasons for each in states)

    return there("pods", seen)


def ended(times: int = 1) -> Sign:
    """Wait for a container that has ended and waits to be started again, so many times."""

    def seen(pod: dict[str, Any]) -> bool:
        status = pod.get("status") or {}
        states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        again = [each for each in states if each.get("restartCount", 0) >= times]
        return any(
            ((each.get("state") or {}).get("waiting") or {}).get("reason") == "CrashLoopBackOff" for each in again
        )

    return there("pods", seen)


def _message(found: dict[str, Any]) -> str:
    return str(found.get("message") or found.get("note") or "")


__all__ = ["CASES", "IMAGE", "Case", "Making", "both", "case", "condition", "ended", "event", "template", "there"]
__all__ += ["waiting", "word", "workload"]

"""What stands below an object: whom it makes, selects or asks for, as far as that holds it up."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import stamp, text
from kitlib.rollout.selectors import selects
from kitlib.rollout.why import controllers, services, storage
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.world import World

NEEDS: dict[str, tuple[str, ...]] = {
    "Deployment": ("ReplicaSet", "Pod", "Event", "Node"),
    "ReplicaSet": ("Pod", "Event", "Node"),
    "StatefulSet": ("Pod", "Event", "Node", "PersistentVolumeClaim"),
    "DaemonSet": ("Pod", "Event", "Node"),
    "Pod": ("Event", "Node"),
    "Job": ("Pod", "Event"),
    "CronJob": ("Job", "Pod", "Event"),
    "Service": ("Pod", "EndpointSlice"),
    "Ingress": ("Service", "Pod", "EndpointSlice"),
    "PersistentVolumeClaim": ("Event", "StorageClass"),
    "PodDisruptionBudget": ("Pod",),
    "Node": ("Pod", "PodDisruptionBudget"),
}
"""On which kinds an answer about an object of a kind rests."""
REVISION = "deployment.kubernetes.io/revision"
"""The annotation in which a Deployment numbers its ReplicaSets."""


def below(world: World, found: Object) -> Iterator[tuple[Object, int, bool]]:
    """Yield what stands below an object, with a weight (the newest has the most), and whether it surely does."""
    if found.kind == "Deployment":
        yield from _of_deployment(world, found)
    elif found.kind in ("ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
        for pod in world.owned(found, "Pod"):
            yield pod, 0, True
    elif found.kind == "CronJob":
        yield from _of_cron(world, found)
    elif found.kind == "Service":
        if not services.endpoints(world, found):
            yield from ((pod, 0, True) for pod in services.backends(world, found))
    elif found.kind == "Ingress":
        for name, _ in services.routes(found):
            service = world.get("Service", found.namespace, name)
            if service is not None:
                yield service, 0, True
    elif found.kind == "PodDisruptionBudget" and found.number("status", "disruptionsAllowed") == 0:
        yield from ((pod, 0, True) for pod in controllers.protected(world, found))
    elif found.kind == "PersistentVolumeClaim":
        for pod in world.all("Pod", found.namespace):
            if found.text("status", "phase") == "Pending" and found.name in storage.claims(pod):
                yield pod, 0, True


def _of_deployment(world: World, found: Object) -> Iterator[tuple[Object, int, bool]]:
    if world.sees("ReplicaSet"):
        mine = world.owned(found, "ReplicaSet")
        newest = max(mine, key=_revision, default=None)
        for each in mine:
            if each.number("spec", "replicas") or each.number("status", "replicas"):
                yield each, 100 if each is newest else 0, True
        return
    for pod in world.all("Pod", found.namespace):
        owner = pod.owners[0] if pod.owners else {}
        made = text(owner, "kind") == "ReplicaSet" and text(owner, "name").startswith(f"{found.name}-")
        if made and selects(found.at("spec", "selector"), pod.labels):
            yield pod, 0, False


def _revision(found: Object) -> int:
    said = found.text("metadata", "annotations", REVISION)
    return int(said) if said.isdecimal() else 0


def _of_cron(world: World, found: Object) -> Iterator[tuple[Object, int, bool]]:
    """Yield the Jobs of a CronJob that are active, and the last one that is over."""
    jobs = sorted(world.owned(found, "Job"), key=lambda each: each.text("metadata", "creationTimestamp"))
    active = {str(each.get("uid")) for each in found.items("status", "active")}
    over = [each for each in jobs if each.uid not in active]
    yield from ((each, 0, True) for each in jobs if each.uid in active or each in over[-1:])


def stuck(world: World, pod: Object) -> bool:
    """Say whether a Pod that is being deleted should be gone by now."""
    due = stamp(pod.body, "metadata", "deletionTimestamp")
    return due is not None and world.now > due


__all__ = ["NEEDS", "REVISION", "below", "stuck"]

"""Whether an object is what it should be, and how far it is, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kitlib.rollout.fields import text
from kitlib.rollout.why import services
from kitlib.rollout.why.below import below
from kitlib.rollout.why.containers import containers
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.world import World


@dataclass(frozen=True)
class Standing:
    """How far an object is.

    Parameters
    ----------
    good : bool or None
        Whether it is what it should be; None if its kind doesn't say.
    words : str
        What it says of itself: "1 of 3 replicas are available".
    """

    good: bool | None
    words: str


def standing(world: World, found: Object) -> Standing:
    """Say whether an object is what it should be."""
    if found.deleting:
        return Standing(False, "it is being deleted")
    how = _HOW.get(found.kind)
    if how is None:
        return Standing(None, "it is there")
    told = how(world, found)
    if told.good and found.kind in _OF_PODS and (falling := _falling(world, found)):
        return Standing(False, f"{told.words}; {falling} ends again and again, and runs just now")
    return told


def _falling(world: World, found: Object) -> str:
    """Return which Pod of what looks well has a container that the kubelet starts again and again; empty if none."""
    if found.kind == "Pod":
        return found.ref if any(one.falls(world.now) and not one.init for one in containers(found)) else ""
    return next((name for each, _, _ in below(world, found) if (name := _falling(world, each))), "")


def _deployment(world: World, found: Object) -> Standing:
    wanted = found.number("spec", "replicas", default=1)
    counts = [found.number("status", key) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    words = f"{counts[2]} of {wanted} replicas available, {counts[1]} updated"
    words += "; it asks for no Pod (replicas: 0)" if wanted == 0 else ""
    return Standing(not found.behind and all(each == wanted for each in counts), words)


def _replica_set(world: World, found: Object) -> Standing:
    wanted = found.number("spec", "replicas", default=1)
    available = found.number("status", "availableReplicas")
    good = not found.behind and available == wanted == found.number("status", "replicas")
    return Standing(good, f"{available} of {wanted} replicas available")


def _stateful_set(world: World, found: Object) -> Standing:
    wanted = found.number("spec", "replicas", default=1)
    available = found.number("status", "availableReplicas")
    updated = found.number("status", "updatedReplicas")
    same = found.text("status", "updateRevision") == found.text("status", "currentRevision")
    good = not found.behind and available == wanted == found.number("status", "replicas")
    good = good and (same or updated == wanted)
    return Standing(good, f"{available} of {wanted} replicas available, {wanted if same else updated} updated")


def _daemon_set(world: World, found: Object) -> Standing:
    wanted = found.number("status", "desiredNumberScheduled")
    available, updated = (found.number("status", key) for key in ("numberAvailable", "updatedNumberScheduled"))
    good = not found.behind and wanted > 0 and available == wanted == updated
    return Standing(good, f"{available} of {wanted} Pods available, {updated} updated")


def _pod(world: World, found: Object) -> Standing:
    phase = found.text("status", "phase")
    ready = text(found.condition("Ready"), "status") == "True"
    again = sum(one.restarts for one in containers(found))
    words = "Ready" if ready else phase or "without a phase"
    words += f", its containers were started again {again} times" if again > 1 else ""
    return Standing(phase == "Succeeded" or (ready and phase == "Running"), words)


def _job(world: World, found: Object) -> Standing:
    counts = {key: found.number("status", key) for key in ("active", "succeeded", "failed")}
    words = ", ".join(f"{count} {key}" for key, count in counts.items() if count) or "no Pod yet"
    if text(found.condition("Complete"), "status") == "True":
        return Standing(True, f"Complete: {words}")
    if text(found.condition("Failed"), "status") == "True" or found.at("spec", "suspend") is True:
        return Standing(False, words)
    active = [each for each in world.owned(found, "Pod") if each.text("status", "phase") in ("Running", "Succeeded")]
    return Standing(bool(counts["active"]) and len(active) >= counts["active"] and not counts["failed"], words)


def _cron_job(world: World, found: Object) -> Standing:
    last = found.text("status", "lastScheduleTime")
    return Standing(None, f"last scheduled at {last}" if last else "never scheduled yet")


def _service(world: World, found: Object) -> Standing:
    if found.text("spec", "type") == "ExternalName":
        return Standing(True, f"an alias of {found.text('spec', 'externalName')}")
    served = services.endpoints(world, found)
    if not world.sees("Pod"):
        return Standing(None, f"{len(served)} ready endpoints")
    if not world.sees("EndpointSlice"):
        backends = services.backends(world, found)
        ready = [each for each in backends if text(each.condition("Ready"), "status") == "True"]
        return Standing(None, f"{len(ready)} of the {len(backends)} Pods that it selects are ready")
    found_wrong = any(True for _ in services.find(world, found))
    return Standing(bool(served) and not found_wrong, f"{len(served)} ready endpoints")


def _claim(world: World, found: Object) -> Standing:
    phase = found.text("status", "phase")
    return Standing(phase == "Bound", f"its phase is {phase}")


def _budget(world: World, found: Object) -> Standing:
    allowed = found.number("status", "disruptionsAllowed")
    return Standing(allowed > 0, f"it allows {allowed} disruptions")


def _scaler(world: World, found: Object) -> Standing:
    able, active = (text(found.condition(each), "status") for each in ("AbleToScale", "ScalingActive"))
    limited = text(found.condition("ScalingLimited"), "reason") == "TooManyReplicas"
    words = f"{found.number('status', 'currentReplicas')} replicas, {found.number('status', 'desiredReplicas')} desired"
    return Standing(able == "True" and active == "True" and not limited, words)


def _node(world: World, found: Object) -> Standing:
    ready = text(found.condition("Ready"), "status")
    pressed = any(text(found.condition(f"{each}Pressure"), "status") == "True" for each in ("Memory", "Disk", "PID"))
    cordoned = found.at("spec", "unschedulable") is True
    words = f"Ready is {ready or 'not said'}" + (", cordoned" if cordoned else "")
    return Standing(ready == "True" and not pressed and not cordoned, words)


def _phase(world: World, found: Object) -> Standing:
    phase = found.text("status", "phase")
    return Standing(phase in ("Active", "Bound", "Available"), f"its phase is {phase}")


_OF_PODS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod")
_HOW: dict[str, Callable[[World, Object], Standing]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Pod": _pod,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "PodDisruptionBudget": _budget,
    "HorizontalPodAutoscaler": _scaler,
    "Node": _node,
    "Namespace": _phase,
    "PersistentVolume": _phase,
}

__all__ = ["Standing", "standing"]

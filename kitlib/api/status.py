"""What an object's status says: its conditions, whether its newest spec was observed, and how far its rollout is.

The words and the numbers are those of `kubectl rollout status` (k8s.io/kubectl/pkg/polymorphichelpers/
rollout_status.go), for the kinds that it knows; Jobs, ReplicaSets and kinds with a condition Ready come beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kitlib.errors import UsageError


@dataclass(frozen=True)
class Standing:
    """How far a rollout is.

    Parameters
    ----------
    done : bool
        Whether it is at its end.
    words : str
        What `kubectl rollout status` would say: "3 out of 10 new replicas have been updated".
    failure : str
        Why it has failed for good; empty if it hasn't.
    """

    done: bool
    words: str
    failure: str = ""


def standing(item: dict[str, Any], kind: str | None = None) -> Standing:
    """Say how far an object's rollout is.

    Parameters
    ----------
    item : dict
        The object.
    kind : str, optional
        "Deployment"; what the object itself says if None.

    Raises
    ------
    UsageError
        If there is nothing that rolls out in an object of this kind, or kubectl can't tell: a DaemonSet or StatefulSet
        whose Pods are replaced only as somebody deletes them (OnDelete).
    """
    kind = kind or str(item.get("kind") or "")
    if kind in _NO_ROLLOUT:
        raise UsageError(
            f"nothing rolls out in a {kind}", step="wait", object=_name(item, kind), next=_NO_ROLLOUT[kind]
        )
    return _ROLLOUTS.get(kind, _by_condition)(item)


def observed(item: dict[str, Any]) -> bool:
    """Say whether an object's controller has seen its newest spec: status.observedGeneration is metadata.generation."""
    return _count(_status(item), "observedGeneration") >= _count(item.get("metadata") or {}, "generation")


def conditions(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an object's conditions; what is none is left out."""
    found = _status(item).get("conditions")
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and isinstance(each.get("type"), str):
            yield each


def condition(item: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return one condition of an object; an empty dict if it has none of that type; case doesn't matter."""
    return next((each for each in conditions(item) if each["type"].lower() == kind.lower()), {})


def has_condition(item: dict[str, Any], wanted: str) -> bool:
    """Say whether an object has a condition: "Ready", "Progressing=False", "Progressing=False:DeadlineExceeded"."""
    kind, _, rest = wanted.partition("=")
    status, _, reason = rest.partition(":")
    found = condition(item, kind)
    if str(found.get("status")).lower() != (status or "True").lower():
        return False
    return not reason or found.get("reason") == reason


def up_to_date(item: dict[str, Any], kind: str) -> bool:
    """Say whether a condition is about the newest spec; where neither it nor the status says so, it is.

    As `kubectl wait --for=condition` has it.
    """
    known = condition(item, kind).get("observedGeneration", _status(item).get("observedGeneration"))
    generation = (item.get("metadata") or {}).get("generation")
    return not isinstance(known, int) or not isinstance(generation, int) or known >= generation


def condition_words(item: dict[str, Any], kind: str = "") -> str:
    """Say of a condition, or of all that aren't True, what they are and why: "Ready is False (Reason: message)"."""
    told = []
    for each in conditions(item):
        if each["type"].lower() == kind.lower() or (not kind and each.get("status") != "True"):
            why = ": ".join(str(each[key]) for key in ("reason", "message") if each.get(key))
            told.append(f"{each['type']} is {each.get('status')}" + (f" ({why})" if why else ""))
    if kind and not told:
        names = ", ".join(each["type"] for each in conditions(item))
        return f"it has no condition {kind}" + (f"; it has {names}" if names else "")
    return "; ".join(told)


def _deployment(item: dict[str, Any]) -> Standing:
    if not observed(item):
        return _UNSEEN
    status, wanted = _status(item), _wanted(item)
    updated, available = _count(status, "updatedReplicas"), _count(status, "availableReplicas")
    paused = "; it is paused" if (item.get("spec") or {}).get("paused") else ""
    failure = ""
    if condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        failure = "it exceeded its progress deadline"
    if updated < wanted:
        words = f"{updated} out of {wanted} new replicas have been updated"
    elif (old := _count(status, "replicas") - updated) > 0:
        words = f"{old} old replicas are pending termination"
    elif available < updated:
        words = f"{available} of {updated} updated replicas are available"
    elif updated > wanted:  # kubectl says that it is done; what is too much is still there
        words = f"{updated - wanted} surplus replicas are pending termination"
    else:
        return Standing(not failure, "successfully rolled out", failure)
    return Standing(False, words + paused, failure)


def _replica_set(item: dict[str, Any]) -> Standing:
    if not observed(item):
        return _UNSEEN
    status, wanted = _status(item), _wanted(item)
    available = _count(status, "availableReplicas")
    if (surplus := _count(status, "replicas") - wanted) > 0:
        return Standing(False, f"{surplus} surplus replicas are pending termination")
    done = available >= wanted
    return Standing(done, f"{available} of {wanted} replicas are available" + _words(item, "ReplicaFailure"))


def _daemon_set(item: dict[str, Any]) -> Standing:
    _refuse_on_delete(item, "DaemonSet")
    if not observed(item):
        return _UNSEEN
    status = _status(item)
    wanted = _count(status, "desiredNumberScheduled")
    updated, available = _count(status, "updatedNumberScheduled"), _count(status, "numberAvailable")
    if updated < wanted:
        return Standing(False, f"{updated} out of {wanted} new pods have been updated")
    if available < wanted:
        return Standing(False, f"{available} of {wanted} updated pods are available")
    return Standing(True, "successfully rolled out")


def _stateful_set(item: dict[str, Any]) -> Standing:
    _refuse_on_delete(item, "StatefulSet")
    status, wanted = _status(item), _wanted(item)
    if not _count(status, "observedGeneration") or not observed(item):
        return _UNSEEN
    if (missing := wanted - _count(status, "readyReplicas")) > 0:
        return Standing(False, f"waiting for {missing} pods to be ready")
    if (surplus := _count(status, "replicas") - wanted) > 0:
        return Standing(False, f"{surplus} surplus pods are pending termination")
    updated = _count(status, "updatedReplicas")
    rolling = ((item.get("spec") or {}).get("updateStrategy") or {}).get("rollingUpdate")
    partition = _count(rolling, "partition") if isinstance(rolling, dict) else 0
    if updated < wanted - partition and isinstance(rolling, dict):
        words = f"{updated} out of {wanted - partition} new pods have been updated"
        return Standing(False, f"partitioned roll out: {words}" if partition else words)
    if partition:
        return Standing(True, f"partitioned roll out complete: {updated} new pods have been updated")
    if rolling is None and status.get("updateRevision") != status.get("currentRevision"):
        return Standing(False, f"{updated} pods at revision {status.get('updateRevision')}")
    return Standing(True, f"rolling update complete: {wanted} pods at revision {status.get('updateRevision')}")


def _job(item: dict[str, Any]) -> Standing:
    spec, status = item.get("spec") or {}, _status(item)
    succeeded, failed = _count(status, "succeeded"), _count(status, "failed")
    wanted = spec.get("completions")
    words = f"{succeeded} of {wanted} completions" if isinstance(wanted, int) else f"{succeeded} completions"
    words += f", {_count(status, 'active')} active" + (f", {failed} failed" if failed else "")
    if spec.get("suspend"):
        words += "; it is suspended"
    failure = ""
    if has_condition(item, "Failed"):
        found = condition(item, "Failed")
        failure = "the Job failed: " + ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
    return Standing(has_condition(item, "Complete"), words, failure)


def _definition(item: dict[str, Any]) -> Standing:
    refused = condition(item, "NamesAccepted")
    failure = f"its names are not accepted: {refused.get('message')}" if refused.get("status") == "False" else ""
    return Standing(has_condition(item, "Established"), condition_words(item, "Established"), failure)


def _by_condition(item: dict[str, Any]) -> Standing:
    """Judge a kind that nobody knows here: by its condition Ready or Available, where it has one."""
    for kind in ("Ready", "Available"):
        if condition(item, kind):
            done = has_condition(item, kind) and up_to_date(item, kind)
            return Standing(done, condition_words(item, kind))
    return Standing(False, condition_words(item, "Ready"))


def _refuse_on_delete(item: dict[str, Any], kind: str) -> None:
    strategy = ((item.get("spec") or {}).get("updateStrategy") or {}).get("type", "RollingUpdate")
    if strategy != "RollingUpdate":
        raise UsageError(
            f"its update strategy is {strategy}: rollout status is only available for RollingUpdate",
            step="wait",
            object=_name(item, kind),
            next="delete its Pods one by one, and wait for each; or set spec.updateStrategy.type to RollingUpdate",
        )


def _words(item: dict[str, Any], kind: str) -> str:
    return f"; {condition_words(item, kind)}" if has_condition(item, kind) else ""


def _name(item: dict[str, Any], kind: str) -> str:
    return f"{kind.lower()}/{(item.get('metadata') or {}).get('name', '')}"


def _status(item: dict[str, Any]) -> dict[str, Any]:
    status = item.get("status")
    return status if isinstance(status, dict) else {}


def _wanted(item: dict[str, Any]) -> int:
    wanted = (item.get("spec") or {}).get("replicas")
    return wanted if isinstance(wanted, int) else 1


def _count(where: dict[str, Any], key: str) -> int:
    """Return a number; an absent one is 0."""
    value = where.get(key)
    return value if isinstance(value, int) else 0


_UNSEEN = Standing(False, "the newest spec is not observed yet")
_ROLLOUTS: dict[str, Callable[[dict[str, Any]], Standing]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replica_set,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "CustomResourceDefinition": _definition,
}
_NO_ROLLOUT = {
    "Pod": 'wait for condition="Ready", or until=…',
    "CronJob": "wait for a Job that it has made",
    **dict.fromkeys(
        ("ConfigMap", "Secret", "Service", "ServiceAccount", "Event", "Endpoints", "Lease", "Role", "RoleBinding"),
        "name another goal: until=…, deleted=True",
    ),
    **dict.fromkeys(("Node", "Namespace", "PersistentVolume", "PersistentVolumeClaim"), "name condition=… or until=…"),
}
__all__ = [
    "Standing",
    "condition",
    "condition_words",
    "conditions",
    "has_condition",
    "observed",
    "standing",
    "up_to_date",
]

"""Why a controller can't make its Pods: the API server refuses them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitlib.rollout.fields import text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.world import World

_ADMISSION = "reference/access-authn-authz/"
CAUSES = (
    Cause(
        "quota",
        "FailedCreate: exceeded quota, failed quota",
        "{who} can't make {lacks}: the ResourceQuota {named} doesn't allow it{said}",
        "kubectl -n {ns} describe quota {named}",
        "concepts/policy/resource-quotas/",
    ),
    Cause(
        "limit-range",
        "FailedCreate: maximum, minimum … usage per Container, Pod; max limit to request ratio",
        "{who} can't make {lacks}: what they ask for lies outside of a LimitRange{said}",
        "kubectl -n {ns} describe limitrange",
        "concepts/policy/limit-range/",
    ),
    Cause(
        "pod-security",
        "FailedCreate: violates PodSecurity",
        "{who} can't make {lacks}: they violate the Pod Security Standard {named} of the namespace{said}",
        "kubectl get namespace {ns} --show-labels",
        "concepts/security/pod-security-admission/",
    ),
    Cause(
        "policy",
        "FailedCreate: ValidatingAdmissionPolicy … denied request",
        "{who} can't make {lacks}: the ValidatingAdmissionPolicy {named} refuses them{said}",
        "kubectl describe validatingadmissionpolicy {named}",
        _ADMISSION + "validating-admission-policy/",
    ),
    Cause(
        "webhook",
        "FailedCreate: admission webhook … denied the request",
        "{who} can't make {lacks}: the admission webhook {named} refuses them{said}",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        _ADMISSION + "extensible-admission-controllers/",
    ),
    Cause(
        "webhook-unreachable",
        "FailedCreate: failed calling webhook",
        "{who} can't make {lacks}: the admission webhook {named} doesn't answer{said}",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        _ADMISSION + "extensible-admission-controllers/#failure-policy",
    ),
    Cause(
        "service-account",
        "FailedCreate: error looking up service account",
        "{who} can't make {lacks}: there is no ServiceAccount {named}",
        "kubectl -n {ns} get serviceaccounts",
        "tasks/configure-pod-container/configure-service-account/",
    ),
    Cause(
        "priority-class",
        "FailedCreate: no PriorityClass with name … was found",
        "{who} can't make {lacks}: there is no PriorityClass {named}",
        "kubectl get priorityclasses",
        "concepts/scheduling-eviction/pod-priority-preemption/",
    ),
    Cause(
        "namespace-ends",
        "FailedCreate: … because it is being terminated",
        "{who} can't make {lacks}: its namespace is being deleted",
        "kubectl get namespace {ns} -o yaml",
        "concepts/overview/working-with-objects/namespaces/",
    ),
    Cause(
        "refused",
        "FailedCreate, for a reason that isn't in this table",
        "{who} can't make {lacks}: the API server refuses them{said}",
        "kubectl -n {ns} describe {kind} {name}",
        _ADMISSION + "admission-controllers/",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
_SAID = (
    (r"(?:exceeded|failed) quota: (?P<named>[^,:\s]+)[,:]? ?(?P<said>.*)", "quota"),
    (r"violates PodSecurity \"(?P<named>[^\"]+)\": (?P<said>.*)", "pod-security"),
    (r"ValidatingAdmissionPolicy '(?P<named>[^']+)' .*?denied request: (?P<said>.*)", "policy"),
    (r"admission webhook \"(?P<named>[^\"]+)\" denied the request:? ?(?P<said>.*)", "webhook"),
    (r"failed calling webhook \"(?P<named>[^\"]+)\": (?P<said>.*)", "webhook-unreachable"),
    (r"error looking up service account [^/\s]+/(?P<named>[^:\s]+)", "service-account"),
    (r"no PriorityClass with name (?P<named>\S+) was found", "priority-class"),
    (r"because it is being terminated", "namespace-ends"),
    (r"(?P<said>(?:maximum|minimum) \S+ usage per .*|\S+ max limit to request ratio .*)", "limit-range"),
)
KINDS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job")
"""Who makes Pods."""


def find(world: World, maker: Object) -> Iterator[Finding]:
    """Look for why a controller can't make its Pods."""
    lacks = lacking(world, maker)
    if lacks <= 0 or maker.deleting:
        return
    failure = maker.condition("ReplicaFailure")
    event = newest(each for each in world.events(maker, "FailedCreate") if not _overtaken(world, maker, each.last))
    message = text(failure, "message") if text(failure, "status") == "True" else ""
    rows = [Row.condition_of(maker, "ReplicaFailure")] if message else []
    rows += [Row.event_of(event)] if event else []
    yield from _read(maker, message or (event.message if event else ""), rows, lacks)


def find_deployment(world: World, deployment: Object) -> Iterator[Finding]:
    """Look for it where its ReplicaSets can't be seen: a Deployment repeats what they say."""
    failure = deployment.condition("ReplicaFailure")
    if world.sees("ReplicaSet") or text(failure, "status") != "True":
        return
    lacks = deployment.number("spec", "replicas", default=1) - deployment.number("status", "replicas")
    yield from _read(deployment, text(failure, "message"), [Row.condition_of(deployment, "ReplicaFailure")], lacks)


def _read(maker: Object, message: str, rows: list[Row], lacks: int) -> Iterator[Finding]:
    if not message:
        return
    values = {"lacks": f"{lacks} more Pod{'s' if lacks > 1 else ''}" if lacks > 0 else "its Pods"}
    for pattern, name in _SAID:
        if found := re.search(pattern, message):
            groups = {key: text(each or "") for key, each in found.groupdict().items()}
            said = f": {groups['said'].rstrip()}" if groups.get("said") else ""
            below = [f"{name} {groups['named']}"] if groups.get("named") else []
            yield Finding(_CAUSES[name], maker, CERTAIN, {**values, **groups, "said": said}, rows, below)
            return
    certainty = CERTAIN if "forbidden" in message or "denied" in message or "invalid" in message else LIKELY
    yield Finding(_CAUSES["refused"], maker, certainty, {**values, "said": f": {message}"}, rows)


def lacking(world: World, maker: Object) -> int:
    """Return how many Pods a controller has yet to make, as far as it or they say."""
    if maker.kind == "DaemonSet":
        return maker.number("status", "desiredNumberScheduled") - maker.number("status", "currentNumberScheduled")
    if maker.kind == "Job":
        if any(text(maker.condition(kind), "status") == "True" for kind in ("Complete", "Failed", "Suspended")):
            return 0
        wanted = min(maker.number("spec", "parallelism", default=1), maker.number("spec", "completions", default=1))
        return wanted - maker.number("status", "active") - maker.number("status", "succeeded")
    return maker.number("spec", "replicas", default=1) - maker.number("status", "replicas")


def _overtaken(world: World, maker: Object, last: object) -> bool:
    """Say whether a Pod of it was made since, so that what was refused then isn't any more."""
    made = [stamped for pod in world.owned(maker, "Pod") if (stamped := pod.text("metadata", "creationTimestamp"))]
    return bool(made) and max(made) > str(last)[:19].replace(" ", "T") + "Z"


def clear(world: World, objects: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    makers = [each for each in objects if each.kind in KINDS]
    if makers and all(lacking(world, each) <= 0 for each in makers):
        return "all Pods that were asked for have been made: no quota, limit or admission holds them up"
    return ""


GROUP = Group("admission", CAUSES, {**dict.fromkeys(KINDS, find), "Deployment": find_deployment}, clear)
"""Why a controller can't make its Pods."""

__all__ = ["CAUSES", "GROUP", "KINDS", "clear", "find", "find_deployment", "lacking"]

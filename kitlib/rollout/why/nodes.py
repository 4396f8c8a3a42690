"""What a node does to Pods: it is lost, it isn't there, it lacks room and evicts, it refuses."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import at, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.scheduling import not_ready
from kitlib.rollout.why.world import World

_PAGE = "concepts/architecture/nodes/"
_EVICTION = "concepts/scheduling-eviction/node-pressure-eviction/"
CAUSES = (
    Cause(
        "node-lost",
        "the node's condition Ready is Unknown or False; NodeNotReady; taint unreachable, not-ready",
        "{who}: node {node} isn't ready{said}",
        "kubectl describe node {node}",
        _PAGE + "#condition",
    ),
    Cause(
        "node-missing",
        "spec.nodeName names a node that isn't there",
        "{who} is bound to the node {node}, and there is no such node",
        "kubectl get nodes",
        _PAGE,
    ),
    Cause(
        "evicted",
        "phase Failed: Evicted",
        "{who} was evicted by its node {node}, which lacked room{said}",
        "kubectl describe node {node}",
        _EVICTION,
    ),
    Cause(
        "rejected",
        "phase Failed: OutOfcpu, NodeAffinity, UnexpectedAdmissionError, …",
        "{who} was refused by the kubelet of its node {node}: {said}",
        "kubectl -n {ns} describe pod {name}",
        "tasks/debug/debug-cluster/",
    ),
    Cause(
        "disrupted",
        "DisruptionTarget is True: a taint, a preemption, an eviction",
        "{who} was ended from outside: {said}",
        "kubectl -n {ns} describe pod {name}",
        "concepts/workloads/pods/disruptions/",
    ),
    Cause(
        "node-pressure",
        "MemoryPressure, DiskPressure or PIDPressure is True",
        "{who} takes no new Pods for now: {named}",
        "kubectl describe node {name}",
        _EVICTION,
    ),
    Cause(
        "node-cordoned",
        "spec.unschedulable is true",
        "{who} is cordoned: it takes no new Pods until it is uncordoned",
        "kubectl uncordon {name}",
        _PAGE + "#manual-node-administration",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
_REFUSED = ("OutOf", "NodeAffinity", "UnexpectedAdmissionError", "PodOSNotSupported", "Outof", "TopologyAffinityError")


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for what a Pod's node does to it."""
    count, rows = not_ready(world, pod)
    if count:
        unready = [each for each in world.all("Node") if text(each.condition("Ready"), "status") != "True"]
        named = ", ".join(each.name for each in unready[:3]) or f"({count} of them)"
        rows += [Row.condition_of(each, "Ready") for each in unready[:1]]
        yield Finding(_CAUSES["node-lost"], pod, CERTAIN, {"node": named, "said": ""}, rows, [f"node {named}"], -1)
    name = pod.text("spec", "nodeName")
    if not name:
        return
    reason, phase = pod.text("status", "reason"), pod.text("status", "phase")
    values = {"node": name, "said": _said(pod.text("status", "message"))}
    if phase == "Failed":
        shown = [Row.field_of(pod, "status.reason"), Row.field_of(pod, "status.message")]
        if reason == "Evicted":
            yield Finding(_CAUSES["evicted"], pod, CERTAIN, values, shown, [f"node {name}"])
        elif text(pod.condition("DisruptionTarget"), "status") == "True":
            condition = pod.condition("DisruptionTarget")
            told = {**values, "said": text(condition, "message") or text(condition, "reason")}
            yield Finding(_CAUSES["disrupted"], pod, CERTAIN, told, [Row.condition_of(pod, "DisruptionTarget")])
        elif reason.startswith(_REFUSED):
            refused = {**values, "said": pod.text("status", "message")}
            yield Finding(_CAUSES["rejected"], pod, CERTAIN, refused, shown, [f"node {name}"])
        return
    if phase == "Succeeded":
        return
    node = world.get("Node", "", name)
    if node is None:
        if world.sees("Node"):
            yield Finding(_CAUSES["node-missing"], pod, CERTAIN, values, [Row.field_of(pod, "spec.nodeName")])
        elif noted := newest(world.events(pod, "NodeNotReady")):
            yield Finding(_CAUSES["node-lost"], pod, LIKELY, {**values, "said": ""}, [Row.event_of(noted)])
        return
    if lost := _lost(node):
        shown = [Row.field_of(pod, "spec.nodeName"), Row.condition_of(node, "Ready")]
        yield Finding(_CAUSES["node-lost"], pod, CERTAIN, {**values, "said": lost}, shown, [f"node {name}"])


def find_node(world: World, node: Object) -> Iterator[Finding]:
    """Look for what is the matter with a node."""
    if lost := _lost(node):
        rows = [Row.condition_of(node, "Ready")]
        yield Finding(_CAUSES["node-lost"], node, CERTAIN, {"node": node.name, "said": lost}, rows, ["kubelet"])
    named = [kind for kind in ("MemoryPressure", "DiskPressure", "PIDPressure") if _is(node, kind)]
    if named:
        rows = [Row.condition_of(node, kind) for kind in named]
        yield Finding(_CAUSES["node-pressure"], node, CERTAIN, {"named": ", ".join(named)}, rows)
    if node.at("spec", "unschedulable") is True:
        sure = (
            CERTAIN if world.sees("Pod") and world.sees("PodDisruptionBudget") else LIKELY
        )  # a budget may hold a drain
        yield Finding(_CAUSES["node-cordoned"], node, sure, {}, [Row.field_of(node, "spec.unschedulable")])


def _is(node: Object, kind: str) -> bool:
    return text(node.condition(kind), "status") == "True"


def _lost(node: Object) -> str:
    """Say why a node counts as lost; empty if it doesn't."""
    ready = node.condition("Ready")
    if text(ready, "status") == "True":
        return ""
    if not ready:
        return ": its kubelet has never said a word"
    if text(ready, "status") == "Unknown":
        return f": its kubelet says nothing any more ({text(ready, 'reason')})"
    return _said(text(ready, "message")) or f" ({text(ready, 'reason')})"


def _said(words: str) -> str:
    return f": {words}" if words else ""


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    names = {each.text("spec", "nodeName") for each in pods} - {""}
    found = [world.get("Node", "", name) for name in sorted(names)]
    if names and all(each is not None and at(each.condition("Ready"), "status") == "True" for each in found):
        return "its node is Ready" if len(names) == 1 else f"its {len(names)} nodes are Ready"
    return ""


GROUP = Group("nodes", CAUSES, {"Pod": find, "Node": find_node}, clear)
"""What a node does to Pods."""

__all__ = ["CAUSES", "GROUP", "clear", "find", "find_node"]

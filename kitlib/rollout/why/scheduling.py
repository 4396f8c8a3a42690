"""Why a Pod has no node: what the scheduler says of it, and what nodes and Pod say of that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kitlib.rollout.fields import at, items, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.fitting import asked_for, cordoned, untolerated
from kitlib.rollout.why.objects import Event, Object, newest
from kitlib.rollout.why.quantities import amount
from kitlib.rollout.why.world import World

_PAGE = "concepts/scheduling-eviction/"
_NODES = "kubectl describe nodes"
CAUSES = (
    Cause(
        "cordoned",
        "FailedScheduling: node(s) were unschedulable; node.kubernetes.io/unschedulable",
        "{who} can't be scheduled: {count} of {nodes} nodes are cordoned, they take no new Pods{named}",
        "kubectl get nodes",
        "concepts/architecture/nodes/#manual-node-administration",
    ),
    Cause(
        "taint",
        "FailedScheduling: node(s) had untolerated taint(s)",
        "{who} can't be scheduled: {count} of {nodes} nodes have a taint that it doesn't tolerate{named}",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
        _PAGE + "taint-and-toleration/",
    ),
    Cause(
        "node-affinity",
        "FailedScheduling: node(s) didn't match Pod's node affinity/selector",
        "{who} can't be scheduled: {count} of {nodes} nodes don't have the labels that it asks for{named}",
        "kubectl get nodes --show-labels",
        _PAGE + "assign-pod-node/",
    ),
    Cause(
        "port",
        "FailedScheduling: node(s) didn't have free ports for the requested pod ports",
        "{who} can't be scheduled: on {count} of {nodes} nodes its host port is taken{named}",
        "kubectl get pods -A -o custom-columns=NODE:.spec.nodeName,NAME:.metadata.name,"
        "PORTS:.spec.containers[*].ports[*].hostPort",
        "concepts/configuration/overview/#services",
    ),
    Cause(
        "cpu",
        "FailedScheduling: Insufficient cpu",
        "{who} can't be scheduled: {count} of {nodes} nodes have too little CPU for it{named}",
        _NODES,
        "concepts/configuration/manage-resources-containers/",
    ),
    Cause(
        "memory",
        "FailedScheduling: Insufficient memory",
        "{who} can't be scheduled: {count} of {nodes} nodes have too little memory for it{named}",
        _NODES,
        "concepts/configuration/manage-resources-containers/",
    ),
    Cause(
        "resource",
        "FailedScheduling: Insufficient (another resource), Too many pods",
        "{who} can't be scheduled: {count} of {nodes} nodes have too little {resource} for it{named}",
        _NODES,
        "concepts/configuration/manage-resources-containers/#extended-resources",
    ),
    Cause(
        "volume-zone",
        "FailedScheduling: volume node affinity conflict",
        "{who} can't be scheduled: its volume can't be reached from {count} of {nodes} nodes{named}",
        "kubectl describe persistentvolumes",
        "concepts/storage/persistent-volumes/#node-affinity",
    ),
    Cause(
        "topology",
        "FailedScheduling: node(s) didn't match pod topology spread constraints",
        "{who} can't be scheduled: on {count} of {nodes} nodes it would break its topology spread constraints{named}",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.topologySpreadConstraints}}'",
        _PAGE + "topology-spread-constraints/",
    ),
    Cause(
        "pod-affinity",
        "FailedScheduling: node(s) didn't match pod affinity or anti-affinity rules",
        "{who} can't be scheduled: {count} of {nodes} nodes don't match its rules about which Pods it stands beside"
        "{named}",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.affinity}}'",
        _PAGE + "assign-pod-node/#inter-pod-affinity-and-anti-affinity",
    ),
    Cause(
        "scheduling-gate",
        "PodScheduled: SchedulingGated",
        "{who} may not be scheduled yet: its scheduling gate {named} has not been removed",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.schedulingGates}}'",
        _PAGE + "pod-scheduling-readiness/",
    ),
    Cause(
        "scheduler",
        "no condition PodScheduled, no Event, spec.schedulerName isn't default-scheduler",
        "{who} has no node, and no scheduler has said a word about it: it asks for one that is called {named}",
        "kubectl -n kube-system get pods,leases",
        "tasks/extend-kubernetes/configure-multiple-schedulers/",
    ),
    Cause(
        "unschedulable",
        "PodScheduled: Unschedulable, for a reason that isn't in this table",
        "{who} can't be scheduled; the scheduler says: {named}",
        "kubectl -n {ns} describe pod {name}",
        _PAGE + "kube-scheduler/",
    ),
)
"""Rows of the table, in the order in which the scheduler asks: a node that fails late was nearest to taking the Pod."""
_CAUSES = the(CAUSES)
_SAID = (
    (r"unschedulable|taint.*node\.kubernetes\.io/unschedulable", "cordoned"),
    (r"taint.*node\.kubernetes\.io/(?:not-ready|unreachable)", "node-not-ready"),
    (r"untolerated taint|had taint", "taint"),
    (r"node affinity/selector|didn't match node selector", "node-affinity"),
    (r"free ports", "port"),
    (r"Insufficient cpu", "cpu"),
    (r"Insufficient memory", "memory"),
    (r"Insufficient |Too many pods", "resource"),
    (r"volume node affinity conflict|PersistentVolume's node affinity|no available volume zone", "volume-zone"),
    (r"topology spread", "topology"),
    (r"affinity rules|anti-affinity", "pod-affinity"),
)
"""By which of the scheduler's words a cause is known; `node-not-ready` and what storage holds up are told elsewhere."""
_ELSEWHERE = re.compile(r"PersistentVolumeClaim|persistent volumes to bind|persistentvolumeclaim", re.IGNORECASE)
_PART = re.compile(r"(\d+) ((?:(?!, \d+ |\. ).)+)")
_ORDER = {each.name: place for place, each in enumerate(CAUSES)}


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for why a Pod has no node."""
    if pod.text("spec", "nodeName") or pod.deleting:
        return
    condition = pod.condition("PodScheduled")
    if text(condition, "reason") == "SchedulingGated":
        gates = ", ".join(text(each, "name") for each in pod.items("spec", "schedulingGates"))
        rows = [Row.condition_of(pod, "PodScheduled")]
        yield Finding(_CAUSES["scheduling-gate"], pod, CERTAIN, {"named": gates}, rows)
        return
    message, rows = _words(world, pod)
    if not message:
        named = pod.text("spec", "schedulerName")
        if named not in ("", "default-scheduler"):
            rows = [Row.field_of(pod, "spec.schedulerName"), Row.condition_of(pod, "PodScheduled")]
            yield Finding(_CAUSES["scheduler"], pod, LIKELY, {"named": named}, rows)
        return
    found = parsed(message)
    total = int(match[1]) if (match := re.match(r"\d+/(\d+) nodes", message)) else 0
    nearest = _nearest(world, pod, set(found))
    for name, (count, said) in found.items():
        if name == "node-not-ready":
            continue
        cause = _CAUSES[name]
        values = {"count": count, "nodes": total, **_named(world, pod, name, said)}
        more = _rows(world, pod, name)
        certainty = CERTAIN if len(found) == 1 or nearest is not None else LIKELY
        weight = len(CAUSES) if name == nearest else _ORDER[name]
        yield Finding(cause, pod, certainty, values, rows + more, ["scheduler", "nodes"], weight)
    if not found and not _ELSEWHERE.search(message):
        yield Finding(_CAUSES["unschedulable"], pod, CERTAIN, {"named": message}, rows, ["scheduler"])


def not_ready(world: World, pod: Object) -> tuple[int, list[Row]]:
    """Return how many nodes the scheduler passed over for a Pod because they aren't ready, and what shows it."""
    message, rows = _words(world, pod)
    found = parsed(message).get("node-not-ready")
    return (found[0], rows) if found else (0, [])


def scheduler_words(world: World, pod: Object) -> tuple[str, list[Row]]:
    """Return what the scheduler says of a Pod that has no node, and the rows that show it."""
    return _words(world, pod)


def parsed(message: str) -> dict[str, tuple[int, str]]:
    """Read a scheduler's sentence: for each cause the number of nodes, and the words."""
    body = re.split(r"\. (?:no new claims|preemption|Preemption)|\.? preemption:", message.partition(":")[2])[0]
    found: dict[str, tuple[int, str]] = {}
    for count, said in _PART.findall(body):
        for pattern, name in _SAID:
            if re.search(pattern, said):
                before = found.get(name, (0, ""))
                found[name] = before[0] + int(count), f"{before[1]}; {said}".strip("; .")
                break
    return found


def _nearest(world: World, pod: Object, names: set[str]) -> str | None:
    """Return which of several reasons keeps a Pod off the nodes that it asks for; None if that can't be told.

    A node that it doesn't ask for is no cause as long as there are others; nor is one that it doesn't tolerate.
    """
    if not world.sees("Node"):
        return None
    mine = [node for node in world.all("Node") if asked_for(pod, node)]
    kept = [node for node in mine if not cordoned(node)]
    free = [node for node in kept if not untolerated(pod, node)]
    if not mine:
        return "node-affinity" if "node-affinity" in names else None
    if not kept:
        return "cordoned" if "cordoned" in names else None
    if not free:
        return next((each for each in ("taint", "node-not-ready") if each in names), None)
    later = names - {"cordoned", "taint", "node-not-ready", "node-affinity"}
    return max(later, key=_ORDER.__getitem__, default=None)


def _words(world: World, pod: Object) -> tuple[str, list[Row]]:
    condition = pod.condition("PodScheduled")
    event: Event | None = newest(world.events(pod, "FailedScheduling"))
    rows = [Row.condition_of(pod, "PodScheduled")] if condition else []
    rows += [Row.event_of(event)] if event else []
    if text(condition, "status") == "False" and text(condition, "message"):
        return text(condition, "message"), rows
    return (event.message, rows) if event else ("", [])


def _named(world: World, pod: Object, name: str, said: str) -> dict[str, Any]:
    """Return what a sentence says beyond the number of nodes."""
    spec = pod.at("spec")
    if name in ("cpu", "memory"):
        asked = _requested(pod, name)
        rooms = [amount(each.text("status", "allocatable", name)) or 0 for each in world.all("Node")]
        if asked and rooms and world.sees("Node"):
            much = "the largest node has less in all" if asked[0] > max(rooms) else "other Pods' requests take the rest"
            return {"named": f": it asks for {asked[1]}, and {much}"}
        return {"named": f": it asks for {asked[1]}" if asked else ""}
    if name == "resource":
        return {"resource": ", ".join(dict.fromkeys(re.findall(r"Insufficient (\S+)", said))) or "room for Pods"}
    if name == "taint":
        told = re.findall(r"\{([^}]*)\}", said) or _taints(world, pod)
        return {"named": f": {', '.join(dict.fromkeys(each.rstrip(': ') for each in told))}" if told else ""}
    if name == "node-affinity":
        selector = at(spec, "nodeSelector")
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items()) if isinstance(selector, dict) else ""
        return {"named": f": {text(wanted)}" if wanted else ": its node affinity"}
    if name == "port":
        ports = [each.get("hostPort") for one in items(spec, "containers") for each in items(one, "ports")]
        return {"named": f": {', '.join(str(each) for each in ports if each)}"}
    if name == "topology":
        keys = [text(each, "topologyKey") for each in items(spec, "topologySpreadConstraints")]
        lacking = "; they lack the label" if "missing required label" in said else ""
        return {"named": f": over {', '.join(keys)}{lacking}" if keys else ""}
    if name == "pod-affinity":
        return {"named": ": anti-affinity" if "anti-affinity" in said else ": affinity"}
    return {}


def _rows(world: World, pod: Object, name: str) -> list[Row]:
    """Return what shows of the Pod's side why a node was passed over."""
    if name in ("cpu", "memory"):
        asked = _requested(pod, name)
        return [Row.field_of(pod, f"spec.containers[*].resources.requests.{name}", asked[1])] if asked else []
    field = {
        "node-affinity": "spec.nodeSelector",
        "topology": "spec.topologySpreadConstraints",
        "pod-affinity": "spec.affinity",
        "taint": "spec.tolerations",
    }.get(name)
    return [Row.field_of(pod, field)] if field and pod.at(*field.split(".")) else []


def _requested(pod: Object, name: str) -> tuple[float, str] | None:
    """Return how much of a resource a Pod's containers request, as a number and as it is written."""
    said = [text(each, "resources", "requests", name) for each in pod.items("spec", "containers")]
    said = [each for each in said if each]
    found = [amount(each) for each in said]
    if not said or None in found:
        return None
    return sum(each or 0 for each in found), " + ".join(said)


def _taints(world: World, pod: Object) -> list[str]:
    """Return the taints that keep a Pod off the nodes that it asks for."""
    mine = [node for node in world.all("Node") if asked_for(pod, node)]
    return [each for node in mine for each in untolerated(pod, node)]


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    placed = [each for each in pods if each.text("spec", "nodeName")]
    if not pods or len(placed) < len(pods):
        return ""
    return "its Pod has a node" if len(pods) == 1 else f"all {len(pods)} Pods have a node"


GROUP = Group("scheduling", CAUSES, {"Pod": find}, clear)
"""Why a Pod has no node."""

__all__ = ["CAUSES", "GROUP", "clear", "find", "not_ready", "parsed", "scheduler_words"]

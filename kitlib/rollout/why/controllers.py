"""What holds a controller up by itself: it is paused, out of time, held by a partition, or never to be deleted."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import at, labels, text, words
from kitlib.rollout.selectors import selects
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.storage import claims
from kitlib.rollout.why.world import World

_DEPLOYMENT = "concepts/workloads/controllers/deployment/"
CAUSES = (
    Cause(
        "paused",
        "spec.paused, and a template that isn't rolled out",
        "{who} is paused: its newest template is not rolled out until it is resumed",
        "kubectl -n {ns} rollout resume {kind}/{name}",
        _DEPLOYMENT + "#pausing-and-resuming-a-deployment",
    ),
    Cause(
        "progress-deadline",
        "Progressing: ProgressDeadlineExceeded",
        "{who} has made no progress for longer than progressDeadlineSeconds ({seconds})",
        "kubectl -n {ns} rollout status {kind}/{name}",
        _DEPLOYMENT + "#progress-deadline-seconds",
        symptom=True,
    ),
    Cause(
        "min-ready",
        "Pods are Ready and not available, spec.minReadySeconds",
        "{who} waits: its Pods are ready, and count as available only after minReadySeconds ({seconds})",
        "kubectl -n {ns} rollout status {kind}/{name}",
        _DEPLOYMENT + "#min-ready-seconds",
        symptom=True,
    ),
    Cause(
        "partition",
        "a StatefulSet's rollingUpdate.partition",
        "{who} isn't updated below ordinal {partition}: its partition holds {count} Pods at the old template",
        "kubectl -n {ns} get {kind} {name} -o jsonpath='{{.spec.updateStrategy}}'",
        "concepts/workloads/controllers/statefulset/#partitions",
    ),
    Cause(
        "on-delete",
        "updateStrategy OnDelete",
        "{who} isn't updated: its update strategy is OnDelete, so {count} Pods keep the old template until they are"
        " deleted",
        "kubectl -n {ns} get pods -l {selector}",
        "concepts/workloads/controllers/statefulset/#update-strategies",
    ),
    Cause(
        "no-node",
        "a DaemonSet's desiredNumberScheduled is 0",
        "{who} has no Pods: no node is one that it asks for{named}",
        "kubectl get nodes --show-labels",
        "concepts/workloads/controllers/daemonset/#running-pods-on-select-nodes",
    ),
    Cause(
        "controller",
        "status.observedGeneration is behind metadata.generation",
        "{who}: its newest spec hasn't been seen by its controller, which may be down or behind",
        "kubectl -n kube-system get pods,leases",
        "concepts/architecture/controller/",
        symptom=True,
    ),
    Cause(
        "finalizer",
        "metadata.deletionTimestamp, and finalizers that nobody removes",
        "{who} is being deleted and can't go: its finalizer {named} has not been removed{said}",
        "kubectl -n {ns} get {kind} {name} -o jsonpath='{{.metadata.finalizers}}'",
        "concepts/overview/working-with-objects/finalizers/",
    ),
    Cause(
        "namespace-content",
        "NamespaceContentRemaining, NamespaceFinalizersRemaining, NamespaceDeletionDiscoveryFailure",
        "{who} is being deleted and can't go: {named}",
        "kubectl api-resources --verbs=list --namespaced -o name"
        " | xargs -n 1 kubectl get --ignore-not-found --show-kind -n {name}",
        "concepts/overview/working-with-objects/namespaces/",
    ),
    Cause(
        "pdb",
        "a PodDisruptionBudget's disruptionsAllowed is 0",
        "{who} allows no eviction, so a drain waits: {healthy} Pods are healthy, and {wanted} have to be{said}",
        "kubectl -n {ns} describe pdb {budget}",
        "tasks/run-application/configure-pdb/",
    ),
    Cause(
        "pdb-selector",
        "a PodDisruptionBudget's expectedPods is 0",
        "{who} protects nothing: its selector matches no Pod{named}",
        "kubectl -n {ns} get pods --show-labels",
        "tasks/run-application/configure-pdb/",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
PROTECTION = "kubernetes.io/pvc-protection"
"""The finalizer of a claim that Pods still use."""


def find_deployment(world: World, deployment: Object) -> Iterator[Finding]:
    """Look for what holds a Deployment up by itself."""
    wanted = deployment.number("spec", "replicas", default=1)
    updated = deployment.number("status", "updatedReplicas")
    if deployment.at("spec", "paused") is True and updated < wanted:
        rows = [Row.field_of(deployment, "spec.paused"), Row.field_of(deployment, "status.updatedReplicas", updated)]
        yield Finding(_CAUSES["paused"], deployment, CERTAIN, {}, rows)
    progressing = deployment.condition("Progressing")
    if text(progressing, "reason") == "ProgressDeadlineExceeded":
        seconds = deployment.number("spec", "progressDeadlineSeconds", default=600)
        rows = [Row.condition_of(deployment, "Progressing")]
        yield Finding(_CAUSES["progress-deadline"], deployment, CERTAIN, {"seconds": f"{seconds} s"}, rows)
    yield from _general(world, deployment, wanted)


def _general(world: World, found: Object, wanted: int) -> Iterator[Finding]:
    seconds = found.number("spec", "minReadySeconds")
    ready, available = found.number("status", "readyReplicas"), found.number("status", "availableReplicas")
    if seconds and ready >= wanted > available:
        rows = [Row.field_of(found, "spec.minReadySeconds"), Row.field_of(found, "status.availableReplicas", available)]
        yield Finding(_CAUSES["min-ready"], found, CERTAIN, {"seconds": f"{seconds} s"}, rows)
    if found.behind:
        rows = [Row.field_of(found, "metadata.generation"), Row.field_of(found, "status.observedGeneration")]
        yield Finding(_CAUSES["controller"], found, LIKELY, {}, rows)


def find_statefulset(world: World, found: Object) -> Iterator[Finding]:
    """Look for what holds a StatefulSet up by itself."""
    wanted = found.number("spec", "replicas", default=1)
    old = wanted - found.number("status", "updatedReplicas")
    other = found.text("status", "updateRevision") != found.text("status", "currentRevision")
    if old > 0 and other and not found.behind:
        partition = found.number("spec", "updateStrategy", "rollingUpdate", "partition")
        if found.text("spec", "updateStrategy", "type") == "OnDelete":
            yield _on_delete(found, old)
        elif partition > 0 and old <= partition:
            shown = [Row.field_of(found, "spec.updateStrategy"), Row.field_of(found, "status.updatedReplicas")]
            values = {"partition": partition, "count": old}
            yield Finding(_CAUSES["partition"], found, CERTAIN, values, shown)
    yield from _general(world, found, wanted)


def find_daemonset(world: World, found: Object) -> Iterator[Finding]:
    """Look for what holds a DaemonSet up by itself."""
    wanted = found.number("status", "desiredNumberScheduled")
    old = wanted - found.number("status", "updatedNumberScheduled")
    if wanted == 0 and not found.behind and found.at("status", "observedGeneration") is not None:
        asked = ", ".join(f"{key}={each}" for key, each in labels(found.body, *_NODE_SELECTOR).items())
        rows = [Row.field_of(found, "status.desiredNumberScheduled")]
        rows += [Row.field_of(found, ".".join(_NODE_SELECTOR), asked)] if asked else []
        values = {"named": f" ({text(asked)})" if asked else ""}
        yield Finding(_CAUSES["no-node"], found, CERTAIN, values, rows, ["nodes"])
    if old > 0 and found.text("spec", "updateStrategy", "type") == "OnDelete" and not found.behind:
        yield _on_delete(found, old)
    if found.behind:
        yield from _general(world, found, 0)


_NODE_SELECTOR = ("spec", "template", "spec", "nodeSelector")


def _on_delete(found: Object, old: int) -> Finding:
    chosen = ",".join(f"{key}={each}" for key, each in labels(found.body, "spec", "selector", "matchLabels").items())
    rows = [Row.field_of(found, "spec.updateStrategy.type")]
    return Finding(_CAUSES["on-delete"], found, CERTAIN, {"count": old, "selector": chosen}, rows)


def find_deletion(world: World, found: Object) -> Iterator[Finding]:
    """Look for why something that is being deleted can't go."""
    if not found.deleting:
        return
    shown = [Row.field_of(found, "metadata.deletionTimestamp")]
    if found.kind == "Namespace":
        told = [each for each in found.items("status", "conditions") if text(each, "status") == "True"]
        said = "; ".join(text(each, "message") for each in told)
        if said:
            rows = [Row.condition_of(found, text(each, "type")) for each in told]
            yield Finding(_CAUSES["namespace-content"], found, CERTAIN, {"named": said}, shown + rows)
        return
    held = words(found.body, "metadata", "finalizers")
    if not held:
        return
    said, rows = "", [*shown, Row.field_of(found, "metadata.finalizers", ", ".join(held))]
    below = [f"finalizer {held[0]}"]
    if PROTECTION in held:
        users = [pod for pod in world.all("Pod", found.namespace) if found.name in claims(pod)]
        said = f": it is used by {', '.join(each.ref for each in users[:3])}" if users else ""
        below += [each.ref for each in users[:1]]
    yield Finding(_CAUSES["finalizer"], found, CERTAIN, {"named": ", ".join(held), "said": said}, rows, below)


def find_budget(world: World, budget: Object) -> Iterator[Finding]:
    """Look for what a PodDisruptionBudget forbids, or doesn't protect."""
    if at(budget.body, "status", "observedGeneration") is None or budget.behind:
        return
    expected = budget.number("status", "expectedPods")
    if expected == 0:
        if not any(True for _ in protected(world, budget)):
            asked = labels(budget.body, "spec", "selector", "matchLabels").items()
            named = ", ".join(f"{key}={each}" for key, each in asked)
            rows = [Row.field_of(budget, "status.expectedPods"), Row.field_of(budget, "spec.selector", named)]
            values = {"named": f" ({named})" if named else ""}
            yield Finding(_CAUSES["pdb-selector"], budget, CERTAIN, values, rows)
    elif budget.number("status", "disruptionsAllowed") == 0:
        yield blocked(budget, budget)


def blocked(budget: Object, about: Object) -> Finding:
    """Return the finding that a budget allows no eviction."""
    healthy, wanted = budget.number("status", "currentHealthy"), budget.number("status", "desiredHealthy")
    asked = [
        f"{key} is {budget.at('spec', key)}"
        for key in ("minAvailable", "maxUnavailable")
        if budget.at("spec", key) is not None
    ]
    said = f" ({text(asked[0])})" if asked else ""
    values = {"healthy": healthy, "wanted": wanted, "said": said, "budget": budget.name}
    shown = ("disruptionsAllowed", "currentHealthy", "desiredHealthy")
    rows = [Row.field_of(budget, f"status.{each}") for each in shown]
    return Finding(_CAUSES["pdb"], about, CERTAIN, values, rows, [budget.ref] if about is not budget else [])


def protected(world: World, budget: Object) -> Iterator[Object]:
    """Yield the Pods that a budget protects."""
    for pod in world.all("Pod", budget.namespace):
        if selects(budget.at("spec", "selector"), pod.labels):
            yield pod


def clear(world: World, objects: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    mine = [each for each in objects if each.kind in ("Deployment", "StatefulSet", "DaemonSet")]
    if mine and not any(each.behind or each.at("spec", "paused") is True for each in mine):
        return "its controller has seen its newest spec, and it isn't paused"
    return ""


GROUP = Group(
    "controllers",
    CAUSES,
    {
        "Deployment": find_deployment,
        "StatefulSet": find_statefulset,
        "DaemonSet": find_daemonset,
        "PodDisruptionBudget": find_budget,
    },
    clear,
)
"""What holds a controller up by itself."""

__all__ = ["CAUSES", "GROUP", "PROTECTION", "blocked", "clear", "find_deletion", "protected"]

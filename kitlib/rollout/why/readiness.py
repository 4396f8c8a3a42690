"""Why a Pod that runs isn't ready, or is ready and doesn't count yet."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import at, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.containers import containers, its_events
from kitlib.rollout.why.crashes import probe_said, probe_words
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.world import World

CAUSES = (
    Cause(
        "readiness",
        "Unhealthy: Readiness probe failed, errored; the container runs, and isn't ready",
        "{who} runs and isn't ready: the readiness probe ({probe}) of container {container} fails{said}",
        "kubectl -n {ns} describe pod {name}",
        "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-readiness-probes",
    ),
    Cause(
        "readiness-gate",
        "Ready: ReadinessGatesNotReady",
        "{who} isn't ready, though all its containers are: nobody has set its readiness gate {named}",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.readinessGates}}{{.status.conditions}}'",
        "concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for why a Pod isn't ready though it runs."""
    if pod.text("status", "phase") != "Running" or pod.deleting:
        return
    if text(pod.condition("Ready"), "status") == "True":
        return
    mine = [one for one in containers(pod) if not one.init]
    for one in mine:
        if not one.running or one.ready:
            continue
        told = its_events(world, pod, one, "Unhealthy")
        failed = newest(each for each in told if each.message.lower().startswith("readiness probe"))
        probed = at(one.spec, "readinessProbe") is not None
        started = at(one.status, "started") is not False
        if failed is None and not (probed and started):
            continue
        rows = [Row.field_of(pod, f"{one.path}.ready", one.ready), *([Row.event_of(failed)] if failed else [])]
        said = probe_said(failed.message) if failed else ""
        values = {"container": one.name, "probe": probe_words(one.spec, "readiness")}
        values["said"] = f": {said}" if said else ""
        below = [f"container {one.name}", "readiness probe"]
        yield Finding(_CAUSES["readiness"], pod, CERTAIN if failed else LIKELY, values, rows, below)
    if mine and all(one.ready for one in mine):
        gates = [text(each, "conditionType") for each in pod.items("spec", "readinessGates")]
        unmet = [each for each in gates if text(pod.condition(each), "status") != "True"]
        if unmet:
            rows = [Row.condition_of(pod, "Ready"), *(Row.condition_of(pod, each) for each in unmet)]
            below = [f"readiness gate {unmet[0]}"]
            yield Finding(_CAUSES["readiness-gate"], pod, CERTAIN, {"named": ", ".join(unmet)}, rows, below)


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    ready = [each for each in pods if text(each.condition("Ready"), "status") == "True"]
    return "every Pod is ready" if pods and len(ready) == len(pods) else ""


GROUP = Group("readiness", CAUSES, {"Pod": find}, clear)
"""Why a Pod that runs isn't ready."""

__all__ = ["CAUSES", "GROUP", "clear", "find"]

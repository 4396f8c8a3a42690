"""Why a container ends: its exit code, its memory, a probe, a hook, or that it can't be started at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitlib.rollout.fields import at, number, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.containers import Container, containers, its_events
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.world import World

_LIFE = "concepts/workloads/pods/pod-lifecycle/"
_PREVIOUS = "kubectl -n {ns} logs {name} -c {container} --previous"
_DESCRIBE = "kubectl -n {ns} describe pod {name}"
CAUSES = (
    Cause(
        "oom",
        "terminated: OOMKilled",
        "{who}: container {container} is killed because it takes more memory than it may{limit}",
        _DESCRIBE,
        "tasks/configure-pod-container/assign-memory-resource/#exceed-a-container-s-memory-limit",
    ),
    Cause(
        "liveness",
        "Killing: failed liveness probe; Unhealthy: Liveness probe failed",
        "{who}: container {container} is killed and started again because its liveness probe ({probe}) fails{said}",
        _DESCRIBE,
        "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
    ),
    Cause(
        "startup",
        "Killing: failed startup probe; Unhealthy: Startup probe failed, errored",
        "{who}: container {container} isn't taken for started because its startup probe ({probe}) fails{said}",
        _DESCRIBE,
        "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-startup-probes",
    ),
    Cause(
        "hook",
        "FailedPostStartHook",
        "{who}: container {container} is killed because its postStart hook fails{said}",
        _DESCRIBE,
        "concepts/containers/container-lifecycle-hooks/",
    ),
    Cause(
        "start",
        "RunContainerError, StartError: executable file not found, permission denied",
        "{who}: container {container} can't be started{said}",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.containers[*].command}}{{.spec.containers[*].args}}'",
        "tasks/inject-data-application/define-command-argument-container/",
    ),
    Cause(
        "init",
        "an init container ends with an exit code other than 0",
        "{who} can't begin: its init container {container} ends with exit code {code}{meaning}",
        _PREVIOUS,
        "tasks/debug/debug-application/debug-init-containers/",
    ),
    Cause(
        "exit-code",
        "CrashLoopBackOff, terminated: Error",
        "{who}: container {container} ends by itself with exit code {code}{meaning}{times}",
        _PREVIOUS,
        "tasks/debug/debug-application/debug-pods/#my-pod-is-crashing-or-otherwise-unhealthy",
    ),
    Cause(
        "lost-container",
        "terminated: Unknown, ContainerStatusUnknown, exit code 255 or 137",
        "{who}: container {container} was lost, as when its node or its container runtime is started anew: nobody can"
        " say how it ended",
        _DESCRIBE,
        _LIFE + "#container-states",
    ),
    Cause(
        "completed",
        "CrashLoopBackOff, terminated: Completed",
        "{who}: container {container} ends with exit code 0, as if its work were done, and is started again{times}",
        "kubectl -n {ns} logs {name} -c {container} --previous",
        _LIFE + "#restart-policy",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
_MEANING = {
    126: ": what it should run is no program",
    127: ": what it should run isn't there",
    134: ": it aborted (SIGABRT)",
    137: ": it was killed (SIGKILL)",
    139: ": it read or wrote where it may not (SIGSEGV)",
    143: ": it was asked to end (SIGTERM)",
}
_NOT_STARTED = ("StartError", "ContainerCannotRun")
_KILLED = (137, 143)


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for why a Pod's containers end."""
    if pod.deleting or pod.text("status", "reason") or text(pod.condition("DisruptionTarget"), "status") == "True":
        return  # not its own end: `nodes` tells of it
    for one in containers(pod):
        found = _of(world, pod, one)
        if found is not None:
            yield found


def _of(world: World, pod: Object, one: Container) -> Finding | None:
    ended = one.ended
    reason, code = text(ended, "reason"), number(ended, "exitCode", default=-1)
    below = [f"container {one.name}"]
    probes = _probes(world, pod, one)
    values = {"container": one.name, "code": code, "meaning": _MEANING.get(code, ""), "times": _times(one)}
    if one.waiting in ("RunContainerError",) or (reason in _NOT_STARTED and not one.running):
        said = text(ended, "message") or one.message
        rows = [_shown(pod, one, ended)] if ended else [_waits(pod, one)]
        return Finding(_CAUSES["start"], pod, CERTAIN, {**values, "said": _said(said)}, rows, below)
    if one.running and not one.ready and not ended and "startup" in probes:
        return _probe(world, pod, one, "startup", values, below)
    if not ended or (one.ready and not one.falls(world.now)) or not _matters(pod, one, code):
        return None
    rows = [_shown(pod, one, ended)]
    if reason == "OOMKilled":
        limit = text(one.spec, "resources", "limits", "memory")
        told = f" ({limit})" if limit else "; it has no limit of its own: the node's or its Pod's was reached"
        return Finding(_CAUSES["oom"], pod, _sure(one), {**values, "limit": told}, rows, [*below, "memory limit"])
    if reason in ("Unknown", "ContainerStatusUnknown"):
        return Finding(_CAUSES["lost-container"], pod, LIKELY, values, rows, below)
    hook = newest(its_events(world, pod, one, "FailedPostStartHook"))
    if hook is not None:
        more = {"said": _said(hook.message)}
        return Finding(_CAUSES["hook"], pod, CERTAIN, {**values, **more}, [*rows, Row.event_of(hook)], below)
    for kind in ("startup", "liveness"):
        if kind in probes:
            return _probe(world, pod, one, kind, values, below)
    if one.init:
        return Finding(_CAUSES["init"], pod, _sure(one), values, rows, below) if code != 0 else None
    defined = [kind for kind in ("livenessProbe", "startupProbe") if one.spec.get(kind)]
    killed = code in _KILLED or any(True for _ in its_events(world, pod, one, "Killing"))
    certainty = CERTAIN if not killed and (world.sees("Event") or not defined) else LIKELY
    if code in _KILLED and defined:
        kind = defined[0].removesuffix("Probe")
        more = {"probe": probe_words(one.spec, kind), "said": ""}
        return Finding(_CAUSES[kind], pod, LIKELY, {**values, **more}, rows, below)
    name = "completed" if code == 0 else "exit-code"
    return Finding(_CAUSES[name], pod, certainty if _sure(one) == CERTAIN else LIKELY, values, rows, below)


def _matters(pod: Object, one: Container, code: int) -> bool:
    """Say whether a container's end is against what its Pod is there for."""
    policy = pod.text("spec", "restartPolicy") or "Always"
    if one.init or policy != "Always":
        return code != 0
    return True


def _sure(one: Container) -> str:
    """Return how sure its end explains what is now: it runs again, and what holds it up now may be something else."""
    return LIKELY if one.running else CERTAIN


def _probes(world: World, pod: Object, one: Container) -> set[str]:
    """Return the kinds of probes for which the kubelet kills a container, or doesn't take it for started."""
    found = set()
    for event in its_events(world, pod, one, "Killing", "Unhealthy"):
        for kind in ("liveness", "startup"):
            killed = event.reason == "Killing" and f"failed {kind} probe" in event.message
            fails = kind == "startup" and event.message.startswith(("Startup probe failed", "Startup probe errored"))
            if killed or (fails and at(one.status, "started") is not True):
                found.add(kind)
    return found


def _probe(world: World, pod: Object, one: Container, kind: str, values: dict, below: list[str]) -> Finding:
    unhealthy = [
        each for each in its_events(world, pod, one, "Unhealthy") if each.message.lower().startswith(f"{kind} probe")
    ]
    killing = [each for each in its_events(world, pod, one, "Killing") if f"failed {kind} probe" in each.message]
    rows = [_shown(pod, one, one.ended)] if one.ended else []
    rows += [Row.event_of(each) for each in (*unhealthy[-1:], *killing[-1:])]
    said = probe_said(unhealthy[-1].message) if unhealthy else ""
    values = {**values, "probe": probe_words(one.spec, kind), "said": _said(said)}
    certainty = CERTAIN if killing or kind == "startup" else LIKELY
    return Finding(_CAUSES[kind], pod, certainty, values, rows, [*below, f"{kind} probe"])


def probe_said(message: str) -> str:
    """Return what an Event says of why a probe failed, or could not be made."""
    return re.sub(r"^\w+ probe (failed|errored( and resulted in unknown state)?): ", "", message)


def probe_words(spec: dict, kind: str) -> str:
    """Say what a container's probe asks."""
    probe = spec.get(f"{kind}Probe")
    for how in ("httpGet", "tcpSocket", "grpc"):
        if (asked := at(probe, how)) is not None:
            port = at(asked, "port")
            return f"{how} {text(asked, 'path')}".strip() + f" on port {text(str(port))}"
    return "exec" if at(probe, "exec") is not None else f"{kind} probe"


def _shown(pod: Object, one: Container, ended: dict) -> Row:
    told = [f"exitCode {number(ended, 'exitCode')}", text(ended, "reason"), text(ended, "message")]
    return Row.field_of(pod, one.ended_path, ", ".join(each for each in told if each))


def _waits(pod: Object, one: Container) -> Row:
    return Row.field_of(pod, f"{one.path}.state.waiting", f"{one.waiting}: {one.message}")


def _times(one: Container) -> str:
    return f"; it was started again {one.restarts} times" if one.restarts > 1 else ""


def _said(words: str) -> str:
    return f": {words}" if words else ""


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    mine = [one for pod in pods for one in containers(pod)]
    if mine and all(one.running or one.init for one in mine) and not any(one.restarts for one in mine):
        return "no container has ended or was started again"
    return ""


GROUP = Group("crashes", CAUSES, {"Pod": find}, clear)
"""Why a container ends."""

__all__ = ["CAUSES", "GROUP", "clear", "find", "probe_said", "probe_words"]

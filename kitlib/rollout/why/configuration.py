"""Why a container can't be made: a ConfigMap, a Secret, a key or a right that it asks for isn't there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitlib.rollout.why.cause import CERTAIN, Cause, Finding, Group, Row, the
from kitlib.rollout.why.containers import containers
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.world import World

_CONFIGURE = "tasks/configure-pod-container/configure-pod-configmap/"
CAUSES = (
    Cause(
        "configmap-missing",
        'CreateContainerConfigError or FailedMount: configmap "…" not found',
        "{who} can't start: there is no ConfigMap {named}",
        "kubectl -n {ns} get configmaps",
        _CONFIGURE,
    ),
    Cause(
        "secret-missing",
        'CreateContainerConfigError or FailedMount: secret "…" not found',
        "{who} can't start: there is no Secret {named}",
        "kubectl -n {ns} get secrets",
        "concepts/configuration/secret/",
    ),
    Cause(
        "key-missing",
        "CreateContainerConfigError: couldn't find key …; FailedMount: references non-existent config key",
        "{who} can't start: {holder} has no key {named}",
        "kubectl -n {ns} describe configmaps",
        _CONFIGURE,
    ),
    Cause(
        "non-root",
        "CreateContainerConfigError: container has runAsNonRoot and image will run as root",
        "{who} can't start: it may not run as root (runAsNonRoot), and its image does",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.securityContext}}{{.spec.containers[*].securityContext}}'",
        "tasks/configure-pod-container/security-context/",
    ),
    Cause(
        "configuration",
        "CreateContainerConfigError, for a reason that isn't in this table",
        "{who} can't start: its container can't be made as it asks: {named}",
        "kubectl -n {ns} describe pod {name}",
        "tasks/debug/debug-application/debug-pods/",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
WAITING = ("CreateContainerConfigError", "CreateContainerError")
"""The kubelet's words for a container that can't be made."""
_KEY = re.compile(r"couldn't find key (?P<key>\S+) in (?P<holder>(?:ConfigMap|Secret) \S+)")
_ABSENT_KEY = re.compile(r"references non-existent (?P<kind>config|secret) key: (?P<key>\S+)")
_ABSENT = re.compile(r"(?P<kind>configmap|secret) \"(?P<name>[^\"]+)\" not found", re.IGNORECASE)


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for what a Pod asks for and that isn't there."""
    told = False
    for one in containers(pod):
        if one.waiting in WAITING and one.message:
            row = Row.field_of(pod, one.path + ".state.waiting", f"{one.waiting}: {one.message}")
            found = _of(pod, one.message, [row], [f"container {one.name}"])
            told = True
            if found is not None:
                yield found
            elif one.waiting == "CreateContainerConfigError":
                yield Finding(_CAUSES["configuration"], pod, CERTAIN, {"named": one.message}, [row])
    mounted = newest(world.events(pod, "FailedMount"))
    if told or mounted is None or pod.text("status", "phase") != "Pending" or pod.deleting:
        return
    volume = re.search(r'for volume "([^"]+)"', mounted.message)
    found = _of(pod, mounted.message, [Row.event_of(mounted)], [f"volume {volume[1]}"] if volume else [])
    if found is not None:
        yield found


def _of(pod: Object, message: str, rows: list[Row], below: list[str]) -> Finding | None:
    """Read what the kubelet says."""
    if key := _KEY.search(message) or _ABSENT_KEY.search(message):
        groups = key.groupdict()
        holder = groups.get("holder") or ("the Secret" if groups["kind"] == "secret" else "the ConfigMap")
        values = {"holder": holder, "named": groups["key"]}
        return Finding(_CAUSES["key-missing"], pod, CERTAIN, values, rows, [*below, holder])
    if absent := _ABSENT.search(message):
        kind = absent["kind"].lower()
        what = f"{'ConfigMap' if kind == 'configmap' else 'Secret'} {absent['name']}"
        return Finding(_CAUSES[f"{kind}-missing"], pod, CERTAIN, {"named": absent["name"]}, rows, [*below, what])
    if "runAsNonRoot" in message or "non-root" in message:
        return Finding(_CAUSES["non-root"], pod, CERTAIN, {}, rows, below)
    return None


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    mine = [one for pod in pods for one in containers(pod)]
    return "no container lacks a ConfigMap, a Secret or a key" if mine and all(one.pulled for one in mine) else ""


GROUP = Group("configuration", CAUSES, {"Pod": find}, clear)
"""Why a container can't be made."""

__all__ = ["CAUSES", "GROUP", "clear", "find"]

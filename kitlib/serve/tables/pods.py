"""Pods as a server shows them: how many containers are ready, what it waits for, how often it was restarted."""

from __future__ import annotations

from typing import Any

from kitlib.serve.tables.words import (
    AGE,
    NAME,
    NONE,
    Body,
    Column,
    Printer,
    age,
    condition,
    get,
    named,
    since,
    stamp,
    wide,
)

COLUMNS = (
    NAME,
    Column("Ready"),
    Column("Status"),
    Column("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
)


class _Restarts:
    """How often containers were restarted, and when the last time."""

    def __init__(self) -> None:
        self.count, self.last = 0, ""

    def add(self, container: Body) -> None:
        self.count += int(container.get("restartCount") or 0)
        ended = get(container, "lastState.terminated.finishedAt", "")
        if ended and (stamp(ended) or 0) > (stamp(self.last) or 0):
            self.last = ended

    def told(self, now_ns: int) -> str:
        return f"{self.count} ({since(self.last, now_ns)} ago)" if self.count and self.last else str(self.count)


def cells(pod: Body, now_ns: int) -> list[Any]:
    """Return the cells of a Pod."""
    ready, total, reason, restarts = _state(pod)
    gates = get(pod, "spec.readinessGates", [])
    met = sum(condition(pod, gate.get("conditionType", "")).get("status") == "True" for gate in gates)
    addresses = get(pod, "status.podIPs", [])
    return [
        named(pod),
        f"{ready}/{total}",
        reason,
        restarts.told(now_ns),
        age(pod, now_ns),
        (addresses[0].get("ip") if addresses else "") or NONE,
        get(pod, "spec.nodeName", "") or NONE,
        get(pod, "status.nominatedNodeName", "") or NONE,
        f"{met}/{len(gates)}" if gates else NONE,
    ]


def _state(pod: Body) -> tuple[int, int, str, _Restarts]:
    """Return how many containers are ready, and of how many; one word for its state; its restarts."""
    phase = str(get(pod, "status.phase", ""))
    reason = get(pod, "status.reason", "") or phase
    if condition(pod, "PodScheduled").get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    initial = get(pod, "spec.initContainers", [])
    sidecars = {each.get("name") for each in initial if each.get("restartPolicy") == "Always"}
    total = len(get(pod, "spec.containers", [])) + len(sidecars)
    waiting, ready, restarts, of_sidecars = _initial(pod, sidecars, len(initial))
    reason = waiting or reason
    if not waiting or condition(pod, "Initialized").get("status") == "True":
        restarts = of_sidecars
        now_ready, reason = _running(pod, reason, restarts)
        ready += now_ready
    if get(pod, "metadata.deletionTimestamp"):
        if get(pod, "status.reason") == "NodeLost":
            reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return ready, total, reason, restarts


def _initial(pod: Body, sidecars: set[Any], count: int) -> tuple[str, int, _Restarts, _Restarts]:
    """Return which init container it waits for, how many sidecars are ready, and the restarts of all and of these."""
    ready, every, of_sidecars = 0, _Restarts(), _Restarts()
    for place, container in enumerate(get(pod, "status.initContainerStatuses", [])):
        sidecar = container.get("name") in sidecars
        every.add(container)
        if sidecar:
            of_sidecars.add(container)
        ended, waits = get(container, "state.terminated"), get(container, "state.waiting.reason", "")
        if ended is not None and not ended.get("exitCode"):
            continue
        if sidecar and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}", ready, every, of_sidecars
        if waits and waits != "PodInitializing":
            return f"Init:{waits}", ready, every, of_sidecars
        return f"Init:{place}/{count}", ready, every, of_sidecars
    return "", ready, every, of_sidecars


def _running(pod: Body, reason: str, restarts: _Restarts) -> tuple[int, str]:
    """Return how many containers are ready, and the word for the state that they are in."""
    ready, running, failed = 0, False, ""
    for container in reversed(get(pod, "status.containerStatuses", [])):
        restarts.add(container)
        ended, waits = get(container, "state.terminated"), get(container, "state.waiting.reason", "")
        if waits:
            reason = waits
        elif ended is not None:
            reason = _ended(ended)
            failed = reason if ended.get("exitCode") else failed
        elif container.get("ready") and get(container, "state.running") is not None:
            running, ready = True, ready + 1
    if reason == "Completed":
        if running and condition(pod, "Ready").get("status") == "True":
            reason = "Running"
        elif failed:
            reason = failed
        elif running:
            reason = "NotReady"
    return ready, reason


def _ended(ended: Body) -> str:
    """Return one word for how a container ended."""
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


POD = Printer(COLUMNS, cells)
"""How Pods are shown."""

__all__ = ["POD"]

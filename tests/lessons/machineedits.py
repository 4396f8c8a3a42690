"""Edits of Cluster API's machines and of their health checks, for changes of a recording; see `tests.lessons.edits`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.lessons.edits import Object, edit, flip, later, plus, put

MACHINE, CHECK = ["Machine"], ["MachineHealthCheck"]
COUNTS = ("expectedMachines", "currentHealthy", "remediationsAllowed")


def _of(kind: str) -> Callable[[Any], bool]:
    """Return what tells a condition of a type from others."""
    return lambda each: each.get("type") == kind


MACHINES: dict[str, tuple[Sequence[str], Callable[[Object], bool]]] = {
    "machines have no Node": (MACHINE, edit("status.nodeRef", lambda _: None)),
    "machines run": (MACHINE, edit("status.phase", lambda _: "Running")),
    "machines' Nodes are turned": (MACHINE, edit("status.conditions[].status", flip, _of("NodeReady"))),
    "machines' health is turned": (MACHINE, edit("status.conditions[].status", flip, _of("HealthCheckSucceeded"))),
    "machines' health is of another reason": (
        MACHINE,
        edit("status.conditions[].reason", lambda _: "Otherwise", _of("HealthCheckSucceeded")),
    ),
    "machines are judged a minute later": (
        MACHINE,
        edit("status.conditions[].lastTransitionTime", later(60), _of("HealthCheckSucceeded")),
    ),
    "machines are judged a minute earlier": (
        MACHINE,
        edit("status.conditions[].lastTransitionTime", later(-60), _of("HealthCheckSucceeded")),
    ),
    "machines are judged five seconds later": (
        MACHINE,
        edit("status.conditions[].lastTransitionTime", later(5), _of("HealthCheckSucceeded")),
    ),
    "machines' owners have another reason": (
        MACHINE,
        edit("status.conditions[].reason", lambda _: "Otherwise", _of("OwnerRemediated")),
    ),
    "machines belong to another kind": (MACHINE, edit("metadata.ownerReferences[].kind", lambda _: "Other")),
    "machines have no annotations": (MACHINE, edit("metadata.annotations", lambda _: None)),
    "machines are marked for deletion": (MACHINE, put("metadata.deletionTimestamp", "2026-11-29T00:00:00Z")),
    "machines are never marked for deletion": (MACHINE, edit("metadata.deletionTimestamp", lambda _: None)),
    "health checks' conditions are turned": (CHECK, edit("status.conditions[].status", flip)),
    "health checks have another reason": (CHECK, edit("status.conditions[].reason", lambda _: "Otherwise")),
    "health checks count one more": (
        CHECK,
        lambda obj: any([edit(f"status.{name}", plus(1))(obj) for name in COUNTS]),
    ),
}

__all__ = ["MACHINES"]

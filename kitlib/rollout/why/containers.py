"""A Pod's containers: what the Pod asks for of each, and what the kubelet says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from kitlib.rollout.fields import at, number, stamp, text
from kitlib.rollout.why.objects import Event, Object
from kitlib.rollout.why.world import World

_SORTS = (
    ("initContainers", "initContainerStatuses", "spec.initContainers"),
    ("containers", "containerStatuses", "spec.containers"),
)


BACK_OFF = timedelta(minutes=10)
"""So long a container must run until the kubelet takes it for well again, and forgets its back-off."""
AGAIN = 3
"""So many times a container is started again, at least, until more than a difficult begin is seen in it."""


@dataclass(frozen=True)
class Container:
    """One container of a Pod.

    Parameters
    ----------
    name : str
        Its name.
    init : bool
        Whether it runs before the others, and ends.
    spec, status : dict
        What is asked for, and what the kubelet says; empty if it says nothing yet.
    path, field : str
        Where the status is in the Pod, and what an Event about it names.
    """

    name: str
    init: bool
    spec: dict[str, Any]
    status: dict[str, Any]
    path: str
    field: str

    @property
    def image(self) -> str:
        """Its image's name."""
        return text(self.spec, "image")

    @property
    def waiting(self) -> str:
        """For what it waits, in the kubelet's word; empty if it doesn't."""
        return text(self.status, "state", "waiting", "reason")

    @property
    def message(self) -> str:
        """What the kubelet says about the wait, or the end."""
        return text(self.status, "state", "waiting", "message") or text(self.status, "state", "terminated", "message")

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return at(self.status, "state", "running") is not None

    @property
    def ready(self) -> bool:
        """Whether it is ready."""
        return self.status.get("ready") is True

    @property
    def restarts(self) -> int:
        """How many times it was started again."""
        return number(self.status, "restartCount")

    @property
    def ended(self) -> dict[str, Any]:
        """How it ended last: now, or before it was started again; empty if it hasn't."""
        for where in ("state", "lastState"):
            found = at(self.status, where, "terminated")
            if isinstance(found, dict):
                return found
        return {}

    def falls(self, now: datetime) -> bool:
        """Say whether it runs only until it ends once more: it was started again often, and not long ago."""
        last = stamp(self.ended, "finishedAt")
        return self.running and self.restarts >= AGAIN and last is not None and now - last < BACK_OFF

    @property
    def ended_path(self) -> str:
        """Where that is in the Pod."""
        where = "state" if at(self.status, "state", "terminated") is not None else "lastState"
        return f"{self.path}.{where}.terminated"

    @property
    def pulled(self) -> bool:
        """Whether it has had its image: it runs, or has run."""
        return self.running or bool(self.ended) or bool(text(self.status, "imageID"))


@lru_cache(maxsize=64)  # each group of causes asks for them, one Pod after the other
def containers(pod: Object) -> tuple[Container, ...]:
    """Return a Pod's containers, the init containers first."""
    found = []
    for sort, states, field in _SORTS:
        said = {text(each, "name"): each for each in pod.items("status", states)}
        for spec in pod.items("spec", sort):
            name = text(spec, "name")
            init = sort == "initContainers" and spec.get("restartPolicy") != "Always"
            path = f"status.{states}[{name}]"
            found.append(Container(name, init, spec, said.get(name, {}), path, f"{field}{{{name}}}"))
    return tuple(found)


def its_events(world: World, pod: Object, one: Container, *reasons: str) -> Iterator[Event]:
    """Yield the Events about one of a Pod's containers, of some reasons, the newest last."""
    single = len(containers(pod)) == 1
    for event in world.events(pod, *reasons):
        if event.field == one.field or (not event.field and single):
            yield event


__all__ = ["Container", "containers", "its_events"]

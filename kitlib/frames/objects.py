"""Narrow structs that know of an object just what the frames tell, and which row is of which object."""

from __future__ import annotations

import msgspec
import pandas as pd

from kitlib.recording import WatchEvent


class Owner(msgspec.Struct, gc=False):
    """Of metadata.ownerReferences[]."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class ObjectMeta(msgspec.Struct, gc=False):
    """Of metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    creationTimestamp: str | None = None  # noqa: N815 - the API's own spelling, here and below
    deletionTimestamp: str | None = None  # noqa: N815
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ownerReferences: list[Owner] | None = None  # noqa: N815

    def owner(self) -> Owner:
        """Return the owner that is the controller."""
        for owner in self.ownerReferences or ():
            if owner.controller:
                return owner
        return NOBODY


DOTTED = {"Event": ("events.k8s.io",), "Lease": ("coordination.k8s.io",), "EndpointSlice": ("discovery.k8s.io",)}
"""Groups of Kubernetes' own kinds that have a dot."""
NOBODY = Owner()
"""The owner of what no controller owns."""


class Condition(msgspec.Struct, gc=False):
    """Of status.conditions[]."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    lastTransitionTime: str | None = None  # noqa: N815


class Container(msgspec.Struct, gc=False):
    """Of spec.containers[]."""

    image: str | None = None


class PodSpec(msgspec.Struct, gc=False):
    """Of a Pod's spec."""

    nodeName: str | None = None  # noqa: N815
    containers: list[Container] | None = None


class RollingUpdate(msgspec.Struct, gc=False):
    """How far a rolling update of a Deployment or a DaemonSet may go at once."""

    maxSurge: int | str | None = None  # noqa: N815
    maxUnavailable: int | str | None = None  # noqa: N815


class Strategy(msgspec.Struct, gc=False):
    """How a Deployment or a DaemonSet is updated."""

    type: str | None = None
    rollingUpdate: RollingUpdate | None = None  # noqa: N815


def own(row: WatchEvent) -> bool:
    """Say whether a row is of one of Kubernetes' own kinds, and not of another group's kind of the same name.

    The groups of custom resources have a dot; of Kubernetes' own, only those of `DOTTED` have.
    """
    group = row.apiVersion.rpartition("/")[0]
    return "." not in group or group in DOTTED.get(row.kind, ())


def version(text: str) -> int:
    """Return a resourceVersion as a number, by which it is compared: 0 if it is none, as of some aggregated APIs.

    Kubernetes 1.35 and later promise that they compare as numbers.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def observed(row: WatchEvent) -> tuple:
    """Return what every frame begins with: when and in which order a version was seen."""
    return row.received_at, row.received_at - row.late_ns, row.monotonic_ns, row.seq, version(row.resourceVersion)


def named(row: WatchEvent) -> tuple:
    """Return which object it is a version of; where one has no uid, its namespace and name stand for it."""
    return row.namespace, row.name, identity(row)


def identity(row: WatchEvent) -> str:
    """Return an object's uid; where it has none, as those of some aggregated APIs, its namespace and name."""
    return row.uid or f"{row.namespace}/{row.name}"


def int_or_percent(value: int | str | None) -> str | None:
    """Return an IntOrString as it was written: "1", "25%"."""
    return None if value is None else str(value)


def images(spec: PodSpec) -> str:
    """Return the images of its containers, joined by a comma."""
    containers = spec.containers or ()
    if len(containers) == 1:
        return containers[0].image or ""
    return ",".join([container.image or "" for container in containers])


def changes(frame: pd.DataFrame, keys: list[str], values: list[str]) -> pd.DataFrame:
    """Return the first row of each key, and those in which a value is another than in the row before of that key."""
    before = frame.groupby(keys, sort=False)[values].shift()
    same = pd.Series(True, index=frame.index)
    for column in values:
        now, then = frame[column], before[column]
        same &= (now == then).fillna(False) | (now.isna() & then.isna())
    return frame[~frame.duplicated(keys) | ~same]


__all__ = [
    "NOBODY",
    "Condition",
    "Container",
    "ObjectMeta",
    "Owner",
    "PodSpec",
    "RollingUpdate",
    "Strategy",
    "identity",
    "images",
    "int_or_percent",
    "named",
    "observed",
    "own",
    "version",
]

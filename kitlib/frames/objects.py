"""Narrow structs that know of an object just what the frames tell, and how to decode a row into one."""

from __future__ import annotations

from typing import Any

import msgspec
import pandas as pd

from kitlib.errors import UsageError
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


NOBODY = Owner()
"""The owner of what no controller owns."""


class Condition(msgspec.Struct, gc=False):
    """Of status.conditions[]."""

    type: str
    status: str = ""
    reason: str | None = None
    message: str | None = None
    lastTransitionTime: str | None = None  # noqa: N815


class Container(msgspec.Struct, gc=False):
    """Of spec.containers[]."""

    image: str | None = None


class PodSpec(msgspec.Struct, gc=False):
    """Of a Pod's spec."""

    nodeName: str | None = None  # noqa: N815
    containers: list[Container] = []


def decode(decoder: msgspec.json.Decoder, row: WatchEvent) -> Any:
    """Decode a row's object.

    Raises
    ------
    UsageError
        If it is not what its kind promises.
    """
    try:
        return decoder.decode(row.object)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"this object is not what its kind promises: {error}",
            step="frames",
            object=f"{row.kind} {row.namespace}/{row.name}",
            next="report it with the object: `Recording.open(path).rows` has its bytes",
        ) from error


def observed(row: WatchEvent) -> tuple:
    """Return what every frame begins with: when and in which order a version was seen.

    A resourceVersion counts as a number: Kubernetes 1.35 and later promise that they compare as such.
    """
    return row.received_at, row.monotonic_ns, row.seq, int(row.resourceVersion or 0)


def named(row: WatchEvent) -> tuple:
    """Return which object it is a version of."""
    return row.namespace, row.name, row.uid


def images(spec: PodSpec) -> str:
    """Return the images of its containers, joined by a comma."""
    if len(spec.containers) == 1:
        return spec.containers[0].image or ""
    return ",".join([container.image or "" for container in spec.containers])


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
    "decode",
    "images",
    "named",
    "observed",
]

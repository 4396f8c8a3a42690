"""By whom a write was made that broke a promise: what the object itself, its conditions and Events say of that."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import pandas as pd

from kitlib.frames import Frames, disruptions, writers
from kitlib.rollout.rows import records

REASONS = ("SuccessfulCreate", "SuccessfulDelete")
"""Reasons of the Events by which a controller says that it made or deleted a Pod or a Job."""
OWN = ("NodeNotReady", "TaintManagerEviction", "Preempted", "Evicted")
"""Reasons of the Events about a Pod by which somebody says what he does to it."""
NEAR_NS = 2_000_000_000
"""An Event is about a write that was received so shortly before or after it, ns."""
UNSIGNED = "whoever deleted it"
"""By whom, where an object was deleted and nothing says by whom."""


class Writers:
    """Who wrote the versions of some objects.

    Parameters
    ----------
    frames : Frames
        Of the recording.
    names : collection of str
        The objects' names.
    """

    def __init__(self, frames: Frames, names: Collection[str]) -> None:
        written = writers(frames, names) if names else None
        self._rows = {} if written is None else {
            (str(row["namespace"]), str(row["name"]), int(row["resourceVersion"])): row
            for row in records(written)
        }  # fmt: skip
        told = disruptions(frames) if names else None
        self._disrupted: dict[Any, Any] = {} if told is None else dict(
            told.loc[told["disruption"] != "", ["uid", "disruption"]].itertuples(index=False)
        )  # fmt: skip
        self._said: dict[tuple[str, str], str] = {}
        self._did: dict[str, list[tuple[int, str]]] = {}
        events = pd.DataFrame(frames.events, copy=False) if names else None
        if events is not None:
            for row in records(events[events["reason"].isin(REASONS)]):
                for word in re.findall(r"[a-z0-9][-a-z0-9.]*", str(row["message"])):
                    if word in names:
                        self._said[str(row["reason"]), word] = str(row["component"])
            for row in records(events[events["reason"].isin(OWN)]):
                said = f"{row['component']} ({row['reason']})"
                self._did.setdefault(str(row["involvedObject.name"]), []).append((int(row["monotonic_ns"]), said))

    def by(self, namespace: str, name: str, version: int, at_ns: int) -> str:
        """Return who wrote a version of an object, in a few words; nothing where nothing tells.

        Parameters
        ----------
        namespace, name : str
            The object's.
        version : int
            Its resourceVersion.
        at_ns : int
            When it was received, monotonic ns: an Event about it must be close to that.

        Returns
        -------
        str
            Of a deletion why it was disrupted (EvictionByEvictionAPI, DeletionByTaintManager, …) or the
            controller whose Event says so; else the manager of metadata.managedFields that wrote, and the controller
            whose Event tells of a creation.
        """
        row = self._rows.get((namespace, name, version))
        if row is None:
            return ""
        told = [said for at, said in self._did.get(name, ()) if abs(at - at_ns) <= NEAR_NS]
        if row["ends"]:
            found = self._disrupted.get(row["uid"], "") or self._said.get(("SuccessfulDelete", name), "")
            return found or (told[0] if told else UNSIGNED)
        if told and row["manager"] in ("", "kube-controller-manager"):
            return told[0]
        manager, made = str(row["manager"]), self._said.get(("SuccessfulCreate", name), "") if row["first"] else ""
        return f"{made} ({manager})" if made and manager else made or manager


__all__ = ["REASONS", "Writers"]

"""The frames of one namespace, with the gaps that concern it, and the kinds that nobody recorded there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from kitlib.frames import Frames, disruptions, poddisruptionbudgets, services
from kitlib.rollout.poddisruptionbudget import matching
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import Gap

MADE_OF = {
    "pods": ("Pod",),
    "workloads": ("Deployment", "ReplicaSet"),
    "statefulsets": ("StatefulSet",),
    "daemonsets": ("DaemonSet",),
    "jobs": ("Job",),
    "cronjobs": ("CronJob",),
    "poddisruptionbudgets": ("PodDisruptionBudget",),
    "endpoints": ("EndpointSlice",),
    "services": ("Service",),
}
"""The frames that promises are judged by, and the kinds that each is made from."""


class Scope:
    """What a recording has of one namespace.

    Parameters
    ----------
    frames : Frames
        Of the recording.
    namespace : str
        Whose objects.

    Attributes
    ----------
    recorded : frozenset of str
        The kinds of objects that are followed there.
    gaps : list of dict
        What was not recorded of them: those of the frame `gaps`, and one for each kind of `MADE_OF` that nobody
        followed, of the whole window.
    """

    def __init__(self, frames: Frames, namespace: str) -> None:
        self.frames, self.namespace = frames, namespace
        coverage = pd.DataFrame(frames.coverage, copy=False)
        here = coverage[coverage["namespace"].isin(("", namespace))]
        self.recorded = frozenset(here["kind"])
        window = frames.pods.attrs["window"]
        mine = set(here["stream"])
        gaps = pd.DataFrame(frames.gaps, copy=False)
        concerned = gaps[gaps["stream"].isin(mine) | gaps["kind"].isin(("*", ""))]
        self.gaps: list[dict[str, Any]] = [
            {"kind": kind, "after_ns": after, "until_ns": until, "reason": reason}
            for kind, after, until, reason in zip(
                *(concerned[name] for name in ("kind", "after_ns", "until_ns", "reason")), strict=True
            )
        ]
        self.gaps += [
            {"kind": kind, "after_ns": window[0], "until_ns": window[1], "reason": f"{kind} not recorded"}
            for kind in sorted({each for kinds in MADE_OF.values() for each in kinds} - self.recorded)
        ]
        self._known: dict[str, pd.DataFrame] = {}
        self._rows: dict[str, Rows] = {}
        self._places: dict[tuple[str, str], dict[Any, list[int]]] = {}

    def __getitem__(self, name: str) -> Rows:
        """Return the rows of a frame of `MADE_OF`, or of "matching": Pods with labels and disruptions beside."""
        if name not in self._rows:
            if name == "matching":
                found = matching(self.frame("pods"), self.frame("disruptions"))
            else:
                found = self.frame(name)
            self._rows[name] = Rows.of(found)
        return self._rows[name]

    def frame(self, name: str) -> pd.DataFrame:
        """Return a frame of `MADE_OF`, or `disruptions`: a plain one, whose gaps are those of the namespace."""
        if name not in self._known:
            own = {"poddisruptionbudgets": poddisruptionbudgets, "services": services, "disruptions": disruptions}
            found: Any = own[name](self.frames) if name in own else getattr(self.frames, name)
            plain = pd.DataFrame(found, copy=False)
            if "namespace" in plain.columns:
                plain = plain[plain["namespace"] == self.namespace]
            kinds = MADE_OF.get(name, ())
            gaps = [gap for gap in self.gaps if gap["kind"] in (*kinds, "*", "")]
            plain.attrs = {
                "window": self.frames.pods.attrs["window"],
                "now_ns": found.attrs.get("now_ns", 0),
                "gaps": gaps,
            }
            self._known[name] = plain
        return self._known[name]

    def rows(self, name: str, column: str, values: Collection[str]) -> Rows:
        """Return the rows of a frame that have one of some values in a column; looked up, not searched."""
        return self[name].at(self._chosen(name, column, values))

    def part(self, name: str, column: str, values: Collection[str]) -> pd.DataFrame:
        """Return the same as a frame."""
        return self.frame(name).iloc[sorted(self._chosen(name, column, values))]

    def _chosen(self, name: str, column: str, values: Collection[str]) -> list[int]:
        if (name, column) not in self._places:
            self._places[name, column] = self[name].places(column)
        places = self._places[name, column]
        return [each for value in values for each in places.get(value, ())]

    def of_owners(self, owners: Collection[str]) -> set[str]:
        """Return the uids of the Pods that some controllers (uids) own, or owned at some time."""
        return set(self.rows("pods", "owner.uid", owners)["uid"])

    @property
    def deleted(self) -> set[str]:
        """The names of nodes that were deleted; of all that have Pods where nobody recorded nodes."""
        if "Node" not in set(self.frames.coverage["kind"]):
            return {str(each) for each in self["pods"]["nodeName"]}
        nodes = pd.DataFrame(self.frames.nodes, copy=False)
        return set(nodes.loc[nodes["about"] == "deleted", "name"])

    def missing(self, *kinds: str) -> list[Gap]:
        """Return each gap of the kinds by itself, in their order."""
        found = [gap for gap in self.gaps if gap["kind"] in (*kinds, "*", "")]
        made = {Gap(int(gap["after_ns"]), int(gap["until_ns"]), str(gap["kind"]), str(gap["reason"])) for gap in found}
        return sorted(made, key=lambda gap: (gap.after, gap.until, gap.kind))


__all__ = ["MADE_OF", "Scope"]

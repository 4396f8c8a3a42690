"""What a DaemonSet promises, judged at every resourceVersion: one Pod a node, and few nodes without it in an update."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Known, Write, begin, ends, find, writes
from kitlib.rollout.model import scaled_int_or_percent
from kitlib.rollout.pod import OVER, ending, lives, owned, ready
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import rows_of

PROMISES = {
    "one": "there is one Pod on a node, or during an update with maxSurge an old and a new one",
    "nodes": "there is a Pod on as many nodes as the status says, and an available one on as many as it says",
    "unavailable": "an update leaves at most maxUnavailable nodes without an available Pod",
    "surge": "with maxSurge at most so many nodes have a new Pod that isn't Ready beside the old one, and an old one"
    " goes when the new one is available",
}
"""What a DaemonSet promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "DaemonSet")
COUNTS = (
    *("observedGeneration", "desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"),
    *("numberReady", "numberAvailable", "numberUnavailable", "numberMisscheduled"),
)
NEEDS_PODS = (
    *("monotonic_ns", "observed_at", "seq", "resourceVersion", "type", "origin", "name", "uid", "state", "nodeName"),
    *("ready", "owner.uid", "controller-revision-hash", "readyTransition"),
)
NEEDS_SETS = (
    *("monotonic_ns", "observed_at", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid"),
    *("generation", *COUNTS, "updateStrategy"),
    *("maxSurge", "maxUnavailable", "minReadySeconds", "deletionTimestamp"),
)


def daemonset(
    pods: pd.DataFrame | Rows, daemonsets: pd.DataFrame | Rows, name: str | Controller | None = None
) -> Answer:
    """Judge what the frames show of a DaemonSet.

    Parameters
    ----------
    pods, daemonsets : DataFrame or Rows
        The frames of those names.
    name : str or Controller, optional
        `agent` or `shop/agent`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such DaemonSet, or more than one is meant.

    Notes
    -----
    A write is held against every version of the spec that the controller may have known then. A Pod went because of an
    update if another one of another revision is, or comes next, on its node. How many nodes match is what the status
    says; that the Pods are there which it counts is a promise of its own: where both contradict each other, it is
    broken.
    """
    pods = rows_of(pods, NEEDS_PODS, "pods")
    sets = rows_of(daemonsets, NEEDS_SETS, "daemonsets")
    meant = find(sets, "DaemonSet", name)
    own, mine = owned(pods, {meant.uid}), sets.where("uid", {meant.uid})
    answer = begin(meant, PROMISES, KINDS, sets, pods)
    judge = _Judge(answer, _successors(own))
    for write in writes(answer.window, answer.gaps, pods=own, daemonsets=mine):
        if write.frame == "pods":
            judge.pod(write)
        elif not ends(answer, write.row):
            judge.status(write)
    judge.finish()
    return answer


def _successors(pods: Rows) -> dict[str, str]:
    """Return of each Pod (uid) the revision of the one that came next on its node; nothing if none came."""
    last: dict[str, str] = {}  # of each node, the Pod that came last
    placed: set[str] = set()
    found: dict[str, str] = {}
    for row in sorted(pods, key=lambda row: int(row["resourceVersion"])):
        uid, node = str(row["uid"]), str(row["nodeName"])
        if not node or uid in placed:
            continue
        placed.add(uid)
        if node in last:
            found[last[node]] = str(row["controller-revision-hash"])
        last[node] = uid
    return found


class _Judge:
    """The Pods of a DaemonSet, gone through once."""

    def __init__(self, answer: Answer, successors: dict[str, str]) -> None:
        self.answer, self.successors = answer, successors
        self.known = Known()
        self.there: dict[str, dict[Any, Any]] = {}  # uid → the Pod's last row, in the order in which they came
        self.most = [(0, 0), (0, 0)]  # nodes with a Pod, with an available one: the most before and since a status
        self.desired = 0
        self.generation, self.told = 0, ()
        self.pending: list[tuple[Write, int, int | None]] = []  # ends of Pods; the next status tells whose nodes left

    def on(self, node: str) -> list[dict[Any, Any]]:
        return [row for row in self.there.values() if row["nodeName"] == node and lives(row)]

    def available(self, at: pd.Timestamp) -> set[str]:
        seconds = min((int(spec["minReadySeconds"]) for spec in self.known), default=0)
        return {row["nodeName"] for row in self.there.values() if ready(row, seconds, at)}

    def count(self) -> None:
        """Count as the status does: an unplaced Pod is meant for one node already, a terminating one may be Ready."""
        alive = [row for row in self.there.values() if row["state"] not in OVER]
        placed = len({row["nodeName"] for row in alive if row["nodeName"]})
        unplaced = sum(not row["nodeName"] for row in alive)
        available = len({row["nodeName"] for row in alive if row["ready"]})
        nodes, most = self.most[-1]
        self.most[-1] = max(nodes, placed + unplaced), max(most, available)

    def status(self, write: Write) -> None:
        """Hold the status against the Pods: what it counts may be as old as the one before, and no older."""
        row, told = write.row, tuple(write.row[column] for column in COUNTS)
        fresh = row["generation"] == self.generation and told != self.told  # a new spec comes with the old counts
        self.known.see(row)
        self.generation, self.told = row["generation"], told
        if not fresh:
            return
        self.settle(int(row["desiredNumberScheduled"]))
        self.desired = int(row["desiredNumberScheduled"])
        for number, what in enumerate(("currentNumberScheduled", "numberAvailable")):
            most, said = max(each[number] for each in self.most), int(row[what])
            words = f"{what} is {said}, and never since the status before were there Pods on more than {most} nodes"
            self.answer.test("nodes", write, most >= said, words, most, said)
        self.most = [self.most[-1], (0, 0)]
        self.count()

    def pod(self, write: Write) -> None:
        row = write.row
        before = self.there.get(row["uid"])
        if write.gone:
            self.there.pop(row["uid"], None)
        else:
            self.there[row["uid"]] = row
        self.count()
        if not len(self.known):
            return
        if row["nodeName"] and lives(row) and (before is None or not before["nodeName"]):
            self.placed(write)
        if ending(before, row) and before is not None and ready(before):
            self.leaves(write)

    def placed(self, write: Write) -> None:
        """Judge what is on a node once a Pod came there."""
        node = write.row["nodeName"]
        here = self.on(node)
        surges = max(self.limit(spec, "maxSurge") for spec in self.known)
        revisions = Counter(row["controller-revision-hash"] for row in here)
        ok = len(here) <= (2 if surges else 1) and max(revisions.values()) == 1
        self.answer.test("one", write, ok, f"{len(here)} Pods on {node}", len(here), 2 if surges else 1)
        if surges:
            nodes = {row["nodeName"] for row in self.there.values() if lives(row)}
            doubled = sum(any(map(ready, here[:-1])) and not ready(here[-1]) for here in map(self.on, sorted(nodes)))
            words = f"{doubled} nodes have a new Pod beside the old one, {surges} may"
            self.answer.test("surge", write, doubled <= surges, words, doubled, surges)

    def leaves(self, write: Write) -> None:
        """Judge the end of an available Pod, if another revision takes its place."""
        row = write.row
        node, revision = row["nodeName"], row["controller-revision-hash"]
        others = [each for each in self.on(node) if each["uid"] != row["uid"]]
        new = [each for each in others if each["controller-revision-hash"] != revision]
        if not new and self.successors.get(row["uid"], revision) == revision:
            return
        if all(spec["updateStrategy"] != "RollingUpdate" for spec in self.known):
            return
        if all(self.limit(spec, "maxSurge") > 0 for spec in self.known):
            if new:
                ok = any(ready(each) for each in new)
                self.answer.test("surge", write, ok, f"the new Pod on {node} is not Ready yet")
            else:
                self.pending.append((write, 0, None))
            return
        bound = max(self.limit(spec, "maxUnavailable") for spec in self.known)
        self.pending.append((write, len(self.available(row["observed_at"])), bound))

    def settle(self, desired: int) -> None:
        """Judge the ends since the last status by the smaller of two counts of nodes: nodes may have left."""
        for write, available, bound in self.pending:
            if bound is None:
                if desired >= self.desired:
                    self.answer.test("surge", write, False, f"there is no new Pod on {write.row['nodeName']} yet")
                continue
            lacking = max(min(desired, self.desired) - available, 0)
            words = f"{lacking} nodes have no available Pod, {bound} may"
            self.answer.test("unavailable", write, lacking <= bound, words, lacking, bound)
        self.pending = []

    def finish(self) -> None:
        self.settle(self.desired)

    def limit(self, spec: dict[Any, Any], column: str) -> int:
        """Return maxSurge or maxUnavailable in nodes: both percentages are rounded up (DaemonSet controller)."""
        if spec["updateStrategy"] != "RollingUpdate":
            return 0
        desired = max(self.desired, int(spec["desiredNumberScheduled"]))
        found = scaled_int_or_percent(spec[column] or 0, desired, up=True)
        surge = scaled_int_or_percent(spec["maxSurge"] or 0, desired, up=True)
        return max(found, 1) if column == "maxUnavailable" and not surge else found


__all__ = ["KINDS", "PROMISES", "daemonset"]

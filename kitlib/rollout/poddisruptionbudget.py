"""What a PodDisruptionBudget promises, judged at every resourceVersion: how many evictions it lets through."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from kitlib.rollout import selectors
from kitlib.rollout.answer import Answer, Controller, Write, begin, ends, find, writes
from kitlib.rollout.model import scaled_int_or_percent
from kitlib.rollout.pod import ready
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import need, need_columns, rows_of

PROMISES = {
    "allowed": "an eviction of a healthy Pod takes one of the disruptions that are allowed; none once none is left",
    "healthy": "an eviction leaves as many healthy Pods as desiredHealthy says",
    "status": "it allows no more disruptions than it has healthy Pods beyond what its spec asks for",
}
"""What a PodDisruptionBudget promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "PodDisruptionBudget")
EVICTED = "EvictionByEvictionAPI"
"""The reason of the condition DisruptionTarget of a Pod that is evicted; preemption and taints ask for no budget."""
NEEDS_PODS = ("monotonic_ns", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid", "state")
NEEDS_DISRUPTIONS = ("seq", "labels", "disruption")
NEEDS_BUDGETS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid", "generation"),
    *("observedGeneration", "minAvailable", "maxUnavailable", "selector", "disruptionsAllowed", "currentHealthy"),
    *("desiredHealthy", "expectedPods", "disruptedPods", "deletionTimestamp"),
)


def poddisruptionbudget(
    pods: pd.DataFrame | Rows, budgets: pd.DataFrame | Rows, name: str | Controller | None = None
) -> Answer:
    """Judge what the frames show of a PodDisruptionBudget.

    Parameters
    ----------
    pods : DataFrame or Rows
        What `matching` returns: the frame `pods`, with labels and disruptions.
    budgets : DataFrame or Rows
        What `kitlib.frames.poddisruptionbudgets` returns.
    name : str or Controller, optional
        `web` or `shop/web`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such budget, or more than one is meant.

    Notes
    -----
    The API server enters an eviction that it lets through into status.disruptedPods, and takes it off
    disruptionsAllowed, before it marks the Pod. Who deletes a Pod without asking for an eviction, a node that is lost,
    preemption and taints break no promise of a budget; nor does a Pod that was unhealthy before its eviction. A Pod
    that became unhealthy since the controller's last write but one counts as healthy: it may not have known yet.
    """
    if not isinstance(pods, Rows):
        need_columns(pods, NEEDS_DISRUPTIONS, "rollout", "give it what `matching` returns")
    pods = rows_of(pods, NEEDS_PODS, "pods")
    rows = rows_of(budgets, NEEDS_BUDGETS, "poddisruptionbudgets")
    meant = find(rows, "PodDisruptionBudget", name)
    mine, theirs = rows.where("uid", {meant.uid}), pods.where("namespace", {meant.namespace})
    answer = begin(meant, PROMISES, KINDS, rows, pods)
    judge = _Judge(answer)
    for write in writes(answer.window, answer.gaps, budgets=mine, pods=theirs):
        if write.frame == "pods":
            judge.pod(write)
        elif not ends(answer, write.row):
            judge.budget(write)
    return answer


def matching(pods: pd.DataFrame, disruptions: pd.DataFrame) -> pd.DataFrame:
    """Return the frame `pods` with the columns labels and disruption beside.

    Parameters
    ----------
    pods, disruptions : DataFrame
        The frame of that name, and what `kitlib.frames.disruptions` returns.
    """
    own = need(pods, NEEDS_PODS, "pods", "rollout")
    need_columns(disruptions, NEEDS_DISRUPTIONS, "rollout", "give it kitlib.frames.disruptions(frames)")
    found = pd.DataFrame(own, copy=False).merge(disruptions[list(NEEDS_DISRUPTIONS)], on="seq", how="left")
    found[["labels", "disruption"]] = found[["labels", "disruption"]].fillna("")
    found.attrs = dict(own.attrs)
    return found


def selects(selector: str, labels: str) -> bool:
    """Return whether a selector, both as JSON, selects what has these labels; an empty text selects nothing.

    Parameters
    ----------
    selector : str
        matchLabels and matchExpressions.
    labels : str
        A mapping.
    """
    if not selector:
        return False
    return selectors.selects(json.loads(selector), json.loads(labels or "{}"))


class _Judge:
    """The Pods of a budget, gone through once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.last: dict[Any, Any] | None = None
        self.entered: set[str] = set()  # names of Pods whose eviction was let through, ever
        self.there: dict[str, dict[Any, Any]] = {}  # uid → the Pod's last row
        self.fell: list[int] = []  # versions in which a Pod became unhealthy that wasn't evicted
        self.written: list[int] = []  # versions that the controller wrote

    def names(self, row: dict[Any, Any] | None) -> set[str]:
        return set(filter(None, str(row["disruptedPods"]).split(","))) if row is not None else set()

    def budget(self, write: Write) -> None:
        row, before = write.row, self.last
        self.last = row
        new = self.names(row) - self.names(before)
        self.entered |= new
        if not new:
            self.written.append(write.version)
        if new and before is not None:
            allowed = int(before["disruptionsAllowed"])
            words = f"{', '.join(sorted(new)[:3])} was let through, {allowed} were allowed"
            self.answer.test("allowed", write, len(new) <= allowed, words, len(new), allowed)
        if row["observedGeneration"] != row["generation"]:
            return
        expected, healthy = int(row["expectedPods"]), int(row["currentHealthy"])
        wanted, said = self.asked(row, expected), int(row["desiredHealthy"])
        allowed, most = int(row["disruptionsAllowed"]), max(healthy - max(said, wanted), 0)
        words = f"{allowed} disruptions are allowed, with {healthy} healthy Pods of at least {max(said, wanted)}"
        self.answer.test("status", write, allowed <= most, words, allowed, most)

    def asked(self, row: dict[Any, Any], expected: int) -> int:
        """Return how many healthy Pods the spec asks for; both percentages are rounded up (disruption controller)."""
        if row["maxUnavailable"]:
            return max(expected - scaled_int_or_percent(row["maxUnavailable"], expected, up=True), 0)
        return scaled_int_or_percent(row["minAvailable"] or 0, expected, up=True)

    def pod(self, write: Write) -> None:
        row = write.row
        before = self.there.pop(row["uid"], None)
        if not write.gone:
            self.there[row["uid"]] = row
        if self.last is None or before is None or not selects(self.last["selector"], row["labels"] or before["labels"]):
            return
        evicted = row["disruption"] == EVICTED
        if evicted and before["disruption"] != EVICTED and ready(before):
            self.evicted(write)
        elif ready(before) and not ready(row) and not evicted:
            self.fell.append(write.version)

    def evicted(self, write: Write) -> None:
        """Judge the eviction of a Pod that was healthy."""
        row = write.row
        assert self.last is not None
        taken = row["name"] in self.entered
        words = "it was evicted, and its budget was not asked"
        self.answer.test("allowed", write, taken, words, None if taken else 1, None if taken else 0)
        gone = self.names(self.last) | {row["name"]}
        left = sum(
            ready(each) and each["name"] not in gone and selects(self.last["selector"], each["labels"])
            for each in self.there.values()
        )
        since = self.written[-2] if len(self.written) > 1 else 0
        left += sum(version > since for version in self.fell)
        least = int(self.last["desiredHealthy"])
        words = f"it leaves {left} healthy Pods, {least} are asked for"
        self.answer.test("healthy", write, left >= least, words, left, least)


__all__ = ["EVICTED", "KINDS", "PROMISES", "matching", "poddisruptionbudget", "selects"]

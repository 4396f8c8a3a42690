"""What a StatefulSet promises, judged at every resourceVersion: one Pod an ordinal, and one ordinal after the other."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Known, Write, begin, ends, find, writes
from kitlib.rollout.model import scaled_int_or_percent
from kitlib.rollout.pod import ending, owned, ready
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import rows_of

PROMISES = {
    "identity": "there are never two Pods of one ordinal",
    "range": "no Pod is created whose ordinal spec.replicas doesn't ask for",
    "create": "OrderedReady: a Pod is created when all lower ordinals are Running and Ready",
    "scale down": "OrderedReady: a Pod is given up when all higher ordinals are gone, and all lower ones are Ready",
    "update": "from the highest ordinal down, with at most maxUnavailable Pods not Ready",
    "partition": "what lies below the partition is not made from the new template",
}
"""What a StatefulSet promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "StatefulSet")
NEEDS_PODS = (
    *("monotonic_ns", "observed_at", "seq", "resourceVersion", "type", "origin", "name", "uid", "state", "owner.uid"),
    *("controller-revision-hash", "readyTransition"),
)
NEEDS_SETS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid", "generation"),
    *("observedGeneration", "spec.replicas", "podManagementPolicy", "ordinals.start", "updateStrategy", "partition"),
    *("maxUnavailable", "minReadySeconds", "currentRevision", "updateRevision", "deletionTimestamp"),
)


def statefulset(
    pods: pd.DataFrame | Rows, statefulsets: pd.DataFrame | Rows, name: str | Controller | None = None
) -> Answer:
    """Judge what the frames show of a StatefulSet.

    Parameters
    ----------
    pods, statefulsets : DataFrame or Rows
        The frames of those names.
    name : str or Controller, optional
        `db` or `shop/db`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such StatefulSet, or more than one is meant.

    Notes
    -----
    A write is held against every version of the spec that the controller may have known then: those since
    status.observedGeneration. An old Pod that somebody else deletes during an update counts as deleted by it: no object
    says by whom. A Pod of the newest revision, or of OnDelete, that goes was deleted by somebody else, and is not
    judged.
    """
    pods = rows_of(pods, NEEDS_PODS, "pods")
    sets = rows_of(statefulsets, NEEDS_SETS, "statefulsets")
    meant = find(sets, "StatefulSet", name)
    own, mine = owned(pods, {meant.uid}), sets.where("uid", {meant.uid})
    answer = begin(meant, PROMISES, KINDS, sets, pods)
    judge = _Judge(answer, _revisions(mine))
    for write in writes(answer.window, answer.gaps, statefulsets=mine, pods=own):
        if write.frame == "pods":
            judge.pod(write)
        elif not ends(answer, write.row):
            judge.known.see(write.row)
    return answer


def ordinal(pod: str) -> int:
    """Return a Pod's ordinal, the number at the end of its name; −1 if there is none."""
    last = pod.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else -1


def _revisions(rows: Rows) -> dict[int, tuple[str, str]]:
    """Return currentRevision and updateRevision of each generation, as the status said once it had seen that one."""
    seen = (row for row in rows if row["observedGeneration"] == row["generation"])
    return {
        int(row["generation"]): (row["currentRevision"], row["updateRevision"])
        for row in sorted(seen, key=lambda row: int(row["resourceVersion"]))
    }


class _Judge:
    """The Pods of a StatefulSet, gone through once."""

    def __init__(self, answer: Answer, revisions: dict[int, tuple[str, str]]) -> None:
        self.answer, self.revisions = answer, revisions
        self.known = Known()
        self.there: dict[int, dict[str, dict[Any, Any]]] = {}  # ordinal → uid → the Pod's last row

    def pod(self, write: Write) -> None:
        row, number = write.row, ordinal(str(write.row["name"]))
        mine = self.there.setdefault(number, {})
        before = mine.get(row["uid"])
        if before is None and not write.gone and write.created:
            self.appears(write, number, mine)
        if write.gone:
            mine.pop(row["uid"], None)
        else:
            mine[row["uid"]] = row
        if ending(before, row):
            self.leaves(write, number, before)

    def appears(self, write: Write, number: int, mine: dict[str, dict[Any, Any]]) -> None:
        self.answer.test("identity", write, not mine, f"another Pod of ordinal {number} is there", 1 + len(mine), 1)
        if not len(self.known):
            return
        inside = [_range(spec) for spec in self.known]
        self.answer.test("range", write, any(number in one for one in inside), f"ordinal {number} isn't asked for")
        ordered = [spec["podManagementPolicy"] == "OrderedReady" for spec in self.known]
        if all(ordered):
            lacking = [self.not_ready(spec, range(_range(spec).start, number), write) for spec in self.known]
            fewest = min(lacking, key=len)
            words = f"not Ready: ordinal {', '.join(map(str, fewest[:5]))}"
            self.answer.test("create", write, not fewest, words, len(fewest), 0)
        parted = [self.below_partition(spec, number) for spec in self.known]
        if all(new is not None for new in parted):
            ok = any(write.row["controller-revision-hash"] != new for new in parted)
            self.answer.test("partition", write, ok, f"ordinal {number} is of the new revision")

    def leaves(self, write: Write, number: int, before: dict[Any, Any] | None) -> None:
        """Judge the end of a Pod that is there and healthy or not: given up, updated, or deleted by somebody else."""
        found = [self.permitted(spec, write, number, before) for spec in self.known]
        tried = [each for each in found if each[0] is not None]
        for promise, words, value, bound in sorted(tried, key=lambda each: bool(each[1]))[:1]:
            self.answer.test(str(promise), write, not words, words, value, bound)

    def permitted(
        self, spec: dict[Any, Any], write: Write, number: int, before: dict[Any, Any] | None
    ) -> tuple[str | None, str, int, int]:
        """Return which promise is put to the test, what is wrong (empty: nothing), what was counted and allowed.

        `before` is the Pod as it was. Where Pods needn't wait for each other, an old one that isn't available is
        replaced at once, outside of the order and of maxUnavailable: it was missed already.
        """
        healthy = (int(spec["minReadySeconds"]), write.row["observed_at"])
        asked = _range(spec)
        ordered = spec["podManagementPolicy"] == "OrderedReady"
        if number not in asked:
            if not ordered:
                return None, "", 0, 0
            higher = sorted(each for each, pods in self.there.items() if each > number and pods)
            lower = self.not_ready(spec, range(asked.start, number), write, absent=False)
            words = f"still there: ordinal {', '.join(map(str, higher[:5]))}" if higher else ""
            words = words or (f"not Ready: ordinal {', '.join(map(str, lower[:5]))}" if lower else "")
            return "scale down", words, len(higher) or len(lower), 0
        new = self.revisions.get(int(spec["generation"]), ("", ""))[1]
        hands_off = spec["updateStrategy"] != "RollingUpdate" or number - asked.start < int(spec["partition"])
        if not new or write.row["controller-revision-hash"] == new or hands_off:
            return None, "", 0, 0
        if not ordered and (before is None or not ready(before, *healthy)):
            return None, "", 0, 0
        most = max(scaled_int_or_percent(spec["maxUnavailable"] or 1, len(asked), up=False), 1)
        passed = [
            each
            for each in range(number + 1, asked.stop)
            for row in self.there.get(each, {}).values()
            if row["controller-revision-hash"] != new and row["state"] != "Terminating"
            if ordered or ready(row, *healthy)
        ]
        if passed:
            return "update", f"not updated before it: ordinal {', '.join(map(str, passed[:5]))}", len(passed), 0
        looked = range(asked.start if ordered or spec["maxUnavailable"] else number, asked.stop)
        lacking = self.not_ready(spec, looked, write)
        words = f"{len(lacking)} Pods are not Ready, {most} may be" if len(lacking) > most else ""
        return "update", words, len(lacking), most

    def not_ready(self, spec: dict[Any, Any], numbers: range, write: Write, absent: bool = True) -> list[int]:
        """Return which ordinals have no Pod that is Ready."""
        seconds, at = int(spec["minReadySeconds"]), write.row["observed_at"]
        found = []
        for number in numbers:
            pods = self.there.get(number, {}).values()
            if (pods or absent) and not any(ready(row, seconds, at) for row in pods):
                found.append(number)
        return found

    def below_partition(self, spec: dict[Any, Any], number: int) -> str | None:
        """Return the revision that a Pod must not be made from; None if any is right."""
        now, new = self.revisions.get(int(spec["generation"]), ("", ""))
        below = number - int(spec["ordinals.start"]) < int(spec["partition"])
        rolling = spec["updateStrategy"] == "RollingUpdate"
        return new if rolling and below and new and now != new else None


def _range(spec: dict[Any, Any]) -> range:
    start = int(spec["ordinals.start"])
    return range(start, start + int(spec["spec.replicas"]))


__all__ = ["KINDS", "PROMISES", "ordinal", "statefulset"]

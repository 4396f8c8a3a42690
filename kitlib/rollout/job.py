"""What a Job promises, judged at every resourceVersion: how many at once, each index once, and when it gives up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Write, begin, ends, find, writes
from kitlib.rollout.pod import OVER, ending, lives, owned
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import rows_of

PROMISES = {
    "parallelism": "never more than parallelism Pods are active",
    "completions": "no more Pods are made than completions still lacks",
    "index": "each completion index succeeds once, and a Complete Job lacks none",
    "backoffLimit": "no Pod is made once more than backoffLimit have failed",
    "suspend": "no Pod is made while it is suspended",
    "finished": "no Pod is made once it is Complete or Failed",
}
"""What a Job promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "Job")
NEEDS_PODS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "name", "uid", "state", "owner.uid", "restartCount"),
    "job-completion-index",
)
NEEDS_JOBS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid", "generation"),
    *("completions", "parallelism", "backoffLimit", "backoffLimitPerIndex", "completionMode", "suspend"),
    *("podFailurePolicy", "successPolicy", "failed", "completedIndexes", "finished", "deletionTimestamp"),
)


def job(pods: pd.DataFrame | Rows, jobs: pd.DataFrame | Rows, name: str | Controller | None = None) -> Answer:
    """Judge what the frames show of a Job.

    Parameters
    ----------
    pods, jobs : DataFrame or Rows
        The frames of those names.
    name : str or Controller, optional
        `pi` or `shop/pi`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such Job, or more than one is meant.

    Notes
    -----
    A Job's status doesn't say which version of the spec its controller has seen: a Pod is held against the version
    before as well, until the status is written again. Pods that it ends itself, because it is suspended or its
    parallelism is lowered, don't count as failed. With a podFailurePolicy not every failed Pod counts as a failure;
    then status.failed is asked instead of the Pods.
    """
    pods = rows_of(pods, NEEDS_PODS, "pods")
    all_jobs = rows_of(jobs, NEEDS_JOBS, "jobs")
    meant = find(all_jobs, "Job", name)
    own, mine = owned(pods, {meant.uid}), all_jobs.where("uid", {meant.uid})
    answer = begin(meant, PROMISES, KINDS, all_jobs, pods)
    judge = _Judge(answer)
    for write in writes(answer.window, answer.gaps, jobs=mine, pods=own):
        if write.frame == "pods":
            judge.pod(write)
        elif not ends(answer, write.row):
            judge.job(write)
    return answer


def indexes(text: str) -> set[int]:
    """Turn status.completedIndexes, such as "0-2,4", into a set of numbers.

    Parameters
    ----------
    text : str
        What can't be read of it is left out.
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(last or first) < 1_000_000:
            found |= set(range(int(first), int(last or first) + 1))
    return found


class _Judge:
    """The Pods of a Job, gone through once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.specs: list[dict[Any, Any]] = []  # the newest version; before it the one that may still be acted on
        self.there: dict[str, dict[Any, Any]] = {}  # uid → the Pod's last row, also of one that is gone
        self.finished = ""
        self.taken_back: set[str] = set()  # uids of Pods that the controller itself ends: they don't count as failed

    def job(self, write: Write) -> None:
        row = write.row
        same = [spec for spec in self.specs if spec["generation"] == row["generation"]]
        self.specs = [row] if same or not self.specs else [row, self.specs[0]]
        if row["finished"] and not self.finished:
            self.finished = str(row["finished"])
            if row["completionMode"] == "Indexed" and self.finished == "Complete" and not row["successPolicy"]:
                count = 0 if pd.isna(row["completions"]) else int(row["completions"])
                lacking = sorted(set(range(count)) - indexes(str(row["completedIndexes"])))
                words = f"Complete without index {', '.join(map(str, lacking[:5]))}"
                self.answer.test("index", write, not lacking, words, count - len(lacking), count)

    def pod(self, write: Write) -> None:
        row = write.row
        before = self.there.get(row["uid"])
        if ending(before, row) and self.specs and self.too_many():
            self.taken_back.add(str(row["uid"]))
        if not write.gone:
            self.there[row["uid"]] = row
        elif before is not None and before["state"] not in OVER:
            self.there[row["uid"]] = {**before, "state": "Gone"}
        if not self.specs:
            return
        if before is None and write.created and lives(row):
            self.appears(write)
        index = row["job-completion-index"]
        succeeded = row["state"] == "Succeeded" and (before is None or before["state"] != "Succeeded")
        if succeeded and not pd.isna(index):
            times = sum(each["state"] == "Succeeded" for each in self.of(index))
            self.answer.test("index", write, times == 1, f"index {index} succeeded {times} times", times, 1)

    def too_many(self) -> bool:
        """Whether it may end Pods that are active: it is suspended, or its parallelism was lowered."""
        active = sum(map(lives, self.there.values()))
        return any(spec["suspend"] or active > int(spec["parallelism"]) for spec in self.specs)

    def of(self, index: Any) -> list[dict[Any, Any]]:
        rows = self.there.values()
        return [
            row for row in rows if not pd.isna(row["job-completion-index"]) and row["job-completion-index"] == index
        ]

    def appears(self, write: Write) -> None:
        """Judge the making of a Pod."""
        states = Counter("active" if lives(row) else str(row["state"]) for row in self.there.values())
        active = states["active"]
        most = max(int(spec["parallelism"]) for spec in self.specs)
        words = f"{active} Pods are active, {most} may be"
        self.answer.test("parallelism", write, active <= most, words, active, most)
        wanted = [spec["completions"] for spec in self.specs]
        if not any(pd.isna(each) for each in wanted):
            most, made = max(map(int, wanted)), active + states["Succeeded"]
            words = f"{active} Pods are active and {states['Succeeded']} have succeeded, {most} are wanted"
            self.answer.test("completions", write, made <= most, words, made, most)
        self.failures(write)
        if any(spec["suspend"] for spec in self.specs):
            ok = not all(spec["suspend"] for spec in self.specs)
            self.answer.test("suspend", write, ok, "it is suspended")
        self.answer.test("finished", write, not self.finished, f"it is {self.finished} already")

    def failures(self, write: Write) -> None:
        """Judge whether too many have failed for another one to be made."""
        spec, rows, limit, what = self.specs[0], list(self.there.values()), "backoffLimit", ""
        if not pd.isna(spec["backoffLimitPerIndex"]):
            index = write.row["job-completion-index"]
            rows, limit, what = self.of(index), "backoffLimitPerIndex", f" of index {index}"
        limits = [each[limit] for each in self.specs]
        if any(pd.isna(each) for each in limits):
            return
        most = max(map(int, limits))
        if spec["podFailurePolicy"]:
            failed = 0 if what else int(spec["failed"])
        else:
            counted = [row for row in rows if row["uid"] not in self.taken_back]
            failed = sum(1 if row["state"] == "Failed" else int(row["restartCount"]) for row in counted)
        words = f"{failed} have failed{what}, {limit} is {most}"
        self.answer.test("backoffLimit", write, failed <= most, words, failed, most)


__all__ = ["KINDS", "PROMISES", "indexes", "job"]

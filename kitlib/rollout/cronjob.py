"""What a CronJob promises: which of its Jobs may be there together, and one Job for each time of its schedule."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Write, begin, ends, find, writes
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import rows_of

PROMISES = {
    "Forbid": "Forbid: no Job is made while another one of it is not finished",
    "Replace": "Replace: no Job is made while another one lives that is not to be deleted",
    "once": "there is one Job for each time of the schedule, never two",
    "time": "no Job is made before its time",
    "suspend": "no Job is made for a time at which it was suspended",
}
"""What a CronJob promises: each promise's short name, and its sentence. Of Allow, Forbid and Replace one holds."""

KINDS = ("Job", "CronJob")
NEEDS_JOBS = (
    *("monotonic_ns", "observed_at", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid"),
    *("owner.uid", "finished", "scheduledTime", "manual", "creationTimestamp", "deletionTimestamp"),
)
NEEDS_CRONJOBS = (
    *("monotonic_ns", "observed_at", "seq", "resourceVersion", "type", "origin", "namespace", "name", "uid"),
    *("generation", "concurrencyPolicy", "suspend", "deletionTimestamp"),
)


def cronjob(jobs: pd.DataFrame | Rows, cronjobs: pd.DataFrame | Rows, name: str | Controller | None = None) -> Answer:
    """Judge what the frames show of a CronJob.

    Parameters
    ----------
    jobs, cronjobs : DataFrame or Rows
        The frames of those names.
    name : str or Controller, optional
        `report` or `shop/report`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such CronJob, or more than one is meant.

    Notes
    -----
    A Job is held against every version of the spec that held from its scheduled time to its making. Jobs that somebody
    made of it by hand are there like others, and are not judged. That a time of the schedule brings no Job breaks
    nothing: Kubernetes says "about once".
    """
    all_jobs = rows_of(jobs, NEEDS_JOBS, "jobs")
    rows = rows_of(cronjobs, NEEDS_CRONJOBS, "cronjobs")
    meant = find(rows, "CronJob", name)
    own, mine = all_jobs.where("owner.uid", {meant.uid}), rows.where("uid", {meant.uid})
    answer = begin(meant, PROMISES, KINDS, rows, all_jobs)
    judge = _Judge(answer)
    for write in writes(answer.window, answer.gaps, cronjobs=mine, jobs=own):
        if write.frame == "jobs":
            judge.job(write)
        elif not ends(answer, write.row):
            judge.cronjob(write)
    return answer


class _Judge:
    """The Jobs of a CronJob, gone through once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.specs: list[tuple[pd.Timestamp, dict[Any, Any]]] = []  # since when, and what: one for each generation
        self.there: dict[str, dict[Any, Any]] = {}  # uid → the Job's last row
        self.times: dict[Any, str] = {}  # the schedule's time, or the Job's name → the Job's uid

    def cronjob(self, write: Write) -> None:
        row = write.row
        if not self.specs or self.specs[-1][1]["generation"] != row["generation"]:
            self.specs.append((row["observed_at"], row))

    def job(self, write: Write) -> None:
        row = write.row
        new = row["uid"] not in self.there
        if write.gone:
            self.there.pop(row["uid"], None)
            return
        if new and write.created and not row["manual"] and self.specs:
            self.appears(write)
        if new and not row["manual"]:
            self.times.setdefault(_time(row), str(row["uid"]))
        self.there[row["uid"]] = row

    def appears(self, write: Write) -> None:
        """Judge the making of a Job."""
        row = write.row
        due = row["scheduledTime"]
        held = self.since(due)
        others = [each for each in self.there.values() if not each["finished"]]
        living = [each for each in others if pd.isna(each["deletionTimestamp"])]
        policies = {str(spec["concurrencyPolicy"]) for spec in held}
        for policy, against in (("Forbid", others), ("Replace", living)):
            if policies == {policy}:
                words = f"not finished: {', '.join(str(each['name']) for each in against[:3])}"
                self.answer.test(policy, write, not against, words, 1 + len(against), 1)
        before = self.times.get(_time(row))
        words = "another Job was made for the same time"
        self.answer.test("once", write, before is None, words, 1 if before is None else 2, 1)
        if pd.notna(due) and pd.notna(row["creationTimestamp"]):
            early = int((due - row["creationTimestamp"]).total_seconds())
            self.answer.test("time", write, early <= 0, f"it was made {early} s before its time", early, 0)
        if any(spec["suspend"] for spec in held):
            ok = not all(spec["suspend"] for spec in held)
            self.answer.test("suspend", write, ok, "it was suspended then")

    def since(self, due: pd.Timestamp) -> list[dict[Any, Any]]:
        """Return the versions of the spec that held from a time on; without one, the last two."""
        if pd.isna(due):
            return [spec for _, spec in self.specs[-2:]]
        begun = [number for number, (at, _) in enumerate(self.specs) if at <= due]
        return [spec for _, spec in self.specs[begun[-1] if begun else 0 :]]


def _time(row: dict[Any, Any]) -> Any:
    """Return what the time of a Job is known by: older versions tell it in the Job's name only."""
    return row["name"] if pd.isna(row["scheduledTime"]) else row["scheduledTime"]


__all__ = ["KINDS", "PROMISES", "cronjob"]

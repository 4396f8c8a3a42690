"""Where a controller's status and what is there contradict each other for longer than a moment.

A controller writes its counts a little after what it counts: that is no contradiction. What goes on although nothing of
what is counted has changed for longer than a moment is one, whoever is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Write, writes
from kitlib.rollout.pod import MOMENT_NS, lives
from kitlib.rollout.rows import Rows

CONTRADICTIONS = {
    "field": "str",
    "begin_ns": "int64",
    "end_ns": "int64",
    "resourceVersion": "int64",
    "said": "int64",
    "least": "int64",
    "most": "int64",
    "text": "str",
}
"""The columns of `contradictions`, with their dtypes."""

Group = Sequence[dict[Any, Any]]
Range = tuple[int, int | None]
"""What a status may say: at least, and at most (None: any number)."""


def _active(rows: Group) -> list[dict[Any, Any]]:
    return [row for row in rows if lives(row)]


def _exactly(count: int) -> Range:
    return count, count


def _replicas(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a Deployment or a ReplicaSet: Pods that neither end nor are at their end."""
    alive = _active(rows)
    ready = sum(row["state"] == "Ready" for row in alive)
    waits = not pd.isna(status["minReadySeconds"]) and int(status["minReadySeconds"]) > 0
    return {
        "status.replicas": _exactly(len(alive)),
        "readyReplicas": _exactly(ready),
        "availableReplicas": (0 if waits else ready, ready),
    }


def _statefulset(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a StatefulSet: also Pods that are to be deleted."""
    here = [row for row in rows if row["state"] != "Gone"]
    ready = sum(bool(row["ready"]) and row["phase"] == "Running" for row in here)
    waits = int(status["minReadySeconds"]) > 0
    return {
        "status.replicas": (sum(row["phase"] != "" for row in here), len(here)),
        "readyReplicas": _exactly(ready),
        "availableReplicas": (0 if waits else ready, ready),
    }


def _daemonset(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a DaemonSet: nodes; a Pod without a node is meant for one, and of several on a node one is counted.

    A node that is deleted isn't counted any more, though its Pods may still be there.
    """
    here = [row for row in rows if row["state"] != "Gone"]
    nodes: dict[str, list[dict[Any, Any]]] = {}
    for row in here:
        if row["nodeName"]:
            nodes.setdefault(str(row["nodeName"]), []).append(row)
    loose = sum(not row["nodeName"] for row in here)
    strange = int(status["numberMisscheduled"])
    sure = [pods for pods in nodes.values() if not any(row.get("unsure") for row in pods)]
    all_ready = sum(all(row["ready"] for row in pods) for pods in sure)
    any_ready = sum(any(row["ready"] for row in pods) for pods in nodes.values())
    waits = int(status["minReadySeconds"]) > 0
    return {
        "currentNumberScheduled": (max(len(sure) - strange, 0), len(nodes) + loose),
        "numberReady": (max(all_ready - strange, 0), any_ready),
        "numberAvailable": (0 if waits else max(all_ready - strange, 0), any_ready),
    }


def _job(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a Job: Pods that were removed stay counted, so there are at least as many that succeeded as are there."""
    alive = _active(rows)
    limit = None if pd.isna(status["completions"]) or status["completionMode"] != "Indexed" else status["completions"]
    counted = [
        row for row in rows if limit is None or pd.isna(row["job-completion-index"])
        or row["job-completion-index"] < limit
    ]  # fmt: skip
    over = [row for row in counted if row["state"] == "Failed" and pd.isna(row["deletionTimestamp"])]
    failed = 0 if status["podFailurePolicy"] else len(over)
    return {
        "active": _exactly(len(alive)),
        "ready": _exactly(sum(row["state"] == "Ready" for row in alive)),
        "succeeded": (sum(row["state"] == "Succeeded" for row in counted), None),
        "failed": (failed, None),
    }


def _cronjob(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a CronJob: its Jobs that go on; one that somebody made of it by hand is counted or not."""
    going_on = [row for row in rows if row["type"] != "DELETED" and not row["finished"]]
    own = [row for row in going_on if not row["manual"] and pd.isna(row["deletionTimestamp"])]
    return {"active": (len(own), len(going_on))}


def _budget(rows: Group, status: Mapping[Any, Any]) -> dict[str, Range]:
    """Of a budget: matching Pods that are Ready; one that is being evicted may still be."""
    ready = [row for row in rows if row["state"] == "Ready"]
    gone = set(str(status["disruptedPods"]).split(","))
    return {"currentHealthy": (sum(row["name"] not in gone for row in ready), len(ready))}


COUNTS: dict[str, Callable[[Group, Mapping[Any, Any]], dict[str, Range]]] = {
    "Deployment": _replicas,
    "ReplicaSet": _replicas,
    "StatefulSet": _statefulset,
    "DaemonSet": _daemonset,
    "Job": _job,
    "CronJob": _cronjob,
    "PodDisruptionBudget": _budget,
}
"""Of each kind: what its status counts, and what there is of that among the rows of Pods (or Jobs)."""


def contradictions(
    answer: Answer, own: pd.DataFrame | Rows, counted: pd.DataFrame | Rows, moment_ns: int = MOMENT_NS
) -> pd.DataFrame:
    """Return where a controller's status says something else than what it counts, for longer than a moment.

    Parameters
    ----------
    answer : Answer
        Whose it is, and in which time: in gaps nothing is compared. Of a kind that isn't in `COUNTS` there is none.
    own : DataFrame or Rows
        Rows of the controller itself, of the frame of its kind (`workloads` of a Deployment or a ReplicaSet).
    counted : DataFrame or Rows
        Rows of what it counts: its Pods, or a CronJob's Jobs. Of a DaemonSet's Pods a column `unsure` may say that
        their node is, or may be, deleted.
    moment_ns : int
        How long the status may lag behind, ns.

    Returns
    -------
    DataFrame
        One row for each time: field (str: the column of its frame), begin_ns (int64, ns: nothing that is counted
        changed since, and the status said otherwise), end_ns (int64, ns: up to then, at least), resourceVersion
        (int64: the last write before), said (int64), least and most (int64: what is there, and −1 where there is no
        upper bound), text (str).
    """
    found = contradicting(answer, Rows.of(own), Rows.of(counted), moment_ns)
    return pd.DataFrame(found, columns=list(CONTRADICTIONS)).astype(CONTRADICTIONS)


def contradicting(answer: Answer, own: Rows, counted: Rows, moment_ns: int = MOMENT_NS) -> list[tuple]:
    """Return the rows of `contradictions`, each as a tuple in the order of its columns.

    Parameters
    ----------
    answer, own, counted, moment_ns
        As for `contradictions`.
    """
    count = COUNTS.get(answer.controller.kind)
    if count is None:
        return []
    there: dict[str, dict[Any, Any]] = {}
    status: dict[Any, Any] | None = None
    watched: dict[str, _Field] = {}
    gaps, now = list(answer.gaps), answer.window.begin
    found: list[tuple] = []
    for write in writes(answer.window, [], own=own, counted=counted):
        at = int(write.row["monotonic_ns"])
        now = max(now, at)
        early = min(now, at - _late(write.row))
        while gaps and now >= gaps[0].after:
            found += _end(watched, gaps[0].after, moment_ns)
            watched = {}
            if now <= gaps[0].until:
                break
            gaps.pop(0)
        if write.frame == "own":
            status = write.row
            if write.gone or not pd.isna(status["deletionTimestamp"]):
                found += _end(watched, early, moment_ns)
                return found
        else:
            there[write.row["uid"]] = write.row
            if write.gone:
                there[write.row["uid"]] = {**write.row, "state": "Gone"} if "state" in write.row else write.row
        if status is None or (gaps and gaps[0].after <= now <= gaps[0].until):
            continue
        for name, (least, most) in count(list(there.values()), status).items():
            field = watched.setdefault(name, _Field(name))
            found += field.see(write, now, early, int(status[name]), least, most, moment_ns)
    end = answer.window.end
    if not any(gap.until >= end for gap in answer.gaps):
        found += _end(watched, end, moment_ns)
    return found


@dataclass
class _Field:
    """One count of a status, followed through time."""

    name: str
    range: Range | None = None
    since: int | None = None
    said: int = 0
    version: int = 0

    def see(
        self, write: Write, now: int, early: int, said: int, least: int, most: int | None, moment_ns: int
    ) -> list[tuple]:
        """Take in what the status says and what there is after a write; return what has come to an end."""
        agrees = least <= said and (most is None or said <= most)
        found = self.end(early, moment_ns) if agrees or self.range != (least, most) else []
        self.range = least, most
        if not agrees:
            if self.since is None:
                self.since, self.version = now, write.version
            self.said = said
        return found

    def end(self, until: int, moment_ns: int) -> list[tuple]:
        """Return the contradiction that ends now, if it went on for longer than a moment."""
        since, self.since = self.since, None
        if since is None or self.range is None or until - since <= moment_ns:
            return []
        least, most = self.range
        there = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        words = f"{self.name} is {self.said} for {(until - since) / 1e9:.1f} s, and there are {there}"
        return [(self.name, since, until, self.version, self.said, least, -1 if most is None else most, words)]


def _end(watched: Mapping[str, _Field], until: int, moment_ns: int) -> list[tuple]:
    return [row for field in watched.values() for row in field.end(until, moment_ns)]


def _late(row: Mapping[Any, Any]) -> int:
    return int((row["observed_at"] - row["not_before"]).value)


__all__ = ["CONTRADICTIONS", "COUNTS", "contradicting", "contradictions"]

"""What a ReplicaSet promises, judged at every resourceVersion: no Pod beyond the number that is asked for."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Known, begin, ends, find, writes
from kitlib.rollout.pod import lives, owned
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import rows_of

PROMISES = {"replicas": "no Pod is made once there are spec.replicas"}
"""What a ReplicaSet promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "ReplicaSet")
NEEDS_PODS = ("monotonic_ns", "seq", "resourceVersion", "type", "origin", "name", "uid", "state", "owner.uid")
NEEDS_WORKLOADS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "kind", "namespace", "name", "uid"),
    *("generation", "observedGeneration", "spec.replicas", "deletionTimestamp"),
)


def replicaset(
    pods: pd.DataFrame | Rows, workloads: pd.DataFrame | Rows, name: str | Controller | None = None
) -> Answer:
    """Judge what the frames show of a ReplicaSet.

    Parameters
    ----------
    pods, workloads : DataFrame or Rows
        The frames of those names.
    name : str or Controller, optional
        `web-5d4f` or `shop/web-5d4f`; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module.

    Raises
    ------
    UsageError
        If a column is missing, there is no such ReplicaSet, or more than one is meant.

    Notes
    -----
    A Pod is held against every version of the spec that the controller may have known when it made it. Pods that end or
    are to be deleted don't count. One that it adopts was made by somebody else, and isn't judged.
    """
    pods = rows_of(pods, NEEDS_PODS, "pods")
    rows = rows_of(workloads, NEEDS_WORKLOADS, "workloads")
    sets = rows.where("kind", {"ReplicaSet"})
    meant = find(sets, "ReplicaSet", name)
    own, mine = owned(pods, {meant.uid}), sets.where("uid", {meant.uid})
    answer = begin(meant, PROMISES, KINDS, sets, pods)
    known, there = Known(), dict[str, dict[Any, Any]]()
    for write in writes(answer.window, answer.gaps, replicasets=mine, pods=own):
        row = write.row
        if write.frame == "replicasets":
            if not ends(answer, row):
                known.see(row)
            continue
        new = row["uid"] not in there
        there[row["uid"]] = row
        if new and write.created and lives(row) and len(known):
            active = sum(map(lives, there.values()))
            most = max(1 if pd.isna(spec["spec.replicas"]) else int(spec["spec.replicas"]) for spec in known)
            answer.test("replicas", write, active <= most, f"{active} Pods, {most} are asked for", active, most)
    return answer


__all__ = ["KINDS", "PROMISES", "replicaset"]

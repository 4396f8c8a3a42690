"""What a Deployment promises, as an `Answer`: the same verdict, in the form that the other controllers have."""

from __future__ import annotations

import pandas as pd

from kitlib.rollout.answer import Answer, Controller
from kitlib.rollout.identity import Deployment
from kitlib.rollout.verdict import Breach, Verdict, verdict

PROMISES = {
    "most": "its ReplicaSets ask for no more Pods than replicas + maxSurge",
    "least": "replicas − maxUnavailable Pods are available, once they have been",
    "recreate": "Recreate: the old Pods are gone before a new one is made",
}
"""What a Deployment promises: each promise's short name, and its sentence."""


def deployment(pods: pd.DataFrame, workloads: pd.DataFrame, name: str | Deployment | None = None) -> Answer:
    """Judge what the frames show of a Deployment; see `verdict`, of which this is the answer in rows.

    Parameters
    ----------
    pods, workloads : DataFrame
        The frames of those names.
    name : str or Deployment, optional
        `web` or `shop/web`, or what `which` returned; may be left out if there is one only.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module. A breach stands at the write with which it began.

    Raises
    ------
    UsageError
        If a column is missing, there is no such Deployment, or more than one is meant.
    """
    found = verdict(pods, workloads, name)
    meant = found.deployment
    controller = Controller("Deployment", meant.namespace, meant.name, meant.uid)
    answer = Answer(controller, PROMISES, found.window, found.gaps, deleted=found.deleted)
    times = found.timeline[found.timeline["desired"] > 0]
    recreate = found.bounds.strategy == "Recreate"
    answer.tested = {
        "most": len(times) if found.upper else 0,
        "least": len(times) if found.armed and not recreate else 0,
        "recreate": len(times) if recreate else 0,
    }
    names = pd.concat([frame[["resourceVersion", "name"]] for frame in (pods, workloads)])
    written = dict(zip(names["resourceVersion"], names["name"], strict=True))
    for each in found.breaches:
        answer.rows.append(_row(found, each, written))
    if found.mixed:
        many = found.by_revision[found.by_revision[["available", "unavailable", "terminating"]].sum(axis=1) > 0]
        sets = many.groupby("resourceVersion")["uid"].nunique()
        version = int(sets[sets > 1].index[0])
        at = int(many.loc[many["resourceVersion"] == version, "monotonic_ns"].iloc[0])
        words = f"Pods of {int(sets[version])} ReplicaSets are there"
        answer.rows.append(("recreate", at, version, written.get(version, meant.name), int(sets[version]), 1, words))
    return answer


def _row(found: Verdict, breach: Breach, written: dict[int, str]) -> tuple:
    times = found.timeline[found.timeline["monotonic_ns"] >= breach.begin]
    bad = times["wanted"] > times["upper"] if breach.over else times["available"] < times["lower"]
    version = int(times.loc[bad, "resourceVersion"].iloc[0])
    lasting = f"for {(breach.end - breach.begin) / 1e9:.1f} s"
    if breach.over:
        what, words = "most", f"{breach.value} asked for, {breach.bound} allowed, {lasting}"
    else:
        what, words = "least", f"{breach.value} available, {breach.bound} promised, {lasting}"
    name = written.get(version, found.deployment.name)
    return what, breach.begin, version, name, breach.value, breach.bound, words


__all__ = ["PROMISES", "deployment"]

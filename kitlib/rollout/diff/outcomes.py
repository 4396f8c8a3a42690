"""How rollouts and Jobs came out, and which promises were kept: the verdicts of `kitlib.rollout`, by roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from kitlib.errors import UsageError
from kitlib.rollout.answer import Answer
from kitlib.rollout.cronjob import cronjob
from kitlib.rollout.daemonset import daemonset
from kitlib.rollout.identity import Deployment
from kitlib.rollout.job import job
from kitlib.rollout.statefulset import statefulset
from kitlib.rollout.verdict import Verdict, verdict

SECOND = 1_000_000_000
Role = Callable[[str, str], str]
"""Returns the role of an object: of its kind and uid."""


def promises(frames: Any, role: Role) -> Iterator[tuple[tuple[str, str], bool | None]]:
    """Yield each promise of each controller but Deployments, and whether it was kept.

    Parameters
    ----------
    frames : Frames
        Of a recording.
    role : callable
        Returns what an object is called in each run.
    """
    asked: list[tuple[pd.DataFrame, Callable[[str], Answer]]] = [
        (frames.statefulsets, lambda name: statefulset(frames.pods, frames.statefulsets, name)),
        (frames.daemonsets, lambda name: daemonset(frames.pods, frames.daemonsets, name)),
        (frames.jobs, lambda name: job(frames.pods, frames.jobs, name)),
        (frames.cronjobs, lambda name: cronjob(frames.jobs, frames.cronjobs, name)),
    ]
    for frame, ask in asked:
        for space, name in dict.fromkeys(zip(frame["namespace"], frame["name"], strict=True)):
            own = frame[(frame["namespace"] == space) & (frame["name"] == name)]
            if "owner.uid" in own and own["owner.uid"].iloc[-1]:
                continue
            try:
                answer = ask(f"{space}/{name}")
            except UsageError:  # one name, and two objects at once
                continue
            about = answer.controller
            for each in answer.promises:
                yield (role(about.kind, about.uid), f"promise {each}"), answer.of(each)


def rollouts(frames: Any, role: Role) -> Iterator[tuple[tuple[str, str], Any, float | None]]:
    """Yield how each rollout and each Job came out, and the seconds that it took.

    Parameters
    ----------
    frames : Frames
        Of a recording.
    role : callable
        Returns what an object is called in each run.
    """
    workloads = frames.workloads
    rows = workloads[(workloads["kind"] == "Deployment") & (workloads["uid"] != "")]
    for space, name, uid in dict.fromkeys(zip(rows["namespace"], rows["name"], rows["uid"], strict=True)):
        found = verdict(frames.pods, workloads, Deployment(str(space), str(name), str(uid)))
        who = role("Deployment", str(uid))
        yield (who, "promise of its strategy"), found.kept, None
        yield from (((who, what), said, seconds) for what, said, seconds in _changes(found))
    jobs = frames.jobs[frames.jobs["owner.uid"] == ""].groupby("uid", sort=False).tail(1)
    for row in jobs.to_dict("records"):
        ended = str(row["finished"] or "") and f"{row['finished']} {row['reason'] or ''}".strip()
        took = row["completionTime"] - row["startTime"]
        seconds = None if pd.isna(took) else took.total_seconds()
        yield (role("Job", str(row["uid"])), "end"), ended or "not finished", seconds


def _changes(found: Verdict) -> Iterator[tuple[str, str, float | None]]:
    """Yield what each change of a Deployment came to, and how long it took where that is known."""
    for number, each in enumerate(found.changes, 1):
        said = "overtaken" if each.overtaken else "never rolled out" if each.end is None else "rolled out"
        known = each.end is not None and not each.overtaken and not each.loose
        yield f"rollout {number} ({each.what})", said, (each.end or 0) / SECOND - each.begin / SECOND if known else None


__all__ = ["promises", "rollouts"]

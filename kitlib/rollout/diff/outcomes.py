"""How rollouts and Jobs came out, and which promises were kept: the verdicts of `kitlib.rollout`, by roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from kitlib.rollout.rows import records
from kitlib.rollout.verdict import Verdict
from kitlib.rollout.verify import answers, verdicts

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
    for answer in answers(frames, "StatefulSet", "DaemonSet", "Job", "CronJob"):
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
    for found in verdicts(frames):
        who = role("Deployment", found.deployment.uid)
        yield (who, "promise of its strategy"), found.kept, None
        yield from (((who, what), said, seconds) for what, said, seconds in _changes(found))
    jobs = frames.jobs[frames.jobs["owner.uid"] == ""].groupby("uid", sort=False).tail(1)
    for row in records(jobs):
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

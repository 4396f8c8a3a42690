"""What a report tells: the answer, since when, the promises, and the figure with the same in words."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.plots.story import Shown, of_deployment
from kitlib.plots.timeaxis import Mark
from kitlib.recording import Recording
from kitlib.rollout import Verified, verify
from kitlib.rollout import why as explain
from kitlib.rollout.verify import NEEDS
from kitlib.rollout.why import Answer, World

DOTS = 160
"""Dots per inch of the figure: an SVG of a hundred Pods has several MB."""


@dataclass(frozen=True)
class Contents:
    """What a report tells.

    Parameters
    ----------
    about : dict
        The recording's own words about itself: cluster, release and so on.
    begin, end : Timestamp
        The time that was recorded, UTC.
    answer : Answer
        What `why` says.
    since : Timestamp or None
        When the cause that comes first could be seen; None without one.
    verified : Verified or None
        Which promises were kept; None for a kind that makes none.
    figure : bytes or None
        The story, PNG; None where no Pod is known of it.
    told : str
        The figure in words, or why there is none.
    missing : list of tuple
        What wasn't recorded: the kind, and why.
    """

    about: dict[str, Any]
    begin: pd.Timestamp
    end: pd.Timestamp
    answer: Answer
    since: pd.Timestamp | None
    verified: Verified | None
    figure: bytes | None
    told: str
    missing: list[tuple[str, str]]


def contents(recording: Recording, kind: str, name: str, namespace: str = "", at_ns: int | None = None) -> Contents:
    """Gather what a report about an object tells.

    Parameters
    ----------
    recording : Recording
        Where it was.
    kind, name : str
        Which object; the kind as Kubernetes writes it: "Deployment".
    namespace : str
        Where; empty for what lives in none.
    at_ns : int, optional
        At which moment it is asked about, monotonic clock, ns; the recording's end if None.

    Raises
    ------
    UsageError
        If it isn't there then.
    """
    answer = explain.why(World.of(recording, at_ns, namespace or None), kind, name, namespace)
    began = explain.began(recording, answer, at_ns)
    frames = recording.frames
    begin_ns, end_ns = frames.pods.attrs["window"]
    wall = _wall(recording)
    marks = [] if began is None or answer.first is None else [(f"cause: {answer.first.cause.name}", began, at_ns)]
    figure, told = _figure(frames, answer, marks)
    return Contents(
        {key: value for key, value in recording.info.items() if key in ("cluster", "provider", "release", "namespace")},
        wall + pd.Timedelta(int(begin_ns), "ns"),
        wall + pd.Timedelta(int(end_ns), "ns"),
        answer,
        None if began is None else wall + pd.Timedelta(began, "ns"),
        verify(frames, f"{kind.lower()}/{namespace}/{name}") if kind in NEEDS else None,
        figure,
        told,
        [(each.kind or "all kinds", each.reason) for each in recording.coverage() if not each.covered],
    )


def _wall(recording: Recording) -> pd.Timestamp:
    """Return what the wall clock said when the monotonic one stood at zero."""
    for row in recording.rows:
        return pd.Timestamp(row.received_at - row.monotonic_ns, unit="ns", tz="UTC")
    return pd.Timestamp(0, tz="UTC")


def _figure(frames: Frames, answer: Answer, marks: list[Mark]) -> tuple[bytes | None, str]:
    """Draw the story of an object's Pods; return PNG, and the same in words."""
    subject = answer.subject
    try:
        shown = _shown(frames, subject.kind, subject.namespace, subject.name, subject.uid)
        if shown is None:
            return None, f"No Pod of {subject.ref} was recorded."
        drawn = plots.story(
            shown, title=f"{subject.kind} {subject.name}" if subject.kind != "Deployment" else None, marks=marks
        )
    except UsageError as error:
        return None, f"No figure: {error.message}."
    made = io.BytesIO()
    drawn.savefig(made, format="png", dpi=DOTS, transparent=True, metadata={"Software": None})
    return made.getvalue(), plots.twin(drawn)


def _shown(frames: Frames, kind: str, namespace: str, name: str, uid: str) -> Shown | None:
    """Return the rows that are about an object and its Pods; None if there is none of these."""
    if kind == "Deployment":
        return of_deployment(frames, f"{namespace}/{name}")
    pods, events = frames.pods, frames.events
    owners = {uid}
    if kind == "CronJob":
        owners |= set(frames.jobs.loc[frames.jobs["owner.uid"] == uid, "uid"])
    if kind == "Node":
        mine = pods["nodeName"] == name
    elif kind == "Pod":
        mine = pods["uid"] == uid
    else:
        mine = pods["owner.uid"].isin(owners)
    if not mine.any():
        return None
    pods = pods[pods["uid"].isin(set(pods.loc[mine, "uid"]))]
    about = events["involvedObject.uid"].isin({*owners, *pods["uid"]})
    return Shown(pods, frames.workloads.iloc[:0], events[about])


__all__ = ["Contents", "contents"]

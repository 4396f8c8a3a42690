"""Whether a rollout kept its promise, when not, by how much, and how long each change took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kitlib.rollout.identity import Deployment, earlier, going, which
from kitlib.rollout.model import Bounds, Replay, bounds_of, replay
from kitlib.rollout.rows import Rows, records
from kitlib.rollout.window import Gap, Window, life, need

KINDS = ("Pod", "ReplicaSet", "Deployment")
"""Kinds whose gaps concern a verdict."""

NEEDS_PODS = ("monotonic_ns", "seq", "resourceVersion", "type", "name", "uid", "state", "owner.name", "owner.uid")
"""Columns of the frame `pods` that a verdict rests on."""

NEEDS_WORKLOADS = (
    *("monotonic_ns", "seq", "resourceVersion", "type", "origin", "kind", "namespace", "name", "uid", "owner.uid"),
    *("generation", "observedGeneration", "spec.replicas", "status.replicas", "updatedReplicas", "availableReplicas"),
    *("revision", "strategy", "maxSurge", "maxUnavailable", "minReadySeconds", "paused", "template"),
    "deletionTimestamp",
)
"""Columns of the frame `workloads` that a verdict rests on."""


@dataclass
class Change:
    """One change of the Deployment's spec that Pods have to follow.

    Parameters
    ----------
    what : str
        created, template, revision (with no new template of the Deployment), or scaled.
    begin : int
        Monotonic ns at which its write was received.
    end : int or None
        Monotonic ns at which the Deployment's status said that all Pods are new and available; None if it never did.
    before, after : int
        Revisions (0 if unknown), or numbers of replicas if it was scaled.
    overtaken : bool
        The next change, or the Deployment's deletion, came before its end.
    loose : str
        What a gap leaves open about how long it took: "at most", "at least", "about", or empty.
    """

    what: str
    begin: int
    end: int | None = None
    before: int = 0
    after: int = 0
    overtaken: bool = False
    loose: str = ""


@dataclass
class Breach:
    """A time in which a bound was broken.

    Parameters
    ----------
    begin, end : int
        Monotonic ns.
    value, bound : int
        The worst number of Pods in that time, and what was promised.
    over : bool
        Too many Pods, or else too few available ones.
    """

    begin: int
    end: int
    value: int
    bound: int
    over: bool


@dataclass(eq=False)
class Verdict:
    """The answer, as numbers; figures, claims and the command all show this one.

    Parameters
    ----------
    deployment : Deployment
        Whose it is: namespace, name and uid.
    several : bool
        Deployments of more than one namespace were recorded, so that its name alone says too little.
    bounds : Bounds
        What its last version promises.
    written : tuple of (str, str)
        maxSurge and maxUnavailable as written.
    window : Window
        The time that is judged, and what was not recorded of it.
    timeline, by_revision : DataFrame
        What the answer rests on; see the functions of those names.
    most, upper : int
        The largest number of Pods that its ReplicaSets asked for, and what was allowed then.
    seen : int
        The largest number of Pods that are not terminating.
    least, lower : int
        The smallest number of available Pods since the promise held for the first time, and what was promised then.
    armed : bool
        The lower bound was reached at all.
    breaches : list of Breach
        When a bound was broken.
    changes : list of Change
        In the window.
    crowded_ns : int
        How long there were more Pods than allowed though no more were wanted: one ReplicaSet had made its new Pod
        before another had deleted one.
    unavailable_ns : int
        How long no Pod was available, after one had been.
    mixed : bool
        Under Recreate: Pods of two ReplicaSets existed at once.
    gaps : list of Gap
        What was not recorded of the kinds that it rests on.
    deleted : int or None
        Monotonic ns at which its deletion, or the wish for it, was received: what comes then breaks no promise.
    earlier : int
        How many other Deployments had its name before or after it; they are not counted.
    """

    deployment: Deployment
    several: bool
    bounds: Bounds
    written: tuple[str, str]
    window: Window
    timeline: pd.DataFrame = field(repr=False)
    by_revision: pd.DataFrame = field(repr=False)
    most: int = 0
    seen: int = 0
    upper: int = 0
    least: int = 0
    lower: int = 0
    armed: bool = False
    breaches: list[Breach] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    crowded_ns: int = 0
    unavailable_ns: int = 0
    mixed: bool = False
    gaps: list[Gap] = field(default_factory=list)
    deleted: int | None = None
    earlier: int = 0

    @property
    def broken(self) -> bool:
        """A bound was broken, or Pods of two ReplicaSets were there at once under Recreate."""
        return bool(self.breaches) or self.mixed

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept: False if it was seen broken, None if that could have been missed in a gap."""
        return False if self.broken else None if self.gaps else True


def verdict(pods: pd.DataFrame, workloads: pd.DataFrame, deployment: str | Deployment | None = None) -> Verdict:
    """Judge what the frames show of a rollout: what was promised, whether it was kept, when not, and by how much.

    Parameters
    ----------
    pods, workloads : DataFrame
        The frames of those names.
    deployment : str or Deployment, optional
        `web` or `shop/web`, or what `which` returned; may be left out if there is one only.

    Returns
    -------
    Verdict
        `kept` is the answer: True, False, or None where it could have been broken while nothing was recorded.

    Raises
    ------
    UsageError
        If a column is missing, there is no such Deployment, or more than one is meant.

    Notes
    -----
    The upper bound is held against what the ReplicaSets ask for, the lower one against the Pods that are available. A
    bound counts from the first time that it was met: a Deployment that has just been made, or scaled, isn't there yet
    and breaks nothing. Nor does one that is deleted, from then on.
    """
    check(pods, workloads, "rollout")
    meant = which(workloads, deployment)
    rows = meant.rows(workloads)
    standing, ending = rows[~going(rows)], rows[going(rows)]
    last = (standing if len(standing) else rows).iloc[-1]
    done = replay(pods, workloads, meant)
    window = Window.of(pods, workloads)
    found = Verdict(
        meant,
        workloads.loc[workloads["kind"] == "Deployment", "namespace"].nunique() > 1,
        bounds_of(last),
        (str(last["maxSurge"] or ""), str(last["maxUnavailable"] or "")),
        window,
        done.timeline,
        done.by_revision,
        gaps=window.missing(*KINDS, namespace=meant.namespace, life=life(Rows.of(rows), window)),
        deleted=int(ending["monotonic_ns"].iloc[0]) if len(ending) else None,
        earlier=earlier(workloads, meant),
    )
    _judge(found, done)
    found.changes = _changes(standing, window)
    if found.deleted is not None and found.changes and found.changes[-1].end is None:
        found.changes[-1].overtaken = True
    return found


def check(pods: object, workloads: object, step: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both frames, or say which column they lack."""
    return need(pods, NEEDS_PODS, "pods", step), need(workloads, NEEDS_WORKLOADS, "workloads", step)


class _Bound:
    """One bound, followed through time.

    It counts from the first time that it was met: a Deployment that has just been made, or scaled, isn't there yet and
    breaks no promise.
    """

    def __init__(self, over: bool) -> None:
        self.over = over
        self.met = False
        self.bound: int | None = None
        self.worst: tuple[int, int] | None = None
        self.breach: Breach | None = None
        self.breaches: list[Breach] = []

    def excess(self, value: int, bound: int) -> int:
        return value - bound if self.over else bound - value

    def see(self, now: int, value: int, bound: int) -> None:
        self.reach(now)
        excess = self.excess(value, bound)
        harder = self.bound is not None and self.excess(self.bound, bound) > 0
        self.met = excess <= 0 or (self.met and not harder)
        self.bound = bound
        if not self.met:
            self.breach = None
            return
        if self.worst is None or (excess, value) > (self.excess(*self.worst), self.worst[0]):
            self.worst = value, bound
        if excess <= 0:
            self.breach = None
        elif self.breach is None:
            self.breach = Breach(now, now, value, bound, self.over)
            self.breaches.append(self.breach)
        elif excess > self.excess(self.breach.value, self.breach.bound):
            self.breach.value, self.breach.bound = value, bound

    def reach(self, now: int) -> None:
        if self.breach is not None:
            self.breach.end = now

    def forget(self, now: int) -> None:
        """End what was going on: nothing is known from now on."""
        self.reach(now)
        self.breach = None


class _While:
    """How long something was so."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.ns = 0

    def see(self, now: int, so: bool) -> None:
        if self.since is not None:
            self.ns += now - self.since
        self.since = now if so else None


def _judge(found: Verdict, done: Replay) -> None:
    """Find the extremes and the breaches; what lies in a gap, or behind the deletion, is not judged."""
    upper, lower, none, crowded = _Bound(True), _Bound(False), _While(), _While()
    gaps = list(found.gaps)
    times, end = done.timeline, found.window.end
    if done.deleted is not None:
        times = times[times["resourceVersion"] < done.deleted]
        end = found.deleted if found.deleted is not None else end
    had_any = False
    columns = ("monotonic_ns", "wanted", "total", "available", "desired", "upper", "lower")
    rows = zip(*(times[name].tolist() for name in columns), strict=True)
    for now, wanted, total, available, desired, most, least in rows:
        while gaps and now >= gaps[0].after:
            for one in (upper, lower):
                one.forget(gaps[0].after)
            for span in (none, crowded):
                span.see(gaps[0].after, False)
            if now < gaps[0].until:
                break
            gaps.pop(0)
        if gaps and gaps[0].after <= now < gaps[0].until:
            continue
        upper.see(now, wanted, most)
        lower.see(now, available, least)
        none.see(now, had_any and available == 0 and desired > 0)
        crowded.see(now, upper.met and wanted <= most < total)
        had_any = had_any or available > 0
        found.seen = max(found.seen, total)
    for one in (upper, lower):
        one.reach(end)
    for span in (none, crowded):
        span.see(end, False)
    found.most, found.upper = upper.worst or (0, found.bounds.upper)
    found.least, found.lower = lower.worst or (0, found.bounds.lower)
    found.armed = lower.worst is not None
    found.breaches = sorted(upper.breaches + lower.breaches, key=lambda breach: breach.begin)
    found.unavailable_ns, found.crowded_ns = none.ns, crowded.ns
    long = done.by_revision
    if done.deleted is not None:
        long = long[long["resourceVersion"] < done.deleted]
    if found.bounds.strategy == "Recreate" and len(long):
        here = long[["available", "unavailable", "terminating"]].sum(axis=1) > 0
        found.mixed = bool((long[here].groupby("resourceVersion")["uid"].nunique() > 1).any())


def _changes(rows: pd.DataFrame, window: Window) -> list[Change]:
    """Find what the Pods had to follow: a new template (when it isn't paused), a new revision, a new scale."""
    found: list[Change] = []
    template: str | None = None  # that is rolled out, or on its way; None while it is not known
    replicas, revision = 0, 0
    for number, row in enumerate(records(rows)):
        now = int(row["monotonic_ns"])
        desired: int = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
        newer: int = revision if pd.isna(row["revision"]) else int(row["revision"])
        open_ = found[-1] if found and found[-1].end is None else None
        change = None
        if number == 0:
            if row["type"] == "ADDED" and row["origin"] == "watch" and now >= window.begin:
                change = Change("created", now)
        elif not row["paused"] and row["template"] != template and (template or not is_complete(row)):
            change = Change("template", now, before=revision)
        elif newer > revision > 0 and (open_ is None or open_.what == "scaled"):
            change = Change("revision", now, before=revision)
        elif desired != replicas:
            change = Change("scaled", now, before=replicas, after=desired)
        if change is not None and now >= window.begin:
            change.loose = "at least" if row["origin"] == "relist" else ""
            if open_ is not None:
                open_.overtaken = True
            found.append(change)
            open_ = change
        if not row["paused"]:
            template = row["template"]
        replicas, revision = desired, newer
        if open_ is None:
            continue
        if open_.what != "scaled":
            open_.after = revision
            if row["paused"]:
                continue
        if change is None and is_complete(row):
            open_.end = now
            if row["origin"] == "relist":
                open_.loose = "about" if open_.loose else "at most"
    return found


def is_complete(row: dict[Any, Any]) -> bool:
    """Whether `kubectl rollout status` would say of this version of a Deployment that it is rolled out."""
    desired = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
    counts = ("status.replicas", "updatedReplicas", "availableReplicas")
    numbers = [0 if pd.isna(row[column]) else int(row[column]) for column in counts]
    seen = 0 if pd.isna(row["observedGeneration"]) else int(row["observedGeneration"])
    return seen >= int(row["generation"]) and all(number == desired for number in numbers)


def counted(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that count: new templates if there are any, else changes of scale."""
    return [change for change in changes if change.what != "scaled"] or list(changes)

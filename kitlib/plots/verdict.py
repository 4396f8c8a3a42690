"""What a figure of a rollout has to tell first: was the promise kept, and how long did it take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kitlib import rollout as model
from kitlib.errors import UsageError
from kitlib.plots.style import amount, plain
from kitlib.plots.timeaxis import Clock, need

NEEDS_PODS = ("monotonic_ns", "seq", "resourceVersion", "type", "name", "uid", "state", "owner.name", "owner.uid")
NEEDS_REPLICAS = (
    "monotonic_ns",
    "resourceVersion",
    "type",
    "origin",
    "kind",
    "name",
    "uid",
    "generation",
    "observedGeneration",
    "spec.replicas",
    "status.replicas",
    "updatedReplicas",
    "availableReplicas",
    "revision",
    "owner.uid",
    "strategy",
    "maxSurge",
    "maxUnavailable",
    "minReadySeconds",
    "paused",
    "template",
    "image",
)


@dataclass
class Change:
    """One change of the Deployment's spec that Pods have to follow.

    Parameters
    ----------
    what : str
        created, template, or scaled.
    begin : int
        Monotonic ns at which its write was received.
    end : int or None
        Monotonic ns at which the Deployment's status said that all Pods are new and available; None if it never did.
    before, after : int
        Revisions (0 if unknown), or numbers of replicas if it was scaled.
    overtaken : bool
        The next change came before its end.
    images : str
        Old and new image, where they differ.
    """

    what: str
    begin: int
    end: int | None = None
    before: int = 0
    after: int = 0
    overtaken: bool = False
    images: str = ""

    @property
    def name(self) -> str:
        """What changed, in a few words."""
        if self.what == "scaled":
            return f"scaled {self.before} → {self.after}"
        if self.what == "created" or not self.before or self.before == self.after:
            return f"revision {self.after}" if self.after else "a rollout"
        return f"revision {self.before} → {self.after}"


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


@dataclass
class Verdict:
    """The answer, as numbers.

    Parameters
    ----------
    deployment : str
        Its name.
    promise : Promise
        Of its last version.
    written : tuple of (str, str)
        maxSurge and maxUnavailable as written.
    most, upper : int
        The largest number of Pods that are not terminating, and what was allowed then.
    least, lower : int
        The smallest number of available Pods since the promise held for the first time, and what was promised then.
    armed : bool
        The lower bound was reached at all.
    breaches : list of Breach
        When it was broken.
    changes : list of Change
        In the window.
    unavailable_ns : int
        How long no Pod was available, after one had been.
    mixed : bool
        Under Recreate: Pods of two ReplicaSets existed at once.
    gaps : bool
        Part of the time was not recorded.
    """

    deployment: str
    promise: model.Promise
    written: tuple[str, str]
    most: int = 0
    upper: int = 0
    least: int = 0
    lower: int = 0
    armed: bool = False
    breaches: list[Breach] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unavailable_ns: int = 0
    mixed: bool = False
    gaps: bool = False

    @property
    def kept(self) -> bool:
        """No bound was broken, as far as it was recorded."""
        return not self.breaches and not self.mixed


def judge(
    pods: pd.DataFrame, replicas: pd.DataFrame, deployment: str | None, clock: Clock
) -> tuple[Verdict, pd.DataFrame, pd.DataFrame]:
    """Return the verdict, and kitlib.rollout's `timeline` and `by_revision` that it rests on."""
    name = which(replicas, deployment)
    times = model.timeline(pods, replicas, name)
    long = model.by_revision(pods, replicas, name)
    rows = _rows(replicas, name)
    last = rows.iloc[-1]
    verdict = Verdict(
        name,
        model.promise(replicas, name),
        (str(last["maxSurge"] or ""), str(last["maxUnavailable"] or "")),
        gaps=bool(clock.gaps_of("Pod", "ReplicaSet", "Deployment")),
    )
    _bounds(verdict, times, clock)
    if verdict.promise.strategy == "Recreate" and len(long):
        here = long[["available", "unavailable", "terminating"]].sum(axis=1) > 0
        verdict.mixed = bool((long[here].groupby("resourceVersion")["replicaset"].nunique() > 1).any())
    verdict.changes = _changes(rows, clock)
    return verdict, times, long


def which(replicas: pd.DataFrame, deployment: str | None) -> str:
    """Return the Deployment's name: the one given, or the only one there is."""
    names = [str(name) for name in replicas.loc[replicas["kind"] == "Deployment", "name"].unique()]
    if deployment is not None:
        name = str(deployment).removeprefix("deployment/")
    elif len(names) == 1:
        name = names[0]
    else:
        name = ""
    if name not in names:
        shown = ", ".join(plain(known, 60) for known in names) or "(none was recorded)"
        found = f"no Deployment {plain(name, 60)!r}" if name else f"{amount(len(names), 'Deployment')}"
        raise UsageError(f"{found} in these frames", step="rollout", next=f"name one of: {shown}")
    return name


def check(pods: object, replicas: object, step: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both frames, or say which column they lack."""
    return need(pods, NEEDS_PODS, "pods", step), need(replicas, NEEDS_REPLICAS, "replicas", step)


def _rows(replicas: pd.DataFrame, name: str) -> pd.DataFrame:
    found = replicas[(replicas["kind"] == "Deployment") & (replicas["name"] == name)]
    alive = found[found["type"] != "DELETED"]
    return (alive if len(alive) else found).sort_values("resourceVersion", kind="stable")


def _bounds(verdict: Verdict, times: pd.DataFrame, clock: Clock) -> None:
    """Find the extremes and the breaches.

    A bound counts from the first time that it was met: a Deployment that has just been made, or scaled, isn't there
    yet and breaks no promise.
    """
    met = {True: False, False: False}
    bound_before: dict[bool, int | None] = {True: None, False: None}
    open_: dict[bool, Breach | None] = {True: None, False: None}
    was_available, none_since = False, None
    most: tuple[int, int] | None = None
    least: tuple[int, int] | None = None
    records = times.to_dict("records")
    gaps = clock.gaps_of("Pod", "ReplicaSet", "Deployment")
    gap_at = 0
    for row in [*records, None]:
        now = clock.end if row is None else int(row["monotonic_ns"])
        while gap_at < len(gaps) and now >= gaps[gap_at].until:
            # What held before a gap is not known to have held in it.
            for breach in open_.values():
                if breach is not None:
                    breach.end = gaps[gap_at].after
            if none_since is not None:
                verdict.unavailable_ns += max(gaps[gap_at].after - none_since, 0)
            open_, none_since = {True: None, False: None}, None
            gap_at += 1
        for breach in open_.values():
            if breach is not None:
                breach.end = now
        if row is None:
            if none_since is not None:
                verdict.unavailable_ns += now - none_since
            break
        for over in (True, False):
            value = int(row["total"] if over else row["available"])
            bound = int(row["upper"] if over else row["lower"])
            good = value <= bound if over else value >= bound
            harder = bound_before[over] is not None and (bound < bound_before[over]) is over and bound != bound_before[over]
            if harder and not good:
                met[over] = False
            bound_before[over] = bound
            met[over] = met[over] or good
            if not met[over]:
                continue
            if over and (most is None or value - bound > most[0] - most[1] or (value - bound == most[0] - most[1] and value > most[0])):
                most = value, bound
            if not over and (least is None or bound - value > least[1] - least[0]):
                least = value, bound
            if good:
                open_[over] = None
                continue
            breach = open_[over]
            if breach is None:
                breach = open_[over] = Breach(now, now, value, bound, over)
                verdict.breaches.append(breach)
            elif abs(value - bound) > abs(breach.value - breach.bound):
                breach.value, breach.bound = value, bound
        available = int(row["available"])
        if available == 0 and was_available and none_since is None and int(row["desired"]) > 0:
            none_since = now
        elif none_since is not None and (available > 0 or int(row["desired"]) == 0):
            verdict.unavailable_ns += now - none_since
            none_since = None
        was_available = was_available or available > 0
    verdict.most, verdict.upper = most or (0, verdict.promise.upper)
    verdict.least, verdict.lower = least or (0, verdict.promise.lower)
    verdict.armed = least is not None


def _changes(rows: pd.DataFrame, clock: Clock) -> list[Change]:
    found: list[Change] = []
    template, replicas, revision, image = None, None, 0, ""
    for row in rows.to_dict("records"):
        now = int(row["monotonic_ns"])
        desired = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
        change = None
        if template is None:
            if row["type"] == "ADDED" and row["origin"] == "watch" and now >= clock.begin:
                change = Change("created", now)
        elif row["template"] != template and not row["paused"]:
            images = "" if row["image"] == image else f"{image} → {row['image']}"
            change = Change("template", now, before=revision, images=images)
        elif desired != replicas:
            change = Change("scaled", now, before=replicas or 0, after=desired)
        if change is not None and now >= clock.begin:
            if found and found[-1].end is None:
                found[-1].overtaken = True
            found.append(change)
        if template is None or not row["paused"]:
            template, image = row["template"], row["image"]
        replicas = desired
        if not pd.isna(row["revision"]):
            revision = int(row["revision"])
        if not found or found[-1].end is not None:
            continue
        if found[-1].what != "scaled":
            found[-1].after = revision
        if row["paused"] and found[-1].what != "scaled":
            continue
        if change is None and _done(row, desired):
            found[-1].end = now
    return found


def _done(row: dict[Any, Any], desired: int) -> bool:
    """Whether `kubectl rollout status` would say that it is rolled out."""
    counts = ("status.replicas", "updatedReplicas", "availableReplicas")
    numbers = [0 if pd.isna(row[column]) else int(row[column]) for column in counts]
    seen = 0 if pd.isna(row["observedGeneration"]) else int(row["observedGeneration"])
    return seen >= int(row["generation"]) and all(number == desired for number in numbers)


# The verdict in words


def headline(verdict: Verdict, clock: Clock) -> tuple[bool | None, str]:
    """Return the answer in one line, and whether it is good (None: neither)."""
    parts = []
    if verdict.kept and verdict.gaps:
        good, first = None, "No promise broken in what was recorded"
    elif verdict.promise.strategy == "Recreate":
        good, first = _recreate(verdict, clock)
    elif verdict.kept:
        good, first = True, "Promise kept"
    else:
        good, first = False, _broken(verdict)
    parts.append(first)
    rolled = [change for change in verdict.changes if change.what != "scaled"] or verdict.changes
    if rolled:
        last = rolled[-1]
        scaled = last.what == "scaled"
        if last.end is not None:
            parts.append(f"{'scaled' if scaled else 'rolled out'} in {clock.lasting(last.end - last.begin)}")
        elif not last.overtaken:
            parts.append(f"not finished after {clock.lasting(clock.end - last.begin)}")
            good = None if good else good
        if len(rolled) > 1 and last.end is not None:
            parts[-1] = f"{_each(rolled, clock)}"
    return good, " · ".join(parts)


def _each(changes: Sequence[Change], clock: Clock) -> str:
    took = [clock.lasting(c.end - c.begin) if c.end is not None else "overtaken" for c in changes]
    if len(took) > 4:
        return f"{len(took)} rollouts, the last in {took[-1]}"
    return f"{len(took)} rollouts: {', '.join(took)}"


def _broken(verdict: Verdict) -> str:
    worst = max(verdict.breaches, key=lambda breach: abs(breach.value - breach.bound), default=None)
    if worst is None:
        return "Promise broken"
    if worst.over:
        return f"Promise broken: {amount(worst.value)}, {worst.bound} allowed"
    return f"Promise broken: {worst.value} available, {worst.bound} promised"


def _recreate(verdict: Verdict, clock: Clock) -> tuple[bool | None, str]:
    if verdict.mixed:
        return False, "Promise broken: old and new Pods at once"
    if verdict.breaches:
        return False, _broken(verdict)
    if verdict.unavailable_ns:
        return True, f"Old gone before new came · no Pod available for {clock.lasting(verdict.unavailable_ns)}"
    return True, "Promise kept"


def subject(verdict: Verdict) -> str:
    """Return what the figure is about, in one line."""
    name = f"deployment/{plain(verdict.deployment, 40)}"
    rolled = [change for change in verdict.changes if change.what != "scaled"] or verdict.changes
    if len(rolled) == 1:
        name += f", {rolled[0].name}"
    elif rolled and all(change.after for change in rolled):
        numbers = [rolled[0].before, *(change.after for change in rolled)]
        kind = "replicas" if rolled[0].what == "scaled" else "revision"
        if len(numbers) <= 6:
            name += f", {kind} {' → '.join(str(number) for number in dict.fromkeys(numbers) if number)}"
    promise = verdict.promise
    if promise.strategy == "Recreate":
        return f"{name} · {amount(promise.desired, 'replica')}, Recreate"
    surge, unavailable = (written or "0" for written in verdict.written)
    return f"{name} · {amount(promise.desired, 'replica')}, maxSurge {surge}, maxUnavailable {unavailable}"


def in_words(verdict: Verdict, clock: Clock) -> list[str]:
    """Return the verdict as sentences."""
    promise = verdict.promise
    surge, unavailable = verdict.written
    if promise.strategy == "Recreate":
        lines = [
            f"Promise (Recreate, {amount(promise.desired, 'replica')}): the old Pods are gone before a new one is made,"
            f" at most {promise.upper} that are not terminating; no minimum of available Pods."
        ]
    else:
        lines = [
            f"Promise ({promise.strategy}, {amount(promise.desired, 'replica')}, maxSurge {surge or 0},"
            f" maxUnavailable {unavailable or 0}): at most {promise.upper} Pods that are not terminating,"
            f" at least {promise.lower} available."
        ]
    kept = "no" if not verdict.kept else "as far as it was recorded" if verdict.gaps else "yes"
    lines.append(f"Kept: {kept}. The most were {amount(verdict.most)} of {verdict.upper} allowed.")
    if promise.strategy != "Recreate":
        lines.append(
            f"The fewest available were {verdict.least} of {verdict.lower} promised."
            if verdict.armed
            else f"It never came to {promise.lower} available Pods."
        )
    elif verdict.mixed:
        lines.append("Pods of two ReplicaSets existed at once.")
    for breach in verdict.breaches:
        what = f"{amount(breach.value)} instead of at most" if breach.over else f"{breach.value} available instead of at least"
        lines.append(f"Broken from {clock.at(breach.begin)} to {clock.at(breach.end)}: {what} {breach.bound}.")
    if verdict.unavailable_ns:
        lines.append(f"No Pod was available for {clock.lasting(verdict.unavailable_ns)}.")
    for change in verdict.changes:
        what = {"created": "Created", "template": "Template changed", "scaled": "Scaled"}[change.what]
        told = f"{what} ({change.name}) at {clock.at(change.begin)}: "
        if change.end is not None:
            told += f"finished at {clock.at(change.end)}, after {clock.lasting(change.end - change.begin)}."
        elif change.overtaken:
            told += "overtaken by the next change."
        else:
            told += f"not finished when the recording ends, after {clock.lasting(clock.end - change.begin)}."
        lines.append(told)
    return lines

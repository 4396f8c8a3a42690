"""What a figure of a rollout has to tell first: whether the promise was kept, and how long it took."""

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
)


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
        The next change came before its end.
    loose : str
        What a gap leaves open about how long it took: "at most ", "at least ", "about ", or empty.
    """

    what: str
    begin: int
    end: int | None = None
    before: int = 0
    after: int = 0
    overtaken: bool = False
    loose: str = ""

    @property
    def name(self) -> str:
        """What changed, in a few words."""
        if self.what == "scaled":
            return f"scaled {self.before} → {self.after}"
        if self.what == "created" or not self.before or self.before == self.after:
            return f"revision {self.after}" if self.after else "a rollout"
        return f"revision {self.before} → {self.after}"

    @property
    def done(self) -> str:
        """What it is when it is done."""
        return "scaled" if self.what == "scaled" else "rolled out"

    def lasting(self, clock: Clock) -> str:
        """Return how long it took, or has taken when the recording ends."""
        return self.loose + clock.lasting((clock.end if self.end is None else self.end) - self.begin)


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
        The largest number of Pods that its ReplicaSets asked for, and what was allowed then.
    seen : int
        The largest number of Pods that are not terminating.
    least, lower : int
        The smallest number of available Pods since the promise held for the first time, and what was promised then.
    armed : bool
        The lower bound was reached at all.
    breaches : list of Breach
        When it was broken.
    changes : list of Change
        In the window.
    crowded_ns : int
        How long there were more Pods than allowed though no more were wanted: one ReplicaSet had made its new Pod
        before another had deleted one.
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
    times, long = model.replay(pods, replicas, name)
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


def _bounds(verdict: Verdict, times: pd.DataFrame, clock: Clock) -> None:
    """Find the extremes and the breaches; what lies in a gap is not judged."""
    upper, lower, none, crowded = _Bound(True), _Bound(False), _While(), _While()
    gaps = clock.gaps_of("Pod", "ReplicaSet", "Deployment")
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
        verdict.seen = max(verdict.seen, total)
    for one in (upper, lower):
        one.reach(clock.end)
    for span in (none, crowded):
        span.see(clock.end, False)
    verdict.most, verdict.upper = upper.worst or (0, verdict.promise.upper)
    verdict.least, verdict.lower = lower.worst or (0, verdict.promise.lower)
    verdict.armed = lower.worst is not None
    verdict.breaches = sorted(upper.breaches + lower.breaches, key=lambda breach: breach.begin)
    verdict.unavailable_ns, verdict.crowded_ns = none.ns, crowded.ns


def _changes(rows: pd.DataFrame, clock: Clock) -> list[Change]:
    """Find what the Pods had to follow: a new template (when it isn't paused), a new revision, a new scale."""
    found: list[Change] = []
    template: str | None = None  # that is rolled out, or on its way; None while it is not known
    replicas, revision = 0, 0
    for number, row in enumerate(rows.to_dict("records")):
        now = int(row["monotonic_ns"])
        desired = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
        newer = revision if pd.isna(row["revision"]) else int(row["revision"])
        open_ = found[-1] if found and found[-1].end is None else None
        change = None
        if number == 0:
            if row["type"] == "ADDED" and row["origin"] == "watch" and now >= clock.begin:
                change = Change("created", now)
        elif not row["paused"] and row["template"] != template and (template or not _done(row, desired)):
            change = Change("template", now, before=revision)
        elif newer > revision > 0 and (open_ is None or open_.what == "scaled"):
            change = Change("revision", now, before=revision)
        elif desired != replicas:
            change = Change("scaled", now, before=replicas, after=desired)
        if change is not None and now >= clock.begin:
            change.loose = "at least " if row["origin"] == "relist" else ""
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
        if change is None and _done(row, desired):
            open_.end = now
            if row["origin"] == "relist":
                open_.loose = "about " if open_.loose else "at most "
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
    good: bool | None = verdict.kept
    if verdict.kept and verdict.gaps:
        good, first = None, "No promise broken in what was recorded"
    elif not verdict.kept:
        first = _broken(verdict)
    elif verdict.promise.strategy == "Recreate" and verdict.unavailable_ns:
        first = f"Old gone before new came · no Pod available for {clock.lasting(verdict.unavailable_ns)}"
    else:
        first = "Promise kept"
    told = _told(verdict.changes)
    if not told:
        return good, first
    if told[-1].end is None and not told[-1].overtaken:
        late = f"Not finished after {told[-1].lasting(clock)}"
        if not verdict.kept:
            return False, f"{first} · {late[:1].lower()}{late[1:]}"
        return None, f"{late} · {first[:1].lower()}{first[1:]}"
    if len(told) == 1:
        return good, f"{first} · {told[0].done} in {told[0].lasting(clock)}"
    took = [change.lasting(clock) for change in told if change.end is not None]
    overtaken = len(told) - len(took)
    parts = [first]
    if len(took) == 1:
        parts.append(f"{told[-1].done} in {took[0]}")
    elif took:
        often = f"{told[-1].done} {len(took)} times"
        parts.append(f"{often}: {', '.join(took)}" if len(took) <= 4 else f"{often}, at last in {took[-1]}")
    if overtaken:
        parts.append(f"{amount(overtaken, 'change')} overtaken")
    return good, " · ".join(parts)


def _told(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that count: new templates if there are any, else changes of scale."""
    return [change for change in changes if change.what != "scaled"] or list(changes)


def _broken(verdict: Verdict) -> str:
    if verdict.mixed:
        return "Promise broken: old and new Pods at once"
    worst = max(verdict.breaches, key=lambda breach: abs(breach.value - breach.bound))
    if worst.over:
        return f"Promise broken: {amount(worst.value)}, {worst.bound} allowed"
    return f"Promise broken: {worst.value} available, {worst.bound} promised"


def subject(verdict: Verdict) -> str:
    """Return what the figure is about, in one line."""
    name = f"deployment/{plain(verdict.deployment)}"
    rolled = _told(verdict.changes)
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
    lines.append(
        f"Kept: {kept}. Its ReplicaSets asked for at most {amount(verdict.most)} of {verdict.upper} allowed;"
        f" at most {verdict.seen} were seen at once."
    )
    if verdict.crowded_ns:
        lines.append(
            f"For {clock.lasting(verdict.crowded_ns)} there were more than allowed: Pods are made and deleted a little"
            " after the ReplicaSets ask for it."
        )
    if verdict.mixed:
        lines.append("Pods of two ReplicaSets existed at once.")
    if promise.strategy != "Recreate":
        lines.append(
            f"The fewest available were {verdict.least} of {verdict.lower} promised."
            if verdict.armed
            else f"It never came to {promise.lower} available Pods."
        )
    for breach in verdict.breaches:
        kind = "wanted instead of at most" if breach.over else "available instead of at least"
        what = f"{amount(breach.value)} {kind}"
        lines.append(f"Broken from {clock.at(breach.begin)} to {clock.at(breach.end)}: {what} {breach.bound}.")
    if verdict.unavailable_ns:
        lines.append(f"No Pod was available for {clock.lasting(verdict.unavailable_ns)}.")
    for change in verdict.changes:
        what = {"created": "Created", "template": "Template changed", "revision": "New revision", "scaled": "Scaled"}[
            change.what
        ]
        told = f"{what} ({change.name}) at {clock.at(change.begin)}: "
        if change.end is not None:
            told += f"finished at {clock.at(change.end)}, after {change.lasting(clock)}."
        elif change.overtaken:
            told += "overtaken by the next change."
        else:
            told += f"not finished when the recording ends, after {change.lasting(clock)}."
        lines.append(told)
    return lines

"""What one recording says, by the roles that another one has, too: settings, verdicts, counts, order, durations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

import pandas as pd

from kitlib.recording import Recording
from kitlib.recording.coverage import NOT_LISTED
from kitlib.rollout.diff.lives import Life, Lives
from kitlib.rollout.diff.outcomes import promises, rollouts
from kitlib.rollout.diff.settings import Settings, differing
from kitlib.rollout.fields import items, mapping

Key = tuple[str, str]
"""A role, and what of it."""
SECOND = 1_000_000_000
STAGES = (
    ("scheduled", "from creation to its node"),
    ("running", "from its node to running"),
    ("ready", "from running to ready"),
    ("gone", "from the wish for its end to its end"),
)
BY_TIME = ("CronJob", "Job", "HorizontalPodAutoscaler")
"""Kinds that make more the longer they are watched."""


@dataclass
class Facts:
    """What one recording says.

    Parameters
    ----------
    cluster : dict
        What it was made on: provider, release and so on.
    kinds : set of str
        Kinds that it follows.
    missing : dict
        Of each kind that it doesn't cover all the time: why.
    settings : dict
        Of each role: what was set, one after the other, with the times.
    inherited : dict
        Of each role: the fields of its Pods, each with all its values.
    deleted : set of str
        Roles that were deleted.
    verdicts : dict
        Of each promise: True, False or None; of each outcome its words.
    counts, growing : dict
        Numbers; those that grow with time are apart.
    events : dict
        How many Events of each reason.
    order : list of (role, what, int)
        What happened when, monotonic clock, ns.
    durations : dict
        Seconds; of several Pods their median.
    """

    cluster: dict[str, str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    missing: dict[str, str] = field(default_factory=dict)
    settings: dict[str, list[tuple[int, Settings]]] = field(default_factory=dict)
    inherited: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    verdicts: dict[Key, Any] = field(default_factory=dict)
    counts: dict[Key, float] = field(default_factory=dict)
    growing: dict[Key, float] = field(default_factory=dict)
    events: dict[Key, float] = field(default_factory=dict)
    order: list[tuple[str, str, int]] = field(default_factory=list)
    durations: dict[Key, float] = field(default_factory=dict)

    @property
    def kinds_seen(self) -> set[str]:
        """The kinds that it follows, as roles name them."""
        return {kind.lower() for kind in self.kinds}


def facts(recording: Recording) -> Facts:
    """Return what a recording says.

    Parameters
    ----------
    recording : Recording
        Which one.
    """
    lives, frames, found = Lives(recording), recording.frames, Facts()
    found.cluster = {key: str(recording.info[key]) for key in ("provider", "release") if recording.info.get(key)}
    _coverage(found, recording)
    for life in lives.roots():
        _root(found, lives, life)
    _owned(found, lives)
    found.events = _events(frames.events, lives, recording)
    for name, seconds in _steps(frames.steps):
        found.durations["step", name] = seconds
    for role, pods in _by_role(lives).items():
        _stages(found, role, pods)
    for key, said in promises(frames, lives.role_of):
        found.verdicts[key] = said
    for key, outcome, took in rollouts(frames, lives.role_of):
        found.verdicts[key] = outcome
        if took is not None:
            found.durations[key] = took
    found.order.sort(key=lambda each: each[2])
    return found


def _coverage(found: Facts, recording: Recording) -> None:
    for each in recording.coverage():
        if not each.kind or each.kind in ("Log", "Answer"):
            if not each.kind and not each.covered:
                found.missing[""] = each.reason
            continue
        found.kinds.add(each.kind)
        if not each.covered and each.reason != NOT_LISTED:
            found.missing.setdefault(each.kind, each.reason)


def _root(found: Facts, lives: Lives, life: Life) -> None:
    """Note what was set of an object, when, and how often."""
    role, told = lives.role(life), lives.settings(life)
    if not told:
        return
    if role in found.settings:  # of one generateName
        found.counts[role, "objects"] = found.counts.get((role, "objects"), 1) + 1
        return
    found.settings[role] = told
    if life.made:
        found.order.append((role, "created", told[0][0]))
    for (_, before), (at, after) in pairwise(told):
        found.order.append((role, f"changed: {', '.join(sorted(differing(before, after)))}", at))
    if life.deleted_ns is not None:
        found.deleted.add(role)


def _owned(found: Facts, lives: Lives) -> None:
    """Count what controllers made, what failed and what was restarted, and note what their Pods have set."""
    made: Counter[Key] = Counter()
    for life in lives:
        role = lives.role(life)
        if lives.is_owned(life) and life.kind in ("Pod", "ReplicaSet", "Job") and life.made:
            made[role, f"{life.kind}s made"] += 1
        if life.kind == "Pod":
            made[role, "Pods that failed"] += mapping(life.versions[-1].object, "status").get("phase") == "Failed"
            made[role, "restarts"] += _restarts(life)
            if lives.is_owned(life):
                fields = found.inherited.setdefault(role, {})
                for path, value in lives.first(life).items():
                    fields.setdefault(path, set()).add(repr(value))
    timed = tuple(f"{kind.lower()}/" for kind in BY_TIME)
    for (role, what), number in made.items():
        grows = what in ("restarts", "Pods that failed") or role.startswith(timed)
        (found.growing if grows else found.counts)[role, what] = number


def _restarts(life: Life) -> int:
    statuses = (items(mapping(each.object, "status"), "containerStatuses") for each in life.versions)
    counts = ([one.get("restartCount") for one in each] for each in statuses)
    return max(sum(one for one in each if isinstance(one, int)) for each in counts)


def _events(events: pd.DataFrame, lives: Lives, recording: Recording) -> dict[Key, float]:
    """Return how many Events of each reason there are, of what began while it was recorded.

    An Event that is repeated is one: what fails once in a run mostly fails again at once, and says no more by that.
    """
    if events.empty:
        return {}
    begun = pd.Timestamp(int(events["observed_at"].min().value), tz="UTC")
    if created := recording.info.get("created"):
        begun = pd.Timestamp(float(created), unit="s", tz="UTC")
    begun -= pd.Timedelta(seconds=2)  # a stamp is a whole second, and what it is of came a moment before
    fresh = events[(events["earliest"] >= begun) & (events["first"] >= begun)]
    found: Counter[Key] = Counter()
    columns = ("involvedObject.kind", "namespace", "involvedObject.name", "involvedObject.uid", "eventType", "reason")
    once = fresh.drop_duplicates("uid")
    for kind, space, name, uid, type, reason in zip(*(once[column] for column in columns), strict=True):
        role = lives.called(str(kind), str(space), str(name), str(uid))
        found[role, f"{reason} ({type}, of a {kind})"] += 1
    return dict(found)


def _steps(steps: pd.DataFrame) -> Iterator[tuple[str, float]]:
    known: Counter[str] = Counter()
    for name, begin, end in zip(steps["name"], steps["begin_ns"], steps["end_ns"], strict=True):
        known[name] += 1
        if not pd.isna(end):
            yield f"{name}{'' if known[name] == 1 else f' ({known[name]})'}", (int(end) - int(begin)) / SECOND


def _by_role(lives: Lives) -> dict[str, list[Life]]:
    found: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        if life.kind == "Pod":
            found[lives.role(life)].append(life)
    return found


def _stages(found: Facts, role: str, pods: list[Life]) -> None:
    """Note how long Pods took from one state to the next, and in which order their generations came and went."""
    spans: dict[str, list[float]] = defaultdict(list)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    generations: dict[str, int] = {}
    for life in pods:
        moments = _moments(life)
        for (stage, text), before in zip(STAGES, ("created", "scheduled", "running", "ending"), strict=True):
            if before in moments and stage in moments:
                spans[text].append((moments[stage] - moments[before]) / SECOND)
        generation = generations.setdefault(_generation(life), len(generations) + 1)
        named = f"Pod {life.name}" if life.owner[0] == "StatefulSet" else f"Pods of generation {generation}"
        for what in ("created", "ready", "ending", "gone"):
            if what in moments:
                first.setdefault(f"first of the {named}: {what}", moments[what])
                last[f"last of the {named}: {what}"] = max(last.get(f"last of the {named}: {what}", 0), moments[what])
    for text, values in spans.items():
        found.durations[role, f"a Pod {text}"] = median(values)
    if len(pods) > 1 and not role.startswith(tuple(f"{kind.lower()}/" for kind in BY_TIME)):
        found.order += [(role, what, at) for what, at in {**first, **last}.items()]


def _generation(life: Life) -> str:
    return str(life.labels.get("pod-template-hash") or life.labels.get("controller-revision-hash") or life.owner[2])


def _moments(life: Life) -> dict[str, int]:
    """Return when a Pod came into each state, as far as it was seen."""
    found: dict[str, int] = {"created": life.versions[0].at_ns} if life.made else {}
    for each in life.versions:
        if each.origin != "watch":
            continue
        spec, status = mapping(each.object, "spec"), mapping(each.object, "status")
        conditions = items(status, "conditions")
        if spec.get("nodeName"):
            found.setdefault("scheduled", each.at_ns)
        if status.get("phase") == "Running":
            found.setdefault("running", each.at_ns)
        if any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions):
            found.setdefault("ready", each.at_ns)
        if mapping(each.object, "metadata").get("deletionTimestamp"):
            found.setdefault("ending", each.at_ns)
        if each.type == "DELETED":
            found["gone"] = each.at_ns
    return found


__all__ = ["Facts", "Key", "facts"]

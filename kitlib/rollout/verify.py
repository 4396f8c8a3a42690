"""Every promise of every controller in a recording: kept, broken (when, by how much, by whom), or not to be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames import Frames, poddisruptionbudgets
from kitlib.rollout.answer import Answer, Controller
from kitlib.rollout.contradictions import contradicting
from kitlib.rollout.cronjob import cronjob
from kitlib.rollout.daemonset import daemonset
from kitlib.rollout.deployment import deployment
from kitlib.rollout.endpointslice import endpointslice
from kitlib.rollout.identity import Deployment
from kitlib.rollout.job import job
from kitlib.rollout.kinds import kind_of
from kitlib.rollout.pod import MOMENT_NS, owned
from kitlib.rollout.poddisruptionbudget import poddisruptionbudget, selects
from kitlib.rollout.replicaset import replicaset
from kitlib.rollout.rows import Rows, records
from kitlib.rollout.scope import Scope
from kitlib.rollout.statefulset import statefulset
from kitlib.rollout.verdict import Verdict, verdict
from kitlib.rollout.verified import Finding, Verified

NEEDS = {
    "Deployment": ("workloads", "Deployment", "ReplicaSet", "Pod"),
    "StatefulSet": ("statefulsets", "StatefulSet", "Pod"),
    "DaemonSet": ("daemonsets", "DaemonSet", "Pod"),
    "ReplicaSet": ("workloads", "ReplicaSet", "Pod"),
    "Job": ("jobs", "Job", "Pod"),
    "CronJob": ("cronjobs", "CronJob", "Job"),
    "PodDisruptionBudget": ("poddisruptionbudgets", "PodDisruptionBudget", "Pod"),
    "EndpointSlice": ("endpoints", "EndpointSlice", "Pod"),
}
"""The kinds that promise something: the frame of each, and the kinds without which nothing can be told of it."""
PUBLISHES = "its Service publishes addresses that aren't ready (publishNotReadyAddresses)"
"""Why an EndpointSlice promises nothing."""


@dataclass(frozen=True)
class _Object:
    """One object that promises something."""

    controller: Controller
    owner: str = ""
    service: str = ""

    def called(self, kind: str, namespace: str, name: str) -> bool:
        """Whether it is meant by these words; an empty namespace is any."""
        meant = self.controller
        if kind == "Service":  # it stands for its EndpointSlices
            right = name != "" and name == self.service
        else:
            right = (meant.kind, meant.name) == (kind, name)
        return right and namespace in ("", meant.namespace)


def verify(frames: Frames, *names: str, moment_ns: int = MOMENT_NS) -> Verified:
    """Judge every promise that was made in a recording.

    Parameters
    ----------
    frames : Frames
        Of the recording.
    *names : str
        Only these, and what they own: "deployment/web" or "deployment/shop/web"; kubectl's short names are understood,
        and "service/web" stands for its EndpointSlices. All if none is named.
    moment_ns : int
        How long a controller may not have seen, or not have written down, what there is, ns.

    Returns
    -------
    Verified
        What was kept, what was broken, and what can't be told.

    Raises
    ------
    UsageError
        If there is none of a name; it names those that there are.
    """
    objects = [each for kind in NEEDS for each in _objects(frames, kind)]
    if names:
        chosen = {each.controller.uid for name in names for each in _named(name, objects)}
        while more := {each.controller.uid for each in objects if each.owner in chosen} - chosen:
            chosen |= more
        objects = [each for each in objects if each.controller.uid in chosen]
    scopes = _scopes(frames, objects)
    found = [_judged(scopes[each.controller.namespace], each, moment_ns) for each in objects]
    followed = set(frames.coverage["kind"])
    begin, wall = _begun(frames)
    return Verified(found, [kind for kind in NEEDS if kind not in followed], begin, wall, frames)


def answers(frames: Frames, *kinds: str) -> Iterator[Answer]:
    """Yield what is known of each object of some kinds that no other one owns.

    Parameters
    ----------
    frames : Frames
        Of the recording.
    *kinds : str
        Of `NEEDS`.
    """
    objects = [each for kind in kinds for each in _objects(frames, kind) if not each.owner]
    scopes = _scopes(frames, objects)
    for each in objects:
        scope, meant = scopes[each.controller.namespace], each.controller
        own = scope.rows(NEEDS[meant.kind][0], "uid", {meant.uid})
        yield _answer(scope, each, own, _counted(scope, meant, own), MOMENT_NS)


def verdicts(frames: Frames) -> Iterator[Verdict]:
    """Yield how the rollouts of each Deployment came out.

    Parameters
    ----------
    frames : Frames
        Of the recording.
    """
    objects = [each for each in _objects(frames, "Deployment") if each.controller.uid]
    scopes = _scopes(frames, objects)
    for each in objects:
        yield verdict(*_rollout(scopes[each.controller.namespace], each.controller))


def _scopes(frames: Frames, objects: Sequence[_Object]) -> dict[str, Scope]:
    return {space: Scope(frames, space) for space in {each.controller.namespace for each in objects}}


def _objects(frames: Frames, kind: str) -> Iterator[_Object]:
    """Yield the objects of a kind, also those that are gone, in the order in which they came."""
    name = NEEDS[kind][0]
    frame = poddisruptionbudgets(frames) if kind == "PodDisruptionBudget" else getattr(frames, name)
    plain = pd.DataFrame(frame, copy=False)
    if name == "workloads":
        plain = plain[plain["kind"] == kind]
    for row in records(plain.drop_duplicates("uid")):
        meant = Controller(kind, str(row["namespace"]), str(row["name"]), str(row["uid"]))
        yield _Object(meant, str(row.get("owner.uid", "")), str(row.get("service", "")))


def _named(words: str, objects: Sequence[_Object]) -> list[_Object]:
    """Return the objects that are meant by kubectl's words for one."""
    kind, _, rest = words.partition("/")
    namespace, _, name = rest.rpartition("/")
    found = [each for each in objects if each.called(kind_of(kind), namespace, name)]
    if not found:
        there = [f"{each.controller.kind.lower()}/{each.controller.name}" for each in objects]
        raise UsageError(
            f"no {words!r} that promises something was recorded",
            step="verify",
            next="name one of: " + (", ".join(dict.fromkeys(there[:20])) or "(none was recorded)"),
        )
    return found


def _begun(frames: Frames) -> tuple[int, pd.Timestamp]:
    """Return when the recording begins, by both clocks."""
    begin = int(frames.pods.attrs["window"][0])
    for frame in (frames.pods, frames.workloads, frames.jobs, frames.endpoints, frames.gaps):
        if len(frame):
            first = frame.iloc[0]
            return begin, first["observed_at"] - pd.Timedelta(int(first["monotonic_ns"]) - begin, "ns")
    return begin, pd.Timestamp(0, tz="UTC")


def _judged(scope: Scope, each: _Object, moment_ns: int) -> Finding:
    """Judge one object."""
    meant = each.controller
    frame, *kinds = NEEDS[meant.kind]
    own = scope.rows(frame, "uid", {meant.uid})
    counted = _counted(scope, meant, own)
    answer = _answer(scope, each, own, counted, moment_ns)
    gaps = scope.missing(*kinds)
    silent = PUBLISHES if meant.kind == "EndpointSlice" and _publishes(scope, each.service) else ""
    if any(gap.reason.endswith("not recorded") for gap in gaps):
        return Finding(answer, [], gaps, silent)
    if meant.kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
        counted = owned(counted, _owners(scope, meant))
    if meant.kind == "DaemonSet":
        deleted = scope.deleted
        counted = Rows(({**row, "unsure": row["nodeName"] in deleted} for row in counted), counted.attrs)
    return Finding(answer, contradicting(answer, own, counted, moment_ns), gaps, silent)


def _answer(scope: Scope, each: _Object, own: Rows, counted: Rows, moment_ns: int) -> Answer:
    """Return what its judge says, given its own rows and those of what it counts."""
    meant = each.controller
    if meant.kind == "Deployment":
        return deployment(*_rollout(scope, meant))
    if meant.kind == "PodDisruptionBudget":
        return poddisruptionbudget(counted, own, meant)
    if meant.kind == "EndpointSlice":
        return endpointslice(counted, own, scope["services"], meant.uid, moment_ns)
    judges = {
        "ReplicaSet": replicaset,
        "StatefulSet": statefulset,
        "DaemonSet": daemonset,
        "Job": job,
        "CronJob": cronjob,
    }
    return judges[meant.kind](counted, own, meant)


def _rollout(scope: Scope, meant: Controller) -> tuple[pd.DataFrame, pd.DataFrame, Deployment]:
    """Return the rows of `pods` and `workloads` that a Deployment's rollouts are judged by, and which one it is."""
    parts = [scope.part("workloads", column, {meant.uid}) for column in ("uid", "owner.uid")]
    workloads = pd.concat(parts)
    workloads.attrs = parts[0].attrs
    pods = scope.part("pods", "uid", scope.of_owners(_owners(scope, meant)))
    return pods, workloads, Deployment(meant.namespace, meant.name, meant.uid)


def _publishes(scope: Scope, service: str) -> bool:
    return any(scope.rows("services", "name", {service})["publishNotReadyAddresses"])


def _owners(scope: Scope, meant: Controller) -> set[str]:
    """Return the uids of what owns a controller's Pods: of a Deployment its ReplicaSets."""
    if meant.kind != "Deployment":
        return {meant.uid}
    return set(scope.rows("workloads", "owner.uid", {meant.uid}).where("kind", {"ReplicaSet"})["uid"])


def _counted(scope: Scope, meant: Controller, own: Rows) -> Rows:
    """Return the rows of the Pods, or a CronJob's Jobs, that a controller is about."""
    if meant.kind == "CronJob":
        return scope.rows("jobs", "owner.uid", {meant.uid})
    if meant.kind == "EndpointSlice":
        return scope.rows("pods", "name", set(own["pod"]) - {""})
    if meant.kind == "PodDisruptionBudget":
        selectors, pods = set(own["selector"]), scope["matching"]
        chosen = {text for text in set(pods["labels"]) if any(selects(each, text) for each in selectors)}
        return pods.where("uid", set(pods.where("labels", chosen)["uid"]))
    return scope.rows("pods", "uid", scope.of_owners(_owners(scope, meant)))


__all__ = ["NEEDS", "PUBLISHES", "answers", "verdicts", "verify"]

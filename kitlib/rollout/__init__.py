"""What a rollout promised, and whether it kept it, at every resourceVersion.

In: the frames `pods` and `workloads`. Out: frames (`timeline`, `by_revision`, `revisions`), what the strategy bounds
(`bounds`), and the answer as numbers (`verdict`). It promises that there is one answer: figures, claims and the command
show this one; that no two Deployments are added up, because a name is a label and a uid is not; that what was not
recorded is not judged; and that a Deployment which is deleted on purpose breaks no promise.

    from kitlib import rollout

    rollout.verdict(frames.pods, frames.workloads, "shop/web").kept     # True, False, or None: unknown

The other controllers have promises of their own: `statefulset`, `daemonset`, `job` and `cronjob` return an `Answer`,
whose `table` has a row for each promise and whose `breaches` has one for each time that it was broken.

    rollout.statefulset(frames.pods, frames.statefulsets, "shop/db").table

`verify` asks all of them, and about ReplicaSets, PodDisruptionBudgets and EndpointSlices, of a whole recording.

    rollout.verify(frames).table

`diff` compares recordings of one exercise: what was given otherwise, and what came of it.

    rollout.diff(monday, tuesday).table

`kitlib.rollout.why`, a room of its own, says what holds something up at one moment.
"""

from kitlib.rollout.answer import BREACHES, Answer, Controller
from kitlib.rollout.contradictions import CONTRADICTIONS, contradictions
from kitlib.rollout.cronjob import cronjob
from kitlib.rollout.daemonset import daemonset
from kitlib.rollout.deployment import deployment
from kitlib.rollout.diff import Difference, diff
from kitlib.rollout.endpointslice import endpointslice
from kitlib.rollout.identity import Deployment, which
from kitlib.rollout.job import job
from kitlib.rollout.model import (
    BY_REVISION,
    TIMELINE,
    Bounds,
    bounds,
    by_revision,
    revisions,
    scaled_int_or_percent,
    timeline,
)
from kitlib.rollout.poddisruptionbudget import poddisruptionbudget
from kitlib.rollout.replicaset import replicaset
from kitlib.rollout.statefulset import statefulset
from kitlib.rollout.verdict import Breach, Change, Verdict, verdict
from kitlib.rollout.verified import Finding, Verified
from kitlib.rollout.verify import verify
from kitlib.rollout.window import Gap, Window

promise = bounds
"""`bounds`, by the name that it had before."""

__all__ = [
    "BREACHES",
    "CONTRADICTIONS",
    "Answer",
    "Controller",
    "Difference",
    "Finding",
    "Verified",
    "contradictions",
    "cronjob",
    "daemonset",
    "deployment",
    "diff",
    "endpointslice",
    "job",
    "poddisruptionbudget",
    "replicaset",
    "statefulset",
    "verify",
    "BY_REVISION",
    "TIMELINE",
    "Bounds",
    "Breach",
    "Change",
    "Deployment",
    "Gap",
    "Verdict",
    "Window",
    "bounds",
    "by_revision",
    "promise",
    "revisions",
    "scaled_int_or_percent",
    "timeline",
    "verdict",
    "which",
]

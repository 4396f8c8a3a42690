"""What a rollout promised, and whether it kept it, at every resourceVersion.

In: the frames `pods` and `workloads`. Out: frames (`timeline`, `by_revision`, `revisions`), what the strategy bounds
(`bounds`), and the answer as numbers (`verdict`). It promises that there is one answer: figures, claims and the command
show this one; that no two Deployments are added up, because a name is a label and a uid is not; that what was not
recorded is not judged; and that a Deployment which is deleted on purpose breaks no promise.

    from kitlib import rollout

    rollout.verdict(frames.pods, frames.workloads, "shop/web").kept     # True, False, or None: unknown
"""

from kitlib.rollout.identity import Deployment, which
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
from kitlib.rollout.verdict import Breach, Change, Verdict, verdict
from kitlib.rollout.window import Gap, Window

promise = bounds
"""`bounds`, by the name that it had before."""

__all__ = [
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

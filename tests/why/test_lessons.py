"""What `why` says of the lessons' own recordings: real causes with containers, and much with which nothing is wrong."""

from __future__ import annotations

from functools import cache

import pytest

from kitlib.recording import Recording
from kitlib.rollout import why
from kitlib.rollout.why import Answer, World, moments
from tests.conftest import CHECKOUT

RECORDINGS = CHECKOUT / "recordings"
KNOWN = (
    ("lifecycle", "pod/always-0", "completed"),
    ("lifecycle", "pod/always-1", "exit-code"),
    ("lifecycle", "pod/never-1", "exit-code"),
    ("lifecycle", "pod/oom", "oom"),
    ("lifecycle", "pod/nowhere", "node-affinity"),
    ("lifecycle", "pod/half", "image-registry"),
    ("lifecycle", "pod/exec", "readiness"),
    ("lifecycle", "pod/http", "readiness"),
    ("lifecycle", "pod/tcp", "readiness"),
    ("lifecycle", "pod/grpc", "readiness"),
    ("lifecycle", "pod/startup", "startup"),
    ("lifecycle", "pod/never-again", "liveness"),
    ("hooks", "pod/fails", "hook"),
    ("hooks", "pod/fails-once", "hook"),
    ("hooks", "pod/refused", "hook"),
    ("hooks", "pod/by-tcp", "hook"),
    ("hooks", "pod/crashed", "exit-code"),
    ("hooks", "pod/unwell", "liveness"),
    ("static-pods", "pod/sick-kitlib-worker", "liveness"),
    ("pod", "pod/together", "cpu"),
    ("pod", "pod/greedy", "evicted"),
    ("events", "pod/unready", "readiness"),
    ("controllers", "pod/bare", "node-lost"),
    ("controllers", "pod/patient", "node-lost"),
    ("statefulset", "statefulset/bold", "readiness"),
    ("statefulset", "statefulset/cart", "node-affinity"),
    ("statefulset", "statefulset/manual", "on-delete"),
    ("daemonset", "daemonset/ssd", "no-node"),
    ("daemonset", "daemonset/by-hand", "on-delete"),
    ("job", "job/never", "job-backoff"),
    ("job", "job/on-failure", "job-backoff"),
    ("job", "job/hand-never", "job-backoff"),
    ("job", "job/hand-deadline", "job-deadline"),
    ("job", "job/slow", "job-deadline"),
    ("job", "job/per-index", "job-policy"),
    ("job", "job/no-use", "job-policy"),
    ("job", "job/patient", "lost-container"),
    ("cronjob", "cronjob/forbid", "cron-forbidden"),
    ("cronjob", "cronjob/asleep", "cron-suspended"),
    ("dns", "service/empty", "service-selector"),
)
"""What the lessons' manifests do on purpose."""


@cache
def recording(lesson: str) -> Recording:
    return Recording.open(RECORDINGS / lesson)


def asked(lesson: str, ref: str) -> Answer:
    kind, name = why.parse(ref)
    spaces, last = moments(recording(lesson), kind, None, name)
    return why.why(World.of(recording(lesson), last, spaces[0]), kind, name, spaces[0])


@pytest.mark.parametrize(("lesson", "ref", "cause"), KNOWN)
def test_the_cause_comes_first(lesson: str, ref: str, cause: str) -> None:
    answer = asked(lesson, ref)
    assert answer.first is not None and answer.first.cause.name == cause, answer.sentence


def test_of_rollouts_that_went_well_nothing_is_said() -> None:
    """All Deployments of lessons, as they were before they were deleted; not where the matter is what goes wrong."""
    said, count = [], 0
    for path in sorted(RECORDINGS.iterdir()):
        lesson = path.name
        if lesson.startswith(("security", "why")):
            continue
        refs = {row.name: row.namespace for row in recording(lesson).rows.of("Deployment")}
        for name in refs:
            answer = asked(lesson, f"deployment/{name}")
            count += 1
            if answer.state == why.EXPLAINED and answer.certainty == why.CERTAIN:
                said.append(f"{lesson} {name}: {answer.sentence}")
    assert count >= 15
    assert not said

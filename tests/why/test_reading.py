"""What is read of an API server's and a scheduler's words, also where they are broken."""

from __future__ import annotations

import json
import random
import string
from datetime import UTC, datetime
from typing import Any

import pytest

from kitlib.errors import UsageError
from kitlib.frames.probes import COMBINED
from kitlib.rollout import why
from kitlib.rollout.why import CAUSES, KINDS, Object, World
from kitlib.rollout.why.quantities import amount
from kitlib.rollout.why.scheduling import parsed
from kitlib.rollout.why.world import CLUSTER

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
SPEC = (
    *("replicas", "selector", "containers", "initContainers", "volumes", "ports", "tolerations", "rules", "nodeName"),
    *("schedulingGates", "template", "updateStrategy", "minReadySeconds", "backoffLimit", "scaleTargetRef", "paused"),
)
STATUS = (
    *("phase", "conditions", "containerStatuses", "replicas", "observedGeneration", "active", "reason", "message"),
    *("expectedPods", "disruptionsAllowed", "loadBalancer", "lastScheduleTime", "desiredNumberScheduled"),
)
METADATA = ("labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp", "generation")
WORDS = ("type", "status", "name", "state", "reason", "message", "terminated", "waiting", "matchLabels", "targetPort")


def value(rng: random.Random, depth: int = 0) -> Any:
    """Return something that JSON has, seldom of the type that is expected."""
    sort = rng.randrange(8 if depth < 3 else 5)
    if sort == 5:
        return [value(rng, depth + 1) for _ in range(rng.randrange(3))]
    if sort > 5:
        return {rng.choice(WORDS): value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return (None, True, rng.randrange(-2, 5), rng.choice(("", "True", "Failed", "Ready", "x")), 1.5)[sort]


def wild(rng: random.Random) -> dict[str, Any]:
    """Return an object in which anything may stand anywhere."""
    rooms = {"metadata": METADATA, "spec": SPEC, "status": STATUS}
    return {
        room: {key: value(rng) for key in keys if rng.random() < 0.6} if rng.random() < 0.9 else value(rng)
        for room, keys in rooms.items()
    }


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to"
            " deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            {"taint": 1, "cpu": 2},
        ),
        (
            "0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
            {"node-not-ready": 3},
        ),
        ("0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable.", {"memory": 1, "cordoned": 1}),
        ("0/1 nodes are available: 1 Too many pods.", {"resource": 1}),
        ("no nodes available to schedule pods", {}),
        ("", {}),
    ],
)
def test_the_schedulers_sentence(said: str, found: dict[str, int]) -> None:
    assert {name: count for name, (count, _) in parsed(said).items()} == found


@pytest.mark.parametrize(
    ("said", "is_"), [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1e3", 1000), ("5E", 5e18), ("x", None)]
)
def test_quantities(said: str, is_: float | None) -> None:
    assert amount(said) == is_


@pytest.mark.parametrize("ref", ["web", "/web", "deployment/", "a/b/c", ""])
def test_a_name_without_a_kind_is_refused(ref: str) -> None:
    with pytest.raises(UsageError, match="names no object"):
        why.parse(ref)


@pytest.mark.parametrize("ref", ["deploy/web", "deployments/web", "Deployment/web", "deployments.apps/web"])
def test_a_kind_by_each_of_its_names(ref: str) -> None:
    assert why.parse(ref) == ("Deployment", "web")


@pytest.mark.parametrize("seed", range(10))
def test_no_object_whatever_is_in_it_breaks_the_answer(seed: int) -> None:
    rng = random.Random(seed)
    for kind in KINDS:
        there = [of(kind, "it", wild(rng))]
        there += [
            of(each, f"other-{number}", wild(rng)) for number in range(3) for each in ("Pod", "ReplicaSet", "Event")
        ]
        answer = why.why(World(there, {}, NOW), kind, "it", "" if kind in CLUSTER else "here")
        assert why.words(answer) and json.dumps(answer.to_dict())


def of(kind: str, name: str, body: dict) -> Object:
    namespace = "" if kind in CLUSTER else "here"
    return Object(kind, "v1", namespace, name, f"uid-{kind}-{name}", "1", json.dumps(body).encode())


def test_text_of_a_cluster_brings_no_control_characters_to_the_screen() -> None:
    wild = "\x1b[31mred\u202e"
    status = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": wild}]}
    answer = why.why(World([of("Pod", "it", {"status": status})], {}, NOW), "Pod", "it", "here")
    assert "red" in why.words(answer)
    assert not set(why.words(answer)) & {"\x1b", "\u202e"}


def test_an_object_that_is_not_there_is_told_with_those_that_are() -> None:
    world = World([of("Pod", "web", {})], {"Pod": "403: forbidden"}, NOW)
    with pytest.raises(UsageError, match=r"as far as is known: 403: forbidden\n.*web"):
        why.why(world, "Pod", "wbe", "here")


def test_the_table_reads_like_one() -> None:
    assert len({each.name for each in CAUSES}) == len(CAUSES) >= 24
    for each in CAUSES:
        assert each.signs and each.command.startswith("kubectl ") and not each.page.startswith("http")
        holes = [field for _, field, _, _ in string.Formatter().parse(each.command) if field]
        assert set(holes) <= {
            "ns",
            "name",
            "kind",
            "node",
            "container",
            "claim",
            "named",
            "selector",
            "job",
            "budget",
            "target",
        }


@pytest.mark.parametrize("combined", ["", COMBINED])
@pytest.mark.parametrize("how", ["failed: no", "errored and resulted in unknown state: no", "errored: no"])
@pytest.mark.parametrize("kind", ["startup", "readiness"])
def test_a_probe_that_fails_or_cant_be_made_also_where_its_events_are_combined(
    kind: str, how: str, combined: str
) -> None:
    """An exec probe whose program isn't there errs, and after ten Events a series of combined ones is all there is."""
    message = f"{combined}{kind.capitalize()} probe {how}"
    about = {"kind": "Pod", "name": "it", "uid": "uid-Pod-it", "fieldPath": "spec.containers{main}"}
    told = {"reason": "Unhealthy", "message": message, "involvedObject": about}
    container = {"name": "main", f"{kind}Probe": {"exec": {"command": ["/no/such"]}}}
    state = {
        "name": "main",
        "ready": False,
        "started": kind == "readiness",
        "state": {"running": {"startedAt": "2026-11-30T08:59:00Z"}},
    }
    pod = {"spec": {"containers": [container]}, "status": {"phase": "Running", "containerStatuses": [state]}}
    answer = why.why(World([of("Pod", "it", pod), of("Event", "it.1", told)], {}, NOW), "Pod", "it", "here")
    assert answer.first is not None and answer.first.cause.name == kind
    assert answer.sentence.endswith("fails: no.") and answer.certainty == why.CERTAIN


@pytest.mark.parametrize(("restarts", "ended", "fine"), [(3, "08:55", False), (12, "08:59", False), (2, "08:59", True)])
@pytest.mark.parametrize("kind", ["Pod", "StatefulSet"])
def test_what_runs_only_until_it_ends_once_more_is_not_what_it_should_be(
    kind: str, restarts: int, ended: str, fine: bool
) -> None:
    """A container without a readiness probe is Ready between two crashes, and so its workload is available."""
    assert told_of(kind, restarts, ended).state == (why.FINE if fine else why.EXPLAINED)
    assert told_of(kind, restarts, "08:49").state == why.FINE  # it has run for ten minutes: its back-off is forgotten
    if not fine:
        answer = told_of(kind, restarts, ended)
        assert answer.first is not None and answer.first.cause.name == "exit-code" and answer.certainty == why.LIKELY
        assert "runs just now" in answer.standing


def told_of(kind: str, restarts: int, ended: str) -> why.Answer:
    """Ask about something whose one Pod is Ready, and was started again so often, last a minute after it ended."""
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": f"2026-11-30T{ended}:00Z"}}
    state = {"name": "main", "ready": True, "restartCount": restarts, "state": {"running": {}}, "lastState": last}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [state]}
    owner = {
        "ownerReferences": [{"kind": "StatefulSet", "name": "it", "uid": "uid-StatefulSet-it", "controller": True}]
    }
    pod = of("Pod", "it", {"metadata": owner, "spec": {"containers": [{"name": "main"}]}, "status": ready})
    one = of("StatefulSet", "it", {"spec": {"replicas": 1}, "status": {"replicas": 1, "availableReplicas": 1}})
    return why.why(World([pod, one], {}, NOW), kind, "it", "here")

"""How far a rollout is, kind by kind: done where `kubectl rollout status` says so, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.api.status import condition_words, has_condition, observed, standing, up_to_date
from kitlib.errors import UsageError

SEEN = {"observedGeneration": 2}
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


def item(spec: dict[str, Any], status: dict[str, Any], generation: int = 2) -> dict[str, Any]:
    return {"metadata": {"name": "x", "generation": generation}, "spec": spec, "status": status}


def deployment(replicas: int, updated: int, total: int, available: int, **more: Any) -> dict[str, Any]:
    status = {**SEEN, "updatedReplicas": updated, "replicas": total, "availableReplicas": available, **more}
    return item({"replicas": replicas}, status)


@pytest.mark.parametrize(
    ("object", "done", "words"),
    [
        (deployment(3, 3, 3, 3), True, "successfully rolled out"),
        (deployment(3, 1, 4, 3), False, "1 out of 3 new replicas have been updated"),
        (deployment(3, 3, 4, 3), False, "1 old replicas are pending termination"),
        (deployment(3, 3, 3, 2), False, "2 of 3 updated replicas are available"),
        (deployment(1, 3, 3, 3), False, "2 surplus replicas are pending termination"),
        (deployment(0, 0, 0, 0), True, "successfully rolled out"),
        (item({"replicas": 3}, {}), False, "the newest spec is not observed yet"),
        (deployment(3, 3, 3, 3, observedGeneration=1), False, "the newest spec is not observed yet"),
    ],
)
def test_a_deployment(object: dict[str, Any], done: bool, words: str) -> None:
    assert (standing(object, "Deployment").done, standing(object, "Deployment").words) == (done, words)


def test_a_deployment_that_is_too_late_has_failed_and_a_paused_one_says_so() -> None:
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    found = standing(deployment(3, 1, 4, 3, conditions=late), "Deployment")
    assert found.failure == "it exceeded its progress deadline" and not found.done
    paused = deployment(3, 1, 4, 3)
    paused["spec"]["paused"] = True
    assert standing(paused, "Deployment").words.endswith("; it is paused")


def daemon_set(wanted: int, updated: int, available: int, strategy: str = "RollingUpdate") -> dict[str, Any]:
    numbers = {"desiredNumberScheduled": wanted, "updatedNumberScheduled": updated, "numberAvailable": available}
    return item({"updateStrategy": {"type": strategy}}, {**SEEN, **numbers})


@pytest.mark.parametrize(
    ("object", "done", "words"),
    [
        (daemon_set(3, 3, 3), True, "successfully rolled out"),
        (daemon_set(3, 2, 3), False, "2 out of 3 new pods have been updated"),
        (daemon_set(3, 3, 1), False, "1 of 3 updated pods are available"),
        (daemon_set(0, 0, 0), True, "successfully rolled out"),
        (item({}, {"observedGeneration": 1}), False, "the newest spec is not observed yet"),
    ],
)
def test_a_daemon_set(object: dict[str, Any], done: bool, words: str) -> None:
    assert (standing(object, "DaemonSet").done, standing(object, "DaemonSet").words) == (done, words)


def stateful_set(wanted: int, ready: int, updated: int, strategy: Any = ROLLING, **more: Any) -> dict[str, Any]:
    numbers = {"readyReplicas": ready, "updatedReplicas": updated, "replicas": wanted}
    revisions = {"currentRevision": "a", "updateRevision": "b"}
    return item({"replicas": wanted, "updateStrategy": strategy}, {**SEEN, **numbers, **revisions, **more})


def at(partition: int) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}


@pytest.mark.parametrize(
    ("object", "done", "words"),
    [
        (stateful_set(3, 3, 3), True, "rolling update complete: 3 pods at revision b"),
        (stateful_set(3, 2, 3), False, "waiting for 1 pods to be ready"),
        (stateful_set(3, 3, 1), False, "1 out of 3 new pods have been updated"),
        (stateful_set(3, 3, 0, at(2)), False, "partitioned roll out: 0 out of 1 new pods have been updated"),
        (stateful_set(3, 3, 1, at(2)), True, "partitioned roll out complete: 1 new pods have been updated"),
        (stateful_set(3, 3, 0, at(5)), True, "partitioned roll out complete: 0 new pods have been updated"),
        (stateful_set(3, 3, 1, {"type": "RollingUpdate"}), False, "1 pods at revision b"),
        (stateful_set(1, 1, 1, replicas=3), False, "2 surplus pods are pending termination"),
        (stateful_set(3, 3, 3, observedGeneration=0), False, "the newest spec is not observed yet"),
    ],
)
def test_a_stateful_set(object: dict[str, Any], done: bool, words: str) -> None:
    assert (standing(object, "StatefulSet").done, standing(object, "StatefulSet").words) == (done, words)


@pytest.mark.parametrize("kind", ["DaemonSet", "StatefulSet"])
def test_where_pods_are_replaced_by_hand_it_is_told(kind: str) -> None:
    with pytest.raises(UsageError, match=r"only available for RollingUpdate[\s\S]*delete its Pods"):
        standing(item({"updateStrategy": {"type": "OnDelete"}}, SEEN), kind)


@pytest.mark.parametrize(
    ("object", "done", "words", "failure"),
    [
        (item({"completions": 3}, {"succeeded": 1, "active": 2}), False, "1 of 3 completions, 2 active", ""),
        (item({"completions": 1, "suspend": True}, {}), False, "0 of 1 completions, 0 active; it is suspended", ""),
        (
            item({"completions": 1}, {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}),
            True,
            "1 of 1 completions, 0 active",
            "",
        ),
        (
            item(
                {"completions": 1},
                {
                    "failed": 2,
                    "conditions": [
                        {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
                    ],
                },
            ),
            False,
            "0 of 1 completions, 0 active, 2 failed",
            "the Job failed: BackoffLimitExceeded: too often",
        ),
    ],
)
def test_a_job(object: dict[str, Any], done: bool, words: str, failure: str) -> None:
    found = standing(object, "Job")
    assert (found.done, found.words, found.failure) == (done, words, failure)


def test_a_replica_set() -> None:
    assert standing(item({"replicas": 2}, {**SEEN, "replicas": 2, "availableReplicas": 2}), "ReplicaSet").done
    found = standing(item({"replicas": 2}, {**SEEN, "replicas": 2, "availableReplicas": 1}), "ReplicaSet")
    assert (found.done, found.words) == (False, "1 of 2 replicas are available")
    assert not standing(item({"replicas": 1}, {**SEEN, "replicas": 2, "availableReplicas": 2}), "ReplicaSet").done


def test_a_definition() -> None:
    assert standing(item({}, conditions("Established")), "CustomResourceDefinition").done
    refused = {"conditions": [{"type": "NamesAccepted", "status": "False", "message": "taken"}]}
    assert standing(item({}, refused), "CustomResourceDefinition").failure == "its names are not accepted: taken"


def conditions(*kinds: str, status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status} for kind in kinds]}


@pytest.mark.parametrize(
    ("status", "done", "words"),
    [
        (conditions("Ready"), True, "Ready is True"),
        (conditions("Available"), True, "Available is True"),
        (conditions("Ready", status="False"), False, "Ready is False"),
        ({**conditions("Ready"), "observedGeneration": 1}, False, "Ready is True"),
        (conditions("Synced"), False, "it has no condition Ready; it has Synced"),
        ({}, False, "it has no condition Ready"),
        ({"conditions": {"Ready": "True"}}, False, "it has no condition Ready"),
        ({"conditions": [None, {"status": "True"}, 7]}, False, "it has no condition Ready"),
    ],
)
def test_a_kind_of_somebody_s_own(status: dict[str, Any], done: bool, words: str) -> None:
    found = standing(item({}, status), "Deployment.example.org")
    assert (found.done, found.words) == (done, words)


@pytest.mark.parametrize("kind", ["Pod", "ConfigMap", "Secret", "CronJob", "Node"])
def test_where_nothing_rolls_out_it_is_told(kind: str) -> None:
    with pytest.raises(UsageError, match=f"nothing rolls out in a {kind}"):
        standing({"metadata": {"name": "x"}}, kind)


def test_a_condition_is_asked_for_by_type_status_and_reason() -> None:
    found = item({}, {"conditions": [{"type": "Progressing", "status": "False", "reason": "Late"}]})
    assert has_condition(found, "Progressing=False") and has_condition(found, "progressing=false:Late")
    assert not has_condition(found, "Progressing") and not has_condition(found, "Progressing=False:Other")
    assert not has_condition({"metadata": {}}, "Ready")
    assert condition_words(found) == "Progressing is False (Late)"


def test_a_condition_of_an_older_spec_does_not_count() -> None:
    def ready(**more: Any) -> dict[str, Any]:
        return item({}, {"conditions": [{"type": "Ready", "status": "True", **more}]})

    assert up_to_date(ready(), "Ready") and up_to_date(ready(observedGeneration=2), "Ready")
    assert not up_to_date(ready(observedGeneration=1), "Ready")


def test_what_has_no_generation_is_observed() -> None:
    assert observed({"metadata": {"name": "settings"}, "data": {}})
    assert not observed(item({}, {"observedGeneration": 1}))

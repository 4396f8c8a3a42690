"""The changes by which lessons' claims are tried, on recordings that are judged whole: what breaks, and what not."""

from __future__ import annotations

import random
from functools import cache

import pytest

from kitlib.rollout import verify
from tests.lessons.changes import changes
from tests.rollout.planted import read, told
from tests.rollout.test_verify_planted import faults

CHANGES = {each.name: each for each in changes()}
FOUND = [
    ("statefulset", "sts/named", "Pod doubled", ("StatefulSet", "identity")),
    ("statefulset", "sts/guard", "counts are one more (all)", ("StatefulSet", "≠ readyReplicas")),
    ("statefulset", "sts/guard", "counts are one less (all)", ("StatefulSet", "≠ readyReplicas")),
    ("statefulset", "sts/guard", "status is empty (all)", ("StatefulSet", "create")),
    ("statefulset", "deployment/crew", "Pod doubled", ("ReplicaSet", "replicas")),
    ("statefulset", "deployment/crew", "owners are gone (all)", None),
    ("daemonset", "ds/monitor", "Pod doubled", ("DaemonSet", "one")),
    ("daemonset", "ds/monitor", "Pod: all never seen", ("DaemonSet", "nodes")),
    ("daemonset", "ds/everywhere", "counts are one less (all)", ("DaemonSet", "≠ currentNumberScheduled")),
    ("traefik", "svc/store", "endpoints are turned (all)", ("EndpointSlice", "ready")),
    ("traefik", "svc/store", "Ready is turned (all)", ("EndpointSlice", "withdrawn")),
    ("cronjob", "cj/forbid", "Job doubled after 20 s", ("CronJob", "once")),
]
"""Recording, what is asked for, the change, and what it breaks; None: nothing that can be told is kept of it."""
HARMLESS = [
    ("statefulset", "sts/named", "image is another (all)"),
    ("statefulset", "sts/named", "Event's reason is another (all)"),
    ("statefulset", "sts/named", "Pod written once more"),
    ("daemonset", "ds/monitor", "Event: all never seen"),
    ("traefik", "svc/store", "state's reason is another (all)"),
    ("traefik", "svc/store", "EndpointSlice written once more"),
]
"""Recording, what is asked for, and a change that breaks nothing of it."""


@cache
def clean(name: str, words: str) -> frozenset[tuple[str, str]]:
    return frozenset(faults(verify(told(read(name)), words)))


@pytest.mark.parametrize(("name", "words", "change", "wanted"), FOUND, ids=[f"{each[1]} {each[2]}" for each in FOUND])
def test_a_change_is_found(name: str, words: str, change: str, wanted: tuple[str, str] | None) -> None:
    result = verify(told(CHANGES[change].apply(read(name), random.Random(1))), words)
    if wanted is None:
        assert not result.table.query("kind == 'Deployment' and promise == 'least'")["kept"].fillna(False).any()
    else:
        assert wanted in faults(result) - clean(name, words), (faults(result), result.table.to_string())


@pytest.mark.parametrize(("name", "words", "change"), HARMLESS, ids=[f"{each[1]} {each[2]}" for each in HARMLESS])
def test_a_change_that_breaks_nothing_changes_nothing(name: str, words: str, change: str) -> None:
    result = verify(told(CHANGES[change].apply(read(name), random.Random(1))), words)
    assert faults(result) == clean(name, words)

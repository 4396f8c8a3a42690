"""Which Pods a budget selects, and how many healthy ones it asks for: as the API server and its controller reckon."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitlib.rollout import verify
from kitlib.rollout.poddisruptionbudget import selects
from tests.rollout.planted import Object, edit, told
from tests.rollout.test_verify_planted import budget, faults


@pytest.mark.parametrize(("selector", "labels", "wanted"), [
    (None, {"app": "web"}, False), ({}, {"app": "web"}, True), ({}, {}, True),
    ({"matchLabels": {"app": "web"}}, {"app": "web", "tier": "front"}, True),
    ({"matchLabels": {"app": "web", "tier": "back"}}, {"app": "web", "tier": "front"}, False),
    ({"matchLabels": {"app": "web"}}, {}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, {"app": "db"}, True),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, {}, False),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, {}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, {"app": "web"}, False),
    ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, {"app": ""}, True),
    ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {"app": ""}, False),
    ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {}, True),
])  # fmt: skip
def test_selectors_are_read_as_kubernetes_reads_them(selector: Any, labels: dict[str, str], wanted: bool) -> None:
    assert selects("" if selector is None else json.dumps(selector), json.dumps(labels)) is wanted


@pytest.mark.parametrize(("spec", "breaks"), [
    ({"minAvailable": 2}, False), ({"minAvailable": "50%"}, False), ({"minAvailable": "67%"}, True),
    ({"maxUnavailable": "33%"}, False), ({"maxUnavailable": 0}, True),
])  # fmt: skip
def test_percentages_are_rounded_up(spec: dict[str, Any], breaks: bool) -> None:
    """Of three Pods; the status allows what minAvailable 2 allows."""

    def change(obj: Object) -> None:
        obj["spec"].pop("minAvailable")
        obj["spec"].update(spec)
        obj["status"]["expectedPods"] = 3

    rows = edit(budget(), lambda row: row.kind == "PodDisruptionBudget", change)
    assert (("PodDisruptionBudget", "status") in faults(verify(told(rows), "pdb/guarded"))) is breaks

"""A lab on a cluster whose containers run: asking a Pod that doesn't listen yet, and nodes that are given back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import kitlib
from kitlib import objects
from kitlib.cluster import Cluster
from kitlib.errors import ServerError, UsageError
from kitlib.lab import Lab, verbs

pytestmark = pytest.mark.kind
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: main, image: "localhost/probe:local", env: [{name: PROBE_LISTEN_AFTER, value: DELAY}]}
"""


@pytest.fixture
def lab(kind: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.setenv("KITLIB_CLUSTER", kind.name)
    lab = kitlib.open("test", kinds=("pods", "nodes"), containers=True)
    yield lab
    lab.close()


def test_a_pod_that_is_ready_before_it_listens_is_asked_until_it_does(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.apply(POD.replace("NAME", "slow").replace("DELAY", "3s"))
    lab.apply(POD.replace("NAME", "mute").replace("DELAY", "1h"))
    for name in ("slow", "mute"):
        lab.wait(f"pod/{name}", condition="Ready")
    assert lab.ask("slow", "/self")["name"] == "slow"
    monkeypatch.setattr(verbs, "LISTENS", 1.0)
    with pytest.raises(ServerError, match="connection refused"):
        lab.ask("mute", "/self")


def labels_and_more(lab: Lab, node: str) -> tuple[dict, list, bool]:
    found = lab.get(f"node/{node}")
    return found["metadata"]["labels"], found["spec"].get("taints", []), found["spec"].get("unschedulable", False)


def test_what_was_done_to_a_node_is_undone_at_the_labs_end(kind: Cluster, lab: Lab) -> None:
    node = next(item["metadata"]["name"] for item in lab.recorder.latest("nodes") if not item["spec"].get("taints"))
    objects.patch(lab.connection, f"node/{node}", {"metadata": {"labels": {"example.com/before": "yes"}}}, "")
    before = labels_and_more(lab, node)
    lab.label_node(node, "example.com/test=one")
    lab.label_node(node, "example.com/test=two")
    lab.label_node(node, "example.com/before-")
    lab.taint(node, "example.com/test=yes:PreferNoSchedule")
    (change,) = lab.cordon(node)
    assert change.kubectl == f"kubectl cordon {node}"
    labels, taints, cordoned = labels_and_more(lab, node)
    assert labels["example.com/test"] == "two" and "example.com/before" not in labels and cordoned
    assert "example.com/test" in [taint["key"] for taint in taints]
    lab.catch_up()
    told = lab.frames.nodes.query("name == @node and about == 'labels'")["labels"]
    assert told.str.contains("example.com/test=two").any()
    with pytest.raises(UsageError, match="is no label"):
        lab.label_node(node, "nonsense")
    lab.close()
    after = labels_and_more(lab, node)
    objects.patch(lab.connection, f"node/{node}", {"metadata": {"labels": {"example.com/before": None}}}, "")
    assert after[0] == before[0] and not after[2]
    assert [taint for taint in after[1] if taint["key"] != "node.kubernetes.io/unschedulable"] == before[1]

"""A notebook that has lost a node and goes wrong leaves a cluster whose nodes are all there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.cluster.kind import containers
from kitlib.walk import walk
from tests.conftest import CHECKOUT, with_containers
from tests.lessons.test_notebooks import OPEN, planted

pytestmark = [pytest.mark.kind, pytest.mark.slow]
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LOSE = """
lab = kitlib.open('{name}', kinds=('pods', 'nodes'), containers=True)
names = [node['metadata']['name'] for node in lab.recorder.latest('nodes')]
name = max(name for name in names if 'control-plane' not in name)
"""


@pytest.fixture
def kind() -> Cluster:
    """The tests' cluster with containers."""
    return with_containers()


def whole(connection: Connection, since: datetime) -> None:
    """Check that each node is Ready, without a taint of ours, and that the lost one was heard of after that time."""
    items = connection.get("/api/v1/nodes")["items"]
    assert [item["metadata"]["name"] for item in items if not containers.is_ready(item)] == []
    assert [item["metadata"]["name"] for item in items if containers._out_of_service(item)] == []
    lost = max(item["metadata"]["name"] for item in items if "control-plane" not in item["metadata"]["name"])
    assert datetime.fromisoformat(connection.get(f"{LEASE}/{lost}")["spec"]["renewTime"]) > since


def test_a_node_that_was_cut_off_is_reconnected_when_the_notebook_fails(kind: Cluster, tmp_path: Path) -> None:
    since = datetime.now(UTC)
    cells = OPEN, LOSE.format(name="cut"), "lab.cut_off_node(name)", "1 / 0", "lab.close()"
    result = walk([str(planted(tmp_path, "cut", *cells))], kind, tmp_path / "build", root=CHECKOUT)
    assert "ZeroDivisionError" in result.notebooks[0].problems[0]
    whole(kind.connect(), since)


def test_a_node_that_was_stopped_is_started_when_the_kernel_is_killed(kind: Cluster, tmp_path: Path) -> None:
    since = datetime.now(UTC)
    taint = "lab.taint(name, 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute')"
    lost = f"lab.stop_node(name)\n{taint}\nassert 'out-of-service' in str(lab.get(f'node/{{name}}')['spec'])"
    cells = OPEN, LOSE.format(name="off"), lost, "import os\nos.kill(os.getpid(), 9)", "lab.close()"
    result = walk([str(planted(tmp_path, "off", *cells))], kind, tmp_path / "build", root=CHECKOUT)
    assert "the kernel died in cell 4" in result.notebooks[0].problems[0]
    whole(kind.connect(), since)


def test_a_taint_is_set_and_taken_away(kind: Cluster, tmp_path: Path) -> None:
    taint = "kitlib/test=yes:NoSchedule"
    cells = (
        OPEN,
        LOSE.format(name="taint"),
        f"before = lab.get(f'node/{{name}}')['spec'].get('taints', [])\nlab.taint(name, '{taint}')",
        "now = lab.get(f'node/{name}')['spec']['taints']\nassert len(now) == len(before) + 1",
        f"lab.taint(name, '{taint}-')\nassert lab.get(f'node/{{name}}')['spec'].get('taints', []) == before",
        "said = lab.refused(lab.taint, name, 'nonsense')\nassert 'is no taint' in said",
        "said = lab.refused(lab.wait_ready, 'app=none', 1, timeout=0.2)\nassert '0 of 0 Pods are Ready' in said",
        "lab.close()",
    )
    result = walk([str(planted(tmp_path, "taint", *cells))], kind, tmp_path / "build", root=CHECKOUT)
    assert result.notebooks[0].problems == []

"""kubectl sees of a recording what it saw live: the same lists, the same describe, but for ages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kitlib.cluster import Cluster
from kitlib.recording import Recording
from kitlib.watch import Recorder
from tests.serve.beside_live import ASKED, asker, differing, see
from tests.serve.conftest import Asked

pytestmark = [pytest.mark.live, pytest.mark.slow]
KINDS = [
    *("pods", "deployments", "replicasets", "services", "endpointslices", "configmaps", "jobs", "events", "nodes"),
    *("leases", "namespaces", "statefulsets", "daemonsets", "cronjobs", "horizontalpodautoscalers"),
    *("replicationcontrollers", "serviceaccounts"),
]
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1.0", ports: [{containerPort: 80}], resources: {requests: {cpu: 10m}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
"""


def test_a_recording_is_seen_as_the_cluster_was(
    cluster: Cluster, namespace: str, kubectl: str, tmp_path: Path, serve: Callable[..., Asked]
) -> None:
    live = asker(kubectl, cluster.kubeconfig, namespace, tmp_path)
    recording = Recording(None, {"format": 3, "namespace": namespace, "release": cluster.release, "cluster": "live"})
    with Recorder(cluster.connect(), KINDS, recording) as recorder:
        assert live("apply", "-f", "-", stdin=MANIFEST).returncode == 0
        assert live("rollout", "status", "deploy/web", "--timeout=90s").returncode == 0
        seen = see(live, ASKED)
        recorder.catch_up()
    assert sum(len(then.stdout) > 100 for _, then in seen.values()) > len(ASKED) / 2
    asked = serve(recording)
    wrong = differing(seen, asked, asker(kubectl, tmp_path / "config", namespace, tmp_path))
    assert not wrong, "\n".join(wrong)

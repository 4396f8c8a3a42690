"""kubectl sees of a recording what it saw live: the same lists, the same describe, where nothing but the clock differs.

A cluster is recorded, kubectl asks it, and the moment is noted; then it asks the recording at that moment. What is
asked while something changes proves nothing, so it is asked again until nothing has. Ages are counted by the clock of
whoever prints them, so they may differ; they, and the spaces that their width makes, are all that is left out.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kitlib.cluster import Cluster
from kitlib.recording import Recording, clock
from kitlib.watch import Recorder
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
ASKED = [
    *("get all", "get all -o wide", "get all --show-labels", "get cm,endpointslices", "get events -o wide"),
    *("get pods -o yaml --show-managed-fields", "get deploy web -o json", "get pods -l app=web,!x -o name"),
    *("get pods --field-selector status.phase=Running,spec.nodeName!=", "get nodes -o wide", "get pods -A -o wide"),
    *(
        "describe deploy web",
        "describe rs",
        "describe pods",
        "describe svc web",
        "describe cm settings",
        "describe nodes",
    ),
    *("events", "events --for deployment/web", "rollout status deploy/web", "rollout history deploy/web"),
    *(
        "get pods nope",
        "get pods -l a=(",
        "get pods --field-selector a=b",
        "api-resources --no-such",
    ),
    *("get pods --sort-by=.metadata.name", "get rs -o custom-columns=N:.metadata.name,R:.status.replicas"),
]
AGE = re.compile(r"\b(?=\d)(\d+y)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?\b(?<=[ydhms])( ago)?")
STAYS = (
    "get",
    "nodes,pods,deploy,rs,svc,endpointslices,cm,events",
    "-A",
    "-o",
    "jsonpath={.items[*].metadata.resourceVersion}",
)
SPACES = re.compile(r"[ \t]+")


def plain(text: str) -> list[str]:
    """Return what is left when ages are."""
    return [SPACES.sub(" ", AGE.sub("AGE", line)).strip() for line in text.splitlines()]


def asker(
    kubectl: str, kubeconfig: Path, namespace: str, home: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what asks the live cluster."""

    def ask(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [kubectl, "-n", namespace, *words],
            env={**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home), "TZ": "UTC"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return ask


def test_a_recording_is_seen_as_the_cluster_was(
    cluster: Cluster, namespace: str, kubectl: str, tmp_path: Path, serve: Callable[..., Asked]
) -> None:
    live = asker(kubectl, cluster.kubeconfig, namespace, tmp_path)
    recording = Recording(None, {"format": 3, "namespace": namespace, "release": cluster.release, "cluster": "live"})
    seen: dict[str, tuple[int, subprocess.CompletedProcess[str]]] = {}
    with Recorder(cluster.connect(), KINDS, recording) as recorder:
        assert live("apply", "-f", "-", stdin=MANIFEST).returncode == 0
        assert live("rollout", "status", "deploy/web", "--timeout=90s").returncode == 0
        for words in ASKED:
            for _ in range(10):
                before = live(*STAYS).stdout
                at = clock.monotonic_ns()
                seen[words] = at, live(*words.split())
                if live(*STAYS).stdout == before:
                    break
        recorder.catch_up()
    asked = serve(recording)
    assert sum(len(then.stdout) > 100 for _, then in seen.values()) > len(ASKED) / 2
    for words, (at, then) in seen.items():
        asked.server.show(at)
        now = subprocess.run(
            [kubectl, "-n", namespace, *words.split()],
            env=asked.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert plain(now.stdout) == plain(then.stdout), words
        assert (now.returncode, plain(now.stderr)) == (then.returncode, plain(then.stderr)), words

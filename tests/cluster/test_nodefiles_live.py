"""Nodes of a kind cluster from within: what a lesson changes on them, and that a crash in the middle is mended."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from kitlib.cluster.kind.node import KUBELET, MANIFESTS, SERVED
from kitlib.errors import ClusterError, UsageError
from kitlib.frames import runtime
from kitlib.recording import Recording
from kitlib.watch.runtime import RuntimeFollower

pytestmark = [pytest.mark.kind, pytest.mark.slow]
SERVER = f"{MANIFESTS}/kube-apiserver.yaml"


def test_nodes_are_known_by_name_and_by_what_follows_the_clusters(kind: Cluster) -> None:
    worker = clusters.node(kind, "worker")
    assert clusters.node(kind, worker.name) == worker
    assert worker.run(["hostname"]).strip() == worker.name
    with pytest.raises(UsageError, match=r"(?s)no node 'wroker'.*use one of: .*-worker2"):
        clusters.node(kind, "wroker")


def test_a_folder_is_served_until_all_is_put_back(kind: Cluster) -> None:
    worker = clusters.node(kind, "worker2")
    worker.write(f"{SERVED}/remote.yaml", "kind: Pod\n")
    url = worker.serve()
    assert worker.run(["curl", "-fsS", f"{url}remote.yaml"]) == "kind: Pod\n"
    with pytest.raises(ClusterError):
        worker.run(["curl", "-fsS", url.replace("static/", "api/v1/pods")])
    worker.restore()
    with pytest.raises(ClusterError):
        worker.run(["curl", "-fsS", f"{url}remote.yaml"])


def test_a_kubelet_is_configured_anew_and_gets_its_own_back(kind: Cluster) -> None:
    worker = clusters.node(kind, "worker2")
    before = worker.read(KUBELET)
    worker.write(KUBELET, before.replace("syncFrequency: 0s", "syncFrequency: 5s"))
    worker.restart_kubelet()
    worker.restore()
    assert worker.read(KUBELET) == before
    worker.wait(["curl", "-fsS", "http://127.0.0.1:10248/healthz"], "the kubelet is healthy")


def test_the_runtime_tells_what_runs(kind: Cluster) -> None:
    recording = Recording()
    follower = RuntimeFollower(clusters.node(kind, "control-plane"), recording)
    follower.close()
    frame = runtime(recording.frames)
    assert {"etcd", "kube-apiserver", "kube-scheduler"} <= set(frame["container"])
    assert set(frame["what"]) == {"running"}


CRASH = f"""
import os, sys
from kitlib import cluster
found = cluster.find(sys.argv[1])
cluster.node(found, "worker").write("{MANIFESTS}/left.yaml", "kind: nothing")
cluster.node(found, "control-plane").remove("{SERVER}")
os.kill(os.getpid(), 9)
"""


def test_the_next_up_puts_back_what_a_crash_left(kind: Cluster) -> None:
    """A process is killed after it took the API server's manifest away."""
    done = subprocess.run([sys.executable, "-c", CRASH, kind.name], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    plane, worker = clusters.node(kind, "control-plane"), clusters.node(kind, "worker")
    plane.wait(["sh", "-c", "! curl -fsk https://localhost:6443/readyz"], "the API server answers no more")
    began = time.monotonic()
    assert clusters.up("kind", progress=False) == kind, "it is mended, not made anew"
    assert time.monotonic() - began < 200
    assert "kube-apiserver" in plane.read(SERVER)
    assert "left.yaml" not in worker.run(["ls", MANIFESTS])
    kind.verify()

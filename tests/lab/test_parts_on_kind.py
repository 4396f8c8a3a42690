"""A part beside Kubernetes on a cluster whose containers run: the collector watches Events, and writes what it saw.

And what is known of a log that a lab takes up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import kitlib
from kitlib.cluster import Cluster
from kitlib.errors import ClusterError
from kitlib.lab import Lab
from kitlib.machine.airgap import parts

pytestmark = [pytest.mark.kind, pytest.mark.timeout(400)]
ACCOUNT = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: collector}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: collector}
rules:
  - {apiGroups: ["", events.k8s.io], resources: [events], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: collector}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: collector}
subjects: [{kind: ServiceAccount, name: collector, namespace: NAMESPACE}]
"""
CONFIG = """
receivers:
  k8s_events: {auth_type: serviceAccount, namespaces: [NAMESPACE]}
  k8sobjects:
    auth_type: serviceAccount
    include_initial_state: true
    objects: [{name: events, group: events.k8s.io, mode: watch, namespaces: [NAMESPACE]}]
exporters:
  file: {path: /dev/stdout, flush_interval: 100ms}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [k8s_events, k8sobjects], exporters: [file]}
"""
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      args: [load, "http://localhost:8080/", --rate, "100", --for, 1h]
"""


@pytest.fixture
def lab(kind: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.setenv("KITLIB_CLUSTER", kind.name)
    lab = kitlib.open("test", kinds=("pods", "events"), containers=True)
    yield lab
    lab.close()


def event(lab: Lab, name: str) -> dict[str, Any]:
    """Return an Event with a time of its own, finer than a second."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name},
        "regarding": {"kind": "Namespace", "name": lab.namespace, "namespace": lab.namespace},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": "example.com/test",
        "reportingInstance": "test",
        "action": "Try",
        "reason": "Tried",
        "note": f"this is {name}",
        "type": "Normal",
    }


def collector(lab: Lab, image: str) -> dict[str, Any]:
    """Return a Pod that runs the collector."""
    container = {
        "name": "main",
        "image": image,
        "args": ["--config=env:CONFIG"],
        "env": [{"name": "CONFIG", "value": CONFIG.replace("NAMESPACE", lab.namespace)}],
    }
    spec = {"serviceAccountName": "collector", "terminationGracePeriodSeconds": 5, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "collector"}, "spec": spec}


def records(lab: Lab) -> list[tuple[str, str]]:
    """Return what the collector has written: the receiver that it came from, and the record as text."""
    text = lab.connection.request(
        "GET", f"/api/v1/namespaces/{lab.namespace}/pods/collector/log", accept="*/*"
    ).decode()
    found = []
    for line in text.splitlines():
        if line.startswith('{"resourceLogs"'):
            for resource in json.loads(line)["resourceLogs"]:
                for scope in resource["scopeLogs"]:
                    name = scope["scope"]["name"].rpartition("/")[2]
                    found += [(name, json.dumps(record)) for record in scope["logRecords"]]
    return found


def test_the_collector_writes_an_event_of_before_and_one_of_now(lab: Lab) -> None:
    image = lab.part("otel")
    assert lab.part("otel") == image
    lab.apply(event(lab, "before"))
    lab.apply(ACCOUNT.replace("NAMESPACE", lab.namespace))
    lab.apply(collector(lab, image))
    log = lab.record_logs("collector")
    log.wait_for("Everything is ready. Begin running and processing data.")
    lab.apply(event(lab, "now"))
    log.wait_for('"this is now"')
    log.wait_for('"this is before"')
    found = records(lab)
    of_events = [text for name, text in found if name == "k8seventsreceiver"]
    of_objects = [text for name, text in found if name == "k8sobjectsreceiver"]
    assert any("this is now" in text for text in of_events)
    assert not any("this is before" in text for text in of_events), "it leaves out what was before it"
    assert any("this is before" in text for text in of_objects), "it was told to begin with what is there"


def test_a_part_that_cannot_be_had_says_what_is_missing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    assert parts.cached(parts.find("otel")) is None
    with pytest.raises(ClusterError, match=r"(?s)have a part otel: this machine can't make it: Go modules.*Next: "):
        lab.part("otel")


def test_the_newest_line_of_a_log_is_known_from_the_first_moment_on(lab: Lab) -> None:
    """Or a wait for how it is now ends by how it was: a client's first answers, say."""
    lab.apply(CLIENT)
    lab.record_logs("client").wait_for('"late_ns"', times=200)
    assert len(lab.record_logs("client").last(200)) == 200

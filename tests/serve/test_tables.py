"""Cells as Kubernetes 1.37 makes them: ages, the state of a Pod, what is wanted of workloads, and how much is there."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.serve.resources import KUBERNETES
from kitlib.serve.tables import printer, table
from kitlib.serve.tables.words import lasting, selector, some, stamp

NOW = 1_795_991_000 * 10**9
"""2026-11-29T22:23:20Z."""
MINUTE, HOUR, DAY = 60, 3600, 86_400


def cells(kind: str, body: dict[str, Any], group: str = "") -> dict[str, Any]:
    """Return the cells of an object by the names of their columns."""
    body = {"metadata": {"name": "x", "creationTimestamp": "2026-11-29T22:23:15Z"}, **body}
    made = table(printer(group, kind, False), [body], NOW, {})
    names = [each["name"] for each in made["columnDefinitions"]]
    return dict(zip(names, made["rows"][0]["cells"], strict=True))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((-5, "<invalid>"), (-1, "0s"), (0, "0s"), (0.9, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s")),
        *((10 * MINUTE, "10m"), (179 * MINUTE + 59, "179m"), (3 * HOUR, "3h"), (3 * HOUR + 60, "3h1m")),
        *((8 * HOUR + 60, "8h"), (47 * HOUR, "47h"), (2 * DAY, "2d"), (2 * DAY + HOUR, "2d1h"), (8 * DAY + HOUR, "8d")),
        *((729 * DAY, "729d"), (730 * DAY, "2y"), (731 * DAY, "2y1d"), (9 * 365 * DAY, "9y")),
    ],
)
def test_how_long_something_lasted(seconds: float, said: str) -> None:
    assert lasting(int(seconds * 10**9)) == said


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-29T22:23:20Z", NOW),
        ("2026-11-29T22:23:20.5Z", NOW + 500_000_000),
        ("2026-11-29T22:23:20.000001Z", NOW + 1000),
        ("2026-11-29T23:23:20+01:00", NOW),
        (None, None),
        ("yesterday", None),
    ],
)
def test_a_stamp(text: str | None, ns: int | None) -> None:
    assert stamp(text) == ns


def container(name: str = "c", ready: bool = False, restarts: int = 0, **state: Any) -> dict[str, Any]:
    last = state.pop("last", {})
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, "lastState": last}


RUNNING = {"running": {}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}
FAILED = {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": "2026-11-29T22:23:10Z"}}
READY = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}]}


@pytest.mark.parametrize(
    ("status", "spec", "ready", "word", "restarts"),
    [
        ({"phase": "Pending"}, {}, "0/1", "Pending", "0"),
        ({"phase": "Failed", "reason": "Evicted"}, {}, "0/1", "Evicted", "0"),
        ({"phase": "Running", "containerStatuses": [container(ready=True, **RUNNING)]}, {}, "1/1", "Running", "0"),
        (
            {
                "phase": "Running",
                "containerStatuses": [container(waiting={"reason": "CrashLoopBackOff"}, restarts=2, last=FAILED)],
            },
            {},
            "0/1",
            "CrashLoopBackOff",
            "2 (10s ago)",
        ),
        ({"phase": "Running", "containerStatuses": [container(restarts=4, **RUNNING)]}, {}, "0/1", "Running", "4"),
        ({"phase": "Failed", "containerStatuses": [container(**FAILED)]}, {}, "0/1", "Error", "0"),
        (
            {"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 7})]},
            {},
            "0/1",
            "ExitCode:7",
            "0",
        ),
        (
            {"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 137, "signal": 9})]},
            {},
            "0/1",
            "Signal:9",
            "0",
        ),
        ({"phase": "Succeeded", "containerStatuses": [container(**DONE)]}, {}, "0/1", "Completed", "0"),
        (
            {
                "phase": "Running",
                "containerStatuses": [container("a", **DONE), container("b", ready=True, **RUNNING)],
                **READY,
            },
            {"containers": [{"name": "a"}, {"name": "b"}]},
            "1/2",
            "Running",
            "0",
        ),
        (
            {"phase": "Running", "containerStatuses": [container("a", **DONE), container("b", ready=True, **RUNNING)]},
            {"containers": [{"name": "a"}, {"name": "b"}]},
            "1/2",
            "NotReady",
            "0",
        ),
        (
            {"phase": "Pending", "initContainerStatuses": [container("i", waiting={"reason": "PodInitializing"})]},
            {"initContainers": [{"name": "i"}]},
            "0/1",
            "Init:0/1",
            "0",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [container("i", restarts=3, waiting={"reason": "CrashLoopBackOff"})],
            },
            {"initContainers": [{"name": "i"}]},
            "0/1",
            "Init:CrashLoopBackOff",
            "3",
        ),
        (
            {"phase": "Pending", "initContainerStatuses": [container("i", **DONE), container("j", **FAILED)]},
            {"initContainers": [{"name": "i"}, {"name": "j"}]},
            "0/1",
            "Init:Error",
            "0",
        ),
        (
            {
                "phase": "Running",
                "initContainerStatuses": [{**container("side", ready=True, restarts=1, **RUNNING), "started": True}],
                "containerStatuses": [container(ready=True, **RUNNING)],
            },
            {"initContainers": [{"name": "side", "restartPolicy": "Always"}]},
            "2/2",
            "Running",
            "1",
        ),
        (
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            {},
            "0/1",
            "SchedulingGated",
            "0",
        ),
    ],
)
def test_the_state_of_a_pod(status: Any, spec: Any, ready: str, word: str, restarts: str) -> None:
    shown = cells("Pod", {"spec": {"containers": [{"name": "c"}], **spec}, "status": status})
    assert (shown["Ready"], shown["Status"], shown["Restarts"], shown["Age"]) == (ready, word, restarts, "5s")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Running"}, "Terminating"),
        ({"phase": "Running", "reason": "NodeLost"}, "Unknown"),
        ({"phase": "Failed"}, "Failed"),
    ],
)
def test_a_pod_that_goes(status: Any, word: str) -> None:
    body = {"metadata": {"name": "x", "deletionTimestamp": "2026-11-29T22:23:15Z"}, "status": status}
    assert cells("Pod", body)["Status"] == word


@pytest.mark.parametrize(
    ("kind", "group", "body", "wanted"),
    [
        (
            "Deployment",
            "apps",
            {"spec": {"replicas": 3}, "status": {"readyReplicas": 2, "updatedReplicas": 1}},
            {"Ready": "2/3", "Up-to-date": 1, "Available": 0},
        ),
        ("StatefulSet", "apps", {"spec": {"replicas": 3}, "status": {}}, {"Ready": "0/3"}),
        (
            "Job",
            "batch",
            {"spec": {"completions": 2}, "status": {"succeeded": 1, "startTime": "2026-11-29T22:23:00Z"}},
            {"Completions": "1/2", "Duration": "20s", "Status": "Running"},
        ),
        (
            "Job",
            "batch",
            {"spec": {"parallelism": 3}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}},
            {"Completions": "0/1 of 3", "Status": "Complete", "Duration": ""},
        ),
        (
            "CronJob",
            "batch",
            {"spec": {"schedule": "* * * * *", "suspend": True}},
            {"Suspend": "True", "Last Schedule": "<none>", "Active": 0},
        ),
        (
            "Service",
            "",
            {
                "spec": {
                    "type": "NodePort",
                    "clusterIPs": ["10.0.0.1"],
                    "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}],
                }
            },
            {"Port(s)": "80:30080/TCP", "External-IP": "<none>", "Cluster-IP": "10.0.0.1"},
        ),
        ("Service", "", {"spec": {"type": "LoadBalancer"}}, {"External-IP": "<pending>", "Port(s)": "<none>"}),
        (
            "Service",
            "",
            {"spec": {"type": "ExternalName", "externalName": "a.b"}},
            {"External-IP": "a.b", "Cluster-IP": "<none>"},
        ),
        (
            "EndpointSlice",
            "discovery.k8s.io",
            {"addressType": "IPv4", "endpoints": [{"addresses": [f"10.0.0.{n}"]} for n in range(5)]},
            {"Endpoints": "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...", "Ports": "<unset>"},
        ),
        (
            "Ingress",
            "networking.k8s.io",
            {"spec": {"rules": [{"host": "a"}, {}], "tls": [{}]}},
            {"Hosts": "a", "Ports": "80, 443", "Class": "<none>"},
        ),
        (
            "Node",
            "",
            {
                "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}},
                "spec": {"unschedulable": True},
                "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
            },
            {"Status": "NotReady,SchedulingDisabled", "Roles": "control-plane"},
        ),
        (
            "PersistentVolumeClaim",
            "",
            {
                "spec": {"volumeName": "v", "storageClassName": "s"},
                "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}},
            },
            {"Capacity": "1Gi", "Access Modes": "RWO", "StorageClass": "s", "VolumeAttributesClass": "<unset>"},
        ),
        ("ConfigMap", "", {"data": {"a": "b"}, "binaryData": {"c": "d"}}, {"Data": 2}),
        (
            "Event",
            "",
            {
                "count": 3,
                "firstTimestamp": "2026-11-29T22:22:20Z",
                "lastTimestamp": "2026-11-29T22:23:10Z",
                "involvedObject": {"kind": "Pod", "name": "p"},
                "message": "m\n",
            },
            {"Last Seen": "10s", "First Seen": "60s", "Object": "pod/p", "Count": 3, "Message": "m"},
        ),
        (
            "Event",
            "",
            {
                "eventTime": "2026-11-29T22:23:18.5Z",
                "series": {"count": 4, "lastObservedTime": "2026-11-29T22:23:19.500000Z"},
            },
            {"Last Seen": "0s", "First Seen": "1s", "Count": 4},
        ),
        (
            "PodDisruptionBudget",
            "policy",
            {"spec": {"minAvailable": "50%"}},
            {"Min Available": "50%", "Max Unavailable": "N/A", "Allowed Disruptions": 0},
        ),
        (
            "ResourceQuota",
            "",
            {"status": {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1"}}},
            {"Request": "pods: 1/4", "Limit": "limits.cpu: 0/2"},
        ),
        (
            "HorizontalPodAutoscaler",
            "autoscaling",
            {
                "spec": {
                    "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                    "metrics": [
                        {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
                    ],
                }
            },
            {"Reference": "Deployment/web", "Targets": "cpu: <unknown>/50%", "MinPods": "<unset>"},
        ),
        (
            "ControllerRevision",
            "apps",
            {
                "revision": 2,
                "metadata": {
                    "name": "r",
                    "ownerReferences": [
                        {"controller": True, "kind": "StatefulSet", "name": "db", "apiVersion": "apps/v1"}
                    ],
                },
            },
            {"Controller": "statefulset.apps/db", "Revision": 2},
        ),
    ],
)
def test_what_is_shown_of_a_kind(kind: str, group: str, body: dict[str, Any], wanted: dict[str, Any]) -> None:
    shown = cells(kind, body, group)
    assert {name: shown[name] for name in wanted} == wanted


@pytest.mark.parametrize("resource", KUBERNETES, ids=lambda each: each.kind)
def test_an_object_that_says_nothing_can_be_shown(resource: Any) -> None:
    assert cells(resource.kind, {"spec": {}, "status": {}}, resource.group)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"matchLabels": {"b": "1", "a": "2"}}, "a=2,b=1"),
        (
            {
                "matchExpressions": [
                    {"key": "a", "operator": "NotIn", "values": ["y", "x"]},
                    {"key": "b", "operator": "Exists"},
                ]
            },
            "a notin (x,y),b",
        ),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, "!a"),
        (None, "<none>"),
    ],
)
def test_a_selector_in_one_line(wanted: Any, said: str) -> None:
    assert selector(wanted) == said


def test_some_of_several() -> None:
    assert [some("ab"), some("abc"), some("abcde"), some("")] == ["a,b", "a,b,c", "a,b,c + 2 more...", "<unset>"]

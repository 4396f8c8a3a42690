"""What the simulated kubelets do to Pods: life as from a kubelet, with delays that can be set."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from kitlib.api.transport import Connection

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


class Life:
    """Watches the Pods of a namespace, and notes each version with the time it came."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.connection = connection
        self.path = f"/api/v1/namespaces/{namespace}/pods"
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.stream = connection.stream(self.path, {"watch": "1"}, 60)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for line in self.stream:
            event = json.loads(line)
            with self.changed:
                self.seen.append((time.monotonic(), event["type"], event["object"]))
                self.changed.notify_all()

    def until(self, test: Any, timeout: float = 20.0) -> float:
        """Wait until a version passes a test; return when it came."""
        with self.changed:
            self.changed.wait_for(lambda: any(test(kind, pod) for _, kind, pod in self.seen), timeout)
            return next(at for at, kind, pod in self.seen if test(kind, pod))

    def close(self) -> None:
        """End the watch."""
        self.stream.close()
        self.thread.join(5)


@pytest.fixture
def life(connection: Connection, namespace: str) -> Any:
    """A watch on the test's namespace."""
    watched = Life(connection, namespace)
    yield watched
    watched.close()


def pod(name: str = "p", **annotations: str) -> dict[str, Any]:
    """A Pod with one container; annotations are ours, with dashes for underscores."""
    notes = {f"kitlib/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": notes},
        "spec": {"containers": [{"name": "c", "image": "example/c:1"}]},
    }


def condition(each: dict[str, Any], name: str) -> str | None:
    """The status of a condition."""
    found = [entry["status"] for entry in each["status"].get("conditions") or [] if entry["type"] == name]
    return found[0] if found else None


def running(kind: str, each: dict[str, Any]) -> bool:
    return each["status"].get("phase") == "Running"


def ready(kind: str, each: dict[str, Any]) -> bool:
    return condition(each, "Ready") == "True"


def gone(kind: str, each: dict[str, Any]) -> bool:
    return kind == "DELETED"


def test_a_pods_life_and_its_delays(connection: Connection, life: Life) -> None:
    connection.request("POST", life.path, body=pod(create_delay="800ms", ready_delay="2s", terminate_delay="1500ms"))
    accepted = life.until(lambda kind, each: each["status"].get("startTime"))
    ran = life.until(running)
    became = life.until(ready)
    assert 0.4 <= ran - accepted < 10  # receipt on a busy machine may be late, so half of the delay is enough
    assert 1.0 <= became - ran < 10
    first = next(each for _, kind, each in life.seen if running(kind, each))
    assert condition(first, "Ready") == "False"
    assert first["status"]["podIP"].startswith("10.")
    status = next(each for _, kind, each in life.seen if ready(kind, each))["status"]["containerStatuses"][0]
    assert status["ready"] and status["started"]
    assert status["state"]["running"]["startedAt"]
    assert status["containerID"]
    for name in ("PodReadyToStartContainers", "Initialized", "ContainersReady", "PodScheduled"):
        assert condition(life.seen[-1][2], name) == "True"
    connection.request("DELETE", f"{life.path}/p")
    told = life.until(lambda kind, each: "deletionTimestamp" in each["metadata"])
    assert 0.75 <= life.until(gone) - told < 10


def test_defaults_are_lively(connection: Connection, life: Life) -> None:
    for number in range(8):
        connection.request("POST", life.path, body=pod(f"p{number}"))
    for number in range(8):
        life.until(lambda kind, each, n=f"p{number}": each["metadata"]["name"] == n and ready(kind, each))
    waits = []
    for number in range(8):
        mine = [(at, kind, each) for at, kind, each in life.seen if each["metadata"]["name"] == f"p{number}"]
        ran = next(at for at, kind, each in mine if running(kind, each))
        waits.append(next(at for at, kind, each in mine if ready(kind, each)) - ran)
    assert min(waits) >= 0.2
    assert max(waits) - min(waits) > 0.01


def test_never_ready_and_a_readiness_that_is_lost(connection: Connection, life: Life) -> None:
    connection.request("POST", life.path, body=pod("never", ready="never", ready_delay="10ms"))
    connection.request("POST", life.path, body=pod("loses", ready_delay="10ms"))
    life.until(lambda kind, each: each["metadata"]["name"] == "loses" and ready(kind, each))
    patch = {"metadata": {"annotations": {"kitlib/ready": "never"}}}
    kind_ = "application/merge-patch+json"
    connection.request("PATCH", f"{life.path}/loses", body=patch, content_type=kind_)

    def lost(kind: str, each: dict[str, Any]) -> bool:
        mine = each["metadata"]["name"] == "loses" and each["metadata"]["annotations"].get("kitlib/ready") == "never"
        return bool(mine and condition(each, "Ready") == "False")

    life.until(lost)
    assert not any(each["metadata"]["name"] == "never" and ready(kind, each) for _, kind, each in life.seen)
    patch = {"metadata": {"annotations": {"kitlib/ready": None}}}
    connection.request("PATCH", f"{life.path}/never", body=patch, content_type=kind_)
    life.until(lambda kind, each: each["metadata"]["name"] == "never" and ready(kind, each))


def test_a_readiness_gate_is_waited_for(connection: Connection, life: Life) -> None:
    gated = pod("gated", ready_delay="10ms")
    gated["spec"]["readinessGates"] = [{"conditionType": "example.com/gate"}]
    connection.request("POST", life.path, body=gated)
    life.until(lambda kind, each: condition(each, "ContainersReady") == "True")
    assert condition(life.seen[-1][2], "Ready") == "False"
    patch = {"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}}
    kind_ = "application/strategic-merge-patch+json"
    connection.request("PATCH", f"{life.path}/gated/status", body=patch, content_type=kind_)
    life.until(ready)


def test_init_containers_come_first(connection: Connection, life: Life) -> None:
    with_init = pod("init")
    with_init["spec"]["initContainers"] = [{"name": "i", "image": "example/i:1"}]
    connection.request("POST", life.path, body=with_init)
    began = life.until(lambda kind, each: condition(each, "Initialized") == "False")
    done = life.until(lambda kind, each: condition(each, "Initialized") == "True")
    assert began < done < life.until(ready)
    assert life.seen[-1][2]["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_a_jobs_pod_completes(connection: Connection, life: Life, namespace: str) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {
            "template": {
                "metadata": {"annotations": {"kitlib/run-for": "1500ms"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "example/c:1"}]},
            }
        },
    }
    connection.request("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", body=job)
    became = life.until(ready)
    done = life.until(lambda kind, each: each["status"].get("phase") == "Succeeded")
    assert 0.75 <= done - became < 10


def test_events_tell_the_story(connection: Connection, life: Life, namespace: str) -> None:
    connection.request("POST", life.path, body=pod("told", ready_delay="10ms", terminate_delay="1s"))
    life.until(ready)
    connection.request("DELETE", f"{life.path}/told")
    life.until(gone)
    items = json.loads(connection.request("GET", f"/api/v1/namespaces/{namespace}/events"))["items"]
    assert {item["reason"] for item in items} >= {"Scheduled", "Created", "Started", "Killing"}

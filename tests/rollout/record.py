"""How `tests/data/workloads` was recorded: the four controllers on the embedded cluster, its Pods simulated.

    kitlib up --provider embedded
    python -m tests.rollout.record build/workloads      # three minutes; two of them are the CronJobs'

One lab; each controller does in a step of its own what a test asks for.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import kitlib
from kitlib.lab import Lab

KINDS = ("pods", "statefulsets", "daemonsets", "jobs", "cronjobs", "nodes")


def pod(app: str, image: str = "web:1", **annotations: str) -> dict[str, Any]:
    """Return a template whose Pods are quick."""
    quick = {"kitlib/create-delay": "150ms", "kitlib/ready-delay": "200ms", "kitlib/terminate-delay": "150ms"}
    return {
        "metadata": {"labels": {"app": app}, "annotations": {**quick, **annotations}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def statefulset(name: str, replicas: int, **spec: Any) -> dict[str, Any]:
    """Return a StatefulSet."""
    selector = {"matchLabels": {"app": name}}
    spec = {"serviceName": name, "replicas": replicas, "selector": selector, "template": pod(name), **spec}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


def daemonset(name: str, rolling: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a DaemonSet."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    spec = {"selector": {"matchLabels": {"app": name}}, "updateStrategy": strategy, "template": pod(name), **spec}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec}


def job(run_for: str = "1s", **spec: Any) -> dict[str, Any]:
    """Return a Job's spec."""
    template = pod("job", **{"kitlib/run-for": run_for})
    template["spec"]["restartPolicy"] = "Never"
    return {"template": template, **spec}


def a_job(name: str, **spec: Any) -> dict[str, Any]:
    """Return a Job."""
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": job(**spec)}


def cronjob(policy: str) -> dict[str, Any]:
    """Return a CronJob whose Jobs take longer than its period."""
    spec = {"schedule": "* * * * *", "concurrencyPolicy": policy, "jobTemplate": {"spec": job("75s")}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": policy.lower()}, "spec": spec}


def same(lab: Lab, plural: str, name: str, *, gone: int | None = None, **counts: int) -> None:
    """Wait until an object's controller has seen its newest version, and its status has these counts."""

    def so() -> bool:
        for one in lab.recorder.latest(plural):
            status = one.get("status", {})
            if one["metadata"]["name"] == name and status.get("observedGeneration") == one["metadata"]["generation"]:
                pods = lab.owned("pods", name)
                return all(status.get(key, 0) == count for key, count in counts.items()) and gone in (None, len(pods))
        return False

    lab.catch_up()
    lab.until(so, f"{name}: {counts}", timeout=90)


def finished(lab: Lab, name: str, condition: str = "Complete") -> None:
    """Wait until a Job is at its end."""

    def so() -> bool:
        jobs = [one for one in lab.recorder.latest("jobs") if one["metadata"]["name"] == name]
        return any(each["type"] == condition for one in jobs for each in one.get("status", {}).get("conditions", ()))

    lab.until(so, f"{name}: {condition}", timeout=90)


def fail_each(lab: Lab, name: str, times: int) -> None:
    """Let a Job's Pods fail, one after the other: no simulated container does it by itself."""
    done: set[str] = set()
    while len(done) < times:

        def running() -> list[dict[str, Any]]:
            mine = [one for one in lab.owned("pods", name) if one["metadata"]["uid"] not in done]
            return [one for one in mine if one.get("status", {}).get("phase") == "Running"]

        lab.until(running, f"a Pod of {name} runs", timeout=60)
        one = running()[0]
        path = f"/api/v1/namespaces/{lab.namespace}/pods/{one['metadata']['name']}/status"
        body = {"status": {"phase": "Failed", "conditions": [{"type": "Ready", "status": "False"}]}}
        lab.connection.request("PATCH", path, body=body, content_type="application/strategic-merge-patch+json")
        done.add(one["metadata"]["uid"])


def stateful(lab: Lab) -> None:
    """Create, scale, update, canary; Parallel beside OrderedReady."""
    with lab.step("statefulset: create"):
        lab.apply(statefulset("db", 3))
        lab.apply(statefulset("crowd", 3, podManagementPolicy="Parallel", ordinals={"start": 5}))
        same(lab, "statefulsets", "db", availableReplicas=3)
        same(lab, "statefulsets", "crowd", availableReplicas=3)
    with lab.step("statefulset: scale"):
        lab.scale("statefulset/db", 4)
        same(lab, "statefulsets", "db", availableReplicas=4)
        lab.scale("statefulset/db", 2)
        same(lab, "statefulsets", "db", replicas=2, gone=2)
        lab.scale("statefulset/db", 3)
        same(lab, "statefulsets", "db", availableReplicas=3)
    with lab.step("statefulset: update"):
        lab.set_image("statefulset/db", "web:2")
        same(lab, "statefulsets", "db", availableReplicas=3, updatedReplicas=3)
    with lab.step("statefulset: canary"):
        lab.patch("statefulset/db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}})
        lab.set_image("statefulset/db", "web:3")
        same(lab, "statefulsets", "db", availableReplicas=3, updatedReplicas=1)
        old = {one["metadata"]["uid"] for one in lab.owned("pods", "db") if one["metadata"]["name"] == "db-0"}
        lab.delete("pod/db-0")
        lab.wait_ready("app=db", 3, without=old)
        same(lab, "statefulsets", "db", availableReplicas=3)


def daemons(lab: Lab) -> None:
    """Create, update in both ways, a node relabelled."""
    nodes = sorted(one["metadata"]["name"] for one in lab.recorder.latest("nodes"))
    with lab.step("daemonset: create"):
        lab.apply(daemonset("agent", {"maxUnavailable": 1, "maxSurge": 0}))
        same(lab, "daemonsets", "agent", numberAvailable=len(nodes), desiredNumberScheduled=len(nodes))
    with lab.step("daemonset: update"):
        lab.set_image("daemonset/agent", "agent:2")
        same(lab, "daemonsets", "agent", numberAvailable=len(nodes), updatedNumberScheduled=len(nodes))
    with lab.step("daemonset: surge"):
        surge = {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
        lab.patch("daemonset/agent", {"spec": surge})
        lab.set_image("daemonset/agent", "agent:3")
        count = len(nodes)
        same(lab, "daemonsets", "agent", numberAvailable=count, updatedNumberScheduled=count, gone=count)
    with lab.step("daemonset: labels"):
        lab.patch("daemonset/agent", {"spec": {"template": {"spec": {"nodeSelector": {"kitlib-disk": "ssd"}}}}})
        same(lab, "daemonsets", "agent", desiredNumberScheduled=0, gone=0)
        for node in nodes[:2]:
            lab.patch(f"node/{node}", {"metadata": {"labels": {"kitlib-disk": "ssd"}}})
        same(lab, "daemonsets", "agent", numberAvailable=2, desiredNumberScheduled=2)
        for node in nodes[:2]:
            lab.patch(f"node/{node}", {"metadata": {"labels": {"kitlib-disk": None}}})
        same(lab, "daemonsets", "agent", desiredNumberScheduled=0, gone=0)


def jobs(lab: Lab) -> None:
    """Some that are done, one indexed, one that fails for good, one suspended."""
    with lab.step("job: completions"):
        lab.apply(a_job("pi", completions=5, parallelism=2))
        lab.apply(a_job("indexed", completions=4, parallelism=3, completionMode="Indexed"))
        lab.apply(a_job("later", completions=1, suspend=True))
        finished(lab, "pi")
        finished(lab, "indexed")
    with lab.step("job: suspend"):
        lab.patch("job/later", {"spec": {"suspend": False}})
        finished(lab, "later")
    with lab.step("job: failures"):
        lab.apply(a_job("broken", run_for="60s", backoffLimit=1))
        fail_each(lab, "broken", 2)
        finished(lab, "broken", "Failed")


def main(out: Path) -> None:
    """Record all."""
    lab = kitlib.open("workloads", kinds=KINDS)
    with lab.quiet():
        for policy in ("Allow", "Forbid", "Replace"):
            lab.apply(cronjob(policy))
        stateful(lab)
        daemons(lab)
        jobs(lab)
        with lab.step("cronjob: policies"):
            lab.until(lambda: len(lab.owned("jobs", "allow")) >= 3, "three firings", timeout=240)
            lab.until(lambda: len(lab.owned("jobs", "replace")) == 1, "the one before is replaced", timeout=30)
    lab.close()
    shutil.copytree(lab.recording.path, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

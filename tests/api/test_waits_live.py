"""Waits, words, images and rollbacks for every kind, on a real control plane whose Pods kwok plays.

Several waits share a test, so that their Pods come up beside each other.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.errors import ServerError, UsageError, WaitTimeout

pytestmark = pytest.mark.live
QUICK = {"kitlib/create-delay": "10ms", "kitlib/ready-delay": "10ms", "kitlib/terminate-delay": "10ms"}


def template(image: str = "web:1", /, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"labels": {"app": "x"}, "annotations": {**QUICK, **(annotations or {})}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "web", "image": image}], **spec}}


def workload(kind: str, name: str = "x", /, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a manifest of a kind of the group apps."""
    made = template("web:1", annotations)
    made["metadata"]["labels"] = {"app": name}
    about = {"selector": {"matchLabels": {"app": name}}, "template": made}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {**about, **spec}}


def job(name: str, run_for: str = "10ms", **spec: Any) -> dict[str, Any]:
    made = template("job:1", {"kitlib/run-for": run_for}, restartPolicy="Never")
    made["metadata"].pop("labels")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": made, **spec}}


class Here:
    """The words of `kitlib.objects` in one namespace."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.connection, self.namespace = connection, namespace

    def apply(self, *manifests: Any) -> list[objects.Change]:
        return [change for each in manifests for change in objects.apply(self.connection, each, self.namespace)]

    def wait(self, ref: str, timeout: float = 30, **goal: Any) -> float:
        return objects.wait(self.connection, ref, self.namespace, timeout=timeout, **goal)

    def late(self, ref: str, **goal: Any) -> str:
        """Return what a wait that comes to nothing says."""
        with pytest.raises(WaitTimeout) as told:
            self.wait(ref, timeout=0.5, **goal)
        return str(told.value)

    def image(self, ref: str) -> str:
        spec = objects.get(self.connection, ref, self.namespace)["spec"]
        return str(spec["template"]["spec"]["containers"][0]["image"])


@pytest.fixture
def here(connection: Connection, namespace: str) -> Here:
    return Here(connection, namespace)


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_a_rollout_is_waited_for_changed_and_undone(here: Here, kind: str) -> None:
    ref = f"{kind.lower()}/x"
    size = {} if kind == "DaemonSet" else {"replicas": 2}
    here.apply(workload(kind, **size))
    here.wait(ref, rolled_out=True)
    assert objects.set_image(here.connection, ref, "web:2", here.namespace).verb == "image updated"
    here.wait(ref, observed=True)
    here.wait(ref, settled=True)
    back = objects.undo(here.connection, ref, here.namespace)
    assert ("spec.template.spec.containers[web].image", "web:2", "web:1") in back.diff
    assert back.kubectl == f"kubectl rollout undo {kind.lower()}/x"
    here.wait(ref, rolled_out=True)
    assert here.image(ref) == "web:1"
    pods = here.connection.get(f"/api/v1/namespaces/{here.namespace}/pods")["items"]
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    assert {pod["spec"]["containers"][0]["image"] for pod in alive} == {"web:1"}
    objects.undo(here.connection, ref, here.namespace, to_revision=2)
    assert here.image(ref) == "web:2"
    with pytest.raises(UsageError, match=r"holds revision 77[\s\S]*revisions that are there"):
        objects.undo(here.connection, ref, here.namespace, to_revision=77)


def test_what_is_never_ready_is_told_pod_by_pod(here: Here) -> None:
    never = {"kitlib/ready": "never"}
    here.apply(*(workload(kind, kind.lower(), never) for kind in ("DaemonSet", "StatefulSet", "ReplicaSet")))
    for kind, words in (
        ("daemonset", r"0 of \d+ updated pods are available; .*daemonset-\w+ "),
        ("statefulset", r"waiting for 1 pods to be ready; statefulset-0 "),
        ("replicaset", r"0 of 1 replicas are available; replicaset-\w+ "),
    ):
        here.wait(f"{kind}/{kind}", observed=True)
        here.wait(f"{kind}/{kind}", until=lambda seen: seen["status"].get("currentNumberScheduled", 1))
        said = here.late(f"{kind}/{kind}", rolled_out=True)
        assert re.search(words, said), said
    with pytest.raises(WaitTimeout, match=r"it has no condition Ready|nothing says why|waiting for 1"):
        here.wait("statefulset/statefulset", condition="Ready", timeout=0.3)


def test_a_job_that_completes_one_that_fails_and_one_that_waits(here: Here) -> None:
    here.apply(
        job("done", completions=2, parallelism=2),
        job("late", "60s", activeDeadlineSeconds=1),
        job("held", suspend=True),
    )
    assert "it is suspended" in here.late("job/held", rolled_out=True)
    here.wait("job/done", rolled_out=True)
    here.wait("job/done", condition="Complete")
    with pytest.raises(WaitTimeout, match=r"the Job failed: DeadlineExceeded"):
        here.wait("job/late", rolled_out=True)
    here.wait("job/late", condition="Failed=True:DeadlineExceeded")
    with pytest.raises(ServerError, match="immutable"):
        objects.set_image(here.connection, "job/done", "job:2", here.namespace)


@pytest.fixture
def kinds(connection: Connection) -> Iterator[dict[str, Any]]:
    """Give a definition of a kind of one's own, whose objects have conditions; it is gone afterwards."""
    word = f"widget{secrets.token_hex(3)}"
    names = {"plural": f"{word}s", "singular": word, "kind": word.capitalize()}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    yield {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{word}s.kitlib.example.org"},
        "spec": {
            "group": "kitlib.example.org",
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
    connection.request("DELETE", f"{path}{word}s.kitlib.example.org")


def test_a_definition_and_its_object_in_one_go(here: Here, kinds: dict[str, Any]) -> None:
    names = kinds["spec"]["names"]
    ref = f"{names['singular']}/mine"
    mine = {"apiVersion": "kitlib.example.org/v1", "kind": names["kind"], "metadata": {"name": "mine"}}
    made = here.apply(
        {"apiVersion": "v1", "kind": "List", "items": [kinds, {**mine, "spec": {"template": template()}}]}
    )
    assert [change.verb for change in made] == ["created", "created"]
    here.wait(f"crd/{kinds['metadata']['name']}", rolled_out=True)
    here.wait(f"crd/{kinds['metadata']['name']}", condition="Established")
    assert "it has no condition Ready" in here.late(ref, rolled_out=True)

    def say(**condition: object) -> None:
        path = here.connection.discover(names["plural"]).path(here.namespace, "mine") + "/status"
        body = {"status": {"conditions": [{"type": "Ready", **condition}]}}
        here.connection.request("PATCH", path, body=body, content_type=objects.MERGE)

    say(status="False", reason="NoDisk", message="there is none", observedGeneration=1)
    assert "Ready is False (NoDisk: there is none)" in here.late(ref, rolled_out=True)
    assert "Ready is False (NoDisk: there is none)" in here.late(ref, condition="ready")
    here.wait(ref, condition="Ready=False:NoDisk")
    say(status="True", observedGeneration=1)
    here.wait(ref, rolled_out=True)
    assert objects.set_image(here.connection, ref, "web:2", here.namespace).verb == "image updated"
    assert here.image(ref) == "web:2"
    assert "not Ready" in here.late(ref, condition="Ready")  # it is about the older spec
    with pytest.raises(UsageError, match="nothing can be rolled back"):
        objects.undo(here.connection, ref, here.namespace)


def test_objects_without_a_spec(here: Here) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"}, "rules": []}
    here.apply(settings, account, role)
    here.wait("configmap/x", until=lambda seen: seen["data"]["a"] == "1")
    assert "configmap/x" in here.late("configmap/x", until=lambda seen: seen["data"]["a"] == "2", what="a is 2")
    for ref in ("configmap/x", "serviceaccount/x", "role/x"):
        with pytest.raises(UsageError, match="nothing rolls out in a"):
            here.wait(ref, rolled_out=True)
        with pytest.raises(UsageError, match="has no containers"):
            objects.set_image(here.connection, ref, "web:2", here.namespace)
        assert objects.delete(here.connection, ref, here.namespace).verb == "deleted"
        here.wait(ref, deleted=True)


def test_what_holds_up_an_object_that_says_little_is_told(here: Here) -> None:
    held = {"name": "held", "finalizers": ["example.org/hold"]}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    here.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "x"}, "spec": claim},
    )
    assert "nobody has deleted it" in here.late("configmap/held", deleted=True)
    objects.delete(here.connection, "configmap/held", here.namespace)
    assert "it is being deleted, and held by its finalizers: example.org/hold" in here.late(
        "configmap/held", deleted=True
    )
    path = here.connection.discover("configmaps").path(here.namespace, "held")
    body = {"metadata": {"finalizers": None}}
    here.connection.request("PATCH", path, body=body, content_type=objects.MERGE)
    here.wait("configmap/held", deleted=True)
    bound = here.late("pvc/x", until=lambda seen: seen["status"]["phase"] == "Bound", what="bound")
    assert "not bound within" in bound and "its phase is Pending" in bound
    asked = here.late("pvc/x", until=lambda seen: seen["status"]["capacity"]["storage"] == "1Gi")
    assert "`until` asks for what isn't there (KeyError: 'capacity')" in asked


def test_a_deletion_whose_successor_has_its_name(here: Here) -> None:
    here.apply(workload("StatefulSet", "db", replicas=1))
    here.wait("statefulset/db", rolled_out=True)
    first = objects.delete(here.connection, "pod/db-0", here.namespace).result["metadata"]["uid"]
    here.wait("pod/db-0", deleted=True, uid=first)
    here.wait("statefulset/db", rolled_out=True)
    second = objects.get(here.connection, "pod/db-0", here.namespace)["metadata"]["uid"]
    assert second != first
    assert here.wait("pod/db-0", deleted=True, uid=first) < 5  # it has been gone for long
    assert "not gone" in here.late("pod/db-0", deleted=True)


def test_what_goes_before_the_watch_begins_is_gone(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "brief"}})
    stood = objects.get(here.connection, "configmap/brief", here.namespace)
    objects.delete(here.connection, "configmap/brief", here.namespace)
    monkeypatch.setattr("kitlib.watch.wait.get_or_none", lambda *_: stood)  # it is deleted between this and the list
    here.wait("configmap/brief", deleted=True)
    with pytest.raises(WaitTimeout, match="it was deleted meanwhile"):
        here.wait("configmap/brief", until=lambda seen: False, what="never")


def test_an_image_of_whatever_has_containers(here: Here) -> None:
    nightly = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template("job:1", restartPolicy="Never")}}}
    bare = {"apiVersion": "v1", "kind": "Pod", **template("a:1"), "metadata": {"name": "bare", "annotations": QUICK}}
    here.apply(
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": nightly},
        bare,
        workload("ReplicaSet", "rs", replicas=0),
    )
    for ref, path in (
        ("cronjob/nightly", "spec.jobTemplate.spec.template.spec.containers[web].image"),
        ("pod/bare", "spec.containers[web].image"),
        ("replicaset/rs", "spec.template.spec.containers[web].image"),
    ):
        change = objects.set_image(here.connection, ref, "web:9", here.namespace)
        assert path in [each[0] for each in change.diff], ref
        assert change.kubectl == f"kubectl set image {ref} web=web:9"
    with pytest.raises(UsageError, match="wait for a Job that it has made"):
        here.wait("cronjob/nightly", rolled_out=True)
    with pytest.raises(UsageError, match=r'condition="Ready"'):
        here.wait("pod/bare", rolled_out=True)
    here.wait("pod/bare", condition="Ready")

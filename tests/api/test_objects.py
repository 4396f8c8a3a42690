"""Words that write: what they change, say and refuse; waits that end with a reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.errors import ServerError, UsageError, WaitTimeout

MANIFEST = Path(__file__).parents[2] / "notebooks" / "manifests" / "deployment" / "web.yaml"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("no/such/file.yaml", "can't be read"),
        ("a: b: c", "no YAML"),
        ("kind: Pod\nmetadata: {name: x}\n", "no apiVersion"),
        ("apiVersion: v1\nkind: Pod\n", r"no metadata\.name"),
        ("- 1\n- 2\n", "it is a list, no object"),
        ("# nothing\n", "no object in it"),
    ],
)
def test_a_manifest_that_can_t_be_read_says_why(source: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        objects.load(source)


def test_differences_are_by_name_and_without_what_the_server_keeps() -> None:
    old = {
        "metadata": {"resourceVersion": "1"},
        "spec": {"c": [{"name": "a", "image": "1"}, {"name": "b"}]},
        "status": {},
    }
    new = {"metadata": {"resourceVersion": "2"}, "spec": {"c": [{"name": "b"}, {"name": "a", "image": "2"}], "x.y": 1}}
    assert objects.difference(old, new) == [("spec.c[a].image", "1", "2"), ('spec["x.y"]', None, 1)]


@pytest.mark.parametrize("ref", ["web", "deployment/", "/web", ""])
def test_a_reference_that_names_nothing_is_refused(ref: str) -> None:
    with pytest.raises(UsageError, match="names no object"):
        objects.find(None, ref)  # type: ignore[arg-type]


@pytest.mark.live
class TestLive:
    def test_apply_creates_configures_and_leaves(self, connection: Connection, namespace: str) -> None:
        made = objects.apply(connection, MANIFEST, namespace)
        assert [(change.object, change.verb) for change in made] == [("deployment.apps/web", "created")]
        assert "kubectl apply --server-side -f" in made[0].kubectl
        assert objects.apply(connection, MANIFEST, namespace)[0].verb == "unchanged"
        owned = made[0].result["metadata"]["managedFields"]
        assert {(field["manager"], field["operation"]) for field in owned} == {("kitlib", "Apply")}

    def test_a_dry_run_changes_nothing(self, connection: Connection, namespace: str) -> None:
        change = objects.apply(connection, MANIFEST, namespace, dry_run=True)[0]
        assert change.verb == "created (dry run)" and "--dry-run=server" in change.kubectl
        with pytest.raises(ServerError, match="not found"):
            objects.get(connection, "deployment/web", namespace)

    def test_apply_takes_back_what_kitlib_itself_patched(self, connection: Connection, namespace: str) -> None:
        objects.apply(connection, MANIFEST, namespace)
        changed = objects.set_image(connection, "deployment/web", "web:9", namespace)
        assert changed.diff == [("spec.template.spec.containers[web].image", "web:1.0", "web:9")]
        assert changed.kubectl == "kubectl set image deployment/web web=web:9"
        back = objects.apply(connection, MANIFEST, namespace)[0]
        assert back.diff == [("spec.template.spec.containers[web].image", "web:9", "web:1.0")]

    def test_what_somebody_else_owns_is_a_conflict(self, connection: Connection, namespace: str) -> None:
        objects.apply(connection, MANIFEST, namespace)
        path = connection.discover("deployment").path(namespace, "web")
        body = {"spec": {"replicas": 3}}
        connection.request("PATCH", path, {"fieldManager": "autoscaler"}, body, content_type=objects.MERGE)
        with pytest.raises(ServerError, match='conflict with "autoscaler"'):
            objects.apply(connection, MANIFEST, namespace)
        assert objects.get(connection, "deployment/web", namespace)["spec"]["replicas"] == 3

    @pytest.mark.parametrize(
        ("spec", "told"),
        [("replcas: 3", r"\.spec\.replcas: field not declared"), ("replicas: three", "expected numeric")],
    )
    def test_a_typo_is_refused_by_name(self, connection: Connection, namespace: str, spec: str, told: str) -> None:
        text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  {spec}\n"
        with pytest.raises(ServerError, match=rf"deployment\.apps/web[\s\S]*{told}[\s\S]*kubectl explain"):
            objects.apply(connection, text, namespace)
        with pytest.raises(ServerError):
            objects.get(connection, "deployment/web", namespace)

    def test_a_time_out_says_what_holds_the_pods_up(self, connection: Connection, namespace: str) -> None:
        manifest = objects.load(MANIFEST)[0]
        manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100"}}
        objects.apply(connection, manifest, namespace)
        started = time.monotonic()
        with pytest.raises(
            WaitTimeout, match=r"0 of 6 updated replicas are available; web-\S+ Pending: .*Insufficient cpu"
        ) as told:
            objects.wait(connection, "deployment/web", namespace, rolled_out=True, timeout=3)
        assert time.monotonic() - started < 10
        assert "kubectl describe deployment web" in str(told.value)

    def test_a_pod_that_is_never_ready_is_named(self, connection: Connection, namespace: str) -> None:
        manifest = objects.load(MANIFEST)[0]
        manifest["spec"]["template"]["metadata"]["annotations"] = {"kitlib/ready": "never"}
        objects.apply(connection, manifest, namespace)
        with pytest.raises(WaitTimeout, match=r"web-\S+ (Running|Pending): (not ready|ContainerCreating)"):
            objects.wait(connection, "deployment/web", namespace, rolled_out=True, timeout=2)

    def test_waiting_for_the_end_of_an_object(self, connection: Connection, namespace: str) -> None:
        objects.apply(connection, MANIFEST, namespace)
        objects.wait(connection, "deployment/web", namespace, settled=True)
        said = objects.delete(connection, "deployment/web", namespace, propagation="Foreground")
        assert said.kubectl == "kubectl delete deployment web --cascade=foreground"
        objects.wait(connection, "deployment/web", namespace, deleted=True)
        with pytest.raises(ServerError, match="not found"):
            objects.delete(connection, "deployment/web", namespace)
        objects.apply(connection, MANIFEST, namespace)
        said = objects.delete(connection, "deployment/web", namespace, grace=0)
        assert said.kubectl == "kubectl delete deployment web --grace-period=0 --force"

    def test_a_wait_names_one_goal_and_an_object_that_exists(self, connection: Connection, namespace: str) -> None:
        with pytest.raises(UsageError, match="0 goals named"):
            objects.wait(connection, "deployment/web", namespace)
        with pytest.raises(UsageError, match="no such object"):
            objects.wait(connection, "deployment/none", namespace, rolled_out=True)

    def test_undo_without_history_says_what_is_there(self, connection: Connection, namespace: str) -> None:
        objects.apply(connection, MANIFEST, namespace)
        objects.wait(connection, "deployment/web", namespace, rolled_out=True)
        with pytest.raises(UsageError, match=r"no old ReplicaSet is left[\s\S]*\[1\]"):
            objects.undo(connection, "deployment/web", namespace)
        with pytest.raises(UsageError, match="no ReplicaSet holds revision 7"):
            objects.undo(connection, "deployment/web", namespace, to_revision=7)

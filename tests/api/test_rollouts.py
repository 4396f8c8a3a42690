"""Images, pauses and rollbacks, for the kinds for which kubectl has them; a sentence for all others."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.api.rollouts import HASH, pause, set_image, undo
from kitlib.errors import UsageError
from tests.api.stub import Stub, thing

APPS, BATCH = "apps/v1", "batch/v1"


def containers(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "image": f"{name}:1"} for name in names]


def template(*names: str, **more: Any) -> dict[str, Any]:
    return {"template": {"metadata": {}, "spec": {"containers": containers(*names), **more}}}


ONE = [{"name": "app", "image": "app:2"}]


@pytest.mark.parametrize(
    ("object", "sent"),
    [
        (thing("Pod", "x", spec={"containers": containers("app")}), {"spec": {"containers": ONE}}),
        *(
            (thing(kind, "x", api, spec=template("app")), {"spec": {"template": {"spec": {"containers": ONE}}}})
            for kind, api in [(k, APPS) for k in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")]
            + [("Job", BATCH)]
        ),
        (
            thing("CronJob", "x", BATCH, spec={"jobTemplate": {"spec": template("app")}}),
            {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": ONE}}}}}},
        ),
    ],
)
def test_an_image_of_whatever_has_containers(object: dict[str, Any], sent: dict[str, Any]) -> None:
    connection: Any = Stub(object)
    change = set_image(connection, f"{object['kind'].lower()}/x", "app:2", "shop")
    assert connection.sent[-1][2] == sent
    assert change.kubectl == f"kubectl set image {object['kind'].lower()}/x app=app:2"


def test_an_image_in_a_kind_of_ones_own_is_replaced_where_it_stands() -> None:
    connection: Any = Stub(thing("Deployment", "x", "example.org/v1", spec=template("side", "app")))
    connection.kinds = [kind for kind in connection.kinds if kind.group_version != APPS]
    set_image(connection, "deployment/x", "app:2", "shop", "app")
    path = "/spec/template/spec/containers/1"
    assert connection.sent[-1][2] == [
        {"op": "test", "path": f"{path}/name", "value": "app"},
        {"op": "add", "path": f"{path}/image", "value": "app:2"},
    ]


def test_init_containers_have_images_too_and_a_star_means_all() -> None:
    spec = template("app", initContainers=containers("init"))
    connection: Any = Stub(thing("Deployment", "x", APPS, spec=spec))
    set_image(connection, "deployment/x", "a:2", "shop", "init")
    assert connection.sent[-1][2]["spec"]["template"]["spec"] == {"initContainers": [{"name": "init", "image": "a:2"}]}
    set_image(connection, "deployment/x", "a:2", "shop", "*")
    assert set(connection.sent[-1][2]["spec"]["template"]["spec"]) == {"initContainers", "containers"}


@pytest.mark.parametrize(
    ("object", "container", "told"),
    [
        (thing("Deployment", "x", APPS, spec=template("a", "b")), None, r"several containers[\s\S]*a, b"),
        (thing("Deployment", "x", APPS, spec=template("a")), "c", r"no container 'c'[\s\S]*one of: a"),
        (thing("ConfigMap", "x", data={}), None, "a ConfigMap has no containers"),
    ],
)
def test_without_such_a_container_there_is_a_sentence(object: Any, container: str | None, told: str) -> None:
    connection: Any = Stub(object)
    with pytest.raises(UsageError, match=told):
        set_image(connection, f"{object['kind'].lower()}/x", "a:2", "shop", container)
    assert not connection.sent


def test_a_deployment_is_paused_and_resumed() -> None:
    connection: Any = Stub(thing("Deployment", "x", APPS, spec=template("a")))
    assert pause(connection, "deployment/x", "shop").kubectl == "kubectl rollout pause deployment/x"
    assert pause(connection, "deployment/x", "shop", paused=False).kubectl == "kubectl rollout resume deployment/x"
    assert [body for *_, body in connection.sent] == [{"spec": {"paused": True}}, {"spec": {"paused": None}}]


@pytest.mark.parametrize(
    ("kind", "instead"),
    [("StatefulSet", "partition"), ("DaemonSet", "OnDelete"), ("CronJob", "suspend"), ("Pod", "name")],
)
def test_nothing_else_is_paused(kind: str, instead: str) -> None:
    connection: Any = Stub()
    with pytest.raises(UsageError, match=rf"not a {kind}'s[\s\S]*{instead}"):
        pause(connection, f"{kind.lower()}/x", "shop")
    assert not connection.sent


def owned(kind: str, name: str, **more: Any) -> dict[str, Any]:
    metadata = {"ownerReferences": [{"uid": "uid-x"}], **more.pop("metadata", {})}
    return thing(kind, name, APPS, metadata=metadata, **more)


def replica_set(number: int, image: str, owner: str = "uid-x") -> dict[str, Any]:
    notes = {"deployment.kubernetes.io/revision": str(number), "kubernetes.io/change-cause": f"cause {number}"}
    spec = {"template": {"metadata": {"labels": {HASH: "h", "app": "x"}}, "spec": {"image": image}}}
    metadata = {"annotations": notes, "ownerReferences": [{"uid": owner}]}
    return thing("ReplicaSet", f"x-{number}-{owner}", APPS, metadata=metadata, spec=spec)


def deployed(image: str, **spec: Any) -> Any:
    notes = {"deployment.kubernetes.io/revision": "3", "kubernetes.io/change-cause": "cause 3"}
    body = {"metadata": {"labels": {"app": "x"}}, "spec": {"image": image}}
    owner = thing("Deployment", "x", APPS, metadata={"annotations": notes}, spec={"template": body, **spec})
    sets = [replica_set(1, "a:1"), replica_set(2, "a:2"), replica_set(3, "a:3"), replica_set(9, "no:1", "another")]
    return Stub(owner, *sets)


@pytest.mark.parametrize(("to", "number"), [(None, 2), (0, 2), (1, 1)])
def test_a_deployment_goes_back_to_the_one_before_or_the_one_that_is_named(to: int | None, number: int) -> None:
    connection = deployed("a:3")
    undo(connection, "deployment/x", "shop", to)
    template, annotations = connection.sent[-1][2]
    assert template["value"] == {"metadata": {"labels": {"app": "x"}}, "spec": {"image": f"a:{number}"}}
    assert annotations["value"] == {
        "deployment.kubernetes.io/revision": "3",
        "kubernetes.io/change-cause": f"cause {number}",
    }


def test_a_template_that_is_there_already_is_left() -> None:
    connection = deployed("a:2")
    assert undo(connection, "deployment/x", "shop", 2).verb == "unchanged: its template is revision 2's"
    assert not connection.sent


def controller_revision(number: int, image: str) -> dict[str, Any]:
    body = {"$patch": "replace", "metadata": {"creationTimestamp": None}, "spec": {"image": image}}
    return owned("ControllerRevision", f"x-{number}", revision=number, data={"spec": {"template": body}})


@pytest.mark.parametrize("kind", ["DaemonSet", "StatefulSet"])
def test_daemon_sets_and_stateful_sets_go_back_by_their_controller_revisions(kind: str) -> None:
    owner = thing(kind, "x", APPS, spec={"template": {"metadata": {}, "spec": {"image": "a:3"}}})
    connection: Any = Stub(owner, *(controller_revision(n, f"a:{n}") for n in (10, 9, 3)))
    change = undo(connection, f"{kind.lower()}/x", "shop")
    assert connection.sent[-1][2] == [
        {"op": "replace", "path": "/spec/template", "value": {"metadata": {}, "spec": {"image": "a:9"}}}
    ]
    assert change.kubectl == f"kubectl rollout undo {kind.lower()}/x"
    assert undo(connection, f"{kind.lower()}/x", "shop", 3).verb.startswith("unchanged")
    with pytest.raises(UsageError, match=r"no ControllerRevision holds revision 7[\s\S]*\[3, 9, 10\]"):
        undo(connection, f"{kind.lower()}/x", "shop", 7)


def test_what_can_t_be_rolled_back_says_so() -> None:
    with pytest.raises(UsageError, match="a paused Deployment can't be rolled back"):
        undo(deployed("a:3", paused=True), "deployment/x", "shop")
    for kind in ("ReplicaSet", "Job", "Pod"):
        with pytest.raises(UsageError, match=f"nothing can be rolled back in a {kind}"):
            undo(Stub(), f"{kind.lower()}/x", "shop")  # type: ignore[arg-type]

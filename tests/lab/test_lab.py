"""The lab outside a notebook: one cluster, one namespace, steps, a ledger; and errors with a next step."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import kitlib
from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster, namespaces, undo
from kitlib.errors import ClusterError, RefusedError, ServerError, UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording

pytestmark = pytest.mark.live
MANIFESTS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Path:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.chdir(MANIFESTS)
    return tmp_path


def test_a_lab_from_its_opening_to_its_ledger(
    place: Path, connection: Connection, capsys: pytest.CaptureFixture
) -> None:
    lab = kitlib.open("test")
    with lab.step("hello") as step:
        lab.apply("manifests/start/hello.yaml")
        lab.wait("deployment/hello", settled=True)
    assert step.frames.pods.query("state == 'Ready'")["name"].nunique() == 3
    assert step.frames.steps["name"].tolist() == ["hello"]
    kitlib.claim("Three Pods are Ready", kitlib.eventually(step.frames.pods, "ready"), source="test")
    lab.close()
    said = capsys.readouterr().out
    assert "$ kubectl apply --server-side -f manifests/start/hello.yaml" in said
    assert "1 claims: 1 holds; all as expected" in said
    ledger = json.loads((place / "claims" / "test.json").read_text())
    assert ledger["complete"] and ledger["claims"][0]["verdict"] == "holds"
    again = Recording.open(place / "recordings" / "test")
    assert again.info["complete"]
    assert len(again.frames.pods.query("ready")) == len(lab.frames.pods.query("ready"))
    found = connection.get("/api/v1/namespaces", {"fieldSelector": f"metadata.name={lab.namespace}"})["items"]
    assert not found or found[0]["metadata"].get("deletionTimestamp")


def test_a_lead_reaches_back_to_the_labs_begin_and_no_further(place: Path) -> None:
    lab = kitlib.open("test")
    try:
        with lab.step("hello") as step:
            lab.apply("manifests/start/hello.yaml")
            lab.wait("deployment/hello", settled=True)
        seen = lab.span(step, step, lead=3600)
        assert seen.gaps.empty and seen.pods.attrs["window"][0] == lab.begin_ns
        assert lab.span(step, step).pods.attrs["window"][0] == step.begin_ns
    finally:
        lab.close()


def test_a_step_that_fails_leaves_the_lab_usable(place: Path) -> None:
    lab = kitlib.open("test")
    try:
        with pytest.raises(ServerError, match="replcas"), lab.step("typo"):
            lab.apply(
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replcas": 1}}
            )
        assert lab.frames.steps["end_ns"].isna().sum() == 0
        with pytest.raises(UsageError, match="it was accepted"):
            lab.refused(lab.get, "serviceaccount/default")
    finally:
        lab.close()


def test_rows_are_recorded_while_what_is_waited_for_is_looked_at(place: Path) -> None:
    lab = kitlib.open("test")
    try:
        looks: list[bool] = []

        def looked() -> bool:
            before = len(lab.recording)
            hears = threading.Thread(target=lambda: lab.recorder.wait_for(lambda: len(lab.recording) > before, 60))
            hears.start()
            lab.apply("manifests/start/hello.yaml")
            hears.join(30)
            looks.append(not hears.is_alive())
            return True

        lab.until(looked, "it has been looked at")
        assert looks == [True]
    finally:
        lab.close()


def test_what_is_waited_for_is_looked_at_when_a_mark_comes_too(place: Path) -> None:
    lab = kitlib.open("test")
    try:
        looks: list[int] = []

        def looked() -> bool:
            looks.append(len(lab.recording))
            if len(looks) == 1:  # what a node's runtime tells is a mark
                threading.Timer(0.3, lab.recording.mark, ("RUNTIME", "test")).start()
            return any(row.type == "RUNTIME" for row in lab.recording.rows)

        lab.until(looked, "the mark came", timeout=30)
    finally:
        lab.close()


def test_opening_another_lab_ends_the_one_before(place: Path, connection: Connection) -> None:
    first = kitlib.open("test")
    second = kitlib.open("test")
    assert first.closed and not second.closed
    second.close()
    items = connection.get("/api/v1/namespaces", {"labelSelector": f"{namespaces.LABEL}=test"})["items"]
    mine = [item for item in items if item["metadata"]["name"] in (first.namespace, second.namespace)]
    assert all(item["metadata"].get("deletionTimestamp") for item in mine)


def test_without_a_cluster_it_says_how_to_get_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITLIB_CLUSTER", "none-such")
    with pytest.raises(ClusterError, match="kitlib up"):
        kitlib.open("test")


def test_a_notebook_that_needs_containers_does_not_run_on_simulated_nodes(place: Path) -> None:
    with pytest.raises(ClusterError, match="containers that really run"):
        kitlib.open("test", containers=True)


SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"Corefile": "before"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "kept-to-itself"}}


def test_what_a_lab_patches_elsewhere_is_shown_waited_for_and_put_back(
    place: Path, connection: Connection, namespace: str, capsys: pytest.CaptureFixture
) -> None:
    objects.apply(connection, [SETTINGS, SECRET], namespace)
    lab = kitlib.open("test", kinds=("pods",))
    try:
        lab.apply({**SETTINGS, "data": {"Corefile": "own"}})
        (change,) = lab.patch("configmap/settings", "data: {Corefile: changed}", namespace=namespace)
        assert change.kubectl.startswith(f"kubectl --namespace {namespace} patch configmap settings -p ")
        assert change.kubectl in capsys.readouterr().out
        lab.wait("configmap/settings", until=lambda item: item["data"] == {"Corefile": "changed"}, namespace=namespace)
        assert lab.get("configmap/settings", namespace=namespace)["data"] == {"Corefile": "changed"}
        assert lab.get("configmap/settings")["data"] == {"Corefile": "own"}
        lab.patch("configmap/settings", "data: {Corefile: again}")
        own = connection.get(f"/api/v1/namespaces/{lab.namespace}")["metadata"]["annotations"]
        assert [note["namespace"] for note in json.loads(own[undo.ANNOTATION])] == [namespace]
        with pytest.raises(UsageError, match="holds a secret"):
            lab.patch("secret/key", {"stringData": {"a": "x"}}, namespace=namespace)
        with pytest.raises(ServerError, match="not found"):
            lab.patch("configmap/none", {"data": {"a": "x"}}, namespace=namespace)
    finally:
        lab.close()
    assert objects.get(connection, "configmap/settings", namespace)["data"] == {"Corefile": "before"}


def test_an_undo_that_fails_is_told_at_the_labs_end(
    place: Path, connection: Connection, namespace: str, capsys: pytest.CaptureFixture
) -> None:
    objects.apply(connection, [SETTINGS, {**SETTINGS, "metadata": {"name": "stuck"}}], namespace)
    lab = kitlib.open("test", kinds=("pods",))
    lab.patch("configmap/settings", "data: {Corefile: changed}", namespace=namespace)
    lab.patch("configmap/stuck", "data: {Corefile: changed}", namespace=namespace)
    connection.request(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/configmaps/stuck",
        body={"immutable": True},
        content_type=objects.MERGE,
    )
    lab.close()
    assert "stuck of " in (said := capsys.readouterr().out) and "isn't put back: " in said and "immutable" in said
    assert objects.get(connection, "configmap/settings", namespace)["data"] == {"Corefile": "before"}


def test_what_is_not_its_own_is_patched_only_on_a_cluster_that_kitlib_made(place: Path, namespace: str) -> None:
    lab = kitlib.open("test", kinds=("pods",))
    try:
        lab.apply(SETTINGS)
        lab.cluster = replace(lab.cluster, made_by_kitlib=False)
        for ref, where in (("configmap/settings", namespace), (f"namespace/{namespace}", None)):
            with pytest.raises(RefusedError, match="did not make this cluster"):
                lab.patch(ref, {"metadata": {"labels": {"a": "b"}}}, namespace=where)
        for ref in ("configmap/settings", f"namespace/{lab.namespace}"):
            lab.patch(ref, {"metadata": {"labels": {"a": "b"}}})
    finally:
        lab.close()


def test_a_lab_that_follows_another_namespace_shows_both_and_so_does_its_recording(
    place: Path, connection: Connection, namespace: str
) -> None:
    lab = kitlib.open("test", kinds=("pods", "deployments", f"{namespace}/pods", f"{namespace}/deployments"))
    try:
        with lab.step("two of one name") as step:
            for where in (lab.namespace, namespace):
                objects.apply(connection, Path("manifests/start/hello.yaml"), where, lab.base)
            lab.wait("deployment/hello", rolled_out=True)
            lab.wait("deployment/hello", rolled_out=True, namespace=namespace)
            lab.wait_ready("app=hello", 3)
            lab.catch_up()
        assert step.frames.pods.query("ready").groupby("namespace")["uid"].nunique().tolist() == [3, 3]
        assert step.frames.gaps.empty and lab.frames.gaps.empty
        lab.patch("deployment/hello", "spec: {replicas: 1}", namespace=namespace)
        lab.wait("deployment/hello", settled=True, namespace=namespace)
        lab.catch_up()
        assert lab.frames.pods.query("deletionTimestamp.notna()")["namespace"].unique().tolist() == [namespace]
    finally:
        lab.close()
    again = Recording.open(place / "recordings" / "test")
    assert again.info["namespaces"] == [lab.namespace, namespace]
    found = Frames(again, step.begin_ns, step.end_ns, again.info["namespaces"])
    pd.testing.assert_frame_equal(found.pods, step.frames.pods)
    assert found.pods.attrs["followed"] == step.frames.pods.attrs["followed"] == again.frames.pods.attrs["followed"]
    assert objects.get(connection, "deployment/hello", namespace)["spec"]["replicas"] == 3

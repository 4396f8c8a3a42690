"""The control plane of March 2020 beside today's: as safe, as repeatable, and as it was."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import kitlib
from kitlib import cluster as clusters
from kitlib.cluster import Cluster, namespaces
from kitlib.cluster.embedded.kwokctl import COMPONENTS
from kitlib.errors import BuildError, ClusterError, ServerError
from kitlib.machine import processes
from kitlib.machine.programs import find
from tests.cluster.listening import listeners, stranger
from tests.machine.programs.test_toolchain import no_go

__all__ = ["no_go"]
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc: run it on Linux")
OPEN_THEN = (8080, 10251, 10252, 10257, 10259)
"""What listened by default in 2020, some of it on every address and for everybody."""


@pytest.fixture(scope="module")
def then(own_state: Path) -> Cluster:
    """That control plane; its programs are built if they must be, which takes minutes."""
    try:
        return clusters.up("embedded", "1.17")
    except BuildError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def now(own_state: Path) -> Cluster:
    """Today's, beside it."""
    return clusters.up("embedded", progress=False)


@pytest.fixture
def space(then: Cluster) -> Iterator[str]:
    """A namespace on the old one."""
    made = namespaces.create(then.connect(), "then")
    yield made
    namespaces.delete(then.connect(), made, timeout=None)


def pids(cluster: Cluster) -> list[int]:
    """Its processes."""
    assert cluster.home is not None
    return sorted(processes.below(cluster.home))


def pod(name: str, **labels: str) -> dict[str, Any]:
    """A Pod that asks for nothing."""
    spec = {"containers": [{"name": "web", "image": "registry.example/web:v1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


PRESET = {
    "apiVersion": "settings.k8s.io/v1alpha1",
    "kind": "PodPreset",
    "metadata": {"name": "database"},
    "spec": {"selector": {"matchLabels": {"role": "frontend"}}, "env": [{"name": "DB_PORT", "value": "6379"}]},
}


def post(cluster: Cluster, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
    """Create an object, and return what is stored."""
    answer: dict[str, Any] = json.loads(cluster.connect().request("POST", path, query, body))
    return answer


def test_both_are_up_at_once_and_known_apart(then: Cluster, now: Cluster) -> None:
    assert (then.name, then.version, then.release) == ("embedded-1.17", "1.17", "v1.17.4")
    assert (then.provider, then.node_count, then.runs_containers) == ("embedded", 3, False)
    assert {cluster.name for cluster in clusters.clusters()} == {then.name, now.name}
    assert clusters.find() == now  # the newest, unless it is named
    assert clusters.find(then.name) == then
    assert len(pids(then)) == len(pids(now)) == len(COMPONENTS)
    then.verify()
    now.verify()
    assert clusters.up("embedded", "1.17.4", progress=False) == then


def test_status_shows_both(then: Cluster, now: Cluster) -> None:
    from kitlib.cli import app

    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 0
    for cluster in (then, now):
        assert f"{cluster.name} is up: Kubernetes {cluster.release}, 3 nodes" in shown.output
    assert shown.output.count("kube-apiserver alive") == 2
    told = json.loads(CliRunner().invoke(app, ["status", "-o", "json"]).stdout)
    assert [each["version"] for each in told] == ["1.17", "1.37"]


def test_up_says_each_time_that_it_is_old(then: Cluster) -> None:
    from kitlib.cli import app

    said = CliRunner().invoke(app, ["up", "--kubernetes", "1.17"])
    assert said.exit_code == 0
    assert "March 2020: old and unpatched. It listens on 127.0.0.1 only" in said.stderr


@linux
def test_everything_listens_on_loopback_and_refuses_strangers(then: Cluster) -> None:
    found = listeners(pids(then))
    assert len(found) == 3, found  # etcd's two and the API server's; nothing else has a port
    assert {address for _, address, _ in found} == {"127.0.0.1"}
    assert not {port for _, _, port in found} & set(OPEN_THEN)
    for _, _, port in found:
        for path in ("/", "/healthz", "/version", "/metrics", "/api/v1/secrets", "/v3/kv/range", "/members"):
            assert not stranger(port, path, tls=True).split(b" ", 1)[-1].startswith((b"2", b"3")), (port, path)
            assert b" 200 " not in stranger(port, path, tls=False), (port, path)


def test_only_the_owner_can_read_keys_and_data(then: Cluster) -> None:
    assert then.home is not None
    open_ = [
        path
        for path in [then.home, *then.home.rglob("*")]
        if not path.is_symlink() and not path.is_socket() and path.stat().st_mode & 0o077
    ]
    assert not open_


def test_controllers_have_accounts_of_their_own(then: Cluster) -> None:
    accounts = then.connect().get("/api/v1/namespaces/kube-system/serviceaccounts")["items"]
    assert "replicaset-controller" in {account["metadata"]["name"] for account in accounts}


def test_a_port_that_the_other_has(then: Cluster, now: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    port = now.connect().server.rpartition(":")[2]
    monkeypatch.setenv("KITLIB_PORT", port)
    with pytest.raises(ClusterError, match=rf"(?s)port {port} on 127\.0\.0\.1 is in use.*Next: unset KITLIB_PORT"):
        clusters.up("embedded", "1.17-psp", progress=False)
    assert {cluster.name for cluster in clusters.clusters()} == {then.name, now.name}


def test_its_own_kubectl_is_of_that_month(then: Cluster, space: str) -> None:
    kubectl = find.ready(clusters.release("1.17")).paths["kubectl"]
    command = [str(kubectl), "--kubeconfig", str(then.kubeconfig), "--namespace", space]

    def said(*arguments: str) -> str:
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout

    assert said("version", "--short") == "Client Version: v1.17.4\nServer Version: v1.17.4\n"
    assert said("run", "hello", "--schedule=*/5 * * * *", "--restart=OnFailure", "--image=registry.example/hello") == (
        "cronjob.batch/hello created\n"
    )
    assert said("run", "web", "--image=registry.example/web", "--replicas=2") == "deployment.apps/web created\n"
    assert "PodPresetSpec" in said("explain", "podpreset.spec")  # the kinds' description was completed
    served = said("api-versions").split()
    assert {"settings.k8s.io/v1alpha1", "batch/v2alpha1", "extensions/v1beta1", "policy/v1beta1"} <= set(served)


def test_a_pod_is_admitted_at_once_and_runs(then: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    lab = kitlib.open("then", kubernetes="1.17")
    try:
        stored = post(then, f"/api/v1/namespaces/{lab.namespace}/pods", pod("web"))
        assert [volume["name"].startswith("default-token-") for volume in stored["spec"]["volumes"]] == [True]
        lab.wait("pod/web", condition="Ready", timeout=60)
        assert lab.frames.pods.query("ready")["name"].unique().tolist() == ["web"]
    finally:
        lab.close()


def test_a_preset_is_written_into_a_pod(then: Cluster, space: str) -> None:
    post(then, f"/apis/settings.k8s.io/v1alpha1/namespaces/{space}/podpresets", PRESET)
    made = injected(then, space)
    env = made["spec"]["containers"][0]["env"]
    assert env == PRESET["spec"]["env"]  # type: ignore[index]
    assert "podpreset.admission.kubernetes.io/podpreset-database" in made["metadata"]["annotations"]
    other = post(then, f"/api/v1/namespaces/{space}/pods", pod("other", role="backend"))
    assert "env" not in other["spec"]["containers"][0]


def injected(cluster: Cluster, space: str) -> dict[str, Any]:
    """Make a Pod, as a dry run, until it is changed: admission reads a cache, and a new preset takes a moment to it."""
    path = f"/api/v1/namespaces/{space}/pods"
    for _ in range(100):
        made = post(cluster, path, pod("web", role="frontend"), dryRun="All")
        if "env" in made["spec"]["containers"][0]:
            return made
    raise AssertionError("no preset was applied")


@pytest.mark.parametrize("step", ["api", "plugin"])
def test_a_variant_leaves_out_a_step_that_enables_presets(then: Cluster, step: str) -> None:
    variant = clusters.up("embedded", f"1.17-no-preset-{step}", progress=False)
    try:
        assert (variant.name, variant.version) == (f"embedded-1.17-no-preset-{step}", "1.17")
        connection = variant.connect()
        path = "/apis/settings.k8s.io/v1alpha1/namespaces/default/podpresets"
        if step == "api":
            with pytest.raises(ServerError, match="404"):
                connection.request("POST", path, body=PRESET)
        else:
            connection.request("POST", path, body=PRESET)
        for number in range(3):
            made = post(variant, "/api/v1/namespaces/default/pods", pod(f"web-{number}", role="frontend"))
            assert "env" not in made["spec"]["containers"][0]
        assert clusters.find(then.name) == then
    finally:
        clusters.down(variant.name)
    assert then in clusters.clusters()


def test_with_pod_security_policy_nobody_has_a_pod_until_a_policy_allows_it(then: Cluster) -> None:
    variant = clusters.up("embedded", "1.17-psp", progress=False)
    try:
        with pytest.raises(ServerError, match="no providers available to validate pod request"):
            post(variant, "/api/v1/namespaces/default/pods", pod("web"))
    finally:
        clusters.down(variant.name)


@pytest.fixture
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where labs leave claims and recordings."""
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    return tmp_path


def test_a_notebook_has_a_lab_on_each_and_one_ledger(
    then: Cluster, now: Cluster, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def served(lab: Any) -> Any:
        groups = lab.connection.get("/apis")["groups"]
        return kitlib.eventually(
            pd.DataFrame({"group": [group["name"] for group in groups]}), "group == 'settings.k8s.io'"
        )

    labs = kitlib.labs("both", "1.17", "1.37")
    assert [lab.cluster for lab in labs.values()] == [then, now]
    again = kitlib.labs("both", "1.17", "1.37")  # a cell that is run again
    assert all(lab.closed for lab in labs.values())
    old, new = again["1.17"], again["1.37"]
    assert old.ledger is new.ledger
    text = "The API server serves settings.k8s.io"
    said = {"source": "test", "expected": "changed", "instead": "it is gone", "changed_in": "1.20"}
    kitlib.claim(text, kitlib.each(again, served), **said)
    kitlib.claim("It is the newest that counts", kitlib.equal(1, 1), source="test")
    from kitlib.lab.extension import _kubectl

    _kubectl("@1.17 version --short")
    assert "Server Version: v1.17.4" in capsys.readouterr().out
    _kubectl("version")
    assert f"Server Version: {now.release}" in capsys.readouterr().out
    new.close()
    old.close()
    ledger = json.loads((build_folder / "claims" / "both.json").read_text())
    assert ledger["complete"]
    assert [cluster["release"] for cluster in ledger["clusters"]] == [then.release, now.release]
    assert [(line["version"], line["verdict"]) for line in ledger["claims"]] == [
        ("1.17", "holds"),
        ("1.37", "changed"),
        ("1.37", "holds"),
    ]
    assert {path.name for path in (build_folder / "recordings").iterdir()} == {"both", "both-1.37"}


def test_what_this_machine_cannot_have_is_unknown_for_that_reason(
    then: Cluster, now: Cluster, build_folder: Path, no_go: Path, cache: Path, nowhere: str
) -> None:
    with pytest.raises(
        ClusterError, match=r"(?s)can't have Kubernetes 1\.17-psp: .*there is none on PATH.*Next: install"
    ):
        kitlib.open("without", kubernetes="1.17-psp")
    labs = kitlib.labs("without", "1.17-psp", "1.37")
    try:
        made = kitlib.claim("It is so", kitlib.each(labs, lambda lab: kitlib.equal(1, 1)), source="test")
        assert (made.verdict, made.older[0].verdict) == ("holds", "unknown")
        assert "there is none on PATH" in made.older[0].why
    finally:
        labs["1.37"].close()


@linux
def test_controllers_that_gave_up_on_a_slow_api_server_are_started_again(then: Cluster) -> None:
    """The API server is held as a loaded machine would hold it; the controller manager waits for 10 s only."""
    assert then.home is not None
    clusters.down(then.name)
    code = "from kitlib import cluster; cluster.up('embedded', '1.17', progress=False)"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    work = then.home / "kwok" / "clusters" / then.name
    until = time.monotonic() + 90

    def started(part: str) -> int:
        while time.monotonic() < until and child.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return int((work / "pids" / f"{part}.pid").read_text())
            time.sleep(0.01)
        raise AssertionError(f"{part} was not started: {child.communicate()[1]}")

    server, controllers = started("kube-apiserver"), started("kube-controller-manager")
    os.kill(server, signal.SIGSTOP)
    try:
        while processes.running(controllers, work / "bin" / "kube-controller-manager"):
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        os.kill(server, signal.SIGCONT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert int((work / "pids" / "kube-controller-manager.pid").read_text()) != controllers
    assert set(clusters.status(then.name)["components"].values()) == {"alive"}


def test_one_goes_and_the_other_stays(then: Cluster, now: Cluster) -> None:
    from kitlib.cli import app

    gone = CliRunner().invoke(app, ["down", then.name])
    assert gone.exit_code == 0
    assert gone.stdout == f"{then.name} is gone.\n"
    assert not pids(then)
    assert clusters.clusters() == [now]
    now.verify()
    assert clusters.up("embedded", "1.17", progress=False).name == then.name

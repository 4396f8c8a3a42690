"""Cluster API beside an embedded control plane: who is asked where, what listens, and that it all goes."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster.embedded import clusterapi
from kitlib.cluster.embedded.creation import actions, digest
from kitlib.cluster.embedded.kwokctl import COMPONENTS, Plane
from kitlib.machine import processes, versions
from kitlib.machine.programs.find import CLUSTER_API
from tests.cluster.listening import listeners

VARIANT = "1.37-cluster-api"
SERVICE = {"name": "capi-webhook-service", "namespace": "capi-system", "path": "/convert"}
DEFINITION = {
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "machines.cluster.x-k8s.io", "annotations": {"cert-manager.io/inject-ca-from": "a/b"}},
    "spec": {
        "group": "cluster.x-k8s.io",
        "names": {"plural": "machines"},
        "versions": [{"name": "v1beta1", "storage": False}, {"name": "v1beta2", "storage": True}],
        "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": SERVICE}}},
    },
}
WEBHOOKS = {
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "capi-validating"},
    "webhooks": [{"name": "a", "clientConfig": {"service": {**SERVICE, "path": "/validate"}}}],
}


def test_they_are_asked_at_a_port_of_this_machine() -> None:
    definition, webhooks = clusterapi.addressed([DEFINITION, WEBHOOKS], 1234, b"PEM")
    convert, validate = definition["spec"]["conversion"]["webhook"], webhooks["webhooks"][0]
    assert convert["clientConfig"]["url"] == "https://127.0.0.1:1234/convert"
    assert validate["clientConfig"]["url"] == "https://127.0.0.1:1234/validate"
    assert {base64.b64decode(each["clientConfig"]["caBundle"]) for each in (convert, validate)} == {b"PEM"}
    assert all("service" not in each["clientConfig"] for each in (convert, validate))
    assert definition["metadata"]["annotations"] == {}
    assert "service" in DEFINITION["spec"]["conversion"]["webhook"]["clientConfig"], "what was given stays as it is"


def test_a_kind_is_looked_for_in_the_version_that_is_stored() -> None:
    assert list(clusterapi._collections([DEFINITION, WEBHOOKS])) == ["/apis/cluster.x-k8s.io/v1beta2/machines"]
    assert DEFINITION["kind"] in clusterapi.SERVED and WEBHOOKS["kind"] in clusterapi.SERVED


def test_a_controller_has_no_other_port_and_nothing_of_the_readers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    plane = Plane(tmp_path, "embedded-test")
    given = dict(each.lstrip("-").split("=", 1) for each in clusterapi.arguments(plane, 1234))
    assert given["webhook-port"] == "1234"
    assert given["health-addr"] == given["diagnostics-address"] == "0"
    environment = clusterapi.environment(plane)
    assert environment["KUBECONFIG"].startswith(str(tmp_path)) and environment["POD_IP"] == "127.0.0.1"
    assert "DOCKER_HOST" not in environment


def test_only_its_variant_has_it() -> None:
    plain, variant = (versions.release(version) for version in ("1.37", VARIANT))
    added = set(dict(actions(variant))) - set(dict(actions(plain)))
    assert len(added) == 1 and "Cluster API" in added.pop()
    assert digest(plain) != digest(variant)


def test_what_runs_beside_counts_as_a_part(tmp_path: Path) -> None:
    plane = Plane(tmp_path, "embedded-test")
    assert set(plane.parts()) == set(COMPONENTS)
    for folder in ("bin", "log"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin" / "capi-core").symlink_to(sys.executable)
    plane.start_beside("capi-core", ["-c", "import time; print('E1130 it fails', flush=True); time.sleep(60)"], {})
    try:
        assert plane.parts()["capi-core"] == "alive"
        (pid,) = processes.below(tmp_path)
    finally:
        left = processes.end(list(processes.below(tmp_path)))
    assert left == [] and plane.parts()["capi-core"] == "dead" and pid
    assert "capi-core" in plane.not_alive()
    assert (tmp_path / "log" / "capi-core.log").stat().st_mode & 0o077 == 0


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_comes_up_listens_on_loopback_and_goes(own_state: Path) -> None:
    cluster = clusters.up("embedded", VARIANT, progress=False)
    assert cluster.home is not None
    running = processes.below(cluster.home)
    assert {Path(program).name for program in running.values()} >= set(CLUSTER_API)
    assert len(running) == len(COMPONENTS) + len(CLUSTER_API)
    found = listeners(list(running))
    assert {address for _, address, _ in found} == {"127.0.0.1"}
    assert len(found) == 3 + len(CLUSTER_API) + 1  # and where the one that makes machines tells of them
    told = clusters.status(cluster.name)
    assert told["running"] and {told["components"][name] for name in CLUSTER_API} == {"alive"}
    connection = cluster.connect()
    assert connection.discover("machinehealthchecks").group_version == "cluster.x-k8s.io/v1beta2"
    assert clusters.up("embedded", VARIANT, progress=False) == cluster
    clusters.down(cluster.name)
    assert not processes.below(cluster.home) and not cluster.home.exists()

"""A cluster of several control planes: how it is told to come up, what a node's first start does, whose it is."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitlib import cluster as clusters
from kitlib.cluster import Cluster, lent, lifecycle, record
from kitlib.cluster.kind import config, containers, firstboot, joining
from kitlib.cluster.kind.firstboot import Mount
from kitlib.errors import ClusterError
from kitlib.machine import processes, versions
from kitlib.machine.airgap.parts import Made
from tests.cluster.test_kind import engine_that_says

MADE = Made(Path("none"), "localhost/vip:0.37.2", "sha256:0")
IMAGE = "kindest/node:v1.37.0@sha256:0"
JOIN = {
    "apiVersion": "kubeadm.k8s.io/v1beta4",
    "kind": "JoinConfiguration",
    "controlPlane": {"localAPIEndpoint": {"advertiseAddress": "172.18.0.2", "bindPort": 6443}},
    "nodeRegistration": {
        "criSocket": "unix:///run/containerd/containerd.sock",
        "kubeletExtraArgs": [
            {"name": "node-ip", "value": "172.18.0.2"},
            {"name": "provider-id", "value": "kind://docker/kitlib-1.37-ha/kitlib-1.37-ha-control-plane"},
            {"name": "node-labels", "value": ""},
        ],
    },
    "discovery": {
        "bootstrapToken": {
            "apiServerEndpoint": "kitlib-1.37-ha-control-plane:6443",
            "token": "abcdef.0123456789abcdef",
            "unsafeSkipCAVerification": True,
        }
    },
    "skipPhases": ["preflight"],
    "timeouts": {"kubernetesAPICall": "5m0s"},
}
"""As kind writes it for the first node."""


# How it is told to come up.


def test_there_is_a_variant_of_three_and_only_kind_makes_it() -> None:
    release = versions.release("1.37-ha")
    assert release.planes == 3 and versions.offered("1.37-ha") is release
    assert all(other.planes == 1 for label, other in versions.RELEASES.items() if label != "1.37-ha")
    assert config.name("1.37-ha", engine("docker")) == "kitlib-1.37-ha"


def engine(program: str) -> Any:
    return containers.Client(program, True, {})


def test_all_nodes_ask_by_the_shared_name_and_see_what_the_first_start_needs(tmp_path: Path) -> None:
    manifest = f"{firstboot.MANIFESTS}/vip.yaml"
    mounts = [Mount(tmp_path, firstboot.WITHIN), Mount(tmp_path / "vip.yaml", manifest, planes=True)]
    made = yaml.safe_load(config.text(IMAGE, 1, {}, "1.37", mounts))
    seen = {node["role"]: [each["containerPath"] for each in node["extraMounts"]] for node in made["nodes"]}
    assert seen == {"control-plane": [firstboot.WITHIN, manifest], "worker": [firstboot.WITHIN]}
    assert all(each["readOnly"] for node in made["nodes"] for each in node["extraMounts"])
    patches = [yaml.safe_load(text) for text in made["kubeadmConfigPatches"]]
    assert [each["controlPlaneEndpoint"] for each in patches if "controlPlaneEndpoint" in each] == ["api.kitlib:6443"]
    (etcd,) = [each["etcd"]["local"]["extraArgs"] for each in patches if "etcd" in each]
    assert {each["name"] for each in etcd} == {"unsafe-no-fsync", "heartbeat-interval", "election-timeout"}
    plain = config.text(IMAGE, 2, {})
    there = [word for word in ("controlPlaneEndpoint", "extraMounts", "election-timeout") if word in plain]
    assert not there, "other clusters are as they were"


def test_a_further_plane_joins_by_its_own_address_and_name_and_the_shared_endpoint() -> None:
    made = joining.further(JOIN, "kitlib-1.37-ha-control-plane2", "172.18.0.5", "0123")
    assert made["controlPlane"] == {
        "localAPIEndpoint": {"advertiseAddress": "172.18.0.5", "bindPort": 6443},
        "certificateKey": "0123",
    }
    arguments = {each["name"]: each["value"] for each in made["nodeRegistration"]["kubeletExtraArgs"]}
    assert arguments == {
        "node-ip": "172.18.0.5",
        "provider-id": "kind://docker/kitlib-1.37-ha/kitlib-1.37-ha-control-plane2",
        "node-labels": "",
    }
    assert made["discovery"]["bootstrapToken"]["apiServerEndpoint"] == "api.kitlib:6443"
    kept = ("kind", "apiVersion", "skipPhases", "timeouts")
    assert {key: made[key] for key in kept} == {key: JOIN[key] for key in kept}
    assert JOIN["discovery"]["bootstrapToken"]["apiServerEndpoint"].startswith("kitlib-"), (
        "the first one's is left alone"
    )


def test_a_further_plane_is_made_as_kind_makes_nodes_and_joins(tmp_path: Path) -> None:
    text = json.dumps(JOIN).replace('"', '\\"').replace("/", "\\/")
    client = engine_that_says(
        tmp_path,
        {
            "exec first-control-plane kubeadm": "[upload-certs] Using certificate key:\\nfeed\\n",
            "exec first-control-plane cat": text,
            "inspect": "172.18.0.5",
            "run": "",
            "exec": "",
        },
    )
    mounts = [Mount(tmp_path / "first-boot", firstboot.WITHIN)]
    joining.plane(client, "first", "first-control-plane2", IMAGE, mounts, time.monotonic() + 30)
    calls = (tmp_path / "calls").read_text()
    assert f"--volume {tmp_path}/first-boot:/kitlib/first-boot:ro" in calls
    assert "--label io.x-k8s.kind.role=control-plane" in calls and "--label io.x-k8s.kind.cluster=first" in calls
    assert "kubeadm init phase upload-certs --upload-certs --config /kind/kubeadm.conf" in calls
    assert "kubeadm join --config /kind/kubeadm.conf" in calls and "rm --force" not in calls


def test_a_plane_that_does_not_join_is_removed(tmp_path: Path) -> None:
    client = engine_that_says(tmp_path, {"run": "", "rm --force --volumes first-control-plane2": ""})
    with pytest.raises(ClusterError, match="no route to host"):
        joining.plane(client, "first", "first-control-plane2", IMAGE, [], time.monotonic() + 5)
    assert "rm --force --volumes first-control-plane2" in (tmp_path / "calls").read_text()


def test_which_nodes_have_a_control_plane() -> None:
    names = ("kitlib-control-plane", "kitlib-1.37-ha-control-plane3", "kitlib-worker", "control-plane-worker2")
    assert [containers.has_plane(name) for name in names] == [True, True, False, False]


# A node's first start.


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder that stands for a node's root, with what the first start finds there and the programs that it calls."""
    archive = tmp_path / "part" / "image.tar"
    archive.parent.mkdir()
    archive.write_bytes(b"an image")
    root = tmp_path / "root"
    for folder in ("etc", "var/lib", "bin", "kitlib"):
        (root / folder).mkdir(parents=True)
    for mount in firstboot.prepare(tmp_path / "first-boot", Made(archive.parent, MADE.image, MADE.digest)):
        (root / mount.target[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / mount.target[1:]).symlink_to(mount.source)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    told = "3: eth0    inet 172.18.0.3/16 brd 172.18.255.255 scope global eth0\\\\       valid_lft forever"
    for name, says in {"ip": f'echo "{told}"', "ctr": f'echo "$*" >>{root}/ctr'}.items():
        (root / "bin" / name).write_text(f"#!/bin/sh\n{says}\n")
        (root / "bin" / name).chmod(0o755)
    return root


def start(root: Path) -> None:
    """Run the first start's script, with the node's root in its paths."""
    script = (root / firstboot.WITHIN[1:] / "boot.sh").read_text()
    for path in (firstboot.WITHIN, "/etc/", "/var/lib/"):
        script = script.replace(path, f"{root}{path}")
    subprocess.run(["sh", "-c", script], check=True, env={"PATH": f"{root}/bin:{os.environ['PATH']}"})


def test_static_pods_are_there_before_anything_starts(node: Path) -> None:
    folder = node / firstboot.MANIFESTS[1:]
    assert sorted(path.name for path in folder.iterdir()) == ["as-admin.yaml", "as-super-admin.yaml", "vip.yaml"]
    (pod,) = yaml.safe_load_all((folder / "vip.yaml").read_text())
    (container,) = pod["spec"]["containers"]
    assert container["image"] == MADE.image and f"--last={firstboot.LAST}" in container["args"]
    units = {path.parent.name: path.read_text() for path in (node / firstboot.UNITS[1:]).rglob("*.conf")}
    assert f"{firstboot.WITHIN}/boot.sh" in units["containerd.service.d"]
    assert f"until [ -e {firstboot.MARK} ]" in units["kubelet.service.d"], "kubelet waits for the first start"


def test_the_first_start_brings_image_and_name_and_no_later_one_does_it_again(node: Path) -> None:
    assert not (node / firstboot.MARK[1:]).exists()
    start(node)
    assert (node / firstboot.MARK[1:]).exists()
    assert (node / "etc" / "hosts").read_text().splitlines()[-1] == "172.18.255.200 api.kitlib"
    assert "images import" in (node / "ctr").read_text()
    start(node)
    assert (node / "etc" / "hosts").read_text().count("api.kitlib") == 1
    assert len((node / "ctr").read_text().splitlines()) == 1


def test_a_container_that_is_started_again_has_another_hosts_file_and_gets_the_name_again(node: Path) -> None:
    start(node)
    (node / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    start(node)
    assert "api.kitlib" in (node / "etc" / "hosts").read_text()


# Whose it is.


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A state folder of its own; the clusters that were taken down."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    taken: list[str] = []
    monkeypatch.setattr(lifecycle, "down", lambda name, progress=True: taken.append(name))
    return taken


def stands(tmp_path: Path, name: str) -> Cluster:
    (tmp_path / "state" / "clusters" / name).mkdir(parents=True)
    return Cluster(name, "kind", "1.37", "v1.37.2", Path(), name, True, 4, True, True, tmp_path)


def test_a_cluster_that_was_made_for_this_process_goes_when_it_is_given_back(tmp_path: Path, gone: list[str]) -> None:
    lent.note("kind-1.37-ha")
    made = stands(tmp_path, "kind-1.37-ha")
    assert clusters.is_lent(made) and clusters.sweep() == []
    assert clusters.give_back(made) and gone == ["kind-1.37-ha"]
    assert not clusters.give_back(made), "it is given back once"


def test_one_that_was_there_before_stays(tmp_path: Path, gone: list[str]) -> None:
    made = stands(tmp_path, "kind-1.37-ha")
    lent.note("kind-1.37-ha")
    assert not clusters.is_lent(made) and not clusters.give_back(made) and gone == []


def test_one_whose_process_was_killed_is_swept_also_half_made(tmp_path: Path, gone: list[str]) -> None:
    lent.note("kind-1.37-ha")
    stands(tmp_path, "kind-1.37-ha")
    path = tmp_path / "state" / "lent" / "kind-1.37-ha.json"
    path.write_text(json.dumps(processes.identity() | {"pid": 2**22 + 1}))
    assert record.load("kind-1.37-ha") is None, "it was never whole"
    assert clusters.sweep() == ["kind-1.37-ha"] == gone


def test_a_note_about_no_cluster_is_taken_away(tmp_path: Path, gone: list[str]) -> None:
    lent.note("kind-1.37-ha")
    path = tmp_path / "state" / "lent" / "kind-1.37-ha.json"
    path.write_text(json.dumps(processes.identity() | {"pid": 2**22 + 1}))
    assert clusters.sweep() == [] and gone == [] and not path.exists()


def test_only_several_planes_are_lent(tmp_path: Path, gone: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, bool] = {}

    def up(kubernetes: str, progress: bool) -> None:
        seen[kubernetes] = (
            tmp_path / "state" / "lent" / f"{clusters.choose(kubernetes=kubernetes).name}.json"
        ).exists()

    monkeypatch.setattr(lifecycle, "up", up)
    for kubernetes in ("1.37-ha", "1.17"):
        clusters.lend(kubernetes)
    assert seen == {"1.37-ha": True, "1.17": False}


def test_what_does_not_come_up_leaves_no_note(tmp_path: Path, gone: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def up(kubernetes: str, progress: bool) -> None:
        raise ClusterError("it does not come up", step="bring up the cluster")

    monkeypatch.setattr(lifecycle, "up", up)
    with pytest.raises(ClusterError, match="does not come up"):
        clusters.lend("1.37-ha")
    assert not list((tmp_path / "state" / "lent").glob("*"))

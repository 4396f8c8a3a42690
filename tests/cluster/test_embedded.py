"""The embedded cluster: safe, repeatable, interruptible, and gone when it is taken down."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import RELEASES, Cluster, record
from kitlib.cluster.embedded.kwokctl import COMPONENTS
from kitlib.errors import ClusterError, RefusedError, UsageError
from kitlib.machine import paths, processes, resources
from kitlib.machine.versions import Release
from tests.cluster.listening import listeners, stranger

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc: run it on Linux")


def home(cluster: Cluster) -> Path:
    """The folder of a cluster that kitlib made."""
    assert cluster.home is not None
    return cluster.home


def pids(cluster: Cluster) -> list[int]:
    """Its processes."""
    return sorted(processes.below(home(cluster)))


def uid(cluster: Cluster) -> str:
    """What tells it from any other."""
    found = record.load(cluster.name)
    assert found is not None
    return str(found[1]["uid"])


def test_up_can_be_repeated(own: Cluster) -> None:
    before = pids(own)
    assert len(before) == len(COMPONENTS)
    assert clusters.up("embedded", progress=False) == own
    assert pids(own) == before
    assert clusters.find() == own
    assert clusters.find(own.name) == own
    assert own in clusters.clusters()


def test_what_a_cluster_tells_of_itself(own: Cluster) -> None:
    assert own.name == f"embedded-{own.version}"
    assert own.release.startswith(f"v{own.version}.")
    assert (own.provider, own.node_count, own.runs_containers) == ("embedded", 3, False)
    assert own.made_by_kitlib
    assert own.writable
    assert json.loads(json.dumps(own.to_dict()))["context"] == own.context
    told = clusters.status(own.name)
    assert told["running"]
    assert set(told["components"].values()) == {"alive"}
    assert set(told["programs"]) >= {"etcd", "kube-apiserver", "kwok"}


@linux
def test_everything_listens_on_loopback_and_refuses_strangers(own: Cluster) -> None:
    found = listeners(pids(own))
    assert len(found) == 3  # etcd's two and the API server's; nothing else has a port
    assert {address for _, address, _ in found} == {"127.0.0.1"}
    for _, _, port in found:
        for path in ("/", "/healthz", "/version", "/metrics", "/api/v1/secrets", "/v3/kv/range", "/members"):
            assert not stranger(port, path, tls=True).split(b" ", 1)[-1].startswith((b"2", b"3")), (port, path)
            assert b" 200 " not in stranger(port, path, tls=False), (port, path)


def test_only_the_owner_can_read_keys_and_data(own: Cluster) -> None:
    open_ = [
        path
        for path in [home(own), *home(own).rglob("*")]
        if not path.is_symlink() and not path.is_socket() and path.stat().st_mode & 0o077
    ]
    assert not open_
    assert own.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_the_users_kubeconfig_is_never_touched(own_state: Path, own: Cluster, tmp_path: Path) -> None:
    clusters.down(own.name)
    theirs = tmp_path / "config"
    theirs.write_text("kind: Config\n")
    environment = os.environ | {"HOME": str(tmp_path / "home"), "KUBECONFIG": str(theirs)}
    environment["KITLIB_CACHE"] = str(paths.cache())
    code = "from kitlib import cluster; cluster.up('embedded', progress=False)"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert theirs.read_text() == "kind: Config\n"
    assert not (tmp_path / "home" / ".kube").exists()


def test_scaling_nodes(own: Cluster) -> None:
    assert clusters.scale_nodes(own, 5).node_count == 5
    assert clusters.find().node_count == 5
    assert clusters.scale_nodes(own, 3).node_count == 3
    nodes = json.loads(own.connect().request("GET", "/api/v1/nodes"))["items"]
    assert sorted(node["metadata"]["name"] for node in nodes) == ["node-1", "node-2", "node-3"]
    with pytest.raises(UsageError):
        clusters.scale_nodes(own, 0)


def test_a_kubeconfig_that_points_at_someone_elses_cluster(own: Cluster) -> None:
    text = own.kubeconfig.read_text()
    own.kubeconfig.write_text(text.replace("server: https://127.0.0.1:", "server: https://127.0.0.2:"))
    try:
        for use in (own.verify, own.connect, clusters.find, lambda: clusters.up("embedded", progress=False)):
            with pytest.raises(RefusedError, match=r"(?s)points at https://127\.0\.0\.2:.*Next: `kitlib down embedded"):
                use()
    finally:
        own.kubeconfig.write_text(text)
    own.verify()


def test_another_cluster_at_the_same_address(own: Cluster) -> None:
    notes = home(own) / "cluster.json"
    text = notes.read_text()
    notes.write_text(text.replace(uid(own), "00000000-0000-0000-0000-000000000000"))
    try:
        with pytest.raises(RefusedError, match="another cluster answers"):
            own.verify()
    finally:
        notes.write_text(text)


@pytest.mark.parametrize("victims", [["kube-scheduler"], list(COMPONENTS)], ids=["one", "all"])
def test_dead_components_are_noticed_and_the_cluster_is_made_anew(
    own: Cluster, victims: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = uid(own)
    programs = processes.below(home(own))
    assert not processes.end([pid for pid, program in programs.items() if Path(program).name in victims])
    with pytest.raises(ClusterError, match=r"(?s)no cluster that kitlib made is running.*Next: .*kitlib up"):
        clusters.find()
    again = clusters.up("embedded")
    assert uid(again) != before
    assert f"made anew: {', '.join(victims)} had ended" in capsys.readouterr().err
    assert len(pids(again)) == len(COMPONENTS)


def test_down_removes_everything_also_of_a_dead_cluster(own: Cluster) -> None:
    processes.end([pids(own)[0]])
    clusters.down(own.name)
    assert not home(own).exists()
    assert not processes.below(home(own))
    with pytest.raises(ClusterError, match="there is no cluster"):
        clusters.down(own.name)
    clusters.down()


def test_a_port_in_use(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    clusters.down(own.name)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("KITLIB_PORT", str(taken.getsockname()[1]))
        with pytest.raises(ClusterError, match=r"(?s)is in use.*Next: unset KITLIB_PORT"):
            clusters.up("embedded", progress=False)
    assert not home(own).exists()
    assert clusters.up("embedded", progress=False).name == own.name


def test_a_full_disk(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    clusters.down(own.name)
    monkeypatch.setattr(resources, "disk", lambda path: resources.MIB)
    with pytest.raises(ClusterError, match=r"(?s)the disk is full: .*Next: free some space"):
        clusters.up("embedded", progress=False)
    assert not home(own).exists()


def test_a_state_folder_that_cant_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(ClusterError, match=r"(?s)can't be made.*Next: set KITLIB_CACHE"):
        clusters.find()


def test_what_is_wrong_with_a_component_is_told(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    from kitlib.cluster.embedded import controlplane

    clusters.down(own.name)
    honest = controlplane.configuration

    def broken(*args: Any) -> str:
        return honest(*args).replace('"leader-elect"', '"no-such-flag"')

    monkeypatch.setattr(controlplane, "configuration", broken)
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"(?s)kube-.* ended while.*no-such-flag.*Next: "):
        clusters.up("embedded", progress=False)
    assert time.monotonic() - began < 60
    assert not home(own).exists()
    assert not processes.below(home(own))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_an_interrupted_up(own: Cluster, number: int) -> None:
    clusters.down(own.name)
    code = "from kitlib import cluster; cluster.up('embedded', progress=False)"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    started = home(own) / "kwok" / "clusters" / own.name / "pids" / "kube-apiserver.pid"
    until = time.monotonic() + 60
    while not started.exists() and time.monotonic() < until and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(number)
    child.communicate(timeout=60)
    assert child.returncode != 0
    if number == signal.SIGINT:
        assert not home(own).exists()
        assert not processes.below(home(own))
    with pytest.raises(ClusterError):
        clusters.find()
    again = clusters.up("embedded", progress=False)
    assert len(pids(again)) == len(COMPONENTS)
    again.verify()


def test_two_at_a_time_make_one(own: Cluster) -> None:
    clusters.down(own.name)
    code = "from kitlib import cluster; cluster.up('embedded', progress=False)"
    pair = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    ends = [child.communicate(timeout=120) for child in pair]
    assert [child.returncode for child in pair] == [0, 0], ends
    assert len(pids(clusters.find())) == len(COMPONENTS)


def test_several_can_be_up_at_once(own: Cluster, known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    second = Release("1.37-second", known.kubernetes, known.etcd, known.kwok, known.module)
    monkeypatch.setitem(RELEASES, second.minor, second)
    other = clusters.up("embedded", second.minor, progress=False)
    try:
        assert other.name != own.name
        assert {cluster.name for cluster in clusters.clusters()} == {own.name, other.name}
        assert uid(other) != uid(own)
        own.verify()
        other.verify()
    finally:
        clusters.down(other.name)
    assert clusters.find() == own


def test_what_a_crashed_notebook_left_is_swept_up(own: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    left = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "kitlib-crashed-123456", "labels": {"kitlib/notebook": "crashed"}},
    }
    own.connect().request("POST", "/api/v1/namespaces", body=left)
    clusters.up("embedded")
    assert "kitlib-crashed-123456" in capsys.readouterr().err

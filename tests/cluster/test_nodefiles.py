"""A node from within: only a few files are changed, and all of it is put back, however the process ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from kitlib.cluster.kind import node as within
from kitlib.cluster.kind import restore
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.kind.node import Node
from kitlib.errors import ClusterError, RefusedError, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for a node: `docker exec` runs programs here, and systemctl notes what it is asked for."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"docker": 'shift 2\nexec "$@"', "systemctl": f'echo "$*" >>{tmp_path}/asked'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "config.yaml").write_text("kind: KubeletConfiguration\n")
    for name in ("MANIFESTS", "SERVED"):
        monkeypatch.setattr(within, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(within, "KUBELET", str(tmp_path / "config.yaml"))
    monkeypatch.setattr(restore, "HOME", str(tmp_path / "home"))
    monkeypatch.setattr(restore, "changed", {})
    return tmp_path


CLUSTER = Cluster(
    name="kind-1.37",
    provider="kind",
    version="1.37",
    release="v1.37.2",
    kubeconfig=Path("none"),
    context="none",
    runs_containers=True,
    node_count=3,
    made_by_kitlib=True,
    writable=True,
    home=None,
)


def node(home: Path) -> Node:
    return Node(CLUSTER, "kitlib-worker", Client("docker", False, {"PATH": os.environ["PATH"]}))


def asked(home: Path) -> list[str]:
    path = home / "asked"
    return path.read_text().splitlines() if path.exists() else []


def test_what_is_written_is_put_back(home: Path) -> None:
    worker = node(home)
    new, config = f"{home}/manifests/web.yaml", f"{home}/config.yaml"
    worker.write(new, "kind: Pod\n")
    worker.write(config, "changed: once\n")
    worker.write(config, "changed: twice\n")
    assert worker.read(config) == "changed: twice\n" and Path(new).read_text() == "kind: Pod\n"
    assert Path(config).stat().st_mode & 0o777 == 0o644
    assert worker.restore() == [config]
    assert Path(config).read_text() == "kind: KubeletConfiguration\n"
    assert not Path(new).exists() and not (home / "home").exists()
    assert "restart kubelet" in asked(home)
    assert worker.restore() == [], "a second time there is nothing to be done"


def test_what_is_removed_comes_back(home: Path) -> None:
    manifest = home / "manifests" / "kube-apiserver.yaml"
    manifest.write_text("kind: Pod\n")
    worker = node(home)
    worker.remove(str(manifest))
    assert not manifest.exists()
    worker.restore()
    assert manifest.read_text() == "kind: Pod\n"


def test_nothing_is_restarted_for_files_that_were_new(home: Path) -> None:
    worker = node(home)
    worker.write(f"{home}/served/remote.yaml", "")
    worker.restore()
    assert "restart kubelet" not in asked(home)
    assert not (home / "served" / "remote.yaml").exists()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{}/manifests/../config", "{}/manifests/sub/web.yaml", "{}/manifests/", "{}/manifests/..",
     "web.yaml", "{}/manifests/a\n/etc/passwd", "{}/manifests//web.yaml"],
)  # fmt: skip
def test_other_files_are_refused(home: Path, path: str) -> None:
    worker = node(home)
    for act in (lambda: worker.write(path.format(home), ""), lambda: worker.remove(path.format(home))):
        with pytest.raises(UsageError, match=r"(?s)kitlib-worker:.*not for lessons to change.*name a file in"):
            act()
    assert not (home / "home").exists()


def test_a_link_out_of_the_folder_is_refused(home: Path) -> None:
    (home / "manifests" / "web.yaml").symlink_to(home / "elsewhere")
    with pytest.raises(
        ClusterError, match=r"(?s)write a file of a node.*kind-1.37/kitlib-worker.*is a link.*kitlib up"
    ):
        node(home).write(f"{home}/manifests/web.yaml", "")
    assert not (home / "elsewhere").exists()


def test_a_command_is_no_string(home: Path) -> None:
    with pytest.raises(UsageError, match="a list of words"):
        node(home).run("cat /etc/hostname")
    with pytest.raises(UsageError, match="a list of words"):
        node(home).run([])


def test_a_program_that_fails_is_named_with_its_last_words(home: Path) -> None:
    with pytest.raises(ClusterError, match=r"(?s)run a program on a node: sh.*kind-1.37/kitlib-worker.*no such thing"):
        node(home).run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_waiting_ends_with_success_or_with_the_reason(home: Path) -> None:
    worker = node(home)
    script = f"[ -e {home}/second ] && echo there || {{ touch {home}/second; exit 1; }}"
    assert worker.wait(["sh", "-c", script], "a second try").strip() == "there"
    with pytest.raises(ClusterError, match=r"(?s)wait for: the end.*not yet"):
        worker.wait(["sh", "-c", "echo not yet; exit 1"], "the end", timeout=0.1)


CRASH = """
import os, sys
from pathlib import Path
from kitlib.cluster.kind import restore
from kitlib.cluster.kind import node as within
from tests.cluster.test_nodefiles import node
home = Path(sys.argv[1])
for name in ("MANIFESTS", "SERVED"):
    setattr(within, name, str(home / name.lower()))
within.KUBELET = str(home / "config.yaml")
restore.HOME = str(home / "home")
node(home).write(f"{home}/config.yaml", "crashed: true\\n")
node(home).write(f"{home}/manifests/left.yaml", "kind: Pod\\n")
print("changed", flush=True)
if sys.argv[2] == "crash":
    os.kill(os.getpid(), 9)
sys.stdin.readline()
"""


def other(home: Path, how: str) -> subprocess.Popen[str]:
    """Another process that changes the node, and then is killed, or waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", CRASH, str(home), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None and process.stdout.readline() == "changed\n"
    return process


def test_what_a_killed_process_left_is_put_back(home: Path) -> None:
    other(home, "crash").wait()
    assert (home / "manifests" / "left.yaml").exists()
    assert restore.sweep(node(home).client, ["kitlib-worker"]) == ["kitlib-worker"]
    assert (home / "config.yaml").read_text() == "kind: KubeletConfiguration\n"
    assert not (home / "manifests" / "left.yaml").exists()
    assert restore.sweep(node(home).client, ["kitlib-worker"]) == []


def test_the_next_writer_sweeps_first(home: Path) -> None:
    other(home, "crash").wait()
    worker = node(home)
    worker.write(f"{home}/config.yaml", "mine: true\n")
    assert not (home / "manifests" / "left.yaml").exists()
    restore.restore_all(CLUSTER)
    assert (home / "config.yaml").read_text() == "kind: KubeletConfiguration\n"


def test_a_notebook_that_runs_is_not_disturbed_and_leaves_nothing(home: Path) -> None:
    process = other(home, "wait")
    assert restore.sweep(node(home).client, ["kitlib-worker"]) == []
    with pytest.raises(RefusedError, match=rf"(?s)still runs.*{process.pid}.*close that notebook"):
        node(home).write(f"{home}/config.yaml", "mine: true\n")
    assert (home / "config.yaml").read_text() == "crashed: true\n"
    process.communicate("\n", timeout=30)
    assert (home / "config.yaml").read_text() == "kind: KubeletConfiguration\n", "put back at that process' end"
    assert not (home / "manifests" / "left.yaml").exists()


def test_another_machines_process_is_left_alone(home: Path) -> None:
    worker = node(home)
    worker.write(f"{home}/config.yaml", "mine: true\n")
    owner = home / "home" / "owner"
    owner.write_text(json.dumps({**json.loads(owner.read_text()), "host": "elsewhere"}))
    assert restore.sweep(worker.client, ["kitlib-worker"]) == []


def test_only_kitlibs_own_nodes_are_looked_into() -> None:
    from dataclasses import replace

    for cluster in (replace(CLUSTER, provider="embedded"), replace(CLUSTER, made_by_kitlib=False)):
        with pytest.raises(UsageError, match=r"(?s)only nodes that kitlib made.*--provider kind"):
            clusters.node(cluster, "worker")

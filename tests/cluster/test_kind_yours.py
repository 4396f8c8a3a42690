"""An engine that is not kitlib's: your Docker.

The published image is pulled by its digest; where it can't be had, the image that was made here takes its place; what
else runs on that engine stays as it is.

kitlib's own engine plays yours here: it answers by DOCKER_HOST, and belongs to another state folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import record
from kitlib.cluster.kind import config, engines
from kitlib.errors import ClusterError
from kitlib.machine import processes, versions
from kitlib.machine.airgap import debian, engine, nodeload
from kitlib.machine.airgap.oci import Entry, Layout
from kitlib.machine.programs import kindcommand

pytestmark = [pytest.mark.kind, pytest.mark.slow]


@pytest.fixture(scope="module")
def yours(own_state: Path) -> Iterator[engine.Own]:
    """An engine with the node image, known by DOCKER_HOST alone; kitlib's state is elsewhere."""
    able, why = debian.able()
    if not able:
        pytest.skip(f"no engine can be had that could play yours: {why}; use root on Debian")
    own = engine.up(progress=True)
    nodeload.into_own(own, progress=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KITLIB_STATE", str(own_state / "yours"))
        for name, value in own.environment().items():
            if name.startswith("DOCKER_") or name == "PATH":
                patch.setenv(name, value)
        yield own
        clusters.down()


@pytest.fixture
def client(yours: engine.Own) -> engines.Client:
    found = engines.find()
    assert found is not None
    assert (found.program, found.own) == ("docker", False)
    return found


@pytest.fixture
def registry(yours: engine.Own, tmp_path: Path) -> Iterator[str]:
    """A registry in the engine's network that has one small image; its name there, by digest."""
    layout = Layout(tmp_path / "layout", "amd64")
    made = layout.image("node", [layout.layer(Entry("/etc/hello", b"hello\n"))])
    layout.write()
    (first,) = (pid for pid, program in processes.below(yours.home / "bin").items() if program.endswith("-init"))
    script = Path(__file__).with_name("registry.py")
    server = subprocess.Popen(
        ["nsenter", f"--net=/proc/{first}/ns/net", sys.executable, str(script), str(layout.folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}/kindest/node:v1.37.0@{made.digest}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_the_published_image_is_pulled_once_by_its_digest(
    client: engines.Client, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(versions.NODE_IMAGES, "1.36", registry)
    assert config.image(client, "1.36", False) == registry
    assert client.run("image", "inspect", "--format", "{{.Os}}", registry, step="look").strip() == "linux"
    asked: list[str] = []
    run = engines.Client.run
    monkeypatch.setattr(
        engines.Client, "run", lambda self, *words, **more: asked.append(words[0]) or run(self, *words, **more)
    )
    assert config.image(client, "1.36", False) == registry
    assert "pull" not in asked


def test_an_image_that_cannot_be_had_fails_within_seconds_by_name(
    client: engines.Client, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(versions.NODE_IMAGES, "1.36", f"{registry[:-4]}0000")
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"(?s)kindest/node:v1\.37\.0: it can't be fetched.*manifest unknown"):
        config.image(client, "1.36", False)
    assert time.monotonic() - began < 10


def test_kind_knows_what_it_is_told(yours: engine.Own) -> None:
    kind = kindcommand.program(progress=False)
    assert kindcommand.asked(kind) == kindcommand.version()

    def help_of(*words: str) -> str:
        return subprocess.run([kind, *words, "--help"], capture_output=True, text=True, check=True).stdout

    assert all(f"--{flag} " in help_of("create", "cluster") for flag in ("name", "image", "config", "kubeconfig"))
    assert "--name " in help_of("load", "image-archive")


def test_a_cluster_on_your_engine(client: engines.Client, yours: engine.Own) -> None:
    client.run(
        "run",
        "--detach",
        "--name",
        "yours",
        "--entrypoint",
        "sleep",
        nodeload.into_own(yours, False),
        "600",
        step="try",
    )
    made = clusters.up("kind", progress=True)
    notes = record.load(made.name)[1]
    assert (notes["own_engine"], notes["engine"], made.node_count) == (False, "docker", 3)
    assert notes["image"].startswith("localhost/"), "there is no registry, so it is the one that was made here"
    assert all(node.startswith(f"{notes['kind_name']}-") for node in notes["nodes"])
    config.load_lessons(notes["kind_name"], client, kindcommand.program(False), time.monotonic() + 60)
    control = f"{notes['kind_name']}-control-plane"
    said = client.run("exec", control, "ctr", "-n", "k8s.io", "images", "ls", "-q", step="look")
    assert "docker.io/library/web:1.0" in said
    clusters.down()
    assert client.run("ps", "--format", "{{.Names}}", step="look").split() == ["yours"]
    left = engines.find()
    assert left is not None and not left.own, "your engine is not kitlib's to end"
    assert os.environ["DOCKER_HOST"] == yours.socket

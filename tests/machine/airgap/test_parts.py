"""Parts beside Kubernetes: a table that is consistent; made once, by content, whole or not at all; errors that help."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from kitlib.errors import BuildError, ClusterError, UsageError
from kitlib.machine import resources
from kitlib.machine.airgap import artifacts, parts
from kitlib.machine.airgap.parts import PARTS, PUBLISHED, Part

MAIN = """
package main

import _ "example.com/tiny"

var version = "unknown"

func main() { println(version) }
"""
TINY = Part(
    name="tiny",
    title="a program that tells its version",
    version="1.2.3",
    published="somebody/tiny:1.2.3@sha256:" + "0" * 64,
    config={"Entrypoint": ["/bin/tell"], "User": "10001:10001"},
    programs={"/bin/tell": "."},
    module="example.com/tiny",
    revision="v1.2.3",
    variable="main.version",
)


@pytest.fixture
def tiny(go: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a part that builds in a second."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "go.mod").write_text(
        "module kitlib/parts/tiny\n\ngo 1.26\n\nrequire example.com/tiny v1.2.3\n\nreplace example.com/tiny => ./own\n"
    )
    (folder / "main.go").write_text(MAIN)
    for name, text in {"go.mod": "module example.com/tiny\n\ngo 1.26\n", "own.go": "package own\n"}.items():
        (folder / "own").mkdir(exist_ok=True)
        (folder / "own" / name).write_text(text)
    monkeypatch.setattr(Part, "source", property(lambda self: folder))
    monkeypatch.setitem(PARTS, "tiny", TINY)
    return folder


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_table_says_what_the_module_pins_and_names_images_by_digest(part: Part) -> None:
    if part.programs:
        pinned = (part.source / "go.mod").read_text().replace("require ", "\t")
        assert f"\t{part.module} {part.revision}\n" in pinned
        assert part.image == f"localhost/{part.name}:{part.version}"
    else:
        assert part.image == f"localhost/{part.name}:debian"
    if part.published:  # else it is made here, also where a registry answers
        assert re.fullmatch(r"[\w-]+/[\w-]+:v?[\w.-]+@sha256:[0-9a-f]{64}", part.published)
        assert re.search(rf":v?{re.escape(part.version)}@", part.published)
    assert not part.unmade and (part.programs or part.packages)


@pytest.mark.parametrize("part", PUBLISHED.values(), ids=PUBLISHED)
def test_what_is_published_only_names_a_whole_version_and_says_why_it_cannot_be_made(part: Part, cache: Path) -> None:
    assert re.fullmatch(rf"[\w-]+/[\w-]+:v?{re.escape(part.version)}(@sha256:[0-9a-f]{{64}})?", part.published)
    assert parts.find(part.name) is part and not part.programs and not part.packages
    with pytest.raises(BuildError, match=rf"(?s)build a part {part.name}: no package registry.*Next: use a cluster"):
        parts.make(part, progress=False)
    assert not list(cache.glob("bin/*"))


def test_an_unknown_part_names_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"(?s)find a part ottel: there is no such part.*Next: use one of: .*otel"):
        parts.find("ottel")


def content(made: parts.Made) -> dict[str, Any]:
    """Return what an image is: its name, its configuration, and what is in it."""
    with tarfile.open(made.archive) as tar:

        def read(digest: str) -> bytes:
            file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
            assert file is not None
            return file.read()

        index = tar.extractfile("index.json")
        assert index is not None
        (named,) = json.loads(index.read())["manifests"]
        manifest = json.loads(read(named["digest"]))
        found: dict[str, Any] = {"name": named["annotations"]["io.containerd.image.name"], "digest": named["digest"]}
        found["config"] = json.loads(read(manifest["config"]["digest"]))["config"]
        found["files"] = {}
        for layer in manifest["layers"]:
            file = tar.extractfile(f"blobs/{layer['digest'].replace(':', '/')}")
            with tarfile.open(fileobj=file) as inner:
                found["files"] |= {each.name: each.mode for each in inner if each.isfile()}
    return found


def test_a_part_is_made_once_with_its_image_and_what_is_in_it(tiny: Path) -> None:
    assert parts.cached(TINY) is None
    made = parts.make(TINY, progress=False)
    said = subprocess.run([made.folder / "tell"], capture_output=True, text=True)
    assert said.stderr == "1.2.3\n"
    image = content(made)
    assert (image["name"], image["digest"]) == ("localhost/tiny:1.2.3", made.digest)
    assert image["config"]["Entrypoint"] == ["/bin/tell"] and image["config"]["User"] == "10001:10001"
    assert image["files"] == {"bin/tell": 0o755, "usr/share/kitlib/sbom.cdx.json": 0o644}
    listed = json.loads((made.folder / parts.SBOM).read_text())
    assert listed["metadata"]["component"]["version"] == "1.2.3"
    assert [each["name"] for each in listed["components"]] == ["stdlib"], "a stand-in of ours is no module of others"
    made_at = (made.folder / "tell").stat().st_ino
    assert parts.make(TINY, progress=False) == made
    assert (made.folder / "tell").stat().st_ino == made_at
    assert artifacts.status()["parts"]["tiny"]["sbom"] == str(made.folder / parts.SBOM)


def test_equal_sources_give_an_equal_image_and_others_another(tiny: Path) -> None:
    first = parts.make(TINY, progress=False)
    (first.folder / parts.ARCHIVE).write_bytes(b"half")
    assert parts.cached(TINY) is None, "it is damaged"
    assert parts.make(TINY, progress=False) == first
    (tiny / "main.go").write_text(MAIN.replace("println(version)", 'println(version, "changed")'))
    second = parts.make(TINY, progress=False)
    assert second.folder != first.folder and second.digest != first.digest and second.image == first.image
    before = first.folder.is_dir(), second.folder.is_dir()
    artifacts.clean(older=True)
    assert (before, (first.folder.is_dir(), second.folder.is_dir())) == ((True, True), (False, True))


def test_a_part_that_does_not_build_says_which_and_leaves_nothing(tiny: Path, cache: Path) -> None:
    (tiny / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(BuildError, match=r"(?s)build a part tiny: go says: .*undefined: nonsense.*Next: "):
        parts.make(TINY, progress=False)
    assert parts.cached(TINY) is None and not list(cache.glob("bin/*"))


def test_without_a_network_it_says_what_is_missing(
    go: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    with pytest.raises(BuildError, match=r"(?s)build a part otel: Go modules can't be fetched: .*Next: connect"):
        parts.make(PARTS["otel"], progress=False)
    assert not list(cache.glob("bin/*"))


def test_without_room_it_says_how_much_is_needed(
    go: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(resources, "disk", lambda path: 0)
    with pytest.raises(BuildError, match=r"(?s)build a part otel: the disk is full: 1\.2 GiB are needed.*Next: free"):
        parts.make(PARTS["otel"], progress=False)


RECEIVERS = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver"
INSIDE = {
    "otel": (f"{RECEIVERS}/k8seventsreceiver", f"{RECEIVERS}/k8sobjectsreceiver"),
    "nginx": ("nginx", "libssl3", "busybox"),
    "traefik": ("sigs.k8s.io/gateway-api", "github.com/containous/mux"),
    "ingress-nginx": ("nginx", "libnginx-mod-http-lua", "k8s.io/client-go"),
    "bind9": ("bind9", "bind9-libs", "busybox"),
    "external-dns": ("github.com/miekg/dns", "github.com/bodgit/tsig", "k8s.io/client-go"),
    "vip": ("github.com/mdlayher/arp", "github.com/osrg/gobgp/v4", "github.com/vishvananda/netlink"),
    "metallb": ("sigs.k8s.io/controller-runtime", "github.com/mdlayher/arp", "github.com/hashicorp/memberlist"),
    "bird": ("bird2", "libc6"),
}
"""What is in each, among much else."""
NOT_INSIDE = {"traefik": ("github.com/go-acme/lego/v5", "github.com/gorilla/mux")}
"""What something else stands for."""


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_list_of_a_part_that_is_kept_is_whole(part: Part) -> None:
    made = parts.cached(part)
    if made is None:
        pytest.skip(f"it is not kept: `kitlib airgap build {part.name}` makes it")
    document = json.loads((made.folder / parts.SBOM).read_text())
    versions = {each["name"]: each["version"] for each in document["components"]}
    assert set(INSIDE[part.name]) <= set(versions) and not set(NOT_INSIDE.get(part.name, ())) & set(versions)
    assert not part.module or versions[part.module] == part.revision
    without = [each["purl"] for each in document["components"] if not each.get("licenses")]
    assert len(without) <= 2 and all(each.startswith("pkg:deb/") for each in without), "their texts are there, no name"
    inside = content(made)["files"]
    texts = [name for name in inside if name.startswith("usr/share/kitlib/licences/") or name.endswith("/copyright")]
    assert len(texts) > 20


def cluster(provider: str, by_kitlib: bool) -> Cluster:
    """Return a cluster that is never asked anything."""
    return Cluster(
        name=f"{provider}-1.37",
        provider=provider,
        version="1.37",
        release="v1.37.2",
        kubeconfig=Path("none"),
        context="none",
        runs_containers=provider != "embedded",
        node_count=1,
        made_by_kitlib=by_kitlib,
        writable=by_kitlib,
        home=None,
    )


def test_simulated_nodes_run_no_part() -> None:
    with pytest.raises(
        ClusterError, match=r"(?s)have the part otel embedded-1\.37: its nodes are simulated.*Next: use"
    ):
        clusters.part(cluster("embedded", True), "otel")


def test_a_cluster_of_yours_fetches_the_published_image() -> None:
    assert clusters.part(cluster("context", False), "otel") == PARTS["otel"].published
    with pytest.raises(ClusterError, match=r"(?s)have a part vip: nobody publishes an image.*Next: use a cluster of"):
        clusters.part(cluster("context", False), "vip")

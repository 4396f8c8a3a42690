"""Images: layers that are the same whoever writes them, each kept once; an archive that an engine would take."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from kitlib.machine.airgap import nodeimage, oci
from kitlib.machine.airgap.oci import Entry, Layout


def blob(layout: Layout, digest: str) -> bytes:
    return (layout.folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_a_layer_has_the_folders_that_its_files_need(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_bytes(b"\x7fELF")
    layout = Layout(tmp_path / "layout", "amd64")
    made = layout.layer(
        Entry("/usr/bin/one", source),
        Entry("/usr/bin/two", "one"),
        Entry("/tmp", None, 0o1777),
        Entry("/etc/x", b"y", 0o644),
    )
    assert made.digest == f"sha256:{hashlib.sha256(blob(layout, made.digest)).hexdigest()}"
    assert made.size == len(blob(layout, made.digest))
    with tarfile.open(fileobj=io.BytesIO(blob(layout, made.digest))) as tar:
        names = {member.name: member for member in tar}
        assert list(names) == ["usr", "usr/bin", "usr/bin/one", "usr/bin/two", "tmp", "etc", "etc/x"]
        assert tar.extractfile("usr/bin/one").read() == b"\x7fELF"
    assert names["usr/bin/one"].mode == 0o755
    assert (names["usr/bin/two"].issym(), names["usr/bin/two"].linkname) == (True, "one")
    assert names["tmp"].mode == 0o1777
    assert {member.uid for member in names.values()} == {0}


def test_the_same_files_make_the_same_layer_at_any_time(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("text")
    first = Layout(tmp_path / "a", "amd64").layer(Entry("/file", source))
    source.unlink()
    source.write_text("text")
    assert Layout(tmp_path / "b", "amd64").layer(Entry("/file", source)) == first


def test_images_share_layers_and_carry_their_names(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout", "arm64")
    base = layout.layer(Entry("/etc/base", b"base"))
    layout.image("localhost/one:local", [base], Entrypoint=["/one"])
    layout.image("localhost/two:local", [base, layout.layer(Entry("/two", b"2"))], User="65535")
    layout.write()
    out = io.BytesIO()
    layout.stream(out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        index = json.load(tar.extractfile("index.json"))
        names = tar.getnames()
    assert [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]] == list(layout.images)
    manifest = json.loads(blob(layout, layout.images["localhost/two:local"].digest))
    config = json.loads(blob(layout, manifest["config"]["digest"]))
    assert (config["architecture"], config["config"]["User"]) == ("arm64", "65535")
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert all(f"blobs/sha256/{layer['digest'][7:]}" in names for layer in manifest["layers"])
    assert (
        len([name for name in names if name.startswith("blobs/sha256/")]) == 6
    )  # 2 layers, 2 configurations, 2 manifests


def test_the_archive_of_a_node_image_names_its_parts_by_their_digests(tmp_path: Path) -> None:
    layer = b"not a tar, but as good as one here"
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    (tmp_path / "layer.tar").write_bytes(layer)
    (tmp_path / "layer.json").write_text(json.dumps({"size": len(layer), "digest": digest}))
    nodeimage.describe(tmp_path)
    out = io.BytesIO()
    nodeimage.archive(tmp_path, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        text = tar.extractfile(manifest["Config"]).read()
        assert tar.extractfile(manifest["Layers"][0]).read() == layer
    assert manifest["Config"] == f"{hashlib.sha256(text).hexdigest()}.json"
    assert manifest["RepoTags"] == [nodeimage.name()]
    config = json.loads(text)
    assert config["rootfs"]["diff_ids"] == [digest]
    assert config["config"]["StopSignal"] == nodeimage.STOP
    assert oci.PATH in config["config"]["Env"]

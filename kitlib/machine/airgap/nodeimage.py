"""The node image: made once, kept in the cache, and loaded into an engine that has none."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from kitlib import files
from kitlib.machine import folders, paths, resources, subprocesses, versions
from kitlib.machine.airgap import assemble, debian, images, oci, probe, sbom
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, nodeprograms
from kitlib.progress import Progress

STEP = "make the node image"
SIZE = 2 * resources.GIB
"""What making it takes on the disk at most; half of that stays."""
NAME = "localhost/kitlib-node"
MANIFESTS = Path(__file__).parent / "manifests"
SBOM = "sbom.cdx.json"
"""The bill of materials, beside the image's layer, and within it in /usr/share/kitlib."""
STOP = "SIGRTMIN+3"
"""What tells systemd to halt."""


def key() -> str:
    """Return what names the image in the cache: a digest of everything that goes into it."""
    digest = hashlib.sha256(" ".join([nodeprograms.key(), probe.key(), debian.rootfs_key()]).encode())
    modules = (assemble, images, oci, sbom)
    paths = [Path(str(module.__file__)) for module in modules] + sorted(MANIFESTS.iterdir())
    for path in paths:
        digest.update(path.read_bytes())
    return f"node-{versions.release().kubernetes}-{digest.hexdigest()[:12]}"


def name() -> str:
    """Return the image's name in an engine; its tag is the digest of what went into it."""
    return f"{NAME}:{key().removeprefix('node-')}"


def cached() -> Path | None:
    """Return the folder with the image if it is in the cache and whole."""
    home = paths.cache() / "airgap" / key()
    return home if (home / "image.json").is_file() else None


def make(progress: bool = True) -> Path:
    """Make the image, or take the one in the cache; return its folder.

    Raises
    ------
    BuildError
        Something that goes into it can't be had, or the disk is full.
    """
    home = paths.cache() / "airgap" / key()
    with FileLock(paths.cache() / "locks" / f"{home.name}.lock", STEP, progress):
        if found := cached():
            return found
        debian.require(STEP)
        resources.need_disk({home: SIZE}, STEP)
        rootfs, built = _ingredients(progress)
        work = home.with_name(f".part-{home.name}")
        folders.remove(work)
        (work / "out").mkdir(mode=0o700, parents=True)
        (work / "out" / SBOM).write_text(sbom.document(sbom.packages(rootfs) + sbom.modules(built)), encoding="utf-8")
        told = {
            "sbom": str(work / "out" / SBOM),
            "work": str(work),
            "programs": str(built),
            "rootfs": str(rootfs),
            "probe": str(probe.binary(progress)),
            "manifests": str(MANIFESTS),
            "release": f"v{versions.release().kubernetes}",
            "architecture": build.goarch(),
        }
        # a mount namespace whose mounts nobody else sees; when the program ends, however it does, they are gone
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        command += [sys.executable, "-m", "kitlib.machine.airgap.assemble", json.dumps(told)]
        try:
            with Progress(STEP, quiet=not progress) as bar:
                told_of = subprocesses.Phases(bar, assemble.PHASES)
                environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
                subprocesses.call(command, STEP, told_of.line, environment=environment)
            describe(work / "out")
            files.move_folder(work / "out", home)
        finally:
            folders.remove(work)
    return home


def _ingredients(progress: bool) -> tuple[Path, Path]:
    """Make the root file system and the programs at once: one takes the network and the disk, the other processors."""
    if debian.rootfs_cached() or nodeprograms.cached():
        return debian.rootfs(progress), nodeprograms.make(progress)
    cancel = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(debian.rootfs, False, cancel)
        try:
            built = nodeprograms.make(progress)
        except BaseException:
            cancel.set()
            raise
        with Progress("make the node's root file system", quiet=not progress):
            return beside.result(), built


def describe(folder: Path) -> None:
    """Write the image's configuration beside its layer; the last file to be written."""
    layer = json.loads((folder / "layer.json").read_text(encoding="utf-8"))
    config = {
        "architecture": build.goarch(),
        "os": "linux",
        "config": {
            "Env": [oci.PATH, "container=docker"],
            "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
            "StopSignal": STOP,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        "history": [{"created_by": "kitlib airgap build"}],
    }
    (folder / "image.json").write_text(json.dumps(config), encoding="utf-8")


def archive(folder: Path, out: IO[bytes]) -> None:
    """Write the image as `docker load` takes it; podman and nerdctl know the form, too."""
    config = (folder / "image.json").read_bytes()
    ident = hashlib.sha256(config).hexdigest()
    manifest: list[dict[str, Any]] = [{"Config": f"{ident}.json", "RepoTags": [name()], "Layers": ["layer.tar"]}]
    with tarfile.open(fileobj=out, mode="w|", bufsize=1 << 20) as tar:
        for path, data in (("manifest.json", json.dumps(manifest).encode()), (f"{ident}.json", config)):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        tar.add(folder / "layer.tar", "layer.tar")

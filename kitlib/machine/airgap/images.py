"""The container images that a node is born with, made of the programs and of Debian's files."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tomllib
from pathlib import Path

from kitlib.machine import paths, subprocesses
from kitlib.machine.airgap import oci, probe
from kitlib.machine.airgap.oci import Blob, Entry, Layout
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build

STEP = "make the container images"
CONTROL = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
NODED = "localhost/noded:local"
BUSYBOX = "localhost/busybox:local"
LESSONS = {
    "web": (*(f"{major}.0" for major in range(1, 6)), *(f"1.{minor}" for minor in range(1, 13))),
    "hello": ("1.0", "2.0"),
    "sidecar": ("1.0",),
    "proxy": ("1.0",),
    "prepare": ("1.0",),
}
"""Images that notebooks name, with their versions."""
JOBS = ("prepare",)
"""Those of them that do something and end."""
LINKS = tuple(
    f"/usr/sbin/{version}{what}" for version in ("iptables", "ip6tables") for what in ("", "-save", "-restore")
)
BASE = (
    Entry("/tmp", None, 0o1777),
    Entry("/run", None),
    Entry("/var/log", None),
    Entry("/etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n", 0o644),
    Entry("/etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644),
    Entry("/etc/nsswitch.conf", b"hosts: files dns\n", 0o644),
)


def official(programs: Path, release: str, pause: str) -> dict[str, str]:
    """Return the names that kubeadm gives to Kubernetes' images, by their last part.

    Parameters
    ----------
    programs : Path
    release : str
        Such as "v1.37.2".
    pause : str
        The name of the image that holds a Pod's namespaces: containerd's configuration decides it.
    """
    said = subprocesses.output(
        [str(programs / "kubeadm"), "config", "images", "list", "--kubernetes-version", release], STEP
    )
    return {re.sub(r".*/|:.*", "", name): name for name in said.split()} | {"pause": pause}


def sandbox_image(config: str) -> str:
    """Return the image of a Pod's namespaces that a containerd configuration names."""
    name: str = tomllib.loads(config)["plugins"]["io.containerd.grpc.v1.cri"]["sandbox_image"]
    return name


def make(layout: Layout, programs: Path, rootfs: Path, probe_program: Path, names: dict[str, str]) -> None:
    """Write all images into a layout.

    Parameters
    ----------
    layout : Layout
    programs : Path
        The folder of the node's programs.
    rootfs : Path
        The node's root file system, whose files and libraries are taken.
    probe_program : Path
    names : dict
        See `official`.
    """
    base = layout.layer(*BASE)
    tools = layout.layer(*_tools(rootfs))
    kube = layout.layer(
        Entry("/usr/local/bin/kube", programs / "kube"), *(Entry(f"/usr/local/bin/{name}", "kube") for name in CONTROL)
    )
    for name in CONTROL:
        layout.image(names[name], [base, kube] + [tools] * (name == "kube-proxy"), Entrypoint=[name])

    def program(name: str, folder: str = "/") -> Blob:
        return layout.layer(Entry(folder + name, programs / name))

    layout.image(names["etcd"], [base, program("etcd", "/usr/local/bin/")])
    layout.image(names["coredns"], [base, program("coredns")], Entrypoint=["/coredns"])
    layout.image(names["pause"], [program("pause")], Entrypoint=["/pause"], User="65535:65535")
    layout.image(NODED, [base, tools, program("noded", "/usr/local/bin/")], Entrypoint=["noded"])
    layout.image(BUSYBOX, [base, layout.layer(*_shell(rootfs))], Cmd=["sh"])
    for_lessons(layout, probe_program)
    layout.write()


def for_lessons(layout: Layout, probe_program: Path) -> None:
    """Write the images that notebooks run into a layout: all are the probe, each tells its own version."""
    layers = [layout.layer(*BASE), layout.layer(Entry("/probe", probe_program))]
    layout.image(probe.IMAGE, layers, Entrypoint=["/probe"])
    for name, tags in LESSONS.items():
        for tag in tags:
            layout.image(
                f"docker.io/library/{name}:{tag}",
                layers,
                Env=[oci.PATH, f"PROBE_VERSION={tag}"],
                Entrypoint=["/probe", *(["job"] if name in JOBS else [])],
            )


def archive(progress: bool = True) -> Path:
    """Return a file with the images that notebooks run, as `kind load image-archive` takes it.

    Raises
    ------
    BuildError
        The probe does not build.
    """
    told = [probe.key(), *(f"{name}:{tag}" for name, tags in LESSONS.items() for tag in tags), *JOBS]
    digest = hashlib.sha256(" ".join([*told, Path(__file__).read_text(), Path(oci.__file__).read_text()]).encode())
    path = paths.cache() / "airgap" / f"lessons-{digest.hexdigest()[:16]}.tar"
    with FileLock(paths.cache() / "locks" / f"{path.stem}.lock", STEP, progress):
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            part = path.with_name(f".part-{path.stem}")
            shutil.rmtree(part, ignore_errors=True)
            try:
                layout = Layout(part / "layout", build.goarch())
                for_lessons(layout, probe.binary(progress))
                layout.write()
                with (part / "archive.tar").open("wb") as file:
                    layout.stream(file)
                (part / "archive.tar").rename(path)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return path


def _shell(rootfs: Path) -> list[Entry]:
    applets = _inside(rootfs, "busybox", "--list").split()
    return [
        *_with_libraries(rootfs, "/bin/busybox"),
        *(Entry(f"/bin/{a}", "busybox") for a in applets if a != "busybox"),
    ]


def _tools(rootfs: Path) -> list[Entry]:
    """Return what kube-proxy and noded call.

    iptables loads each of its matches from a file: the libraries of those count too, or kube-proxy's rules fail while
    the node stays Ready.
    """
    found = next((rootfs / "usr/lib").glob("*/xtables"))
    matches = [f"/{path.relative_to(rootfs)}" for path in sorted(found.glob("*.so"))]
    programs = ("/usr/sbin/xtables-nft-multi", "/usr/sbin/nft", "/usr/sbin/conntrack", "/bin/ip")
    return [*_with_libraries(rootfs, *programs, *matches), *(Entry(path, "xtables-nft-multi") for path in LINKS)]


def _inside(rootfs: Path, *command: str) -> str:
    return subprocesses.output(["chroot", str(rootfs), *command], STEP)


def _with_libraries(rootfs: Path, *paths: str) -> list[Entry]:
    """Return files of the root file system, and all shared libraries that they need, by the names they are known by."""
    # one call for all: ldd fails where a file is no program, but tells of the others
    command = ["chroot", str(rootfs), "ldd", *paths]
    said = subprocesses.run(command, environment={"PATH": subprocesses.PATH}).output
    libraries = sorted({word for word in said.split() if word.startswith("/") and not word.endswith(":")})
    names = [*paths, *(each for each in libraries if each not in paths)]
    targets = _inside(rootfs, "readlink", "-f", "--", *names).splitlines()
    return [Entry(name, rootfs / target.lstrip("/")) for name, target in zip(names, targets, strict=True)]


def listed(layout: Layout) -> str:
    """Return the images' names and digests as JSON, to be kept with the node image."""
    return json.dumps({name: blob.digest for name, blob in layout.images.items()}, indent=1)

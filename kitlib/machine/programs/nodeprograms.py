"""A node's programs, compiled from one Go module: Kubernetes, etcd, containerd, CNI plugins, CoreDNS, kind."""

from __future__ import annotations

import hashlib
import tarfile
from functools import cache
from pathlib import Path

from kitlib.machine import paths, versions
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, modules, programcache, toolchain
from kitlib.machine.versions import Release

STEP = "build a node's programs"
SOURCE = Path(__file__).parent / "go_node"
KUBE = (*build.KUBE, "kube-proxy", "kubelet", "kubeadm")
"""Links to the program that holds all of Kubernetes."""
ENGINE = ("docker-proxy", "oci-runtime")
"""Links to the program that runs an engine."""
CNI = {"ptp": "main/ptp", "loopback": "main/loopback", "host-local": "ipam/host-local", "portmap": "meta/portmap"}
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
_CONTAINERD = "github.com/containerd/containerd/v2"
PACKAGES = (
    "./cmd/...",
    "go.etcd.io/etcd/server/v3",
    *(f"{_CONTAINERD}/cmd/{name}" for name in CONTAINERD),
    *(f"github.com/containernetworking/plugins/plugins/{path}" for path in CNI.values()),
    "sigs.k8s.io/kind",
    "sigs.k8s.io/kwok/cmd/kwok",
    "sigs.k8s.io/kwok/cmd/kwokctl",
)
KIND_FILES = "kind-files.tar"
"""Beside the programs: what kind puts into a node image that is no program."""
RECIPE = "2"
"""Counts the ways in which these files have been made."""
TAGS = "-tags=no_aufs,no_btrfs,no_devmapper,no_zfs"


def pinned(module: str) -> str:
    """Return the version that the go.mod pins of a module, such as "v2.4.2"."""
    for line in (SOURCE / "go.mod").read_text(encoding="utf-8").splitlines():
        words = line.removeprefix("require").split()
        if words[:1] == [module]:
            return words[1]
    raise LookupError(module)


def flags(release: Release) -> list[str]:
    """Return the flags of the one build command: those of the embedded programs, so that Go's cache serves both."""
    *common, variables = build.flags(release)
    variables += f" -X {_CONTAINERD}/version.Version={pinned(_CONTAINERD)}"
    variables += f" -X k8s.io/client-go/pkg/version.gitVersion=v{release.kubernetes}"  # CoreDNS, kind
    return [TAGS, *common, variables]


@cache
def key() -> str:
    """Return what names the build in the cache: a digest of everything that goes into it."""
    release = versions.release()
    digest = hashlib.sha256("\n".join([RECIPE, *flags(release), *PACKAGES, build.goarch()]).encode())
    paths = sorted(path for path in SOURCE.rglob("*") if path.is_file() and path.suffix in (".go", ".mod", ".sum"))
    for path in paths:
        digest.update(f"{path.relative_to(SOURCE)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return f"node-{release.kubernetes}-{digest.hexdigest()[:16]}"


def cached() -> Path | None:
    """Return the folder of the programs if they are in the cache and whole."""
    return programcache.get(key())


def make(progress: bool = True) -> Path:
    """Build the programs, or take what is in the cache; return their folder.

    A build that was stopped goes on where it was. Two processes build once: the second waits.

    Raises
    ------
    BuildError
        No Go, no modules, no room, or the compiler fails.
    """
    name = key()
    release = versions.release()
    with FileLock(paths.cache() / "locks" / f"build-{name}.lock", STEP, progress) as lock:
        if home := cached():
            return home
        go = toolchain.find(progress)
        with programcache.adding(name) as part:
            module = gobuild.Module(SOURCE)
            target = gobuild.target(release)
            gobuild.run(go, target, list(PACKAGES), flags(release), module, part, name, lock.handle, progress)
            (part / "server").rename(part / "etcd")
            _keep_files(go, part / KIND_FILES, lock.handle)
            modules.keep(go, module, [TAGS, *PACKAGES], part, lock.handle)
            links = dict.fromkeys(KUBE, "kube") | dict.fromkeys(ENGINE, "engine")
            programcache.seal(part, links, go=go.version, system=f"linux/{build.goarch()}")
        return programcache.folder(name)


def _keep_files(go: toolchain.Go, out: Path, lock: int) -> None:
    """Take the node's files out of kind's module: they would be gone with Go's cache."""
    command = [str(go.path), "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"]
    said = gobuild.call(command, SOURCE, toolchain.environment(), lock, lambda text: False, lambda: None, None)
    with tarfile.open(out, "w") as tar:
        tar.add(Path(said.strip()) / "images/base/files", ".", filter=_plain)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Have a file belong to root and be as old as any; a module's files may not be run, so that is mended too."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = "root"
    info.mode = 0o755 if info.isdir() or "/bin/" in info.name else 0o644
    return info

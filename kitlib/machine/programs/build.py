"""Build the programs of a control plane from pinned Go modules, into the cache, once."""

from __future__ import annotations

import errno
import hashlib
import platform
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

from kitlib.machine import paths, resources
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import gobuild, programcache, toolchain, v1_17
from kitlib.machine.versions import Release

KUBE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
"""Programs that are one program, which acts as the one that it is called as."""
PROGRAMS = (*KUBE, "etcd", "kwok", "kwokctl")
PACKAGES = {
    **dict.fromkeys(KUBE, "./cmd/kube"),
    "etcd": "go.etcd.io/etcd/server/v3",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
    "kwokctl": "sigs.k8s.io/kwok/cmd/kwokctl",
}
PAST_PACKAGES = {**dict.fromkeys(KUBE, "./cmd/kube"), "etcd": "go.etcd.io/etcd"}
"""What a release of the past is built from: it has no kwok of its own."""
COMMON = (
    "-trimpath",
    "-buildvcs=false",
    "-gcflags=all=-dwarf=false",
    *(f"-gcflags={path}/...=-dwarf=false -l" for path in ("k8s.io", "github.com", "sigs.k8s.io", "google.golang.org")),
)
"""How everything is compiled; see `flags`."""
RECIPE = "1"
"""Counts the ways in which `past` has made the sources of a release of the past."""


def source(release: Release) -> Path:
    """Return the folder with the go.mod that pins this release."""
    return Path(str(files("kitlib.machine.programs") / release.module))


def goos() -> str:
    """Return this system's name as Go spells it."""
    return {"win32": "windows"}.get(sys.platform, sys.platform)


def goarch() -> str:
    """Return this processor's name as Go spells it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def flags(release: Release) -> list[str]:
    """Return the flags of the one build command.

    No debug information (a sixth of the time), and no inlining but in the standard library, etcd and what has another
    home than Kubernetes, GitHub and gRPC (a quarter of theirs; the programs are 5 % slower). Kubernetes of the past is
    built without what talks to clouds, by a build tag of its own: a quarter of the whole.
    """
    variables = _version_of(release, "k8s.io/component-base/version")
    if release.past:
        variables |= _version_of(release, "k8s.io/client-go/pkg/version")
    else:
        variables |= {
            "sigs.k8s.io/kwok/pkg/consts.Version": release.kwok,
            "sigs.k8s.io/kwok/pkg/consts.KubeVersion": f"v{release.kubernetes}",
        }
    return [
        *(["-tags=providerless"] if release.past else []),
        *COMMON,
        "-ldflags=-s -w " + " ".join(f"-X {key}={value}" for key, value in variables.items()),
    ]


def _version_of(release: Release, package: str) -> dict[str, str]:
    major, minor, _ = release.kubernetes.split(".")
    values = {"gitVersion": f"v{release.kubernetes}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    values |= {"gitCommit": "unknown", "buildDate": "1970-01-01T00:00:00Z"}
    return {f"{package}.{name}": value for name, value in values.items()}


def own(release: Release) -> tuple[str, ...]:
    """Return the programs that this release's module makes: all, but one of the past has no kwok."""
    return tuple(PAST_PACKAGES) if release.past else PROGRAMS


def packages(release: Release, programs: tuple[str, ...] | None = None) -> list[str]:
    """Return the Go packages that make these programs."""
    known = PAST_PACKAGES if release.past else PACKAGES
    return list(dict.fromkeys(known[program] for program in programs or own(release)))


@cache
def key(release: Release, programs: tuple[str, ...] | None = None) -> str:
    """Return what names a build in the cache: a digest of everything that goes into it."""
    digest = hashlib.sha256()
    folder = source(release)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".go", ".mod", ".sum"))
    for path in paths:
        digest.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    recipe = [RECIPE] if release.past else []
    digest.update("\n".join([*flags(release), *packages(release, programs), goos(), goarch(), *recipe]).encode())
    return f"{release.kubernetes}-{digest.hexdigest()[:16]}"


def cached(release: Release, programs: tuple[str, ...] | None = None) -> Path | None:
    """Return the folder of a build that is in the cache and whole: of these programs, or of all."""
    return programcache.get(key(release)) or (programcache.get(key(release, programs)) if programs else None)


def make(release: Release, programs: tuple[str, ...] | None = None, progress: bool = True) -> Path:
    """Build programs, or take what another process has built; return their folder in the cache.

    A build that was stopped goes on where it was: Go keeps what it has compiled. Two processes build once: the second
    waits. The lock is passed on to `go`, so it is held as long as any of it runs.

    Raises
    ------
    BuildError
        No Go, no modules, no room, or the compiler fails.
    """
    name = key(release, programs)
    with FileLock(paths.cache() / "locks" / f"build-{name}.lock", "build Kubernetes' programs", progress) as lock:
        if home := cached(release, programs):
            return home
        go = toolchain.find(progress, newest=v1_17.NEWEST_GO if release.past else None)
        module = gobuild.Module(source(release))
        try:
            with programcache.adding(name) as part:
                if release.past:
                    module = v1_17.sources(go, release, module.folder, flags(release), name, lock.handle, progress)
                target, wanted = gobuild.target(release), packages(release, programs)
                gobuild.run(go, target, wanted, flags(release), module, part, name, lock.handle, progress)
                if (part / "server").exists():
                    (part / "server").rename(part / "etcd")
                links = {program: "kube" for program in programs or own(release) if program in KUBE}
                programcache.seal(part, links, go=go.version, system=f"{goos()}/{goarch()}")
            v1_17.remove(name)
            return programcache.folder(name)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                bins = programcache.folder(name).parent
                raise resources.disk_full("build Kubernetes' programs", bins, "no space is left") from error
            raise

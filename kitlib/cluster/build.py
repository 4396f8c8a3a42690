"""Build the programs of a control plane from pinned Go modules, into the cache, once."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

from kitlib.cluster.versions import Release

KUBE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
"""Programs that are one program, which acts as the one that it is called as."""
PROGRAMS = (*KUBE, "etcd", "kwok", "kwokctl")
PACKAGES = ("go.etcd.io/etcd/server/v3", "./cmd/kube", "sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok/cmd/kwokctl")


def source(release: Release) -> Path:
    """Return the folder with the go.mod that pins this release."""
    return Path(str(files("kitlib.airgap") / release.module))


def goos() -> str:
    """Return this system's name as Go spells it."""
    return {"win32": "windows"}.get(sys.platform, sys.platform)


def goarch() -> str:
    """Return this processor's name as Go spells it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def flags(release: Release) -> list[str]:
    """Return the flags of the one build command.

    No debug information (a sixth of the time), no inlining in k8s.io/kubernetes (a third of its time; the programs
    are 5 % slower).
    """
    version = "k8s.io/component-base/version"
    major, minor, _ = release.kubernetes.split(".")
    variables = {
        f"{version}.gitVersion": f"v{release.kubernetes}",
        f"{version}.gitMajor": major,
        f"{version}.gitMinor": minor,
        f"{version}.gitTreeState": "clean",
        f"{version}.gitCommit": "unknown",
        f"{version}.buildDate": "1970-01-01T00:00:00Z",
        "sigs.k8s.io/kwok/pkg/consts.Version": release.kwok,
        "sigs.k8s.io/kwok/pkg/consts.KubeVersion": f"v{release.kubernetes}",
    }
    return [
        "-trimpath",
        "-buildvcs=false",
        "-gcflags=all=-dwarf=false",
        "-gcflags=k8s.io/kubernetes/...=-dwarf=false -l",
        "-ldflags=-s -w " + " ".join(f"-X {key}={value}" for key, value in variables.items()),
    ]


@cache
def key(release: Release) -> str:
    """Return what names a build in the cache: a digest of everything that goes into it."""
    digest = hashlib.sha256()
    folder = source(release)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".go", ".mod", ".sum"))
    for path in paths:
        digest.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    digest.update("\n".join([*flags(release), *PACKAGES, goos(), goarch()]).encode())
    return f"{release.minor}-{digest.hexdigest()[:16]}"

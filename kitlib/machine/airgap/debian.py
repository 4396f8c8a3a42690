"""Debian's packages: those that an engine needs on this machine, and the root file system of a node."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from pathlib import Path

from kitlib import files
from kitlib.errors import BuildError
from kitlib.machine import folders, paths, resources, subprocesses
from kitlib.machine.lock import FileLock
from kitlib.progress import Progress

ENGINE = {"docker.io": "dockerd", "iptables": "iptables", "iproute2": "ip"}
"""Packages that run an engine, each with a program that tells whether it is there."""
BUILDER = {"mmdebstrap": "mmdebstrap"}
NODE = (
    *("systemd", "systemd-sysv", "dbus", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "socat"),
    *("util-linux", "mount", "kmod", "jq", "procps", "ca-certificates", "libseccomp2", "runc", "iputils-ping"),
    *("curl", "busybox"),
)
"""What a node consists of, beside its programs."""
UNPACKED = resources.GIB // 2
POLICY = Path("/usr/sbin/policy-rc.d")
PHASES = {
    "running apt-get update": 0.01,
    "downloading packages": 0.06,
    "extracting archives": 0.1,
    "installing essential": 0.28,
    "installing remaining": 0.48,
    "cleaning package lists": 0.98,
}
"""What mmdebstrap says, and how far it is then."""
LEFT_OUT = ("doc", "man", "locale", "info")
"""Folders of /usr/share that stay empty, but for licences."""
RECIPE = "2"
"""Counts the ways in which it has been made."""


def release() -> dict[str, str]:
    """Return what /etc/os-release says; empty where there is none."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines) if value}


def able() -> tuple[bool, str]:
    """Say whether an engine and a node image can be made here, and why not: that takes root on Debian.

    Returns
    -------
    tuple of bool and str
    """
    if release().get("ID") != "debian" or not shutil.which("apt-get"):
        return False, "this is not Debian"
    if os.geteuid():
        return False, "you are not root"
    return True, ""


def require(step: str) -> None:
    """Raise BuildError unless `able`."""
    there, why = able()
    if not there:
        raise BuildError(
            f"it takes root on Debian, and {why}.",
            step=step,
            next="install Docker or Podman and start it, or use the embedded cluster: `kitlib up --provider embedded`",
        )


def install(wanted: dict[str, str], step: str, progress: bool = True) -> list[str]:
    """Install packages that are missing, so that none of their services starts.

    Parameters
    ----------
    wanted : dict
        Packages, each with a program that tells whether it is there.
    step : str
    progress : bool

    Returns
    -------
    list of str
        What was installed.

    Raises
    ------
    BuildError
        This is not Debian, you are not root, or apt fails; the message has its words.
    """
    missing = [package for package, program in wanted.items() if not shutil.which(program, path=subprocesses.PATH)]
    if not missing:
        return []
    require(step)
    with (
        FileLock(paths.cache() / "locks" / "apt.lock", step, progress),
        Progress(f"install {', '.join(missing)}", quiet=not progress) as bar,
    ):
        quiet = not POLICY.exists()
        try:
            if quiet:
                POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
                POLICY.chmod(0o755)
            _apt(["update", "-q"], step, bar.update)
            options = ["-qy", "--no-install-recommends", "-oDpkg::Options::=--force-unsafe-io"]
            _apt(["install", *options, *missing], step, bar.update)
        finally:
            if quiet:
                POLICY.unlink(missing_ok=True)
    return missing


def _apt(arguments: list[str], step: str, tell: subprocesses.Tell) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    subprocesses.call(["apt-get", "-oDPkg::Lock::Timeout=300", *arguments], step, tell, environment=environment)


def sources(step: str) -> tuple[str, list[str]]:
    """Return the release's code name, and apt's lines for its main packages from the mirrors that this machine uses.

    Raises
    ------
    BuildError
        apt knows none.
    """
    code = release().get("VERSION_CODENAME", "")
    said = subprocesses.output(
        ["apt-get", "indextargets", "--format", "deb $(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"], step
    )
    wanted = re.compile(rf"\S+ \S+ {re.escape(code)}(-updates|-security)? main")
    lines = sorted({line.strip() for line in said.splitlines() if wanted.fullmatch(line.strip())})
    if not lines:
        raise BuildError(
            f"apt knows no mirror for {code or 'this release'}.",
            step=step,
            next="run `apt-get update`, or name a mirror in /etc/apt/sources.list",
        )
    return code, lines


def rootfs_key() -> str:
    """Return what names the root file system in the cache."""
    words = [RECIPE, release().get("VERSION_CODENAME", ""), *NODE, *LEFT_OUT]
    return f"rootfs-{hashlib.sha256(' '.join(words).encode()).hexdigest()[:16]}"


def rootfs_cached() -> Path | None:
    """Return the root file system if it is in the cache."""
    home = paths.cache() / "airgap" / rootfs_key()
    return home if home.is_dir() else None


def rootfs(progress: bool = True, cancel: threading.Event | None = None) -> Path:
    """Make the root file system of a node, or take the one in the cache; nobody may write to it.

    Parameters
    ----------
    progress : bool
    cancel : threading.Event, optional
        Ends it when it is set.

    Raises
    ------
    BuildError
        See `install`; or no mirror answers, or the disk is full.
    """
    step = "make the node's root file system"
    home = paths.cache() / "airgap" / rootfs_key()
    with FileLock(paths.cache() / "locks" / f"{home.name}.lock", step, progress):
        if found := rootfs_cached():
            return found
        require(step)
        resources.need_disk({home: UNPACKED}, step)
        install(BUILDER, step, progress)
        code, lines = sources(step)
        options = ["--variant=minbase", f"--include={','.join(NODE)}", "--skip=check/qemu"]
        options += ['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"']
        options += ["--dpkgopt=force-unsafe-io"] + [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in LEFT_OUT]
        options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
        with (
            files.whole_folder(home, remove=folders.remove) as part,
            Progress(f"{step} (Debian {code})", quiet=not progress) as bar,
        ):
            part.chmod(0o755)  # it is a node's root folder
            phases = subprocesses.Phases(bar, PHASES)
            command = ["mmdebstrap", *options, code, str(part), "-"]
            subprocesses.call(command, step, phases.line, stdin="\n".join(lines) + "\n", cancel=cancel)
    return home

"""The state of this machine that an engine and its nodes could touch, in a form that can be compared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kitlib.airgap import settings

FOLDERS = ("/etc", "/etc/docker", "/opt", "/run", "/var/lib", "/var/run", "/tmp")
PROGRAMS = ("dockerd", "docker-proxy", "engine", "engine-init")
"""Whatever runs in an engine is of its process namespace, which goes with engine-init."""
OTHERS = ("kitlib-", "pytest-", "tmp", "systemd-private")
"""What other programs make meanwhile in folders that all use."""


def snapshot() -> dict[str, list[str]]:
    """Return links, addresses, routes, rules, mounts, settings, control groups, processes and folders."""
    groups = Path("/sys/fs/cgroup")
    return {
        "links": words("ip", "-o", "link", "show"),
        "addresses": words("ip", "-o", "address", "show"),
        "routes": words("ip", "route", "show", "table", "all"),
        "firewall": words("nft", "list", "tables") if _there("nft") else [],
        "tables": words("iptables-save") if _there("iptables-save") else [],
        "mounts": sorted(line.split(" ", 1)[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        "settings": [f"{name} {value}" for name, value in settings.read().items()],
        "groups": sorted(str(path) for path in groups.glob("*/*") if path.is_dir() and "kitlib" in path.name),
        "processes": sorted(_processes()),
        "folders": sorted(
            f"{folder}/{name}"
            for folder in FOLDERS
            if Path(folder).is_dir()
            for name in os.listdir(folder)
            if not name.startswith(OTHERS)
        ),
    }


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Return what has gone and what has come, by kind; empty if nothing has."""
    found = {}
    for kind, was in before.items():
        gone = [each for each in was if each not in after[kind]]
        come = [each for each in after[kind] if each not in was]
        if gone or come:
            found[kind] = (gone, come)
    return found


def _there(program: str) -> bool:
    return any((Path(folder) / program).exists() for folder in ("/usr/sbin", "/sbin", "/usr/bin"))


def words(*command: str) -> list[str]:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    said = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}).stdout
    return sorted(line for line in said.splitlines() if not line.startswith("#"))


def _processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.path.basename(words[0].decode(errors="replace")) in PROGRAMS:
                found.append(b" ".join(words).decode(errors="replace"))
    return found

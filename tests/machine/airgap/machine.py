"""The state of this machine that an engine and its nodes could touch, in a form that can be compared."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kitlib.machine.airgap import sysctls
from kitlib.machine.lock import FileLock

FOLDERS = ("/etc", "/etc/docker", "/opt", "/run", "/var/lib")
PROGRAMS = ("dockerd", "docker-proxy", "engine", "engine-init")
"""Whatever runs in an engine is of its process namespace, which goes with engine-init."""


def alone() -> FileLock:
    """Return what is held while an engine starts or ends, or while it is compared what one has left on the machine."""
    build = Path(__file__).parents[3] / "build"
    return FileLock(build / "test" / "engines.lock", "compare the machine", progress=False)


def snapshot() -> dict[str, list[str]]:
    """Return links, addresses, routes, rules, mounts, settings, control groups, processes and folders."""
    others = _engines()
    groups = [path for path in Path("/sys/fs/cgroup").glob("*/kitlib-*") if path.name not in others]
    return {
        "links": words("ip", "-o", "link", "show"),
        "addresses": words("ip", "-o", "address", "show"),
        "routes": words("ip", "route", "show", "table", "all"),
        "firewall": words("nft", "list", "tables") if _there("nft") else [],
        "tables": words("iptables-save") if _there("iptables-save") else [],
        # a small disk of another test's comes and goes beside
        "mounts": sorted(what for source, what in _mounts() if source != "kitlib-test"),
        # while another engine runs, these are as nodes need them
        "settings": [] if others else [f"{name} {value}" for name, value in sysctls.read().items()],
        "groups": sorted(str(path) for path in groups if path.is_dir()),
        "processes": sorted(_processes()),
        "folders": sorted(
            f"{folder}/{name}"
            for folder in FOLDERS
            if Path(folder).is_dir()
            for name in os.listdir(folder)
            if f"{folder}/{name}" != str(sysctls.FOLDER)
        ),
    }


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Return what has gone and what has come, by kind; empty if nothing has."""
    found = {}
    for kind, was in before.items():
        if kind == "settings" and not (was and after[kind]):
            continue
        gone = [each for each in was if each not in after[kind]]
        come = [each for each in after[kind] if each not in was]
        if gone or come:
            found[kind] = (gone, come)
    return found


def _mounts() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, what = line.split(" ", 1)
        yield source, what


def _engines() -> set[str]:
    """Return the engines of kitlib's that run from any state folder; those that `down` removed are not among them."""
    try:
        return set(json.loads((sysctls.FOLDER / "settings.json").read_text())["engines"])
    except OSError:
        return set()


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
            command = b" ".join(words).decode(errors="replace")
            if (
                os.path.basename(words[0].decode(errors="replace")) in PROGRAMS
                and os.environ["KITLIB_STATE"] in command
            ):
                found.append(command)
    return found

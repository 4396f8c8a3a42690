"""What the doctor says about kind clusters: the engine, and what of this machine nodes in containers need."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kitlib.cluster.finding import MISSING, OK, WARN, Finding
from kitlib.cluster.kind import engines, provider
from kitlib.cluster.kind.engines import Client
from kitlib.errors import ClusterError
from kitlib.machine import resources
from kitlib.machine.airgap import debian, nodeimage

PURPOSE = "kind clusters, whose nodes and containers are real"
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 512
"""What three nodes take of inotify instances, with room for what else runs as root."""
CONTROLLERS = Path("/sys/fs/cgroup/cgroup.controllers")


def examine() -> list[Finding]:
    """Look at the engine, and at what kind needs; nothing is changed."""
    client = engines.find()
    if client is None:
        return [_engine(None)]
    return [_engine(client), *_memory(), *_rootless(client), *_inotify(client), *_groups()]


def _engine(client: Client | None) -> Finding:
    name = "container engine"
    if client and client.own:
        return Finding(name, OK, "kitlib's own runs", PURPOSE)
    found = engines.engines()
    if client:
        return Finding(name, OK, ", ".join(f"{each.name} {each.detail}" for each in found if each.answers), PURPOSE)
    detail = "; ".join(f"{each.name}: {each.detail}" for each in found if each.installed)
    detail = detail or "none of docker, podman, nerdctl is installed"
    able, why = debian.able()
    if able:
        time = "half a minute" if nodeimage.cached() else "some ten minutes on 2 processors, once"
        todo = f"nothing: `kitlib up --provider kind` sets one up, in {time}; or start yours"
        return Finding(name, WARN, detail, PURPOSE, todo)
    installed = any(each.installed for each in found)
    todo = "start it, or see its documentation" if installed else "install Docker, Podman or nerdctl"
    more = f"kitlib can't set one up, as {why}; the embedded cluster needs none"
    return Finding(name, WARN, detail, PURPOSE, f"{todo}; {more}")


def _memory() -> list[Finding]:
    free = resources.memory()
    if free >= 2 * provider.MEMORY:
        return []
    detail = (
        f"{free / resources.GIB:.1f} GiB can be used now; three nodes take {provider.MEMORY / resources.GIB:.1f} GiB"
    )
    state = WARN if free > provider.MEMORY else MISSING
    todo = "close other programs, give the engine's virtual machine more, or use the embedded cluster"
    return [Finding("memory (kind)", state, detail, PURPOSE, todo)]


def _rootless(client: Client) -> list[Finding]:
    if client.own:
        return []
    template = "{{.Host.Security.Rootless}}" if client.program == "podman" else "{{.SecurityOptions}}"
    try:
        said = client.run("info", "--format", template, step="look at the engine", patience=5).lower()
    except ClusterError:
        return []
    if "true" not in said and "rootless" not in said:
        return []
    if CONTROLLERS.exists():
        given = set(_delegated())
        lacking = {"cpu", "memory", "pids"} - given
        if not lacking:
            return [Finding("rootless engine", OK, "control groups are delegated to you", PURPOSE)]
        todo = "have systemd delegate them: kind.sigs.k8s.io/docs/user/rootless; or use the embedded cluster"
        return [Finding("rootless engine", WARN, f"not delegated to you: {', '.join(sorted(lacking))}", PURPOSE, todo)]
    todo = "use an engine that runs as root, a machine with cgroup v2, or the embedded cluster"
    return [Finding("rootless engine", WARN, "kind needs cgroup v2 for it, and this is v1", PURPOSE, todo)]


def _delegated() -> list[str]:
    user = os.getuid()
    path = Path(f"/sys/fs/cgroup/user.slice/user-{user}.slice/user@{user}.service/cgroup.controllers")
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []


def _inotify(client: Client) -> list[Finding]:
    """Look at a limit that kitlib raises for its own engine, and can't for another's."""
    if client.own or not sys.platform.startswith("linux"):
        return []
    try:
        limit = int(INSTANCES.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if limit >= ENOUGH:
        return []
    todo = f"`sysctl fs.inotify.max_user_instances={2 * ENOUGH}` as root; for good in a file of /etc/sysctl.d"
    detail = f"fs.inotify.max_user_instances is {limit}; nodes may not start, with 'too many open files'"
    return [Finding("inotify", WARN, detail, PURPOSE, todo)]


def _groups() -> list[Finding]:
    if CONTROLLERS.exists() or not Path("/sys/fs/cgroup").exists():
        return []
    detail = "cgroup v1: kubelets are told to accept it; pressure and quality of service are less exact there"
    return [Finding("control groups", OK, detail, PURPOSE)]

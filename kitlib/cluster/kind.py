"""The kind provider: real nodes in containers. So far kitlib only tells whether an engine answers."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn

from kitlib.cluster.base import Cluster
from kitlib.errors import ClusterError

ENGINES = ("docker", "podman", "nerdctl")
PATIENCE = 3.0
"""Seconds within which an engine must answer."""


@dataclass(frozen=True)
class Engine:
    """A container engine: whether its client is installed, whether the engine answers, and what it says."""

    name: str
    installed: bool
    answers: bool
    detail: str


def engines() -> list[Engine]:
    """Ask all engines at once; a client without an engine does not count as one."""
    with ThreadPoolExecutor(len(ENGINES)) as pool:
        return list(pool.map(_ask, ENGINES))


def _ask(name: str) -> Engine:
    if not shutil.which(name):
        return Engine(name, False, False, "not installed")
    template = "{{.Host.Kernel}}" if name == "podman" else "{{.ServerVersion}}"
    try:
        answer = subprocess.run(
            [name, "info", "--format", template],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Engine(name, True, False, f"no answer within {PATIENCE:.0f} s")
    except OSError as error:
        return Engine(name, True, False, str(error))
    said = [line for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
    if answer.returncode or not answer.stdout.strip():
        return Engine(name, True, False, said[-1][:200] if said else f"ended with {answer.returncode}")
    return Engine(name, True, True, answer.stdout.strip()[:60])


class Kind:
    """Nodes are containers of an engine on this machine; Pods really run."""

    name = "kind"
    runs_containers = True
    built = False
    """Not yet; the next issue adds it."""

    def available(self) -> tuple[bool, str]:
        """Say whether an engine answers."""
        found = engines()
        for engine in found:
            if engine.answers:
                return True, f"{engine.name} answers"
        there = [f"{engine.name}: {engine.detail}" for engine in found if engine.installed]
        return False, "no container engine answers" + (f" ({'; '.join(there)})" if there else "")

    def up(self, version: str, progress: bool = True) -> Cluster:
        """Not yet."""
        self._not_yet()

    def running(self, name: str) -> bool:
        """Say that it does not run."""
        return False

    def status(self, name: str) -> dict[str, Any]:
        """Not yet."""
        self._not_yet()

    def down(self, name: str) -> None:
        """Not yet."""
        self._not_yet()

    def scale_nodes(self, cluster: Cluster, count: int) -> Cluster:
        """Not yet."""
        self._not_yet()

    def _not_yet(self) -> NoReturn:
        raise ClusterError(
            "kitlib can't make kind clusters yet; it will, and prefer them where a container engine answers.",
            step="choose a provider",
            object="kind",
            next="use the embedded provider: `kitlib up --provider embedded`",
        )

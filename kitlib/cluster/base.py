"""What a cluster and a provider of clusters are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kitlib.api.transport import Connection
from kitlib.cluster import identity
from kitlib.errors import ClusterError
from kitlib.machine.airgap.parts import Part


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be used, and what it can do.

    Parameters
    ----------
    name : str
        Provider and version, such as "embedded-1.37"; for a cluster of yours the context's name.
    provider : str
        "embedded", "kind" or "context".
    version : str
        The minor version, such as "1.37".
    release : str
        What the server says, such as "v1.37.2".
    kubeconfig : Path
        kitlib's own file, or yours for provider "context".
    context : str
        The context in that file.
    runs_containers : bool
        Whether Pods really run, or are simulated.
    node_count : int
    made_by_kitlib : bool
    writable : bool
        kitlib made it, or you named it with ``yes_write=True``.
    home : Path or None
        The folder that holds all of it, where kitlib made it.
    """

    name: str
    provider: str
    version: str
    release: str
    kubeconfig: Path
    context: str
    runs_containers: bool
    node_count: int
    made_by_kitlib: bool
    writable: bool
    home: Path | None

    def connect(self) -> Connection:
        """Open a connection; it refuses writes where the cluster is not writable.

        Raises
        ------
        RefusedError
            The kubeconfig file no longer points at the cluster that kitlib made.
        """
        if self.home is not None:
            identity.check_file(self.context, self.home, self.kubeconfig)
        return Connection(self.kubeconfig, self.context, self.writable)

    def verify(self) -> None:
        """Check that the kubeconfig file still points at the cluster that kitlib made.

        The server's address, the fingerprint of its certificate authority and the uid of kube-system must be those
        that were noted when it came up.

        Raises
        ------
        RefusedError
            It points somewhere else.
        """
        if self.home is not None:
            identity.verify(self.context, self.home, self.kubeconfig)

    def to_dict(self) -> dict[str, Any]:
        """Return the cluster as plain values, for programs."""
        return {
            "name": self.name,
            "provider": self.provider,
            "version": self.version,
            "release": self.release,
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "runs_containers": self.runs_containers,
            "node_count": self.node_count,
            "made_by_kitlib": self.made_by_kitlib,
            "writable": self.writable,
            "home": str(self.home) if self.home else None,
        }


@dataclass(frozen=True)
class Choice:
    """Which cluster `up` would bring up, and why."""

    provider: str
    version: str
    why: str

    @property
    def name(self) -> str:
        """The cluster's name, such as "embedded-1.37"."""
        return f"{self.provider}-{self.version}"


class Provider(Protocol):
    """A way to bring up a cluster; one file a provider."""

    name: str
    runs_containers: bool

    def available(self) -> tuple[bool, str]:
        """Say whether this machine can do it, and why (not), in one sentence."""
        ...

    def up(self, version: str, progress: bool = True) -> Cluster:
        """Bring up (or find) the cluster of that version."""
        ...

    def running(self, name: str) -> bool:
        """Say whether all parts of that cluster live."""
        ...

    def status(self, name: str) -> dict[str, Any]:
        """Tell about each part of a cluster."""
        ...

    def down(self, name: str, progress: bool = True) -> None:
        """Remove a cluster and everything that belongs to it."""
        ...

    def scale_nodes(self, cluster: Cluster, count: int) -> Cluster:
        """Have that many nodes."""
        ...

    def node(self, cluster: Cluster, node: str, act: str) -> None:
        """Do something to a node: "stop", "start", "cut off" or "reconnect"."""
        ...

    def part(self, cluster: Cluster, part: Part, progress: bool = True) -> str:
        """Have the image of a part on every node, and return its name."""
        ...

    def mend(self, cluster: Cluster) -> None:
        """Bring back all nodes that were stopped or cut off."""
        ...


def not_running(name: str | None, running: Sequence[str] = ()) -> ClusterError:
    """Make the error for a cluster that is not there."""
    what = f"there is no running cluster {name!r}" if name else "no cluster that kitlib made is running"
    then = "bring one up: `kitlib up`, or cluster.up() in Python"
    if running:
        then = f"use one of: {', '.join(running)}; or {then}"
    return ClusterError(f"{what}.", step="find the cluster", next=then)

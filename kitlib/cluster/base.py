"""What a cluster and a provider of clusters are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kitlib.errors import ClusterError, RefusedError, UsageError

if TYPE_CHECKING:
    from kitlib.api.transport import Connection
    from kitlib.cluster.nodefiles import Node


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
        from kitlib.api.transport import Connection

        if self.home is not None:
            from kitlib.cluster import record

            record.check_file(self)
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
            from kitlib.cluster import record

            record.verify(self)

    def stop_node(self, node: str) -> None:
        """Stop a node as a power failure does; on a kind cluster of kitlib's.

        Raises
        ------
        UsageError
            It has no such node, or its nodes are simulated.
        ClusterError
            Its engine does not do it.
        """
        self._node(node, "stop")

    def start_node(self, node: str) -> None:
        """Start a node that was stopped; raises as `stop_node` does."""
        self._node(node, "start")

    def cut_off_node(self, node: str) -> None:
        """Have a node neither hear nor reach any other, while all on it runs on; raises as `stop_node` does."""
        self._node(node, "cut off")

    def reconnect_node(self, node: str) -> None:
        """Undo `cut_off_node`; raises as `stop_node` does."""
        self._node(node, "reconnect")

    def mend(self) -> None:
        """Bring back all nodes that were stopped or cut off, and wait until they are Ready.

        Raises
        ------
        ClusterError
            They don't become Ready.
        """
        from kitlib import cluster as clusters

        if self.made_by_kitlib and self.provider in clusters.PROVIDERS:
            clusters.PROVIDERS[self.provider].mend(self)

    def node(self, name: str) -> Node:
        """Return a node of a kind cluster of kitlib's, whose programs and files are to be looked at or changed.

        Parameters
        ----------
        name : str
            Its name, or what follows the cluster's in it: "control-plane", "worker", "worker2".

        Raises
        ------
        UsageError
            It has no such node, or its nodes aren't kitlib's.
        """
        from kitlib.cluster import nodefiles

        return nodefiles.find(self, name)

    def restore_nodes(self) -> None:
        """Put back what this process has changed on nodes; on a cluster where it changed nothing, do nothing.

        Raises
        ------
        ClusterError
            A node's files can't be put back, or its control plane doesn't return.
        """
        from kitlib.cluster import nodefiles

        nodefiles.restore_all(self)

    def _node(self, node: str, act: str) -> None:
        from kitlib import cluster as clusters

        if not self.made_by_kitlib or self.provider not in clusters.PROVIDERS:
            raise UsageError(
                "only nodes that kitlib made can be stopped or cut off.",
                step=f"{act} a node",
                object=f"{self.name}/{node}",
                next="use a kind cluster of kitlib's: `kitlib up --provider kind`",
            )
        clusters.PROVIDERS[self.provider].node(self, node, act)

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

    def down(self, name: str) -> None:
        """Remove a cluster and everything that belongs to it."""
        ...

    def scale_nodes(self, cluster: Cluster, count: int) -> Cluster:
        """Have that many nodes."""
        ...

    def node(self, cluster: Cluster, node: str, act: str) -> None:
        """Do something to a node: "stop", "start", "cut off" or "reconnect"."""
        ...

    def mend(self, cluster: Cluster) -> None:
        """Bring back all nodes that were stopped or cut off."""
        ...


def not_running(name: str | None) -> ClusterError:
    """Make the error for a cluster that is not there."""
    what = f"there is no running cluster {name!r}" if name else "no cluster that kitlib made is running"
    return ClusterError(
        f"{what}.", step="find the cluster", next="bring one up: `kitlib up`, or cluster.up() in Python"
    )


def refused(message: str, name: str) -> RefusedError:
    """Make the error for a cluster that is not the one kitlib made."""
    return RefusedError(message, step="check the cluster", object=name, next=f"`kitlib down {name}`, then `kitlib up`")

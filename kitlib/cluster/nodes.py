"""The nodes of a cluster: how many there are, those that are lost and brought back, and one from within."""

from __future__ import annotations

from kitlib.cluster import providers
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind import restore
from kitlib.cluster.kind.node import Node, find
from kitlib.errors import UsageError


def scale_nodes(cluster: Cluster, n: int) -> Cluster:
    """Have `n` nodes, and wait until they are Ready; return the cluster as it is then.

    On a kind cluster the control plane's node is one of them.
    """
    if not cluster.made_by_kitlib:
        raise UsageError("only a cluster that kitlib made can be given nodes.", step="scale nodes", object=cluster.name)
    if n < 1:
        raise UsageError(
            f"{n} nodes can't run anything.", step="scale nodes", object=cluster.name, next="use 1 or more"
        )
    cluster.verify()
    return providers.named(cluster.provider).scale_nodes(cluster, n)


def stop_node(cluster: Cluster, node: str) -> None:
    """Stop a node as a power failure does; on a kind cluster of kitlib's.

    Raises
    ------
    UsageError
        It has no such node, or its nodes are simulated.
    ClusterError
        Its engine does not do it.
    """
    _act(cluster, node, "stop")


def start_node(cluster: Cluster, node: str) -> None:
    """Start a node that was stopped; raises as `stop_node` does."""
    _act(cluster, node, "start")


def cut_off_node(cluster: Cluster, node: str) -> None:
    """Have a node neither hear nor reach any other, while all on it runs on; raises as `stop_node` does."""
    _act(cluster, node, "cut off")


def reconnect_node(cluster: Cluster, node: str) -> None:
    """Undo `cut_off_node`; raises as `stop_node` does."""
    _act(cluster, node, "reconnect")


def mend(cluster: Cluster) -> None:
    """Bring back all nodes that were stopped or cut off, and wait until they are Ready.

    Raises
    ------
    ClusterError
        They don't become Ready.
    """
    if cluster.made_by_kitlib and cluster.provider in providers.PROVIDERS:
        providers.named(cluster.provider).mend(cluster)


def node(cluster: Cluster, name: str) -> Node:
    """Return a node of a kind cluster of kitlib's, whose programs and files are to be looked at or changed.

    Parameters
    ----------
    cluster : Cluster
    name : str
        Its name, or what follows the cluster's in it: "control-plane", "worker", "worker2".

    Raises
    ------
    UsageError
        It has no such node, or its nodes aren't kitlib's.
    """
    return find(cluster, name)


def restore_nodes(cluster: Cluster) -> None:
    """Put back what this process has changed on nodes; on a cluster where it changed nothing, do nothing.

    Raises
    ------
    ClusterError
        A node's files can't be put back, or its control plane doesn't return.
    """
    restore.restore_all(cluster)


def _act(cluster: Cluster, node: str, act: str) -> None:
    if not cluster.made_by_kitlib or cluster.provider not in providers.PROVIDERS:
        raise UsageError(
            "only nodes that kitlib made can be stopped or cut off.",
            step=f"{act} a node",
            object=f"{cluster.name}/{node}",
            next="use a kind cluster of kitlib's: `kitlib up --provider kind`",
        )
    providers.named(cluster.provider).node(cluster, node, act)

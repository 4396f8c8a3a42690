"""Parts beside Kubernetes on a cluster: the image of one is there, or why it can't be."""

from __future__ import annotations

from kitlib.cluster import providers
from kitlib.cluster.base import Cluster
from kitlib.errors import BuildError, ClusterError
from kitlib.machine.airgap import parts


def part(cluster: Cluster, name: str, progress: bool = True) -> str:
    """Have the image of a part on a cluster's nodes, and return its name, for a manifest.

    It is the one that the part's authors publish, by its digest; on kitlib's own engine, and where no registry answers,
    it is made here (`kitlib airgap build NAME`). The nodes of a cluster of yours fetch the published one themselves.
    A node that is added later may not have it: then this is to be said again.

    Parameters
    ----------
    cluster : Cluster
    name : str
        Such as "nginx"; `kitlib.machine.airgap.parts` has the table.
    progress : bool
        Whether to show how a build goes on.

    Raises
    ------
    UsageError
        There is no such part.
    ClusterError
        It can't be had here: the message says what is missing.
    """
    wanted = parts.find(name)
    if not cluster.made_by_kitlib or cluster.provider not in providers.PROVIDERS:
        if not wanted.published:
            raise ClusterError(
                "nobody publishes an image of it that this cluster's nodes could fetch.",
                step="have a part",
                object=name,
                next=f"use a cluster of kitlib's own, or publish one: `kitlib airgap build {name}` makes it",
            )
        return wanted.published
    cluster.verify()
    try:
        return providers.named(cluster.provider).part(cluster, wanted, progress)
    except BuildError as error:
        raise ClusterError(
            f"this machine can't make it: {error.message}", step="have a part", object=name, next=error.next
        ) from error

"""Clusters: bring one up, find it, take it down.

In: a provider and a version, or neither: then `up` picks and says why. Out: a `Cluster`, which is plain data; what can
be done with it and its nodes are functions here. A cluster is named by provider and version ("embedded-1.37"), and
several can be up at once. Everything that kitlib makes listens on 127.0.0.1 only, asks for a client certificate, and
has a kubeconfig file of its own: yours is never touched. A cluster of yours is used only if you name its context.
"""

from __future__ import annotations

from kitlib.cluster.base import Choice, Cluster, Provider
from kitlib.cluster.choice import choose
from kitlib.cluster.context import context
from kitlib.cluster.lifecycle import clusters, down, find, give_back, is_lent, lend, rank, status, sweep, up
from kitlib.cluster.nodes import (
    cut_off_node,
    mend,
    node,
    reconnect_node,
    restore_nodes,
    scale_nodes,
    start_node,
    stop_node,
)
from kitlib.cluster.parts import part
from kitlib.cluster.providers import PROVIDERS
from kitlib.machine.versions import RELEASES, Release, release

__all__ = [
    "PROVIDERS",
    "RELEASES",
    "Choice",
    "Cluster",
    "Provider",
    "Release",
    "choose",
    "clusters",
    "context",
    "cut_off_node",
    "down",
    "find",
    "give_back",
    "is_lent",
    "lend",
    "mend",
    "node",
    "part",
    "rank",
    "reconnect_node",
    "release",
    "restore_nodes",
    "scale_nodes",
    "start_node",
    "status",
    "stop_node",
    "sweep",
    "up",
]

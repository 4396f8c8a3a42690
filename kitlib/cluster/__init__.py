"""Clusters: bring one up, find it, take it down; nothing here writes to a cluster that kitlib did not make."""

from __future__ import annotations

from typing import Any

from kitlib.cluster import record
from kitlib.cluster.base import Choice, Cluster, Provider, not_running
from kitlib.cluster.embedded import Embedded
from kitlib.cluster.versions import RELEASES, release

PROVIDERS: dict[str, Provider] = {"embedded": Embedded()}

__all__ = ["PROVIDERS", "RELEASES", "Choice", "Cluster", "Provider", "choose", "clusters", "down", "find", "scale_nodes", "status", "up"]


def choose(provider: str | None = None, kubernetes: str | None = None) -> Choice:
    """Choose provider and version."""
    return Choice("embedded", release(kubernetes).minor, "embedded: no container engine answers")


def up(provider: str | None = None, kubernetes: str | None = None, progress: bool = True) -> Cluster:
    """Bring up a cluster, or find it running."""
    chosen = choose(provider, kubernetes)
    return PROVIDERS[chosen.provider].up(chosen.version, progress)


def clusters() -> list[Cluster]:
    """Return all clusters that kitlib made and that run."""
    found = [record.load(name) for name in record.names()]
    return [entry[0] for entry in found if entry and PROVIDERS[entry[0].provider].running(entry[0].name)]


def find(name: str | None = None) -> Cluster:
    """Return a running cluster that kitlib made."""
    for cluster in clusters():
        if name in (None, cluster.name):
            return cluster
    raise not_running(name)


def status(name: str) -> dict[str, Any]:
    """Tell about each part of a cluster."""
    return PROVIDERS[name.split("-")[0]].status(name)


def down(name: str | None = None) -> None:
    """Remove a cluster (or all), running or not."""
    for each in [name] if name else record.names():
        PROVIDERS[each.split("-")[0]].down(each)


def scale_nodes(cluster: Cluster, n: int) -> Cluster:
    """Have that many nodes."""
    return PROVIDERS[cluster.provider].scale_nodes(cluster, n)

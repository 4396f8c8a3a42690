"""cluster.json: what kitlib notes about a cluster that it made."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from kitlib.cluster import identity
from kitlib.cluster.base import Cluster
from kitlib.errors import ClusterError
from kitlib.files import write_private
from kitlib.machine import paths


def save(cluster: Cluster, **more: object) -> None:
    """Note a cluster as made and whole; the last step of `up`."""
    assert cluster.home is not None
    notes = {**cluster.to_dict(), **more}
    for key in ("home", "kubeconfig"):  # a state folder may be moved
        notes.pop(key)
    write_private(cluster.home / "cluster.json", json.dumps(notes, indent=1) + "\n")


def load(name: str) -> tuple[Cluster, dict[str, Any]] | None:
    """Return a cluster that was made and whole, running or not, and all that was noted; None if there is none."""
    home = paths.home(name)
    if (notes := identity.notes(home)) is None:
        return None
    try:
        fields = {f.name: notes[f.name] for f in dataclasses.fields(Cluster) if f.name not in ("home", "kubeconfig")}
    except KeyError:
        return None
    return Cluster(**fields, home=home, kubeconfig=home / "kubeconfig"), notes


def names() -> list[str]:
    """Return the names of all clusters that have a folder, whole or not."""
    folder = paths.state() / "clusters"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def require(name: str) -> Cluster:
    """Return a noted cluster, or raise ClusterError."""
    found = load(name)
    if found is None:
        raise ClusterError(f"there is no cluster {name!r}.", step="find the cluster", next="bring one up: `kitlib up`")
    return found[0]

"""cluster.json: what kitlib notes about a cluster that it made; and whether the cluster still is the one."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

from kitlib.cluster.base import Cluster, refused
from kitlib.cluster.bootstrap import Wire, read_kubeconfig
from kitlib.errors import ClusterError
from kitlib.files import write_private
from kitlib.machine import paths


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


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
    try:
        notes = json.loads((home / "cluster.json").read_text())
        fields = {f.name: notes[f.name] for f in dataclasses.fields(Cluster) if f.name not in ("home", "kubeconfig")}
    except (OSError, ValueError, KeyError):
        return None
    return Cluster(**fields, home=home, kubeconfig=home / "kubeconfig"), notes


def names() -> list[str]:
    """Return the names of all clusters that have a folder, whole or not."""
    folder = paths.state() / "clusters"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def check_file(cluster: Cluster) -> dict[str, Any]:
    """Raise RefusedError unless the kubeconfig file points where it did; the cluster is not asked."""
    found = load(cluster.name)
    if found is None:
        raise refused("kitlib has no note of having made this cluster.", cluster.name)
    notes = found[1]
    entry = read_kubeconfig(cluster.kubeconfig, cluster.context)
    try:
        ca = fingerprint(base64.b64decode(entry["certificate-authority-data"]))
    except (KeyError, ValueError):
        ca = ""
    if (entry.get("server"), ca) != (notes["server"], notes["ca"]):
        raise refused(
            f"its kubeconfig file points at {entry.get('server')}, which is not the cluster that kitlib made"
            f" ({notes['server']}).",
            cluster.name,
        )
    return notes


def verify(cluster: Cluster) -> None:
    """Raise RefusedError unless the kubeconfig file points at the cluster that was noted, and that one answers."""
    notes = check_file(cluster)
    with Wire.from_kubeconfig(cluster.kubeconfig, cluster.context) as wire:
        uid = wire.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    if uid != notes["uid"]:
        raise refused("another cluster answers at its address (kube-system has another uid).", cluster.name)


def require(name: str) -> Cluster:
    """Return a noted cluster, or raise ClusterError."""
    found = load(name)
    if found is None:
        raise ClusterError(f"there is no cluster {name!r}.", step="find the cluster", next="bring one up: `kitlib up`")
    return found[0]


def kubeconfig(name: str, server: str, pki: Path) -> str:
    """Return a kubeconfig file that holds certificates and key itself."""
    ca, certificate, key = (
        base64.b64encode((pki / file).read_bytes()).decode() for file in ("ca.crt", "admin.crt", "admin.key")
    )
    return f"""\
# kitlib made this file; it is removed with the cluster. Use it with: kubectl --kubeconfig THIS_FILE
apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: {name}, user: {name}}}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""

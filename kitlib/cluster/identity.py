"""Whether a cluster still is the one that kitlib made, by what was noted when it came up (cluster.json)."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

from kitlib.api import kubeconfig as kubeconfigs
from kitlib.api.transport import Connection
from kitlib.errors import RefusedError


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


def notes(home: Path) -> dict[str, Any] | None:
    """Return what was noted about the cluster in a folder, once it was whole; None if there is none."""
    try:
        found = json.loads((home / "cluster.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def check_file(name: str, home: Path, kubeconfig: Path) -> dict[str, Any]:
    """Return what was noted, if the kubeconfig file points where it did; the cluster is not asked.

    Parameters
    ----------
    name : str
        The cluster's name, which is that of the context in its kubeconfig file.
    home : Path
        The folder that holds all of it.
    kubeconfig : Path

    Raises
    ------
    RefusedError
        It points somewhere else, or nothing was noted.
    """
    noted = notes(home)
    if noted is None:
        raise _refused("kitlib has no note of having made this cluster.", name)
    entry = kubeconfigs.read(kubeconfig).context(name).cluster
    try:
        ca = fingerprint(base64.b64decode(entry["certificate-authority-data"]))
    except (KeyError, ValueError, TypeError):
        ca = ""
    if (entry.get("server"), ca) != (noted["server"], noted["ca"]):
        raise _refused(
            f"its kubeconfig file points at {entry.get('server')}, which is not the cluster that kitlib made"
            f" ({noted['server']}).",
            name,
        )
    return noted


def verify(name: str, home: Path, kubeconfig: Path) -> None:
    """Check the file, and that the cluster it points at is the one: its kube-system has the uid that was noted.

    Raises
    ------
    RefusedError
        It isn't.
    ClusterError, ServerError
        It does not answer, or refuses.
    """
    noted = check_file(name, home, kubeconfig)
    uid = Connection(kubeconfig, name).get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    if uid != noted["uid"]:
        raise _refused("another cluster answers at its address (kube-system has another uid).", name)


def _refused(message: str, name: str) -> RefusedError:
    return RefusedError(message, step="check the cluster", object=name, next=f"`kitlib down {name}`, then `kitlib up`")

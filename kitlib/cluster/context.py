"""A cluster of yours, by the name of its context, and only if you name it; read only, unless you say otherwise."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from kitlib.api import incluster
from kitlib.api import kubeconfig as kubeconfigs
from kitlib.api.transport import Connection
from kitlib.cluster.base import Cluster
from kitlib.errors import KitlibError, UsageError


def files() -> list[Path]:
    """Return your kubeconfig files that are there: those of ``KUBECONFIG``, or ~/.kube/config."""
    return [path for path in kubeconfigs.files() if path.is_file()]


def names() -> dict[str, Path]:
    """Return the contexts in your kubeconfig files, and where each is read from: one file, or several as one.

    In a Pod whose kubeconfig names no current context there is "in-cluster" as well: its service account.

    Raises
    ------
    ClusterError
        If none of them can be read.
    """
    known = files()
    if not known and not incluster.possible():
        return {}
    where = known[0] if len(known) == 1 else Path(os.pathsep.join(map(str, known)))
    found = kubeconfigs.read()
    own = {incluster.NAME} if incluster.FOLDER in found.files else set()
    return {name: incluster.FOLDER if name in own else where for name in found.contexts}


def _unknown(name: str, known: list[str]) -> UsageError:
    """Make the error for a context that is not there."""
    what, then = "in your kubeconfig files", "name the file that has it by KUBECONFIG, or use a cluster of kitlib's own"
    if known:
        near = difflib.get_close_matches(name, known, 1)
        then = f"{f'did you mean {near[0]}? ' if near else ''}use one of: {', '.join(known)}"
    elif files():
        what += ", which have none"
    else:
        what = f"as there is no {' and no '.join(map(str, kubeconfigs.files()))}"
    return UsageError(f"there is no context {name!r} {what}.", step="find the cluster", next=then)


def context(name: str, yes_write: bool = False) -> Cluster:
    """Return a cluster of yours.

    Parameters
    ----------
    name : str
        The name of its context. There is no default: the current context is never used by itself. In a Pod
        "in-cluster" is its service account, where kubectl takes it, too.
    yes_write : bool
        Allow kitlib to write to it: it makes a namespace of its own, and what the notebooks apply.

    Raises
    ------
    UsageError
        There is no such context.
    ClusterError
        It does not answer.
    """
    known = names()
    if name not in known:
        raise _unknown(name, sorted(known))
    connection = Connection(known[name], name, False)
    version = connection.version()
    try:
        nodes = connection.get("/api/v1/nodes", timeout=10).get("items") or []
    except KitlibError:  # an account may be kept from listing nodes
        nodes = []
    simulated = bool(nodes) and all(
        "kwok.x-k8s.io/node" in ((node.get("metadata") or {}).get("annotations") or {}) for node in nodes
    )
    minor = f"{version['major']}.{version['minor'].rstrip('+')}"
    return Cluster(
        name=name,
        provider="context",
        version=minor,
        release=version["gitVersion"],
        kubeconfig=known[name],
        context=name,
        runs_containers=not simulated,
        node_count=len(nodes),
        made_by_kitlib=False,
        writable=yes_write,
        home=None,
    )

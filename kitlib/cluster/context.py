"""A cluster of yours, by the name of its context, and only if you name it; read only, unless you say otherwise."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from kitlib.cluster.base import Cluster
from kitlib.errors import ClusterError, KitlibError, UsageError


def files() -> list[Path]:
    """Return your kubeconfig files: those of ``KUBECONFIG``, or ~/.kube/config."""
    named = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [path for path in named or [Path("~/.kube/config").expanduser()] if path.is_file()]


def names() -> dict[str, Path]:
    """Return the contexts in your kubeconfig files; of two of one name the first counts, as for kubectl."""
    found: dict[str, Path] = {}
    for path in files():
        try:
            config = yaml.safe_load(path.read_text()) or {}
            for item in config.get("contexts") or []:
                found.setdefault(str(item["name"]), path)
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise ClusterError(
                "this is not a kubeconfig file that can be read.",
                step="read the kubeconfig file",
                object=str(path),
                next="look at it with `kubectl config view`",
            ) from error
    return found


def context(name: str, yes_write: bool = False) -> Cluster:
    """Return a cluster of yours.

    Parameters
    ----------
    name : str
        The name of its context. There is no default: the current context is never used by itself.
    yes_write : bool
        Allow kitlib to write to it: it makes a namespace of its own, and what the notebooks apply.

    Raises
    ------
    UsageError
        There is no such context.
    ClusterError
        It does not answer.
    """
    from kitlib.api.transport import Connection

    known = names()
    if name not in known:
        raise UsageError(
            f"there is no context {name!r} in your kubeconfig files.",
            step="find the cluster",
            next=f"use one of: {', '.join(sorted(known)) or '(there is none)'}",
        )
    connection = Connection(known[name], name, False)
    version = json.loads(connection.request("GET", "/version", timeout=10))
    try:
        nodes = json.loads(connection.request("GET", "/api/v1/nodes", timeout=10))["items"]
    except KitlibError:  # an account may be kept from listing nodes
        nodes = []
    simulated = bool(nodes) and all(
        "kwok.x-k8s.io/node" in (node["metadata"].get("annotations") or {}) for node in nodes
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

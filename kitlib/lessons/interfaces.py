"""The standards by which a cluster is put together of parts, and which parts a cluster has: CRI, CNI and CSI.

In: the reader's own cluster. Out: what can be read of it, and where.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from kitlib import cluster as clusters
from kitlib.api.transport import Connection

CNI_FOLDER = "/etc/cni/net.d"
"""Where a node's container runtime looks for the network: who puts it there mounts that folder."""


def mine() -> dict[str, Any]:
    """Tell what runs on the reader's own cluster: the one that `kitlib.open` takes where no version is named.

    Returns
    -------
    dict
        "cluster" (str: its name), "simulated" (bool: its nodes run no containers), "found" (list of dict, see
        `implementations`), and "nodeInfo" (list of str: the fields in which a Node tells of what it runs).

    Raises
    ------
    ClusterError
        There is none, or it does not answer.
    """
    context = os.environ.get("KITLIB_CONTEXT")
    cluster = clusters.context(context) if context else clusters.find(os.environ.get("KITLIB_CLUSTER") or None)
    connection = cluster.connect()
    nodes = connection.get("/api/v1/nodes")["items"]
    told = sorted({field for node in nodes for field in node["status"].get("nodeInfo", {})})
    found = implementations(
        nodes,
        connection.get("/apis/apps/v1/daemonsets")["items"],
        connection.get("/apis/storage.k8s.io/v1/csidrivers")["items"],
    )
    return {"cluster": cluster.name, "simulated": not cluster.runs_containers, "found": found, "nodeInfo": told}


def implementations(
    nodes: Iterable[Mapping[str, Any]], daemonsets: Iterable[Mapping[str, Any]], drivers: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return for each standard which implementation there is.

    Parameters
    ----------
    nodes, daemonsets, drivers : iterable of mapping
        The cluster's Nodes, its DaemonSets, and its CSIDrivers, as the API has them.

    Returns
    -------
    list of dict
        "standard", "implementation" (names, joined by a comma; empty where nothing says one) and "read from".
    """
    runtimes = {node["status"].get("nodeInfo", {}).get("containerRuntimeVersion", "") for node in nodes}
    networks = {each["metadata"]["name"] for each in daemonsets if _sets_up_a_network(each)}
    return [
        _row("containers (CRI)", runtimes, "Node: status.nodeInfo.containerRuntimeVersion"),
        _row("network (CNI)", networks, f"DaemonSets that mount {CNI_FOLDER}: a guess"),
        _row("storage (CSI)", {each["metadata"]["name"] for each in drivers}, "CSIDriver"),
    ]


def _row(standard: str, names: set[str], source: str) -> dict[str, str]:
    return {"standard": standard, "implementation": ", ".join(sorted(names - {""})), "read from": source}


def _sets_up_a_network(daemonset: Mapping[str, Any]) -> bool:
    volumes = daemonset["spec"]["template"]["spec"].get("volumes") or ()
    return any((each.get("hostPath") or {}).get("path", "").rstrip("/") == CNI_FOLDER for each in volumes)


def kinds(connection: Connection) -> list[str]:
    """Return the names of all kinds that an API server serves."""
    groups = [group["preferredVersion"]["groupVersion"] for group in connection.get("/apis")["groups"]]
    lists = [connection.get(path) for path in ("/api/v1", *(f"/apis/{group}" for group in groups))]
    return sorted({each["kind"] for found in lists for each in found["resources"]})


__all__ = ["CNI_FOLDER", "implementations", "kinds", "mine"]

"""The nodes of a kind cluster, as what they are: containers that can be stopped, cut off, started and added."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kitlib.api.transport import Connection
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind import joining
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.kind.joining import LABEL
from kitlib.cluster.readiness import Readiness, is_ready
from kitlib.errors import ClusterError
from kitlib.progress import message

CUT = """nft -f - <<'END'
table inet kitlib_cut
delete table inet kitlib_cut
table inet kitlib_cut {
  chain heard { type filter hook prerouting priority -300; iifname "eth0" drop; }
  chain said { type filter hook postrouting priority 300; oifname "eth0" drop; }
}
END
"""
"""A node's own firewall drops what comes in and what goes out; its routes and addresses stay."""
MEND = "nft delete table inet kitlib_cut 2>/dev/null || true"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""The taint by which somebody vouches that a node is off; Kubernetes never takes it away."""
WAIT = 120.0
"""Seconds until a node that is started must be Ready."""


def states(client: Client, kind_name: str) -> dict[str, str]:
    """Return the state of each node's container, such as "running" or "exited".

    Raises
    ------
    ClusterError
        The engine does not answer.
    """
    said = client.run(
        *("ps", "--all", "--filter", f"label={LABEL}={kind_name}", "--format", "{{.Names}}\t{{.State}}"),
        step="look at the nodes",
    )
    return dict(line.split("\t")[:2] for line in sorted(said.splitlines()) if "\t" in line)


def remove(client: Client, kind_name: str) -> None:
    """Remove all nodes of a cluster, with what they wrote; say what may be left where the engine does not answer."""
    try:
        if names := list(states(client, kind_name)):
            client.run("rm", "--force", "--volumes", *names, step="remove the nodes")
    except ClusterError as error:
        if not client.own:  # nodes of kitlib's own engine end with it
            command = f"{client.program} rm -f -v $({client.program} ps -aq --filter label={LABEL}={kind_name})"
            message(f"kitlib: {error.message}\n  Nodes may be left; once it answers: {command}")


def stop(client: Client, node: str) -> None:
    """Stop a node as a power failure does: at once."""
    client.run("kill", node, step="stop a node")


def start(client: Client, node: str) -> None:
    """Start a node that was stopped."""
    client.run("start", node, step="start a node")


def cut_off(client: Client, node: str) -> None:
    """Have a node neither hear nor reach any other; what runs on it goes on."""
    _shell(client, node, CUT, "cut off a node")


def reconnect(client: Client, node: str) -> None:
    """Undo `cut_off`."""
    _shell(client, node, MEND, "reconnect a node")


def _shell(client: Client, node: str, script: str, step: str) -> str:
    return client.run("exec", node, "sh", "-ec", script, step=step)


ACTS: dict[str, Callable[[Client, str], None]] = {
    "stop": stop,
    "start": start,
    "cut off": cut_off,
    "reconnect": reconnect,
}


def mend(client: Client, cluster: Cluster, found: dict[str, str], cut: bool = False) -> None:
    """Start the nodes that a notebook left stopped, reconnect those that it left cut off, and wait for all.

    Parameters
    ----------
    client : Client
    cluster : Cluster
    found : dict of str to str
        What `states` tells.
    cut : bool
        Whether a node was cut off since it was last looked at: for 50 s it is still said to be Ready.

    Raises
    ------
    ClusterError
        They don't become Ready.
    """
    stopped = [node for node, state in found.items() if state != "running"]
    began = datetime.now(UTC)
    for node in stopped:
        start(client, node)
    connection = Connection(cluster.kubeconfig, cluster.context, writable=True)
    readiness = Readiness(connection, time.monotonic() + WAIT)
    if stopped:
        readiness.accepted("GET", "/readyz")
    items = connection.get("/api/v1/nodes")["items"]
    unready = [item["metadata"]["name"] for item in items if not is_ready(item)]
    severed = [node for node in (found if cut else unready) if node in found and node not in stopped]
    for node in severed:
        reconnect(client, node)
    for node in [*stopped, *(severed if cut else [])]:  # it is said to be Ready for 50 s after it was lost
        readiness.renewed(node, began)
    if unready or stopped or cut:
        readiness.ready(len(items))
    for node in (each["metadata"]["name"] for each in items if _out_of_service(each)):
        _back_in_service(connection, node)


def _out_of_service(item: dict[str, Any]) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in item["spec"].get("taints") or ())


def _back_in_service(connection: Connection, node: str) -> None:
    """Take away the taint that a notebook left; another writer may come first."""
    for _ in range(10):
        item = connection.get(f"/api/v1/nodes/{node}")
        if not _out_of_service(item):
            return
        item["spec"]["taints"] = [each for each in item["spec"]["taints"] if each["key"] != OUT_OF_SERVICE]
        connection.exchange("PUT", f"/api/v1/nodes/{node}", body=item)
    raise ClusterError(f"node {node} keeps its taint {OUT_OF_SERVICE}.", step="bring back a node", object=node)


def scale(client: Client, cluster: Cluster, notes: dict[str, Any], count: int, until: float) -> list[str]:
    """Add workers like the last one, or remove the last ones; return the names of all nodes.

    Raises
    ------
    ClusterError
        A node can't be made, does not join or does not become Ready.
    """
    kind_name = notes["kind_name"]
    there = list(states(client, kind_name))
    planes = [node for node in there if has_plane(node)]
    names = [*planes, *(_worker(kind_name, number) for number in range(1, count - len(planes) + 1))]
    connection = Connection(cluster.kubeconfig, cluster.context, writable=True)
    for node in (node for node in there if node not in names):
        client.run("rm", "--force", "--volumes", node, step="remove a node")  # first, or it registers itself anew
        connection.exchange("DELETE", f"/api/v1/nodes/{node}")
    for node in (node for node in names if node not in there):
        joining.worker(client, kind_name, node, _worker(kind_name, 1), notes["image"], until)
    Readiness(connection, until).ready(len(names))
    return sorted(names)


def has_plane(node: str) -> bool:
    """Say whether a node has a control plane: kind's name of it tells."""
    return re.search(r"-control-plane\d*$", node) is not None


def _worker(kind_name: str, number: int) -> str:
    return f"{kind_name}-worker{number if number > 1 else ''}"

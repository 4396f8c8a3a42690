"""What notebooks changed on nodes, put back: at the notebook's end, by the next `kitlib up`, or by the next notebook.

Whatever is changed is first kept on the node itself, with the name of the process that changed it. So it can be put
back also after a `kill -9`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from kitlib.api.transport import Connection
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError, KitlibError
from kitlib.machine import processes

HOME = "/var/lib/kitlib"
"""Where on a node the originals of what was changed are kept."""
CONTROL_PLANE = "-control-plane"
BACK = 180.0
"""Seconds until the API server, the scheduler and the controller manager must be back."""
_RESTORE = r"""
home=$1
[ -e "$home/owner" ] || exit 0
systemctl stop 'kitlib-*' 2>/dev/null || true
while read -r path; do rm -f "$path"; done <"$home/made" 2>/dev/null || true
(cd "$home/kept" && find . -type f) | while read -r file; do
  path=${file#.}
  mkdir -p "${path%/*}"; cp -p "$home/kept$path" "${path%/*}/.kitlib"; mv -f "${path%/*}/.kitlib" "$path"
  echo "$path"
done
[ -z "$(find "$home/kept" -type f)" ] || systemctl restart kubelet
rm -rf "$home"
"""
"""Puts back what was kept; a kubelet whose files those were starts anew, and with that forgets its back-offs."""


changed: dict[tuple[str, str], Callable[[], object]] = {}
"""The nodes that this process has changed, by the names of cluster and node: what puts each back."""


def restore(client: Client, node: str) -> list[str]:
    """Put back what was changed on a node, whoever did it, and return the files that are as they were."""
    said = client.run("exec", node, "sh", "-ec", _RESTORE, "sh", HOME, step="put a node's files back", patience=120)
    for key in [key for key in changed if key[1] == node]:
        del changed[key]
    return said.split()


def restore_all(cluster: Cluster) -> None:
    """Put back what this process has changed on a cluster's nodes, the control plane last; no node is left out.

    Raises
    ------
    ClusterError
        The first error, after all of them were tried.
    """
    failed: ClusterError | None = None
    mine = [(node, back) for (name, node), back in changed.items() if name == cluster.name]
    for _, back in sorted(mine, key=lambda each: each[0].endswith(CONTROL_PLANE)):
        try:
            back()
        except ClusterError as error:
            failed = failed or error
    if failed:
        raise failed


@atexit.register
def _at_exit() -> None:
    for back in list(changed.values()):
        with contextlib.suppress(KitlibError):
            back()


def sweep(client: Client, nodes: Sequence[str]) -> list[str]:
    """Put back what processes that no longer run have changed on nodes, and return those nodes' names."""

    def one(node: str) -> bool:
        with contextlib.suppress(ClusterError, ValueError):
            whose = owner(client, node)
            if whose and processes.ended(json.loads(whose)):
                restore(client, node)
                return True
        return False

    with ThreadPoolExecutor(max(len(nodes), 1)) as pool:
        return [node for node, swept in zip(nodes, pool.map(one, nodes), strict=True) if swept]


def mend(client: Client, cluster: Cluster, nodes: Sequence[str]) -> None:
    """Sweep nodes, and wait until the control plane answers again if it was among them."""
    began = datetime.now(UTC)
    if any(node.endswith(CONTROL_PLANE) for node in sweep(client, nodes)):
        control_plane(cluster, began)


def control_plane(cluster: Cluster, since: datetime) -> None:
    """Wait until the API server answers, and scheduler and controller manager have renewed their leases.

    Raises
    ------
    ClusterError
        If they don't within BACK seconds.
    """
    connection = Connection(cluster.kubeconfig, cluster.context, writable=True)
    readiness = Readiness(connection, time.monotonic() + BACK)
    readiness.accepted("GET", "/readyz")
    for name in ("kube-controller-manager", "kube-scheduler"):
        readiness.renewed(name, since, namespace="kube-system")


def owner(client: Client, node: str) -> str:
    """Return the name of the process that has changed a node, as `me` gives it; "" if none has."""
    script = '[ ! -e "$1/owner" ] || cat "$1/owner"'
    return client.run("exec", node, "sh", "-c", script, "sh", HOME, step="look at a node").strip()


def me() -> str:
    """Return what names this process on a node."""
    return json.dumps(processes.identity(), sort_keys=True)

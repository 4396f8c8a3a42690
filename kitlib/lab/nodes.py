"""The words by which a lab loses a node, brings it back, and looks into one."""

from __future__ import annotations

import contextlib
import html
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kitlib import cluster as clusters
from kitlib import objects
from kitlib.api.diff import Change
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.cluster.kind.node import Node
from kitlib.cluster.undo import Notes
from kitlib.errors import KitlibError, UsageError
from kitlib.lab.display import Changes, display
from kitlib.lab.keeping import Keeps, kept
from kitlib.recording import Recording
from kitlib.watch import LogFollower
from kitlib.watch.runtime import RuntimeFollower, note

PATIENCE = 240.0
"""Seconds until a wait that names no deadline gives up: far more than a busy machine needs."""


@dataclass(frozen=True)
class LabNode(Node):
    """A node of a lab's, to look into and to change; what it answers is kept in the lab's recording."""

    _keeper: Any = None
    base: Path = Path()

    run = kept(Node.run)
    wait = kept(Node.wait)
    read = kept(Node.read)
    write = kept(Node.write)
    remove = kept(Node.remove)
    restart_kubelet = kept(Node.restart_kubelet)
    serve = kept(Node.serve)
    restore = kept(Node.restore)


class Nodes:
    """What is done to nodes; `Lab` has all of it, and undoes it at its end, however it ends.

    Attributes
    ----------
    cluster : Cluster
    connection : Connection
    recording : Recording
    """

    cluster: Cluster
    connection: Connection
    recording: Recording
    base: Path
    wait: Callable[..., None]
    _keeper: Keeps
    _show: Callable[..., Changes]
    _lost: dict[str, Callable[[Cluster, str], None]]
    _logs: list[LogFollower | RuntimeFollower]
    _nodes: int | None = None
    _undo: Notes

    @kept
    def cut_off_node(self, node: str) -> Changes:
        """Have a node neither hear nor reach any other, while all on it runs on, until `bring_back` or the lab's end.

        Raises
        ------
        UsageError
            It has no such node, or its nodes are simulated.
        ClusterError
            Its engine does not do it.
        """
        self._lost[node] = clusters.reconnect_node
        clusters.cut_off_node(self.cluster, node)
        return self._show(
            Change(f"node/{node}", "cut off: nothing comes in, nothing goes out, its containers keep running")
        )

    @kept
    def stop_node(self, node: str) -> Changes:
        """Stop a node as a power failure does, until `bring_back` or the lab's end; raises as `cut_off_node` does."""
        self._lost[node] = clusters.start_node
        clusters.stop_node(self.cluster, node)
        return self._show(Change(f"node/{node}", "stopped, as by a power failure"))

    @kept
    def scale_nodes(self, count: int) -> Changes:
        """Have so many nodes, until this is said again or the lab ends; those that came last go first.

        On a kind cluster the control plane's node is one of them; a node that was lost may be removed. It returns when
        the nodes are Ready.

        Raises
        ------
        UsageError
            If the cluster isn't kitlib's, or can't have so few.
        ClusterError
            If a node can't be made or doesn't become Ready.
        """
        self._nodes = self._nodes or self.cluster.node_count
        before = self.cluster.node_count
        self.cluster = clusters.scale_nodes(self.cluster, count)
        there = {item["metadata"]["name"] for item in self.connection.get("/api/v1/nodes")["items"]}
        self._lost = {node: undo for node, undo in self._lost.items() if node in there}
        return self._show(Change("nodes", f"{before} → {count}"))

    @kept
    def taint(self, node: str, taint: str) -> Changes:
        """Add a taint to a node, "key=value:effect", or remove it: "key=value:effect-"; see `kitlib.objects.taint`."""
        self._undo.taint(node, taint)
        return self._show(objects.taint(self.connection, node, taint))

    @kept
    def label_node(self, node: str, label: str) -> Changes:
        """Give a node a label, "key=value", or take it away: "key-"; at the lab's end it has what it had before.

        Raises
        ------
        UsageError
            If it is neither.
        ServerError
            If there is no such node, or the server refuses the label.
        """
        key, given, value = label.partition("=")
        if not given and not key.endswith("-"):
            raise UsageError(f"{label!r} is no label", step="label", object=node, next='write "key=value", or "key-"')
        key = key if given else key[:-1]
        before = (objects.get(self.connection, f"node/{node}", "")["metadata"].get("labels") or {}).get(key)
        change = self._on_node(node, {"metadata": {"labels": {key: value if given else None}}})
        command = shlex.join(["kubectl", "label", "node", node, label, *["--overwrite"] * bool(given and before)])
        return self._show(replace(change, verb="labelled", kubectl=command))

    @kept
    def cordon(self, node: str) -> Changes:
        """Mark a node unschedulable, as `kubectl cordon` does, until `uncordon` or the lab's end."""
        change = self._on_node(node, {"spec": {"unschedulable": True}})
        return self._show(replace(change, verb="cordoned", kubectl=f"kubectl cordon {node}"))

    @kept
    def uncordon(self, node: str) -> Changes:
        """Let Pods be scheduled to a node again."""
        change = self._on_node(node, {"spec": {"unschedulable": None}})
        return self._show(replace(change, verb="uncordoned", kubectl=f"kubectl uncordon {node}"))

    def _on_node(self, node: str, fields: dict[str, Any]) -> Change:
        self._undo.fields(f"node/{node}", fields)
        return objects.patch(self.connection, f"node/{node}", fields, "")

    def _give_back(self) -> None:
        """Put back what isn't the lab's own; lost nodes that don't return are brought back by the next `kitlib up`."""
        for node, return_of in self._lost.items():
            with contextlib.suppress(KitlibError):
                return_of(self.cluster, node)
        if self._nodes and self._nodes != self.cluster.node_count:
            with contextlib.suppress(KitlibError):
                clusters.scale_nodes(self.cluster, self._nodes)
        with contextlib.suppress(KitlibError):
            clusters.restore_nodes(self.cluster)
        for failed in self._undo.put_back():
            display(failed, f"<pre class='kitlib-refused'>{html.escape(failed)}</pre>")

    @kept
    def bring_back(self, node: str, timeout: float = PATIENCE) -> None:
        """Reconnect or start a node that this lab had lost, and wait until Kubernetes takes it for Ready again.

        Parameters
        ----------
        node : str
            Kubernetes should have noticed that it was lost: until then it is taken for Ready anyway.
        timeout : float
            Seconds.
        """
        if node in self._lost:
            self._lost[node](self.cluster, node)
            del self._lost[node]
        self.wait(f"node/{node}", until=_back, what="Ready, and without the taints of a lost node", timeout=timeout)

    @kept
    def node(self, name: str) -> LabNode:
        """Return a node to look into and to change; from now on what its runtime does is recorded, API server or not.

        What is changed is shown with the command that does the same, and put back at the lab's end, however it ends.
        `kitlib.frames.runtime` makes a frame of what is recorded.

        Parameters
        ----------
        name : str
            As of `kitlib.cluster.node`: "control-plane", "worker", "worker2".

        Raises
        ------
        UsageError
            If there is no such node, or the cluster's nodes aren't kitlib's.
        """

        def told(what: str, verb: str, command: str, path: str = "", at: int = 0) -> None:
            if path:
                note(self.recording, node.name, {"what": verb, "path": path}, at)
            self._show(Change(what, verb, kubectl=command))

        found = replace(clusters.node(self.cluster, name), on_change=told)
        node = LabNode(found.cluster, found.name, found.client, found.on_change, self._keeper, self.base)
        self._logs.append(RuntimeFollower(found, self.recording))
        return node


def _back(node: dict[str, Any]) -> bool:
    """Say whether a node is Ready, and the taints are gone by which Kubernetes marks a lost one."""
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    marks = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return ready and not any(taint["key"] in marks for taint in node["spec"].get("taints") or ())

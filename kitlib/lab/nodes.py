"""The words by which a lab loses a node, brings it back, and looks into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kitlib import cluster as clusters
from kitlib.api.diff import Change
from kitlib.cluster import Cluster
from kitlib.cluster.kind.node import Node
from kitlib.lab.display import Changes
from kitlib.recording import Recording
from kitlib.watch import LogFollower
from kitlib.watch.runtime import RuntimeFollower, note

PATIENCE = 240.0
"""Seconds until a wait that names no deadline gives up: far more than a busy machine needs."""


class Nodes:
    """What is done to nodes; `Lab` has all of it, and undoes it at its end, however it ends.

    Attributes
    ----------
    cluster : Cluster
    recording : Recording
    """

    cluster: Cluster
    recording: Recording
    wait: Callable[..., None]
    _show: Callable[..., Changes]
    _lost: dict[str, Callable[[Cluster, str], None]]
    _logs: list[LogFollower | RuntimeFollower]

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
            Change(f"node/{node}", "cut off: nothing comes in, nothing goes out, what runs on it runs on")
        )

    def stop_node(self, node: str) -> Changes:
        """Stop a node as a power failure does, until `bring_back` or the lab's end; raises as `cut_off_node` does."""
        self._lost[node] = clusters.start_node
        clusters.stop_node(self.cluster, node)
        return self._show(Change(f"node/{node}", "stopped, as by a power failure"))

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

    def node(self, name: str) -> Node:
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

        node = replace(clusters.node(self.cluster, name), on_change=told)
        self._logs.append(RuntimeFollower(node, self.recording))
        return node


def _back(node: dict[str, Any]) -> bool:
    """Say whether a node is Ready, and the taints are gone by which Kubernetes marks a lost one."""
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    marks = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return ready and not any(taint["key"] in marks for taint in node["spec"].get("taints") or ())

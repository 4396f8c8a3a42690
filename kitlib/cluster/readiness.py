"""Wait until a control plane can be worked with: driven by its watches, with a deadline, ended early by a dead part."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from kitlib.api.transport import Connection
from kitlib.errors import ClusterError, ServerError

ONE = 10.0
"""Seconds that one request may take."""
LOOK = 2.0
"""Seconds after which a silent watch is left, to see whether all parts still live."""


def is_ready(item: dict[str, Any]) -> bool:
    """Say whether a Node's condition Ready is True."""
    conditions = item.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class Readiness:
    """Bring a control plane that is starting to where Pods can be made and run.

    Parameters
    ----------
    connection : Connection
        One that may write, where anything is to be made.
    until : float
        The deadline (monotonic).
    check : callable
        Called now and then; raises if it is of no use to wait on.
    """

    def __init__(self, connection: Connection, until: float, check: Callable[[], None] = lambda: None) -> None:
        self.connection = connection
        self.until = until
        self.check = check

    def accepted(self, method: str, path: str, body: object = None) -> None:
        """Repeat a request until the API server takes it; there is nothing to watch before it serves."""
        pause = 0.01
        while True:
            try:
                answer = self.connection.exchange(method, path, body=body, timeout=ONE)
                if answer.code in (200, 201, 409):
                    return
                said = answer.body[:300].decode(errors="replace")
                reason = f"answers {answer.code} to {method} {path}: {said}"
            except ClusterError as error:
                reason = f"does not answer: {error.message}"
            self.check()
            if time.monotonic() + pause > self.until:
                raise ClusterError(f"the API server {reason}")
            time.sleep(pause)
            pause = min(pause * 2, 0.1)

    def ready(self, count: int) -> None:
        """Wait until so many nodes are Ready, whoever makes them."""
        ready: set[str] = set()

        def enough(item: dict[str, Any]) -> bool:
            (ready.add if is_ready(item) else ready.discard)(item["metadata"]["name"])
            return len(ready) >= count

        self._seen("/api/v1/nodes", enough, lambda: f"{len(ready)} of {count} nodes are Ready")

    def renewed(self, node: str, since: datetime, namespace: str = "kube-node-lease") -> None:
        """Wait until a node's kubelet, or who holds another lease, has told that it lives, after that time."""

        def enough(item: dict[str, Any]) -> bool:
            told = item["spec"].get("renewTime")
            return bool(told) and datetime.fromisoformat(told) > since

        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._seen(f"{path}?fieldSelector=metadata.name%3D{node}", enough, lambda: f"nothing is heard of {node}")

    def available(self, namespace: str, deployment: str) -> None:
        """Wait until all Pods of a Deployment are available."""

        def enough(item: dict[str, Any]) -> bool:
            wanted = item["spec"].get("replicas", 1)
            return bool(item.get("status", {}).get("availableReplicas", 0) >= wanted)

        path = f"/apis/apps/v1/namespaces/{namespace}/deployments?fieldSelector=metadata.name%3D{deployment}"
        self._seen(path, enough, lambda: f"Deployment {namespace}/{deployment} is not available yet")

    def admission(self) -> None:
        """Make the ServiceAccount without which no Pod is admitted, rather than wait for the controllers to make it.

        The controllers look for the API server once a second. Whatever is applied before they have found it waits in
        the API server, as ever; so nobody else needs to wait.
        """
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.accepted("POST", "/api/v1/namespaces/default/serviceaccounts", account)

    def token(self) -> None:
        """Wait until the default ServiceAccount has its token: up to Kubernetes 1.23 no Pod is admitted before that."""

        def enough(item: dict[str, Any]) -> bool:
            return item["metadata"]["name"] == "default" and bool(item.get("secrets"))

        path = "/api/v1/namespaces/default/serviceaccounts"
        self._seen(path, enough, lambda: "the default ServiceAccount has no token yet")

    def _seen(self, path: str, enough: Callable[[dict[str, Any]], bool], state: Callable[[], str]) -> None:
        while True:
            look = min(self.until, time.monotonic() + LOOK)
            with contextlib.suppress(ServerError):  # it may not be ready for it yet
                for item in self.connection.watch(path, look):
                    if enough(item):
                        return
            self.check()
            if time.monotonic() < look - LOOK / 2:
                time.sleep(0.05)  # the watch ended at once; nothing tells when it would not
            if time.monotonic() > self.until:
                raise ClusterError(f"{state()}, and time is up.")

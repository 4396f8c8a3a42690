"""What stands for a connection where no server is needed: kinds, objects by their path, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kitlib.api.transport import Resource
from kitlib.errors import ServerError, UsageError

KINDS = (
    Resource("Pod", "pods", "pod", "v1", True),
    Resource("Secret", "secrets", "secret", "v1", True),
    Resource("ConfigMap", "configmaps", "configmap", "v1", True),
    Resource("Deployment", "deployments", "deployment", "apps/v1", True),
    Resource("ReplicaSet", "replicasets", "replicaset", "apps/v1", True),
    Resource("DaemonSet", "daemonsets", "daemonset", "apps/v1", True),
    Resource("StatefulSet", "statefulsets", "statefulset", "apps/v1", True),
    Resource("ControllerRevision", "controllerrevisions", "controllerrevision", "apps/v1", True),
    Resource("CronJob", "cronjobs", "cronjob", "batch/v1", True),
    Resource("Job", "jobs", "job", "batch/v1", True),
    Resource("Deployment", "deployments", "deployment", "example.org/v1", True),
    Resource(
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "customresourcedefinition",
        "apiextensions.k8s.io/v1",
        False,
    ),
)


class Stub:
    """A connection that holds objects, answers a write by what `answer` makes of it, and remembers it."""

    server = "http://stub"

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.kinds = list(KINDS)
        self.objects: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.answer: Callable[[str, str, Any], Any] | None = None
        self.watched: list[list[dict[str, Any]]] = []
        self._resources: dict[str, Any] = {}
        for item in objects:
            self.put(item)

    def put(self, item: dict[str, Any]) -> str:
        resource = self.discover(item["kind"], item["apiVersion"])
        path = resource.path("shop", item["metadata"]["name"])
        self.objects[path] = item
        return path

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        for kind in self.kinds:
            if group_version in (None, kind.group_version) and name.lower() in (kind.kind.lower(), kind.plural):
                return kind
        raise UsageError(f"this API server serves no kind {name!r}")

    def get(self, path: str) -> dict[str, Any]:
        if path in self.objects:
            return json.loads(json.dumps(self.objects[path]))
        inside = [item for where, item in self.objects.items() if where.startswith(path + "/")]
        if inside:
            return {"items": json.loads(json.dumps(inside))}
        raise ServerError("not found", status={"code": 404})

    def request(self, method: str, path: str, query: Any = None, body: Any = None, content_type: str = "") -> bytes:
        body = json.loads(body) if isinstance(body, str) else body
        self.sent.append((method, path, body))
        answer = self.answer(method, path, body) if self.answer else None
        if answer is None:
            answer = {**self.objects.get(path, {}), **(body if isinstance(body, dict) else {})}
        return json.dumps(answer).encode()

    @contextmanager
    def stream(self, path: str, query: Any = None, read_timeout: float = 1) -> Iterator[list[bytes]]:
        yield [json.dumps(event).encode() for event in (self.watched.pop(0) if self.watched else [])]


def thing(kind: str, name: str, api: str = "v1", **fields: Any) -> dict[str, Any]:
    """Make an object."""
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "1"}
    return {"apiVersion": api, "kind": kind, "metadata": metadata | fields.pop("metadata", {}), **fields}

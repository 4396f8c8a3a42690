"""A patch of an object's status goes to the server's subresource, and its kubectl twin says so."""

from __future__ import annotations

import json
from typing import Any

from kitlib import objects
from kitlib.api.transport import Resource

PATH = "/api/v1/namespaces/shop/pods/web"


class Server:
    """Knows one Pod, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def discover(self, kind: str, api_version: str | None = None) -> Resource:
        return Resource("Pod", "pods", "pod", "v1", True)

    def get(self, path: str, query: Any = None) -> dict[str, Any]:
        self.asked.append(f"GET {path}")
        return {"metadata": {"name": "web"}, "status": {"phase": "Pending"}}

    def request(self, method: str, path: str, query: Any = None, body: Any = None, **options: Any) -> bytes:
        self.asked.append(f"{method} {path}")
        return json.dumps({"metadata": {"name": "web"}, **body}).encode()


def test_a_status_is_patched_where_it_lives() -> None:
    server: Any = Server()
    change = objects.patch(server, "pod/web", {"status": {"phase": "Failed"}}, "shop", subresource="status")
    assert server.asked == [f"GET {PATH}/status", f"PATCH {PATH}/status"]
    assert change.kubectl == 'kubectl patch pod web --subresource=status -p \'{"status": {"phase": "Failed"}}\''


def test_else_the_object_itself() -> None:
    server: Any = Server()
    change = objects.patch(server, "pod/web", {"spec": {"x": 1}}, "shop")
    assert server.asked == [f"GET {PATH}", f"PATCH {PATH}"]
    assert "subresource" not in change.kubectl

"""Connections: what is refused before it is sent, what the server refuses, and nobody there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from kitlib.cluster import Cluster
from kitlib.connection import Connection
from kitlib.errors import ClusterError, RefusedError, ServerError, UsageError


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="can't use this kubeconfig"):
        Connection(tmp_path / "none")


def test_nobody_at_the_address_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{taken.getsockname()[1]}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        connection = Connection(tmp_path / "config")
        with pytest.raises(ClusterError, match=r"does not answer[\s\S]*kitlib status"):
            connection.get("/version")


@pytest.mark.live
def test_a_read_only_connection_sends_no_write(cluster: Cluster, namespace: str) -> None:
    reader = Connection(cluster.kubeconfig, cluster.context, writable=False)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"metadata": {"name": "x"}}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(RefusedError, match=r"did not make this cluster[\s\S]*--yes-write"):
            reader.request(method, path, body=body)
    assert "x" not in [item["metadata"]["name"] for item in reader.get(path)["items"]]


@pytest.mark.live
def test_the_server_s_own_words_are_kept(connection: Connection) -> None:
    with pytest.raises(ServerError, match="not found") as caught:
        connection.get("/api/v1/namespaces/none-such")
    assert caught.value.status["code"] == 404 and caught.value.status["kind"] == "Status"


@pytest.mark.live
@pytest.mark.parametrize("name", ["Deployment", "deployments", "deployment", "deploy", "deployments.apps"])
def test_a_kind_is_found_by_any_of_its_names(connection: Connection, name: str) -> None:
    found = connection.discover(name)
    assert (found.kind, found.group_version, found.namespaced) == ("Deployment", "apps/v1", True)
    assert found.path("n", "web", "scale") == "/apis/apps/v1/namespaces/n/deployments/web/scale"


@pytest.mark.live
def test_a_kind_that_is_not_served_is_named(connection: Connection) -> None:
    with pytest.raises(UsageError, match=r"no kind 'podpreset'[\s\S]*api-resources"):
        connection.discover("podpreset")
    with pytest.raises(UsageError, match=r"policy/v1beta1"):
        connection.discover("PodSecurityPolicy", "policy/v1beta1")

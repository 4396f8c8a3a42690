"""The server itself: who may ask, what other clients find, and what is left when it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kitlib.api.transport import Connection
from kitlib.errors import RecordingError, ServerError
from kitlib.recording import Recording
from kitlib.serve import Server, running
from kitlib.serve.resources import resources
from kitlib.watch import Recorder
from tests.conftest import SAMPLES
from tests.serve.made import Made
from tests.serve.test_history import NOTEBOOKS


def asked(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request(method, parts.path + path, headers=headers)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


@pytest.fixture(scope="module")
def server() -> Any:
    with running(Server(Recording.open(NOTEBOOKS / "dns"))) as server:
        yield server


def test_who_does_not_know_the_secret_is_told_nothing(server: Server) -> None:
    parts = urlsplit(server.url)
    for path in ("/", "/api", "/version", parts.path[:-1] + "/api", parts.path + "x/api"):
        code, headers, body = asked(f"http://{parts.netloc}", path)
        assert (code, json.loads(body)["reason"]) == (401, "Unauthorized"), path
        assert "ornado" not in headers["Server"]


def test_it_listens_on_the_loopback_address_alone(server: Server) -> None:
    assert {each.getsockname()[0] for each in server._sockets} == {"127.0.0.1"}


def test_its_kubeconfig_is_the_owner_s_alone_and_goes_with_it(tmp_path: Path) -> None:
    place = tmp_path / "config"
    with running(Server(Made().begun().ended(1)), place) as served:
        assert place.stat().st_mode & 0o777 == 0o600
        assert json.loads(place.read_text())["clusters"][0]["cluster"]["server"] == served.url
        assert json.loads(place.read_text())["contexts"][0]["context"]["namespace"] == "shop"
    assert not place.exists()
    with pytest.raises(OSError, match="refused"):
        asked(served.url, "/version")


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RecordingError, match=f"port {port} can't be listened on"):
            Server(Made(), port=port)


def test_two_ways_of_discovery_tell_the_same(server: Server) -> None:
    wanted = {(each.group_version, each.plural) for each in resources(server.history)}
    listed = set()
    groups = json.loads(asked(server.url, "/apis")[2])["groups"]
    for version in ["v1", *(each["groupVersion"] for group in groups for each in group["versions"])]:
        found = json.loads(asked(server.url, f"/api/{version}" if version == "v1" else f"/apis/{version}")[2])
        listed |= {
            (version, each["name"])
            for each in found["resources"]
            if "/" not in each["name"] and "list" in each["verbs"]
        }
    assert listed == wanted
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    aggregated = set()
    for path in ("/api", "/apis"):
        _, headers, body = asked(server.url, path, Accept=accept)
        assert headers["Content-Type"] == accept.partition(",")[0]
        for item in json.loads(body)["items"]:
            for version in item["versions"]:
                name = "/".join(filter(None, [item["metadata"].get("name"), version["version"]]))
                aggregated |= {(name, each["resource"]) for each in version["resources"] if "list" in each["verbs"]}
    assert aggregated == wanted


def test_a_kind_of_somebody_s_own_is_served_by_its_name() -> None:
    made = Made().begun().begun(stream="certs.example.io", kind="Cert", api_version="example.io/v1", plural="certs")
    made.version(1, "tls", kind="Cert", api_version="example.io/v1")
    made.version(1, "x", kind="Policy", api_version="example.io/v1")
    with running(Server(made.ended(2).ended(2, "certs.example.io", "Cert"))) as served:
        body = asked(served.url, "/apis/example.io/v1/namespaces/shop/certs")[2]
        assert [each["metadata"]["name"] for each in json.loads(body)["items"]] == ["tls"]
        names = json.loads(asked(served.url, "/apis/example.io/v1")[2])["resources"]
        assert [each["name"] for each in names if "/" not in each["name"]] == ["certs", "policies"]
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        shown = json.loads(asked(served.url, "/apis/example.io/v1/certs", Accept=table)[2])
        assert [each["name"] for each in shown["columnDefinitions"]] == ["Name", "Age"]


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [
        ("/api/v1/nope", "GET", 404),
        ("/nope", "GET", 404),
        ("/apis/apps/v1/deployments/a/b/c", "GET", 404),
        ("/api/v1/namespaces/kube-system/pods/x/log", "GET", 404),
        ("/api/v1/namespaces/kube-system/pods/x", "PUT", 405),
        ("/api/v1/namespaces/kube-system/pods/x", "DELETE", 405),
        ("/api/v1/pods?labelSelector=%2C", "GET", 400),
        ("/api/v1/pods?watch=1&resourceVersion=abc", "GET", 400),
        ("/api/v1/pods?includeObject=all", "GET", 400),
        ("/version", "POST", 404),
        ("/readyz", "GET", 200),
        ("/api/v1/pods", "HEAD", 200),
    ],
)
def test_answers_are_a_status_with_its_code(server: Server, path: str, method: str, code: int) -> None:
    found, headers, body = asked(server.url, path, method)
    assert found == code
    if code >= 400:
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body)["code"] == code and json.loads(body)["kind"] == "Status"


def test_kitlib_s_own_connection_reads_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(server.kubeconfig())
    connection = Connection(tmp_path / "config")
    pods = connection.get("/api/v1/namespaces/kube-system/pods")["items"]
    assert {each["metadata"]["name"].partition("-")[0] for each in pods} >= {"coredns", "etcd"}
    assert connection.discover("deploy").group_version == "apps/v1"
    with pytest.raises(ServerError, match="it can be read, not changed"):
        Connection(tmp_path / "config", writable=True).request("DELETE", "/api/v1/namespaces/kube-system/pods/x")


def test_what_is_played_can_be_recorded_again(tmp_path: Path) -> None:
    """The same versions come, in the same order."""
    recording = Recording.open(SAMPLES / "start")
    server = Server(recording, speed=0.5)
    with running(server, tmp_path / "config"):
        again = Recording()
        namespace = recording.info["namespace"]
        with Recorder(
            Connection(tmp_path / "config"), ["pods", "deployments", "replicasets"], again, namespace
        ) as recorder:
            wanted = [row for row in recording.rows if row.kind in ("Pod", "Deployment", "ReplicaSet")]
            last = {row.kind: row.resourceVersion for row in wanted}
            recorder.wait_for(
                lambda: last.items() <= {row.kind: row.resourceVersion for row in again.rows}.items(), timeout=60
            )
    for kind in ("Pod", "Deployment", "ReplicaSet"):
        (begun,) = (json.loads(row.object) for row in again.rows if row.type == "LISTED" and row.name == kind)
        mine = [row.object for row in again.rows.of(kind) if row.origin == "watch"]
        theirs = [row.object for row in recording.rows.of(kind) if int(row.resourceVersion) > int(begun["rv"])]
        assert mine == theirs and (mine or kind != "Pod"), kind


def test_many_ask_at_once(server: Server) -> None:
    found: list[int] = []
    path = "/api/v1/namespaces/kube-system/pods"
    threads = [threading.Thread(target=lambda: found.append(len(asked(server.url, path)[2]))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20 and len(set(found)) == 1


def test_the_official_client_lists_and_watches(tmp_path: Path) -> None:
    from kubernetes import client, config, watch

    recording = Recording.open(NOTEBOOKS / "start")
    server = Server(recording)
    (tmp_path / "config").write_text(server.kubeconfig())
    with running(server):
        config.load_kube_config(str(tmp_path / "config"))
        core, namespace = client.CoreV1Api(), recording.info["namespace"]
        pods = core.list_namespaced_pod(namespace)
        assert len(pods.items) == 3 and all(each.status.phase == "Running" for each in pods.items)
        rv = json.loads(asked(server.url, "/api/v1/pods?resourceVersionMatch=Exact&resourceVersion=3290")[2])
        seen = watch.Watch().stream(
            core.list_namespaced_pod, namespace, resource_version=rv["metadata"]["resourceVersion"], timeout_seconds=1
        )
        there = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in rv["items"]}
        for event in seen:
            there[event["object"].metadata.name] = event["object"].metadata.resource_version
        assert there == {each.metadata.name: each.metadata.resource_version for each in pods.items}
        with pytest.raises(client.ApiException, match="it can be read, not changed"):
            core.delete_namespaced_pod(pods.items[0].metadata.name, namespace)

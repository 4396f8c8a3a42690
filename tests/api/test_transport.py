"""Connections: what is refused before it is sent, what the server refuses, and nobody there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.errors import ClusterError, RefusedError, ServerError, UsageError
from tests.api.noting import VERSION, Server, certificates


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="can't use this kubeconfig"):
        Connection(tmp_path / "none")


def to(server: str, folder: Path) -> Connection:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (folder / "config").write_text(yaml.safe_dump(config))
    return Connection(folder / "config")


@pytest.mark.parametrize(("watch", "lines"), [(False, [b"one", b"two"]), (True, [b"one"])])
def test_the_last_line_of_a_log_needs_no_line_break_that_of_a_watch_does(
    watch: bool, lines: list[bytes], tmp_path: Path
) -> None:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"7\r\none\ntwo\r\n0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request).start()
        stream = to(f"http://127.0.0.1:{server.server_port}", tmp_path).stream("/log", watch=watch)
        assert list(stream) == lines
        assert stream.complete is not watch


def test_nobody_at_the_address_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        connection = to(f"https://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
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


def test_a_connection_is_cheap_to_load(tmp_path: Path) -> None:
    """Neither the official client nor what a terminal or a notebook needs; YAML only for a file that is YAML."""
    code = (
        "import sys, kitlib.api\n"
        "heavy = {'kubernetes', 'yaml', 'IPython', 'pandas', 'numpy', 'pyarrow', 'requests', 'rich', 'typer'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"kitlib.api loads {done.stderr}"


def test_a_connection_needs_no_kubeconfig(tmp_path: Path) -> None:
    keys = certificates(tmp_path)
    with Server(keys) as server:
        files = (keys / name for name in ("ca.crt", "client.crt", "client.key"))
        connection = Connection.to(server.url, *files, writable=True)
        assert connection.version() == VERSION and connection.authority == (keys / "ca.crt").read_bytes()
        assert server.asked[-1].client == "ada"


def test_a_watch_of_its_own_ends_with_its_time_or_its_connection(tmp_path: Path) -> None:
    def answer(handler: Any) -> bool:
        handler.send(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n', kind="application/json")
        return True

    with Server(answer=answer) as server:
        connection = to(server.url, tmp_path)
        found = list(connection.watch("/api/v1/nodes", time.monotonic() + 5))
        assert [each["metadata"]["name"] for each in found] == ["a"]
        assert "watch=1" in server.asked[0].path and not list(connection.watch("/x", time.monotonic() - 1))
    assert not list(connection.watch("/api/v1/nodes", time.monotonic() + 5))  # nobody there: whoever waits asks again


def test_lines_without_chunks_come_as_they_are_sent(tmp_path: Path) -> None:
    """HTTP/1.0: they may not wait for the end, and that end is not one of the server's own words."""
    more = threading.Event()

    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"one\n")
            more.wait(5)
            self.wfile.write(b"two\n")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Plain) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        stream = to(f"http://127.0.0.1:{server.server_port}", tmp_path).stream("/log")
        lines = iter(stream)
        assert next(lines) == b"one"
        more.set()
        assert list(lines) == [b"two"] and not stream.complete
        thread.join()

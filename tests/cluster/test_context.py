"""A cluster of yours: only by name, read only unless you say otherwise, and never the current context by itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from kitlib.errors import ClusterError, RefusedError, UsageError
from tests.api.noting import Server, config


@pytest.fixture
def theirs(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig file of somebody's, whose current context is a cluster."""
    path = tmp_path / "config"
    path.write_text(cluster.kubeconfig.read_text().replace(cluster.context, "work"))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'not-there'}:{path}")
    return path


@pytest.mark.live
def test_it_is_found_by_name_and_can_be_read(theirs: Path, cluster: Cluster) -> None:
    found = clusters.context("work")
    assert (found.provider, found.name, found.kubeconfig) == ("context", "work", theirs)
    assert (found.release, found.version, found.node_count) == (cluster.release, cluster.version, cluster.node_count)
    assert not found.made_by_kitlib
    assert not found.runs_containers
    assert b"namespaces" in found.connect().request("GET", "/api/v1")


@pytest.mark.live
def test_writing_is_refused_unless_allowed(theirs: Path) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    path = "/api/v1/namespaces/default/configmaps"
    read_only = clusters.context("work").connect()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(RefusedError):
            read_only.request(method, path, body=body)
    allowed = clusters.context("work", yes_write=True).connect()
    allowed.request("POST", path, body=body)
    allowed.request("DELETE", f"{path}/x")


@pytest.mark.live
def test_kitlib_gives_it_no_nodes(theirs: Path) -> None:
    with pytest.raises(UsageError, match="only a cluster that kitlib made"):
        clusters.scale_nodes(clusters.context("work", yes_write=True), 3)


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one kubeconfig file that KUBECONFIG names; it is to be written."""
    path = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def test_an_unknown_context_names_the_known_ones(kubeconfig: Path) -> None:
    kubeconfig.write_text("contexts: [{name: a, context: {}}, {name: b, context: {}}]\n")
    with pytest.raises(UsageError, match="Next: use one of: a, b"):
        clusters.context("c")


def test_a_mistyped_context_is_told_the_one_that_was_meant(kubeconfig: Path) -> None:
    kubeconfig.write_text("contexts: [{name: staging, context: {}}, {name: 测试集群, context: {}}]\n")
    with pytest.raises(UsageError, match=r"did you mean staging\? use one of: staging, 测试集群"):
        clusters.context("stagin")
    with pytest.raises(UsageError, match="did you mean 测试集群"):
        clusters.context("测试集")


@pytest.mark.parametrize("text", [None, "apiVersion: v1\nkind: Config\n"])
def test_no_context_at_all(kubeconfig: Path, text: str | None) -> None:
    if text:
        kubeconfig.write_text(text)
    why = "in your kubeconfig files, which have none" if text else f"as there is no {kubeconfig}"
    with pytest.raises(UsageError, match=f"there is no context 'c' {why}.\n  Next: name the file that has it") as error:
        clusters.context("c")
    assert "one of" not in str(error.value)


def test_a_file_that_is_no_kubeconfig(kubeconfig: Path) -> None:
    kubeconfig.write_text("contexts: [oops")
    with pytest.raises(ClusterError, match=r"(?s)not a kubeconfig file.*Next: "):
        clusters.context("c")


@pytest.fixture
def kubeconfigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Callable[..., None]]]:
    """A server of somebody's, and what writes kubeconfig files and names them all."""

    def write(*texts: object) -> None:
        paths = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text if isinstance(text, str) else json.dumps(text))
        monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, paths)))

    def answer(handler: Any) -> bool:
        if handler.path == "/api/v1/nodes":
            handler.json({"items": None})
            return True
        return False

    with Server(answer=answer) as server:
        yield server, write


def test_several_files_are_one(kubeconfigs: tuple[Server, Callable[..., None]]) -> None:
    server, write = kubeconfigs
    whole = config(server.cluster())
    write({"users": whole.pop("users")}, whole)
    found = clusters.context("x")
    assert (found.node_count, found.version) == (0, "1.37")
    found.connect().get("/api/v1/pods")
    assert {each.get("Authorization") for each in server.asked} == {"Bearer t"}


def test_of_two_clusters_of_one_name_the_first_file_s_is_asked(
    kubeconfigs: tuple[Server, Callable[..., None]],
) -> None:
    server, write = kubeconfigs
    whole = config(server.cluster())
    write({"clusters": whole["clusters"]}, config({"server": "http://127.0.0.1:9"}))
    clusters.context("x").connect().get("/version")
    assert server.asked


@pytest.mark.parametrize("before", [True, False])
def test_a_broken_file_beside_a_good_one_is_named(
    before: bool, kubeconfigs: tuple[Server, Callable[..., None]], capfd: pytest.CaptureFixture[str]
) -> None:
    server, write = kubeconfigs
    texts = ["contexts:\n\t- y", config(server.cluster())]
    write(*(texts if before else reversed(texts)))
    assert clusters.context("x").node_count == 0
    assert f"{0 if before else 1}.yaml is left out" in capfd.readouterr().err


def test_an_entry_without_a_name_spoils_no_other(kubeconfigs: tuple[Server, Callable[..., None]]) -> None:
    server, write = kubeconfigs
    whole = config(server.cluster())
    write({**whole, "contexts": [{"context": {"cluster": "c"}}, *whole["contexts"]]})  # type: ignore[misc]
    assert clusters.context("x").name == "x"

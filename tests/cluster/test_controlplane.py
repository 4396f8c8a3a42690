"""The configuration that kwokctl gets: loopback, certificates, few ports; ports that are free."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml

from kitlib.cluster import release
from kitlib.cluster.embedded import controlplane
from kitlib.errors import ClusterError
from kitlib.machine import loopback

PORTS = dict(zip(controlplane.PORTS, (1001, 1002, 1003), strict=True))


def arguments_of(version: str | None = None, home: Path = Path("home")) -> dict[str, dict[str, str]]:
    """Return the arguments of each component of a version."""
    text = controlplane.configuration(release(version), Path("/pki"), PORTS, home).split("\n---\n", 1)[0]
    patches = json.loads(text)["componentsPatches"]
    return {patch["name"]: {each["key"]: each["value"] for each in patch["extraArgs"]} for patch in patches}


@pytest.fixture
def arguments() -> dict[str, dict[str, str]]:
    return arguments_of()


def test_etcd_wants_certificates_and_listens_on_loopback(arguments: dict[str, dict[str, str]]) -> None:
    etcd = arguments["etcd"]
    assert etcd["client-cert-auth"] == etcd["peer-client-cert-auth"] == "true"
    urls = [value for key, value in etcd.items() if key.endswith("-urls")]
    assert urls
    assert all(url.startswith("https://127.0.0.1:") for url in urls)


def test_no_anonymous_requests_and_no_needless_ports(arguments: dict[str, dict[str, str]]) -> None:
    assert arguments["kube-apiserver"]["anonymous-auth"] == "false"
    assert arguments["kube-controller-manager"]["secure-port"] == "0"
    assert arguments["kube-scheduler"]["secure-port"] == "0"
    assert arguments["kwok-controller"]["server-address"] == ""


def test_stages_are_whole_documents() -> None:
    documents = list(yaml.safe_load_all(controlplane.stages()))
    assert {document["kind"] for document in documents} == {"Stage"}
    names = [document["metadata"]["name"] for document in documents]
    assert len(names) == len(set(names))


def test_free_ports_differ_and_are_free() -> None:
    ports = loopback.free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_in_use_names_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=rf"(?s)port {port} on 127\.0\.0\.1 is in use.*Next: unset KITLIB_PORT"):
            loopback.free_ports(3, {"test": port})


def test_pod_ranges_of_many_nodes_do_not_meet() -> None:
    nodes = [controlplane.node(number) for number in range(1, 1001)]
    assert len({node["spec"]["podCIDR"] for node in nodes}) == 1000
    assert len({node["status"]["addresses"][0]["address"] for node in nodes}) == 1000


def test_an_audited_release_names_the_files_that_it_brings(tmp_path: Path) -> None:
    wanted = release("1.37-audit")
    arguments = arguments_of("1.37-audit", tmp_path)["kube-apiserver"]
    files = {str(path): yaml.safe_load(content) for path, content in controlplane.settings(wanted, tmp_path).items()}
    assert files[arguments["audit-policy-file"]]["kind"] == "Policy"
    (plugin,) = files[arguments["admission-control-config-file"]]["plugins"]
    assert plugin["configuration"]["exemptions"]["usernames"] == [controlplane.EXEMPT]
    assert arguments["audit-log-path"] == str(controlplane.audit_log(tmp_path))
    assert controlplane.settings(release(), tmp_path) == {}


def test_only_one_variant_keeps_events_for_a_short_time(arguments: dict[str, dict[str, str]]) -> None:
    assert "event-ttl" not in arguments["kube-apiserver"]
    assert arguments_of("1.37-event-ttl")["kube-apiserver"]["event-ttl"] == release("1.37-event-ttl").event_ttl

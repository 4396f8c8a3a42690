"""The Ingress notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest

from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "ingress"
LINES = {
    "One entry for many Services by host and path; why NodePort doesn't scale to many (ports counted)": [
        "Each Service of type NodePort takes a port of its own from the whole cluster",
        "That port is open on each node: four Services on three nodes are twelve open ports",
        "A NodePort can't be 80: there are 2,768 of them, from 30,000 on, for all Services of the cluster",
        "A Service that is no NodePort any more gives its port back",
        "Behind one entry are many Services: the path decides",
        "The host decides first: the same path leads elsewhere under another name",
        "Where no longer path fits the shorter one does",
        "Prefix goes by whole parts of a path: /cart/7 is below /cart, /cartoon isn't",
        "Exact is that path and no other",
        "A host that no rule names is for nobody: 404",
        "All four Services together need one port now",
    ],
    "A controller watches the API and refreshes its configuration when Services, Pods or rules change": [
        "An Ingress is itself the entry: with it, requests from outside are passed on",
        "An Ingress that no controller serves has no address, and nothing says so",
        "A controller writes into an Ingress' status where it is served",
        "The entry passes a request on to the Service",
        "A request goes straight to a Pod that an EndpointSlice names",
        "A controller notices that Pods come and go, that rules change and Services go; requests follow by themselves",
        "A new Pod gets requests when it is Ready, and none before",
        "No request is lost when a Pod comes, when one goes that waits a while before it ends, and when a rule changes",
        "A Service can be deleted that an Ingress names; then there is nobody to pass a request on to: 503",
        "nginx reads its configuration anew only when the controller has it do so; no hand is needed, and no rollout",
    ],
    "Requests lost during a backend's rollout, with and without readiness and preStop": [
        "With a readiness probe and a wait before the end a rollout loses no request",
        "With neither, requests are lost",
        "With a readiness probe alone, requests are lost",
        "With a wait before the end alone, requests are lost",
        "For Kubernetes all four went well: at no time were fewer than two Pods available",
        "Without a readiness probe it is the new Pods that lose them: they are asked before they can answer",
        "Without a wait it is the old ones: they end while they have requests, and are asked for a moment longer",
    ],
    "Bad input: a broken Ingress, a Service or a Secret that is missing, two controllers of one class": [
        "A broken Ingress is refused by the API server, and each field that is wrong is named",
        "Nobody checks whether there is a Service that an Ingress names: requests for it get 503",
        "Where a Pod is Ready, but doesn't listen there, it is 502",
        "One bad path spoils the others of its Ingress",
        "The API server takes a path that would be nginx' own words: a controller must not copy it",
        "Nobody notices that a TLS Secret is missing: this controller serves the host without TLS",
        "An Ingress of a class that nobody serves gets no address, and its host is for nobody",
        "Two controllers of one class write the status in turn, without end, and nothing refuses it",
        "Meanwhile requests are served as before, for the rules are the same",
    ],
    "The edge node: hostPort 80 of a labelled node; several for availability with a virtual address": [
        "Each edge has a node of its own: a port of a node is for one Pod",
        "A second one on the same node isn't started: its port is taken",
        "From outside the cluster the edge node's port is the entry",
        "Whoever has one edge node's address is cut off when that edge goes",
        "With several edges behind one address that is no node's, the others go on",
        "A virtual address from outside (keepalived) moves to an edge that lives",
    ],
}
WRONG = {
    "An Ingress is itself the entry: with it, requests from outside are passed on": "fails",
    "The entry passes a request on to the Service": "fails",
    "One bad path spoils the others of its Ingress": "fails",
    "A virtual address from outside (keepalived) moves to an edge that lives": "unknown",
}
"""Sentences that aren't true, or can't be told here, and stand there as such."""


def manifests() -> dict[str, dict]:
    """Each object that the lesson applies, by kind and name."""
    return by_name(MANIFESTS)


def test_the_four_that_are_rolled_out_differ_in_two_things_alone():
    known = manifests()
    parts = {}
    for name in ("neither", "readiness", "prestop", "both"):
        spec = known[f"Deployment/{name}"]["spec"]
        container = spec["template"]["spec"]["containers"][0]
        parts[name] = {"readinessProbe" in container, "lifecycle" in container}, ("readinessProbe" in container)
        container.pop("readinessProbe", None)
        container.pop("lifecycle", None)
        assert json.dumps(spec).replace(name, "x") == json.dumps(known["Deployment/neither"]["spec"]).replace(
            "neither", "x"
        )
    assert parts == {
        "neither": ({False}, False),
        "readiness": ({True, False}, True),
        "prestop": ({True, False}, False),
        "both": ({True}, True),
    }


def test_the_edges_differ_in_where_they_may_be_alone():
    known = manifests()
    specs = [dict(known[f"Pod/{name}"]["spec"]) for name in ("edge", "edge-2", "edge-3")]
    assert [spec.pop("nodeSelector", None) for spec in specs] == [
        {"ingress-ready": "true"},
        None,
        {"ingress-ready": "true"},
    ]
    assert specs[0] == specs[1] == specs[2]


def lessons_own() -> dict[str, Any]:
    """The controller, as it stands in the lesson's cells."""
    known: dict[str, Any] = {"re": re, "suppress": suppress}
    for cell in json.loads((CHECKOUT / "notebooks" / "ingress.ipynb").read_text())["cells"]:
        if "controller" in cell["metadata"].get("tags", ()):
            exec("".join(cell["source"]), known)
    return known


def service(name: str, *ports: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": list(ports)}}


def slice_of(name: str, *ends: tuple[str, bool], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    found = [{"addresses": [address], "conditions": {"ready": ready}} for address, ready in ends]
    return {
        "metadata": {"labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "", "port": 8080}] if ports is None else ports,
        "endpoints": found or None,
    }


def rules(*paths: dict[str, Any], host: str = "shop.example") -> dict[str, Any]:
    return {"spec": {"rules": [{"host": host, "http": {"paths": list(paths)}}, {"host": "bare.example"}]}}


def path(where: str, kind: str = "Prefix", name: str = "web", **port: Any) -> dict[str, Any]:
    return {"path": where, "pathType": kind, "backend": {"service": {"name": name, "port": port or {"number": 80}}}}


def test_only_ready_ends_are_passed_on_to():
    own = lessons_own()
    ends = (
        slice_of("web", ("10.0.0.2", True), ("10.0.0.3", False)),
        slice_of("web", ("10.0.0.1", True)),
        slice_of("other"),
    )
    text = own["translate"]([rules(path("/"))], [service("web", {"port": 80})], ends)
    assert "upstream web-80 { server 10.0.0.1:8080 max_fails=0; server 10.0.0.2:8080 max_fails=0; }" in text
    assert "location / { proxy_pass http://web-80; }" in text


@pytest.mark.parametrize("without", ["Service", "port", "ends"])
def test_where_nobody_is_it_is_503(without):
    services = (
        [] if without == "Service" else [service("web", {"port": 80 if without == "ends" else 81, "targetPort": 80})]
    )
    ends = [slice_of("web") if without == "ends" else slice_of("web", ("10.0.0.1", True))]
    text = lessons_own()["translate"]([rules(path("/"))], services, ends)
    assert "upstream" not in text and "location / { return 503; }" in text


def test_a_port_is_found_by_its_name_too():
    ports = [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}]
    ends = [slice_of("web", ("10.0.0.1", True), ports=ports)]
    services = [service("web", {"name": "http", "port": 80}, {"name": "admin", "port": 81})]
    found = lessons_own()["targets"]
    assert found({"name": "web", "port": {"name": "admin"}}, services, ends) == ["10.0.0.1:9090"]
    assert found({"name": "web", "port": {"number": 80}}, services, ends) == ["10.0.0.1:8080"]
    assert found({"name": "web", "port": {"number": 8080}}, services, ends) == []


def test_a_prefix_is_whole_parts_of_a_path():
    found = lessons_own()["matches"]
    assert found(path("/cart")) == found(path("/cart/")) == ["= /cart", "/cart/"]
    assert found(path("/")) == ["= /", "/"] and found(path("/a/b/", "Exact")) == ["= /a/b/"]


@pytest.mark.parametrize(
    "words", ["/ { return 200; } location /x", "/a;", "/a b", '/a"', "/a\nb", "/$host", "/a#b", "/{}"]
)
def test_what_could_be_nginx_own_words_is_left_out(words):
    own = lessons_own()
    assert own["matches"](path(words)) == []
    text = own["translate"]([rules(path(words), path("/fine"))], [service("web", {"port": 80})], [])
    assert words not in text and "location = /fine { return 503; }" in text

"""The Kong notebook tests every line of its section of the catalogue, on Kong where it can be had and on a stand-in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from kitlib import objects
from kitlib.machine.airgap import parts
from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "kong"
WAYS = {"kong": "lesson-kong", "standin": "lesson-kong-standin"}
JOBS = ("path", "limit", "keys", "both", "wrong")
LINES = {
    "Kong's controller: the same host/path job": [
        "Kong's controller follows Ingresses of its class: host and path lead to their Service",
        "So does the stand-in, by the same Ingress of another class",
    ],
    "Plugins as resources: rate limit": [
        "Kong: what a plugin allows is passed on, here five of twenty; the others get 429, and nobody is asked",
        "Kong: each address has a count of its own",
        "Kong: a count goes on while other rules change",
        "The stand-in does the same by a Middleware: five of twenty, then 429",
        "There, too, each address has a count of its own",
        "Rules that name one and the same plugin share its count",
        "The stand-in: a count goes on while other rules change",
    ],
    "Plugins as resources: key auth": [
        "Kong: whoever sends the key of a KongConsumer is let in; without one, or with a wrong one, it is 401",
        "Kong: with both, each consumer has a count of its own, and requests without a key aren't counted",
        "The stand-in does so by asking: the answer of whom it asks decides about each request",
        "The stand-in: with both, each key has a count of its own, and requests without one aren't counted",
    ],
    "A controller watches the API and refreshes its configuration": [
        "Kong: a plugin that is changed is followed, and nothing is started anew",
        "The stand-in follows a Middleware that is changed, and isn't started anew",
    ],
    "Bad input: a plugin that there isn't, nobody to ask about keys": [
        "Kong: a plugin that there isn't is left out, and requests are passed on without it; an Event tells of it",
        "The stand-in: a Middleware that there isn't shuts the door: the rule is left out, 404, and the log says so",
        "The stand-in: where nobody can be asked about keys, the right one is of no use either",
    ],
}
WRONG = {
    "Rules that name one and the same plugin share its count": "fails",
    "The stand-in: a count goes on while other rules change": "fails",
}
"""Sentences that aren't true, and stand there as such."""


def of(way: str, job: str) -> list[dict[str, Any]]:
    return objects.load(MANIFESTS / way / f"{job}.yaml")


def ingresses(way: str, job: str) -> dict[str, dict[str, Any]]:
    """Return a job's Ingresses by their host."""
    found = [each for each in of(way, job) if each["kind"] == "Ingress"]
    return {each["spec"]["rules"][0]["host"]: each for each in found}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_is_said_to_both_by_the_same_ingress_of_another_class(job):
    hosts = [ingresses(way, job) for way in WAYS]
    assert hosts[0].keys() == hosts[1].keys() and hosts[0]
    for host in hosts[0]:
        specs = [each[host]["spec"] for each in hosts]
        assert [each.pop("ingressClassName") for each in specs] == list(WAYS.values())
        assert specs[0] == specs[1], "what differs are the guards alone"


@pytest.mark.parametrize("job", JOBS)
def test_each_names_the_same_plugins_in_the_same_order(job):
    for host, ingress in ingresses("kong", job).items():
        kong = ingress["metadata"].get("annotations", {}).get("konghq.com/plugins", "")
        annotations = ingresses("standin", job)[host]["metadata"].get("annotations", {})
        standin = annotations.get("traefik.ingress.kubernetes.io/router.middlewares", "")
        assert [each for each in kong.split(",") if each] == re.findall(r"LAB-NAMESPACE-(\w+)@kubernetescrd", standin)


def test_the_plugins_that_are_named_are_there_but_for_the_one_that_is_not():
    for way, kind in (("kong", "KongPlugin"), ("standin", "Middleware")):
        made = {each["metadata"]["name"] for job in JOBS for each in of(way, job) if each["kind"] == kind}
        assert made == {"five", "keys", "each"}


def test_both_limits_allow_five_an_hour():
    kong = {
        each["metadata"]["name"]: each["config"]
        for job in ("limit", "both")
        for each in of("kong", job)
        if "config" in each
    }
    middlewares = [each for job in ("limit", "both") for each in of("standin", job) if each["kind"] == "Middleware"]
    standin = {each["metadata"]["name"]: each["spec"]["rateLimit"] for each in middlewares}
    assert {name: each["hour"] for name, each in kong.items()} == {"five": 5, "each": 5}
    assert {name: (each["average"], each["burst"], each["period"]) for name, each in standin.items()} == {
        "five": (5, 5, "1h"),
        "each": (5, 5, "1h"),
    }
    assert kong["each"]["limit_by"] == "consumer" and standin["each"]["sourceCriterion"] == {
        "requestHeaderName": "apikey"
    }
    text = "".join((MANIFESTS / way / "limit.yaml").read_text().replace(": 5,", ": 1000,") for way in WAYS)
    assert " 5" not in text, "a limit would stay as it is when it is raised"


def test_no_key_is_in_a_manifest():
    for path in MANIFESTS.rglob("*.yaml"):
        assert "kind: Secret" not in path.read_text()


def test_kongs_controller_asks_for_no_kind_that_is_not_defined():
    """It doesn't start where a kind isn't there that one of its controllers follows."""
    (pod,) = [each for each in of("kong", "controller") if each["kind"] == "Pod"]
    told = {each["name"]: each.get("value") for each in pod["spec"]["containers"][1]["env"]}
    off = {name.removeprefix("CONTROLLER_ENABLE_CONTROLLER_") for name, value in told.items() if value == "false"}
    assert {"TCPINGRESS", "UDPINGRESS", "KONGINGRESS", "KONGCLUSTERPLUGIN", "KONG_UPSTREAM_POLICY", "KONG_VAULT"} <= off
    kinds = [each["spec"]["names"]["kind"] for each in objects.load(MANIFESTS / "kinds.yaml")]
    assert kinds == ["KongPlugin", "KongConsumer", "KongConsumerGroup"], "those that are left"


def test_classes_and_rights_beside_namespaces_are_called_as_no_other_lessons_are():
    mine = {
        name
        for way in WAYS
        for each in of(way, "controller")
        for name in [f"{each['kind']}/{each['metadata']['name']}"]
    }
    cluster_wide = {each for each in mine if each.startswith(("IngressClass", "Cluster"))}
    others = [folder for folder in MANIFESTS.parent.iterdir() if folder.is_dir() and folder != MANIFESTS]
    assert not cluster_wide & {name for folder in others for name in by_name(folder)}
    assert len(cluster_wide) == 6


def test_what_kong_lacks_is_said_by_the_part_itself():
    for name in ("kong", "kong-controller"):
        assert parts.find(name).unmade


def test_each_claim_on_kong_is_unknown_where_it_is_not_there():
    cells = json.loads((MANIFESTS.parents[1] / "kong.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    on_kong = re.findall(r'^claim\(\n    "Kong.*?^\)', code, re.MULTILINE | re.DOTALL)
    assert len(on_kong) == 8
    for each in on_kong:
        assert 'expected="holds" if "kong" in WAYS else "unknown"' in each and re.search(
            r"^    kong\(", each, re.MULTILINE
        )

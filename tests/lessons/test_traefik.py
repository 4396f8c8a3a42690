"""The Traefik notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import pytest

from kitlib import objects
from kitlib.cluster.kind.node import Node
from kitlib.errors import ClusterError, UsageError
from kitlib.lessons.measured import above, cpu_seconds, fields, spread, summaries, verdict
from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "traefik"
WAYS = ("ingress", "route", "gateway", "standin")
JOBS = ("path", "rewrite", "password", "tls", "weight", "header")
LINES = {
    "The same jobs with Ingress, Traefik's own CRDs, Gateway API and as stand-in for ingress-nginx": [
        "A host that no rule names is for nobody: 404",
        "Host and path lead to their Service: by Ingress, IngressRoute and HTTPRoute, and by the stand-in",
        "Prefix goes by whole parts of a path by HTTPRoute and by the stand-in: /cartoon isn't below /cart",
        "Prefix goes by whole parts of a path by an Ingress that Traefik follows",
        "PathPrefix of an IngressRoute goes by letters",
        "A path is rewritten by what a pattern caught, or by its prefix: asked for /api/list, each way passes on /list",
        "Without a password each way answers 401, and asks nobody behind it",
        "With the right one it is let in",
        "TLS with the certificate of a Secret: in each way the client that trusts it alone is answered",
        "A weight of 30 is 30 of 100 requests: by TraefikService, by HTTPRoute and by annotation",
        "Whoever sends the header gets to the canary, and nobody else does",
        "An Ingress has no field for a weight or for a header: the API server refuses both",
        "With Traefik's own kinds all six jobs are done",
        "Traefik does what the annotations of ingress-nginx say: all six jobs, by Ingresses as they are",
        "With Ingress alone the same can be done",
    ],
    "Gateway API does each of the above": ["The Gateway API does each of the jobs by its own words"],
    "Traefik performs worse than nginx, but is easier to configure": [
        "Traefik is easier to configure than ingress-nginx: with its own kinds the same six jobs take fewer values",
        "With Traefik's own kinds each single job takes fewer values",
        "Traefik performs worse than ingress-nginx: it answers fewer requests a second",
        "At the same load half of the answers take longer through Traefik than through ingress-nginx",
        "At the same load the slowest hundredth of the answers takes longer through Traefik, too",
        "All that was asked at the same load was answered, by both",
        "A request costs Traefik more of the processor than it costs ingress-nginx",
    ],
    "A controller watches the API and refreshes its configuration when Services, Pods or rules change": [
        "Pods come and go and rules change, and requests follow by themselves, whichever way the rule is written",
        "Traefik reads its configuration anew without a reload: none of its requests is lost meanwhile",
        "Traefik isn't started anew for it",
    ],
    "Bad input: Services, Middlewares and Secrets that are missing, a rule that can't be read": [
        "For a Service that there isn't an Ingress and an IngressRoute have no rule: 404",
        "By HTTPRoute it is 500, as the Gateway API asks for, and by the stand-in 503, as ingress-nginx answers",
        "An HTTPRoute says itself that a Service is missing: ResolvedRefs is False",
        "A Middleware that there isn't is left out, and the request is passed on without it",
        "Where the Secret with the passwords is missing nobody gets in",
        "One rule that is wrong spoils the others of its object",
        "A rule that nobody can read is left out: 404",
        "A TLS Secret that is missing: Traefik shows a certificate of its own, which nobody trusts",
        "Traefik says in its log what it left out",
    ],
}
WRONG = {
    "Prefix goes by whole parts of a path by an Ingress that Traefik follows": "fails",
    "With Ingress alone the same can be done": "fails",
    "The Gateway API does each of the jobs by its own words": "fails",
    "With Traefik's own kinds each single job takes fewer values": "fails",
    "A Middleware that there isn't is left out, and the request is passed on without it": "fails",
    "One rule that is wrong spoils the others of its object": "fails",
}
"""Sentences that aren't true, and stand there as such."""


def of(way: str, job: str) -> list[dict[str, Any]]:
    return objects.load(MANIFESTS / way / f"{job}.yaml")


@pytest.mark.parametrize("job", JOBS)
def test_each_way_does_the_same_job_for_a_host_of_its_own(job):
    for way in WAYS:
        text = (MANIFESTS / way / f"{job}.yaml").read_text()
        assert f"{job}-{way}" in text
        assert not [other for other in WAYS if other != way and f"{job}-{other}" in text]


@pytest.mark.parametrize("job", JOBS)
def test_the_services_behind_a_job_are_the_same_in_each_way(job):
    known = {each["metadata"]["name"] for each in objects.load(MANIFESTS / "apps.yaml") if each["kind"] == "Service"}
    named = {way: set(re.findall(r"[\w-]+", (MANIFESTS / way / f"{job}.yaml").read_text())) & known for way in WAYS}
    assert len({tuple(sorted(each)) for each in named.values()}) == 1, named


def test_the_standin_has_annotations_of_ingress_nginx_and_no_others():
    for job in JOBS:
        for item in of("standin", job):
            assert item["kind"] == "Ingress" and item["spec"]["ingressClassName"] == "lesson-standin"
            for name in item["metadata"].get("annotations", {}):
                assert name.startswith("nginx.ingress.kubernetes.io/")


def test_what_is_measured_differs_in_who_is_asked_alone():
    known = by_name(MANIFESTS)
    first, second = (known[f"Ingress/race-{who}"]["spec"] for who in ("traefik", "nginx"))
    assert str(first).replace("traefik", "nginx") == str(second)
    text = (MANIFESTS / "race.yaml").read_text()
    args = [each["args"] for each in objects.load(text)[0]["spec"]["initContainers"]]
    plain = [str(each).replace("FIRST", "x").replace("SECOND", "x") for each in args]
    assert plain[0] == plain[1] != plain[2] == plain[3]


def test_the_kinds_that_are_defined_refuse_no_field():
    for name in ("kinds", "gateway-kinds"):
        for item in objects.load(MANIFESTS / f"{name}.yaml"):
            schema = item["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            assert schema["x-kubernetes-preserve-unknown-fields"] is True


# Measuring.


def rounds(first: list[float], second: list[float]) -> pd.DataFrame:
    rows = [("a", each) for each in first] + [("b", each) for each in second]
    return pd.DataFrame(rows, columns=["who", "took"])


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        ([5, 6, 7, 8], [1, 2, 3, 4], True),
        ([1, 2, 3, 4], [5, 6, 7, 8], False),
        ([1, 2, 3, 5], [4, 6, 7, 8], None),
        ([5, 6, 7, 4], [1, 2, 3, 4], None),
        ([5, 6, 7], [1, 2, 3, 4], None),
        ([5, 6, 7, math.nan], [1, 2, 3, 4], None),
        ([], [1, 2, 3, 4], None),
    ],
)
def test_one_is_above_the_other_where_no_round_overlaps(first, second, holds):
    check = above(rounds(first, second), "took", "a", "b")
    assert check.holds is holds
    assert verdict(check) == {True: "holds", False: "fails", None: "unknown"}[holds]


def test_a_column_that_is_missing_is_named():
    with pytest.raises(UsageError, match="no column 'spent'"):
        above(rounds([1], [2]), "spent", "a", "b")


def test_the_spread_of_rounds():
    table = spread(rounds([3, 1, 2], [5]), "took")
    assert table.loc["a"].tolist() == [2, 1, 3, 3] and table.loc["b", "rounds"] == 1


def test_what_clients_said_last_is_read():
    line = '{"summary":true,"due":5,"sent":5,"answered":4,"per_second":2.5,"since_due":{"count":4,"p50_ns":1500000}}'
    rows = [
        [pd.Timestamp("2026-01-01", tz="UTC"), 1, 1, "ns", "race-0", "u", "full-nginx", 0, "", text]
        for text in (line, "{}")
    ]
    columns = ["at", "monotonic_ns", "seq", "namespace", "name", "uid", "container", "run", "event", "line"]
    found = summaries(pd.DataFrame(rows, columns=columns))
    assert found[["container", "sent", "answered", "per_second", "p50_ms", "p99_ms"]].to_numpy().tolist() == [
        ["full-nginx", 5, 4, 2.5, 1.5, 0.0]
    ]


@pytest.mark.parametrize(("said", "wanted"), [("usage_usec 1500000\nuser_usec 7\n", 1.5), ("user_usec 7\n", math.nan)])
def test_processor_time_is_read_from_the_pods_cgroup(monkeypatch, said, wanted):
    asked = []

    def run(self, command, timeout=60.0):
        asked.append(command)
        return "/sys/fs/cgroup/x/pod12-ab\n" if command[0] == "find" else said

    monkeypatch.setattr(Node, "run", run)
    node = Node(None, "worker", None)  # type: ignore[arg-type]
    assert str(cpu_seconds(node, "12-ab")) == str(wanted)
    assert "*pod12?ab*" in asked[0] and asked[1] == ["cat", "/sys/fs/cgroup/x/pod12-ab/cpu.stat"]


def test_processor_time_of_a_node_that_does_not_tell_is_unknown(monkeypatch):
    def run(self, command, timeout=60.0):
        raise ClusterError("gone", step="run")

    monkeypatch.setattr(Node, "run", run)
    assert math.isnan(cpu_seconds(Node(None, "worker", None), "12"))  # type: ignore[arg-type]


def test_values_of_manifests_are_counted():
    assert fields([{"kind": "A", "spec": {"list": [1, {"a": 2}], "none": {}}}, {"kind": "B"}]) == 4

"""The external-dns notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pandas as pd
import pytest

from kitlib import objects
from kitlib.claims import always, judge
from kitlib.frames import lookups
from kitlib.frames.frames import Frames
from kitlib.lessons import names
from kitlib.recording import Recording
from tests.conftest import CHECKOUT
from tests.frames.test_traffic import logged, stamped
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "external-dns"
ZONES = ("sync", "upsert", "create", "dry", "bare")
LINES = {
    "Ingress and Service hosts become DNS records: a real DNS server answers soon after": [
        "Kubernetes tells no DNS server outside of an Ingress: its host is no name there",
        "The host of an Ingress becomes a name in a DNS server outside; it leads to the address in its status",
        "With it, whoever asks that server gets there by name; without it nobody did",
        "With --events a change is in the DNS server within ten seconds",
        "external-dns acts as soon as it hears of a change",
        "A Service has the name that its annotation says, and the address that a load balancer got for it",
        "A Service of type ClusterIP has a name by the same annotation",
        "internal-hostname gives the cluster's own address a name; several names stand there with commas between them",
        "The name of a headless Service leads to its Pods' own addresses: those that are Ready, and no others",
        "The name of an ExternalName is a CNAME, another name for what it names",
        "An annotation says where a name leads to, whatever the object's own address is",
        "An Ingress that no controller serves has no address, and so no name",
    ],
    "Changed and removed with the object": ["Names follow their object: they are made, changed and taken away with it"],
    "TTL": [
        "An answer may be kept for some minutes, as is common in DNS, unless its object says otherwise",
        "And another one for how long an answer may be kept: here 30 seconds",
    ],
    "TXT ownership keeps it off others' records": [
        "Beside each record is another one, of type TXT, which says whose it is and what it was made for",
        "That record has the name of the one that it is about",
        "What somebody else wrote stays as it is, though an Ingress asks for that name",
        "Of two owners that want one name, the first one keeps it",
        "When that one gives the name up, the other one takes it",
        "Whoever doesn't get a name is told so, by a warning in the log at least",
        "Without TXT records sync takes all names of the zone for its own, and deletes what somebody else wrote",
    ],
    "Policies sync and upsert-only; dry run": [
        "sync: a name is made, changed and deleted with its object",
        "upsert-only: it is made and changed, and stays when its object goes",
        "create-only: it is made, and stays as it is, whatever becomes of its object",
        "A dry run says which records it would write, and writes none",
    ],
    "What happens when the DNS server is down and comes back": [
        "Without its DNS server external-dns goes on trying, and isn't started anew",
        "Meanwhile no name is answered: Kubernetes has what is to be known, and nobody asks it",
        "What has changed meanwhile is made up for",
        "A server that has lost its zone gets all names again by itself: they are made of the objects",
    ],
    "Bad input: a wrong key, one host in two Ingresses, external-dns itself gone": [
        "With a wrong key nothing is written, and the log says so",
        "Two Ingresses with one host share its name: it leads to the addresses of both",
        "Names go with the external-dns that made them",
    ],
}
WRONG = {
    "external-dns acts as soon as it hears of a change": "fails",
    "An answer may be kept for some minutes, as is common in DNS, unless its object says otherwise": "fails",
    "A Service of type ClusterIP has a name by the same annotation": "fails",
    "That record has the name of the one that it is about": "fails",
    "Whoever doesn't get a name is told so, by a warning in the log at least": "fails",
    "Names go with the external-dns that made them": "fails",
}
"""Sentences that aren't true, and stand there as such."""


def containers(name: str) -> dict[str, dict[str, Any]]:
    """Return the containers of a manifest's Pod, by name."""
    (pod,) = objects.load(MANIFESTS / f"{name}.yaml")
    return {each["name"]: each for each in pod["spec"]["containers"]}


def test_each_zone_is_served_and_begins_as_the_others_do():
    server = by_name(MANIFESTS)["ConfigMap/bind9"]["data"]
    served = re.findall(r'zone "(\S+)\.example" \{ type primary; file "(\S+)\.example"', server["named.conf"])
    assert served == [(zone, zone) for zone in ("lesson", *ZONES)]
    assert server["named.conf"].count('allow-update { key "lesson"; }') == len(served)
    made = by_name(MANIFESTS)["Deployment/bind9"]["spec"]["template"]["spec"]["initContainers"][0]["command"][-1]
    assert f"for zone in lesson {' '.join(ZONES)};" in made
    assert "by-hand A 192.0.2.1\n" in server["zone"]


def test_the_five_differ_in_what_they_may_do_and_in_nothing_else():
    found = containers("policies")
    own = {
        name: [arg for arg in each["args"] if re.match(r"--(policy|registry|txt-owner-id|dry-run)", arg)]
        for name, each in found.items()
    }
    assert own == {
        "sync": ["--policy=sync", "--txt-owner-id=sync"],
        "upsert": ["--policy=upsert-only", "--txt-owner-id=upsert"],
        "create": ["--policy=create-only", "--txt-owner-id=create"],
        "dry": ["--policy=sync", "--txt-owner-id=dry", "--dry-run"],
        "bare": ["--policy=sync", "--registry=noop"],
    }
    ports = [arg for each in found.values() for arg in each["args"] if arg.startswith("--metrics-address=")]
    assert len(set(ports)) == len(ports) == len(ZONES), "they share an address"
    rest = {
        str({**each, "name": "", "args": [arg for arg in each["args"] if arg not in (*own[name], *ports)]}).replace(
            f"{name}.example", "ZONE"
        )
        for name, each in found.items()
    }
    assert len(rest) == 1


def test_each_zone_has_a_host_and_somebody_who_asks_for_it():
    (ingress,) = objects.load(MANIFESTS / "everywhere.yaml")
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    asked = {name: each["args"][1] for name, each in containers("judges").items()}
    assert [f"{host}." for host in hosts] == [asked[zone] for zone in ZONES]
    assert asked["bare-hand"] == "by-hand.bare.example."


def test_no_secret_is_in_a_manifest_and_the_key_is_named_alike():
    for path in MANIFESTS.glob("*.yaml"):
        text = path.read_text()
        assert "kind: Secret" not in text and "tsig-secret=" not in text
        if "rfc2136" in text:
            assert "--rfc2136-tsig-keyname=lesson" in text and f"--rfc2136-tsig-secret-alg={names.ALGORITHM}" in text


def test_who_may_write_nothing_in_the_cluster_may_write_nothing():
    verbs = {verb for rule in by_name(MANIFESTS)["Role/external-dns"]["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    assert not [each for each in by_name(MANIFESTS) if each.startswith("Cluster")]


def test_rivals_want_what_is_somebody_elses_and_a_name_that_is_free():
    known = by_name(MANIFESTS)
    hosts = {name: [rule["host"] for rule in known[f"Ingress/{name}"]["spec"]["rules"]] for name in ("hand", "rival")}
    assert hosts == {
        "hand": ["by-hand.lesson.example", "gift.lesson.example"],
        "rival": ["shop.lesson.example", "stall.lesson.example"],
    }
    assert known["Ingress/rival"]["metadata"]["labels"] == {"team": "second"}


# What external-dns says.


def recorded(*said: dict[str, Any] | str, pod: str = "client") -> Frames:
    lines = [each if isinstance(each, str) else json.dumps(each, separators=(",", ":")) for each in said]
    recording = Recording()
    logged(recording, [stamped(number + 1, line) for number, line in enumerate(lines)])
    return recording.frames


def line(message: str, level: str = "info") -> dict[str, str]:
    return {"level": level, "msg": message, "time": "2026-11-30T12:00:00Z"}


def test_a_key_is_new_each_time_and_both_ways_of_writing_it_agree():
    first, second = names.key(), names.key("other")
    assert first["secret"] != second["secret"] and len(base64.b64decode(first["secret"])) == 32
    assert first["key.conf"] == f'key "lesson" {{ algorithm hmac-sha256; secret "{first["secret"]}"; }};\n'
    assert second["key.conf"].startswith('key "other" ')


def test_what_was_logged_is_read_and_all_other_lines_are_left_out():
    frames = recorded(line("All records are already up to date"), "no JSON", {"msg": 7}, line("it fails", "error"))
    found = names.said(frames.logs)
    assert found[["level", "message"]].to_numpy().tolist() == [
        ["info", "All records are already up to date"],
        ["error", "it fails"],
    ]
    assert judge(always(found, "level != ''"))[0] == "holds"


def test_records_are_read_with_all_that_they_hold():
    frames = recorded(
        line("Adding RR: shop.lesson.example 0 A 10.0.0.1"),
        line('Removing RR: a-shop.lesson.example 30 TXT "heritage=external-dns,external-dns/owner=first"'),
        line("Adding RR: shop.lesson.example"),
        line("All records are already up to date"),
    )
    found = names.written(frames.logs)
    assert found[list(names.RECORD)].to_numpy().tolist() == [
        ["Adding", "shop.lesson.example", 0, "A", "10.0.0.1"],
        ["Removing", "a-shop.lesson.example", 30, "TXT", '"heritage=external-dns,external-dns/owner=first"'],
    ]
    assert found["ttl"].dtype == "int64"
    empty = names.written(recorded("nothing").logs)
    assert empty.empty and set(names.RECORD) <= set(empty.columns)


def looked_up(answer: str) -> dict[str, Any]:
    queries = [{"type": "A", "rcode": "NOERROR" if answer else "NXDOMAIN"}]
    answers = [{"type": "A", "ttl": 0, "data": answer}] if answer else []
    return {"name": "shop.lesson.example.", "took_ns": 1, "queries": queries, "answers": answers}


def since(frames: Frames, number: int) -> pd.DataFrame:
    """Return a change that was seen a moment before a line of the log."""
    at = frames.logs["monotonic_ns"].iloc[number] - 1
    return pd.DataFrame({"monotonic_ns": [at, at + 10**9]})


def test_a_change_is_followed_from_the_api_to_the_answer():
    frames = recorded(
        line("Adding RR: shop.lesson.example 0 A 10.0.0.1"),
        looked_up("10.0.0.1"),
        looked_up("10.0.0.1"),
        line("Removing RR: shop.lesson.example 0 A 10.0.0.1"),
        looked_up("10.0.0.1"),
        looked_up(""),
    )
    changes = {
        "made": (since(frames, 0), "shop.lesson.example", "answers == '10.0.0.1'"),
        "gone": (since(frames, 2), "shop.lesson.example", "rcode == 'NXDOMAIN'"),
    }
    table = names.followed(changes, names.written(frames.logs), lookups(frames))
    times = frames.logs["monotonic_ns"].tolist()
    assert table[list(names.STAGES)].to_numpy().tolist() == [
        [times[0] - 1, times[0], times[1]],
        [times[2] - 1, times[3], times[5]],
    ]
    assert table["seconds"].round(3).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("missing", ["change", "answer"])
def test_what_was_not_seen_is_not_known(missing):
    frames = recorded(line("Adding RR: shop.lesson.example 0 A 10.0.0.1"), looked_up("10.0.0.1"))
    change = since(frames, 0).iloc[: 0 if missing == "change" else 2]
    so = "answers == '10.0.0.9'" if missing == "answer" else "answers != ''"
    changes = {"made": (change, "shop.lesson.example", so)}
    row = names.followed(changes, names.written(frames.logs), lookups(frames)).iloc[0]
    assert pd.isna(row["answer"]) and pd.isna(row["seconds"])
    assert pd.isna(row["API change"]) == (missing == "change")

"""The Events notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import yaml

from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "events"
LINES = {
    "What an Event is (core/v1 and events.k8s.io/v1), who writes it, its life, why it isn't an audit log": [
        "An Event is one object in two APIs, v1 and events.k8s.io/v1: the same uid, the same resourceVersion",
        "Its fields have other names there: involvedObject is regarding, message is note, and count is deprecated",
        "Several components write about one Pod: the scheduler, and the kubelet of its node",
        "A controller writes about its own object, not about the Pod that it makes",
        "Who has written an Event is what the writer says: nobody checks it",
        "An Event is an object like others: who may can change it, and delete it",
        "A ConfigMap that is made, changed and deleted leaves no Event",
        "The Event of a deletion says who wanted it",
        "An Event ends by itself, --event-ttl after its last write: here after 20 seconds",
        "A repeat lets an Event live longer: its time begins anew",
    ],
    "Repeats are folded: count and series; aggregated after 10 similar ones; the spam filter drops (burst 25)": [
        "From the tenth similar Event on one Event is written for all: (combined from similar events)",
        "A component writes 25 Events about an object, and drops what comes after: of 40 Pods 15 aren't reported",
        "The 25 are for all that a component says of an object: after them not even a Warning is heard",
        "What is said in the same words again raises the count of the Event that is there",
        "In events.k8s.io a repeat makes a series of an Event: it has a count, and the old stamps stay null",
        "A series is about one version of its object: the first try changed the Pod's status, so the second is another"
        " Event",
        "Of what was folded a list shows the last words only; a recording has them all",
        "Of a probe that fails each second 25 Events are written, and then no more than one in five minutes",
    ],
    "One-second timestamps and null lastTimestamp: sorting lies; order by resourceVersion or receipt": [
        "Sorted by lastTimestamp Events stand in the order in which they were written",
        "A component that writes by events.k8s.io, as this scheduler does, leaves lastTimestamp null: it has eventTime",
        "lastTimestamp is a whole second: of two Events of one second it doesn't tell which was first",
        "A watch brings Events in the order of their resourceVersion: that is the order in which they were written",
    ],
    "An event exporter: routes to a file or webhook by rules; what it loses against the recording": [
        "kubernetes-event-exporter routes Events by rules, to files and webhooks",
        "A rule chooses what is handed on: here Warnings, and nothing else",
        "While it is at work an exporter misses no write of an Event that has a stamp",
        "An Event without a stamp it doesn't hand on: it takes it for older than itself",
        "What was written while it was away it doesn't hand on, although it is still there; the recording has it",
    ],
    "Field selectors, kubectl events --for, events of deleted objects": [
        "kubectl events --for selects by the kind and the name of the object",
        "events.k8s.io selects by the same fields, called regarding",
        "Only some fields can be selected by: message can't",
        "The Events of an object that is gone are still there, until their own time is over",
        "A name is no identity: a new Pod of that name is shown its predecessor's Events; the uid tells them apart",
    ],
}
WRONG = {
    "Sorted by lastTimestamp Events stand in the order in which they were written": "fails",
    "The Event of a deletion says who wanted it": "fails",
    "The 25 are for all that a component says of an object: after them not even a Warning is heard": "changed",
    "kubernetes-event-exporter routes Events by rules, to files and webhooks": "unknown",
}
"""Sentences that aren't true, not any more, or can't be tested here, and stand there as such."""


def manifests() -> dict[str, dict]:
    """Each object that the lesson applies, by kind and name."""
    return by_name(MANIFESTS)


def test_what_is_made_by_the_dozen_runs_nowhere():
    for name in ("ReplicaSet/forty", "ReplicaSet/meanwhile", "StatefulSet/refused"):
        assert manifests()[name]["spec"]["template"]["spec"]["schedulerName"] == "nobody", name


def test_the_quota_concerns_none_but_those_that_are_to_be_refused():
    """Pods that ask for neither CPU nor memory are BestEffort."""
    assert manifests()["ResourceQuota/none"]["spec"]["scopes"] == ["NotBestEffort"]
    asking = set()
    for name, item in manifests().items():
        pod = item.get("spec", {}).get("template", item).get("spec", {})
        requests = [each.get("resources", {}).get("requests", {}) for each in pod.get("containers", ())]
        asking |= {name for each in requests if {"cpu", "memory"} & each.keys()}
    assert asking == {"ReplicaSet/forty", "StatefulSet/refused"}


def test_the_exporter_may_read_events_and_nothing_else():
    (rule,) = manifests()["Role/reads-events"]["rules"]
    assert rule["resources"] == ["events"]
    assert set(rule["verbs"]) == {"get", "list", "watch"}
    pod = manifests()["Pod/exporter"]["spec"]
    assert pod["serviceAccountName"] == manifests()["RoleBinding/exporter"]["subjects"][0]["name"]


def test_one_receiver_takes_all_and_the_other_what_a_rule_lets_through():
    config = yaml.safe_load(manifests()["ConfigMap/exporter"]["data"]["config.yaml"])
    assert "field_selector" not in config["receivers"]["k8s_events"]
    assert [each["field_selector"] for each in config["receivers"]["k8sobjects"]["objects"]] == ["type=Warning"]
    pipelines = config["service"]["pipelines"].values()
    assert sorted(each["receivers"] for each in pipelines) == [["k8s_events"], ["k8sobjects"]]
    assert all(each["exporters"] == ["file"] for each in pipelines)

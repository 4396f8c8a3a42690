"""The Cluster API notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import re

from kitlib.lessons import clusterapi
from kitlib.machine import versions
from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "cluster-api"
LINES = {
    "Cluster API: MachineHealthCheck replaces a failed node with KubeadmControlPlane / MachineDeployment": [
        "A worker whose Node fails is replaced: its Machine goes, and another one runs in its place",
        "The health check doesn't delete the Machine, it marks it: whose it is, here a MachineSet, deletes it",
        "It isn't judged before its Node has been unready for timeoutSeconds: ten",
        "It may take longer: what a health check finds is written at once, or 15 seconds later at the earliest",
        "The new Machine is made before the old one goes, so that there are always enough",
        "There are never more than three workers",
        "A control-plane node that fails is replaced, too: by KubeadmControlPlane",
        "Of three Machines of the control plane two run all the time, which is a majority of etcd",
        "KubeadmControlPlane, too, makes the new one when the old one is gone: there are never more than three",
        "The new one notes whom it replaces, so that tries can be counted",
        "A Cluster that is deleted takes its Machines along: first the workers, then the control plane",
    ],
    "A cluster is made of objects: how Machines come, and what a health check thinks of them meanwhile": [
        "A Machine counts as Running only once it has a Node",
        "KubeadmControlPlane makes one Machine after the other: the next when the one before has joined",
        "A MachineDeployment makes all of its Machines at once",
        "A Machine that is still starting counts as unhealthy: while too many of them start, none may be replaced",
        "A Machine may take ten minutes to get a Node, if nothing else is said",
        "Less than 30 seconds is refused, or a Machine that starts would be replaced again and again",
    ],
    "Too many unhealthy: nothing is deleted": [
        "Of three Machines 40 % is one: a share is rounded down",
        "A check without a limit may have all of its Machines replaced",
        "In v1beta1 the same limit of the same object is called maxUnhealthy",
        "If more Machines are unhealthy than the limit allows, remediation isn't allowed: TooManyUnhealthy",
        "Then none of them is deleted, however long they have been unhealthy",
        "They are judged unhealthy all the same, and not marked for their owner",
        "An Event about the health check says so: RemediationRestricted",
        "As soon as no more are unhealthy than the limit allows, the rest is replaced",
        "Who has recovered stays",
    ],
    "Remediation by annotation": [
        "Who has the annotation remediate-machine is replaced, although its Node is Ready",
    ],
    "Standards with many implementations: CNI, CSI, CRI: which ones this cluster runs, read from it": [
        "Each Node says which implementation of CRI it runs",
        "The API has kinds for storage by CSI: which drivers there are, on which nodes, with how much room",
        "The API has no kind for the network by CNI, and a Node no field: which one runs stands in a file of the node",
    ],
}
WRONG = {
    "The new Machine is made before the old one goes, so that there are always enough": "fails",
    "Each Node says which implementation of CRI it runs": "unknown",
}
"""Sentences that aren't true, or can't be tested on simulated nodes, and stand there as such."""


def test_all_that_is_made_belongs_to_one_cluster():
    items = by_name(MANIFESTS)
    assert len(items) == 9
    named = {kind: item for kind, item in ((name.partition("/")[0], item) for name, item in items.items())}
    cluster = named["Cluster"]["spec"]
    for ref in (cluster["controlPlaneRef"], cluster["infrastructureRef"]):
        assert f"{ref['kind']}/{ref['name']}" in items
    templates = (
        named["KubeadmControlPlane"]["spec"]["machineTemplate"]["spec"],
        named["MachineDeployment"]["spec"]["template"]["spec"],
    )
    for template in templates:
        ref = template["infrastructureRef"]
        assert f"{ref['kind']}/{ref['name']}" in items
    ref = named["MachineDeployment"]["spec"]["template"]["spec"]["bootstrap"]["configRef"]
    assert f"{ref['kind']}/{ref['name']}" in items


def test_health_checks_ask_for_ten_seconds_and_one_of_them_has_a_limit():
    items = by_name(MANIFESTS)
    checks = [item["spec"] for name, item in items.items() if name.startswith("MachineHealthCheck/")]
    conditions = [each for check in checks for each in check["checks"]["unhealthyNodeConditions"]]
    assert {each["timeoutSeconds"] for each in conditions} == {10}
    assert [check.get("remediation", {}).get("triggerIf", {}) for check in checks if "remediation" in check] == [
        {"unhealthyLessThanOrEqualTo": "40%"}
    ]


def test_workers_start_for_longer_than_their_health_check_rests():
    items = by_name(MANIFESTS)
    spec = items["DevMachineTemplate/shop-workers"]["spec"]["template"]["spec"]
    took = spec["backend"]["inMemory"]["vm"]["provisioning"]["startupDuration"]
    assert int(took.removesuffix("s")) >= 15 + 3, "or it may not see them start, and who starts is never too many"


def test_a_smaller_cluster_for_exercises_has_one_machine_less_of_the_control_plane():
    text = "".join((MANIFESTS / f"{name}.yaml").read_text() for name in clusterapi.MANIFESTS)
    assert len(re.findall(r"replicas: 3$", text, re.MULTILINE)) == 1, "the workers"
    assert text.count("replicas: 3  # control plane") == 1
    assert text.count(" 20s}") == 1, "what a worker takes to start"


def test_the_lesson_opens_the_variant_that_has_its_controllers():
    text = (CHECKOUT / "notebooks" / "cluster-api.ipynb").read_text()
    (label,) = [label for label, release in versions.RELEASES.items() if release.cluster_api]
    assert f'kubernetes=\\"{label}\\"' in text

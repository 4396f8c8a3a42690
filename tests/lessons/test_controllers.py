"""The controllers notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from kitlib import objects
from tests.conftest import CHECKOUT

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "controllers"
LINES = {
    "A controller moves a lost node's Pods, a bare Pod is not replaced: NotReady, taint, eviction, replacement": [
        "A Pod that sets no toleration is given one: of 300 seconds, for an unreachable node",
        "A DaemonSet's Pod is given one without an end",
        "A node that is cut off counts as Ready at first, and so do its Pods",
        "A node is given up after 50 seconds without a heartbeat, at the next look",
        "It is given up after 40 seconds",
        "Then the node is tainted: nothing new comes to it, and what doesn't tolerate it must go",
        "A Pod is evicted tolerationSeconds after the taint",
        "An Event of the Pod reports its eviction",
        "If a node fails, the controller has its Pods run on healthy nodes",
        "It moves them there",
        "A bare Pod is not replaced",
        "What tolerates the taint for longer isn't evicted, and no longer counts as Ready",
        "What wasn't evicted is Ready again, not restarted: the same Pods, the same containers",
        "The taints go with their cause",
    ],
    "The Pod is deleted: it stays Terminating until the node is back, it is forced, or the node is out of service": [
        "If its node fails, a Pod is deleted",
        "On a lost node a Pod's phase stays what it was",
        "A StatefulSet makes no second Pod of a name while the first may still run",
        "After a forced deletion the StatefulSet makes a Pod of the same name on another node at once",
        "On a node that is cut off containers run on; they end when it is back",
        "Now the evicted Pods go, and a bare one is gone for good",
        "From outside a node that is off looks like one that is cut off",
        "The taint out-of-service has the Pods of a lost node removed, without the node's word",
        "Only then does the StatefulSet replace its Pod, on another node",
        "The node is Ready again with the taint still on it: whoever set it must take it away",
    ],
    "Replicas are kept: k of n are deleted at random": [
        "Replicas are kept: after 1, 3 and all 6 of 6 Pods were deleted, 6 are Ready again",
        "What comes is another Pod: no name returns",
        "Of n Pods that are wanted and k that were deleted never more than n + k exist: as many come as are ending",
        "What wasn't deleted stays: at least n - k are available",
    ],
    "A controller is a state machine: observedGeneration, owner references, adoption, release": [
        "observedGeneration tells which spec the status is about: it follows generation, and never runs ahead",
        "The status follows the spec, step by step, until both say the same",
        "Each object names its owner: the Pods the ReplicaSet, the ReplicaSet the Deployment",
        "A Pod without an owner whose labels match is adopted: it gets an owner reference, and stays the same Pod",
        "It counts: only what is missing is made",
        "A Pod whose label no longer matches is released: it runs on, without an owner",
        "The controller makes another in its place",
    ],
    "Deleting the owner: foreground, background, orphan, and the order": [
        "Background: the owner is gone first, then its Pods are deleted",
        "Foreground: the owner is marked, its Pods are gone first, then itself",
        "Orphan: the Pods lose their owner reference, then the owner goes; they run on",
    ],
}
WRONG = {
    "It is given up after 40 seconds": "fails",
    "It moves them there": "fails",
    "If its node fails, a Pod is deleted": "fails",
}
"""Sentences that aren't true, or not any more, and stand there as such."""


def specs() -> dict[str, dict]:
    """Each manifest's Pod spec, by kind and name."""
    items = [item for path in MANIFESTS.glob("*.yaml") for item in objects.load(path)]
    return {f"{item['kind']}/{item['metadata']['name']}": item["spec"].get("template", item)["spec"] for item in items}


def test_pods_that_are_no_part_of_the_loss_stand_on_a_node_that_is_not_lost():
    lost = {"Pod/bare", "Pod/patient", "Deployment/web", "StatefulSet/db", "StatefulSet/queue", "DaemonSet/agent"}
    for name, spec in specs().items():
        assert (name in lost) != ("node-role.kubernetes.io/control-plane" in spec.get("nodeSelector", {})), name


def test_waits_are_shortened_in_the_pods_and_nowhere_else():
    for name, spec in specs().items():
        assert spec["terminationGracePeriodSeconds"] == 1, name
        seconds = {each["tolerationSeconds"] for each in spec.get("tolerations", ()) if "tolerationSeconds" in each}
        assert seconds <= {5} and bool(seconds) == (
            name in ("Pod/bare", "Deployment/web", "StatefulSet/db", "StatefulSet/queue")
        )

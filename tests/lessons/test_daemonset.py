"""The DaemonSet notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import pytest

from kitlib import objects
from tests.conftest import CHECKOUT

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "daemonset"
LINES = {
    "One Pod on each matching node; an added one gets one, a removed one loses it; deleting the set deletes its Pods": [
        "A DaemonSet ensures that every node runs a Pod of it",
        "It runs a Pod on each node that it may use",
        "There are never two Pods of one DaemonSet on a node",
        "A node that joins gets its Pod by itself, as soon as the node is known",
        "When the node has gone, the set wants one Pod less",
        "A node that is removed loses its Pod: it is deleted once the node isn't known any more",
        "Deleting a DaemonSet deletes its Pods",
    ],
    "Several sets for one kind of daemon with different labels and resource requests by hardware": [
        "Several DaemonSets can share one kind of daemon out by hardware: each node has exactly one Pod, "
        "of the set for its label",
        "Each of them asks for resources of its own",
    ],
    "Required fields apiVersion, kind, metadata, and spec.selector, template": [
        "apiVersion, kind and metadata are all that a DaemonSet must have",
        "The template's labels must match the selector",
        "A daemon is always restarted: no other restartPolicy is accepted",
    ],
    "Four ways to talk: push, NodeIP and known port, DNS, Service; internalTrafficPolicy": [
        "Push: each node's daemon sends to a collector, and knows nothing of the others",
        "NodeIP and a known port: the answer comes from the daemon on the node that was asked",
        "DNS: the headless Service's name stands for the addresses of all daemons that are ready",
        "Service: whichever daemon, not one in particular: each client is answered by both",
        "internalTrafficPolicy Local: always the daemon on the caller's own node",
        "None of these ways leads to the daemon on the lost node",
    ],
    "Changing node labels moves Pods at once": [
        "When a node's labels change, the DaemonSet at once adds a Pod to a node that fits now, "
        "and removes it from one that doesn't",
    ],
    "Its Pods can be edited in part; a new node uses the set's template": [
        "A Pod of a DaemonSet can be edited: the controller doesn't put it back",
        "But not every field of it",
        "A new node gets a Pod of the template, whatever was changed by hand elsewhere",
    ],
    "Orphaned Pods stay; a new set with the same selector adopts them, and doesn't change them": [
        "A set that is deleted with --cascade=orphan leaves its Pods running, without an owner",
        "A new set with the same selector adopts them: the same Pods, another owner",
        "With OnDelete it leaves them as they are, even if its template is another",
        "With RollingUpdate it replaces adopted Pods whose template is another",
        "So the note is right today: a new set takes over Pods of another template, and counts them as updated",
        "The next change of the template replaces them all",
    ],
    "Rolling update: maxUnavailable, maxSurge; OnDelete; taints tolerated, control-plane nodes, NotReady nodes": [
        "RollingUpdate is the strategy of a set that names none, with maxUnavailable 1 and maxSurge 0",
        "maxUnavailable 1: never more than one node is without an available Pod",
        "Without maxSurge a node is without a Pod for a moment: the old one goes before the new one is made",
        "With maxSurge 1 and maxUnavailable 0 the old Pod stays until the new one is available: no node is without",
        "OnDelete: the controller has seen the new template, and touches no Pod",
        "A Pod that you delete comes back with the new template; the others stay as they are",
        "A toleration of the taint brings it onto the control plane's node, too",
        "Its Pods tolerate a node that isn't ready, is unreachable, short of something, or cordoned, "
        "without being told to",
        "kube-proxy is a DaemonSet that runs on all three nodes, the control plane's too",
        "A cordoned node still gets its daemon: one that is deleted is made again, on that node",
        "A NoExecute taint that its Pods don't tolerate drives them away, and no other node gets one in their place",
        "When the taint goes, the daemon is back",
        "A node that is lost keeps its daemon: the Pod isn't evicted while its node is there",
        "The set still counts the lost node among those that should run a Pod, but its Pod is no longer ready",
    ],
}
WRONG = {
    "A DaemonSet ensures that every node runs a Pod of it": "fails",
    "apiVersion, kind and metadata are all that a DaemonSet must have": "fails",
    "With RollingUpdate it replaces adopted Pods whose template is another": "changed",
}
"""Sentences that don't hold, or no more, and stand there as such."""


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_are_read(path):
    assert objects.load(path)

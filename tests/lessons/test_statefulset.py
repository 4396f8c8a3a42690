"""The StatefulSet notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from kitlib import objects
from tests.conftest import CHECKOUT

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "statefulset"
LINES = {
    "Stable names and host names across rescheduling; stable storage: same PVC, same data, on another node if it can": [
        "A Pod that was deleted comes back under its name, as another Pod with another address",
        "A Pod's host name is its name",
        "The new Pod gets the same PersistentVolumeClaim",
        "It finds the data that the Pod before it wrote",
        "There are never two Pods of one ordinal: the new one is created when the old one is gone",
        "A Pod's storage follows it to any node",
        "What holds it is the volume's node affinity: the Pod stays Pending, and the scheduler says why",
        "When the node is back it runs there, with its data",
    ],
    "Ordered create, reverse order for scale-down and (not for deletion of the set) deletion; also on 1.17": [
        "Pods are created from ordinal 0 up, each when all before it are Running and Ready",
        "On scale-down the highest ordinal goes first, and the next one when it is gone",
        "When a StatefulSet is deleted its Pods go in reverse order, too",
        "The order, up and down, is the same in both versions",
    ],
    "Order comes from init containers: it comes from the controller; Parallel drops it; also on 1.17": [
        "The order is made by init containers",
        "Neither version needs an init container for it",
        "With podManagementPolicy Parallel no Pod waits for another: all are created before the first is Ready",
        "With Parallel none waits: both are being deleted before the first is gone",
        "Parallel drops it in both versions",
    ],
    "Three parts: headless Service, volumeClaimTemplates, StatefulSet; Service and set in one namespace": [
        "volumeClaimTemplates gives each ordinal a PersistentVolumeClaim of its own",
        "Without its Service a StatefulSet runs, but its Pods have no names in DNS",
        "The Service must be in the StatefulSet's namespace: one of that name elsewhere doesn't count",
    ],
    "The DNS name answers with the Pod's address, follows it after rescheduling; publishNotReadyAddresses": [
        "A Pod's name pod.service.namespace.svc.cluster.local is answered with its address",
        "The name follows the Pod to its new address, within the time for which an answer may be kept",
        "A Pod's name in DNS follows it to another node",
        "A Pod that isn't Ready has no name in DNS",
        "It has one once it is Ready",
        "With publishNotReadyAddresses it has one before that",
    ],
    "Ordered rolling update; partition; OnDelete; maxUnavailable; a broken update stays stuck": [
        "A rolling update goes from the highest ordinal to the lowest, one Pod at a time, each Ready before the next",
        "With a partition only Pods from that ordinal up are updated",
        "A Pod below the partition that is deleted comes back as it was",
        "With OnDelete a new template changes no Pod, while others are updated beside it",
        "It is used for the Pod that is deleted, and for no other",
        "maxUnavailable takes effect as it is: its feature gate is on by default in 1.37",
        "Never more than maxUnavailable Pods are away, and the higher ordinals go first",
        "An update that can't become Ready goes no further: the Pods below it stay as they are",
        "Taking the template back heals it",
        "With Parallel taking the template back is enough",
        "Once the broken Pod is deleted, the one that comes has the old template, and the set is well",
    ],
    "PVC retention policy on scale-down and deletion; start ordinal; why a lost node blocks it": [
        "Scaling down leaves the PersistentVolumeClaim of the Pod that goes: Retain is the default",
        "Scaled up again, the Pod of that ordinal finds its data",
        "With whenScaled: Delete the claim goes with its Pod, and the others stay",
        "Deleting a StatefulSet leaves its claims: Retain is the default",
        "With whenDeleted: Delete they go with it",
        "spec.ordinals.start says where ordinals begin",
        "A lost node blocks a StatefulSet: its Pod there isn't replaced, and no further one is created",
        "Once the node is tainted as out of service the Pod is replaced under its name elsewhere, and the set goes on",
    ],
    "If no stable identity is needed use a Deployment: the same load on both, compared": [
        "A Deployment creates all its Pods before the first is Ready, a StatefulSet of the same Pods one by one",
        "A Deployment's Pod is replaced under another name, while the old one is still ending",
        "A StatefulSet's Pod is replaced under its name, when the old one is gone",
        "In an update a StatefulSet misses the Pod that it replaces; a Deployment makes the new one first",
        "A Deployment replaces its Pod there at once, on another node",
    ],
}
WRONG = {
    "The order is made by init containers": "fails",
    "When a StatefulSet is deleted its Pods go in reverse order, too": "fails",
    "Taking the template back heals it": "fails",
    "A Pod's storage follows it to any node": "fails",
}
"""Sentences that aren't true, and stand there as such."""
LOST = {"StatefulSet/guard", "Deployment/crew", "StatefulSet/disk"}
"""What stands on nodes that may be lost."""


def items() -> dict[str, dict]:
    """Each manifest's object, by kind and name."""
    found = [item for path in sorted(MANIFESTS.glob("*.yaml")) for item in objects.load(path)]
    names = [f"{item['kind']}/{item['metadata']['name']}" for item in found]
    assert len(names) == len(set(names)), "two objects of one name"
    return dict(zip(names, found, strict=True))


def specs() -> dict[str, dict]:
    """Each manifest's Pod spec."""
    return {
        name: item["spec"].get("template", item)["spec"]
        for name, item in items().items()
        if not name.startswith("Service/")
    }


def test_pods_that_are_no_part_of_the_loss_stand_on_a_node_that_is_not_lost():
    for name, spec in specs().items():
        assert (name in LOST) != ("node-role.kubernetes.io/control-plane" in spec.get("nodeSelector", {})), name
        seconds = {each["tolerationSeconds"] for each in spec.get("tolerations", ()) if "tolerationSeconds" in each}
        assert seconds == ({5} if name in LOST else set()), name


def test_no_order_is_made_by_an_init_container():
    assert all("initContainers" not in spec for spec in specs().values())


def test_services_are_headless_and_lead_to_the_set_that_names_them():
    known = items()
    for name, item in known.items():
        if item["kind"] == "Service":
            assert item["spec"]["clusterIP"] == "None", name
        if item["kind"] != "StatefulSet":
            continue
        service = known.get(f"Service/{item['spec']['serviceName']}")
        if service:
            assert service["spec"]["selector"] == item["spec"]["selector"]["matchLabels"], name


def test_what_is_set_side_by_side_differs_in_one_thing():
    known = items()

    def but(name: str, **changed: object) -> dict:
        spec = {**known[f"StatefulSet/{name}"]["spec"], "serviceName": "", "selector": {}}
        spec["template"] = {**spec["template"], "metadata": {}}
        assert all(spec.pop(field) == value for field, value in changed.items()), name
        return spec

    assert but("ordered") == but("parallel", podManagementPolicy="Parallel")
    assert but("stuck") == but("loose", podManagementPolicy="Parallel")
    gone = {"whenScaled": "Delete", "whenDeleted": "Delete"}
    assert but("db") == but("lean", persistentVolumeClaimRetentionPolicy=gone)
    free = known["Deployment/free"]["spec"]["template"]["spec"]
    assert free == known["StatefulSet/named"]["spec"]["template"]["spec"]

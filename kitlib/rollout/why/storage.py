"""Why a claim has no volume, and why a Pod can't have the volume that it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object, newest
from kitlib.rollout.why.scheduling import scheduler_words
from kitlib.rollout.why.world import World

_PAGE = "concepts/storage/persistent-volumes/"
_CLAIM = "kubectl -n {ns} describe pvc {claim}"
CAUSES = (
    Cause(
        "pvc-missing",
        'FailedScheduling: persistentvolumeclaim "…" not found',
        "{who} can't be scheduled: it asks for the PersistentVolumeClaim {claim}, which isn't there",
        "kubectl -n {ns} get pvc",
        _PAGE + "#claims-as-volumes",
    ),
    Cause(
        "pvc-class",
        'ProvisioningFailed: storageclass "…" not found',
        "the claim {claim} has no volume: there is no StorageClass {named}",
        "kubectl get storageclasses",
        "concepts/storage/storage-classes/",
    ),
    Cause(
        "pvc-no-volume",
        "FailedBinding: no persistent volumes available for this claim and no storage class is set",
        "the claim {claim} has no volume: none that is there fits, and no StorageClass would make one",
        "kubectl get persistentvolumes",
        _PAGE + "#binding",
    ),
    Cause(
        "pvc-provisioner",
        "ExternalProvisioning: Waiting for a volume to be created",
        "the claim {claim} has no volume: its provisioner {named} has not answered",
        _CLAIM,
        _PAGE + "#provisioning",
    ),
    Cause(
        "pvc-provisioning",
        "ProvisioningFailed, for another reason",
        "the claim {claim} has no volume: its provisioner says: {named}",
        _CLAIM,
        _PAGE + "#provisioning",
    ),
    Cause(
        "pvc-waits",
        "WaitForFirstConsumer",
        "the claim {claim} has no volume because no Pod that asks for it has a node: its StorageClass waits for one",
        _CLAIM,
        "concepts/storage/storage-classes/#volume-binding-mode",
        symptom=True,
    ),
    Cause(
        "pvc-lost",
        "the claim's phase is Lost",
        "the claim {claim} has lost its volume {named}",
        _CLAIM,
        _PAGE,
    ),
    Cause(
        "volume-attach",
        "FailedAttachVolume",
        "{who} can't start: its volume can't be attached to its node: {named}",
        "kubectl get volumeattachments",
        "concepts/storage/persistent-volumes/#access-modes",
    ),
    Cause(
        "volume-mount",
        "FailedMount, for another reason than a missing ConfigMap or Secret",
        "{who} can't start: a volume can't be mounted: {named}",
        "kubectl -n {ns} describe pod {name}",
        "concepts/storage/volumes/",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
_CONFIGURED = ("configmap", "secret", "non-existent")


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for why a Pod can't have its volumes."""
    if pod.deleting or pod.text("status", "phase") not in ("Pending", ""):
        return
    if not pod.text("spec", "nodeName"):
        message, rows = scheduler_words(world, pod)
        held = any(word in message.lower() for word in ("persistentvolumeclaim", "persistent volumes to bind"))
        for claim in claims(pod):
            found = world.get("PersistentVolumeClaim", pod.namespace, claim)
            if found is not None:
                for each in find_claim(world, found):
                    each.chain = [pod.ref]
                    each.rows = rows + each.rows if held else each.rows
                    yield each
            elif f'"{claim}" not found' in message or (world.sees("PersistentVolumeClaim") and not message):
                certainty = CERTAIN if message else LIKELY
                shown = [*rows, Row.field_of(pod, "spec.volumes[*].persistentVolumeClaim.claimName", claim)]
                below = [f"persistentvolumeclaim/{claim}"]
                yield Finding(_CAUSES["pvc-missing"], pod, certainty, {"claim": claim}, shown, below)
            elif held and not world.sees("PersistentVolumeClaim"):
                values = {"claim": claim}
                cause = _CAUSES["pvc-waits" if "available persistent" in message else "pvc-no-volume"]
                yield Finding(cause, pod, LIKELY, values, rows, [f"persistentvolumeclaim/{claim}"])
        return
    for reason, name in (("FailedAttachVolume", "volume-attach"), ("FailedMount", "volume-mount")):
        event = newest(world.events(pod, reason))
        if event is not None and not any(word in event.message for word in _CONFIGURED):
            yield Finding(_CAUSES[name], pod, CERTAIN, {"named": event.message}, [Row.event_of(event)], ["volume"])
            return


def claims(pod: Object) -> list[str]:
    """Return the names of the claims that a Pod asks for."""
    found = []
    for volume in pod.items("spec", "volumes"):
        name = text(volume, "persistentVolumeClaim", "claimName")
        if name or isinstance(volume.get("ephemeral"), dict):
            found.append(name or f"{pod.name}-{text(volume, 'name')}")
    return found


def find_claim(world: World, claim: Object) -> Iterator[Finding]:
    """Look for why a claim has no volume."""
    phase = claim.text("status", "phase")
    rows = [Row.field_of(claim, "status.phase")]
    values = {"claim": claim.name, "named": claim.text("spec", "volumeName")}
    if phase == "Lost":
        yield Finding(_CAUSES["pvc-lost"], claim, CERTAIN, values, rows)
    if phase not in ("Pending", "") or claim.deleting:
        return
    wanted = claim.text("spec", "storageClassName")
    kind = world.get("StorageClass", "", wanted) if wanted else None
    event = newest(world.events(claim))
    rows += [Row.event_of(event)] if event else []
    said = event.message if event else ""
    below = [f"storageclass/{wanted}"] if wanted else []
    if "not found" in said and "storageclass" in said.lower():
        yield Finding(_CAUSES["pvc-class"], claim, CERTAIN, {**values, "named": wanted}, rows, below)
    elif event and event.reason == "FailedBinding":
        yield Finding(_CAUSES["pvc-no-volume"], claim, CERTAIN, values, rows)
    elif event and event.reason == "ExternalProvisioning":
        by = text(kind.body, "provisioner") if kind else ""
        yield Finding(_CAUSES["pvc-provisioner"], claim, CERTAIN, {**values, "named": by or "(external)"}, rows, below)
    elif event and event.reason == "ProvisioningFailed":
        yield Finding(_CAUSES["pvc-provisioning"], claim, CERTAIN, {**values, "named": said}, rows, below)
    elif event and event.reason in ("WaitForFirstConsumer", "WaitForPodScheduled"):
        yield Finding(_CAUSES["pvc-waits"], claim, CERTAIN, values, rows, below)
    elif event is None and wanted and kind is None and world.sees("StorageClass"):
        shown = [*rows, Row.field_of(claim, "spec.storageClassName")]
        yield Finding(_CAUSES["pvc-class"], claim, LIKELY, {**values, "named": wanted}, shown, below)
    elif event is None and not wanted and not world.sees("Event"):
        yield Finding(_CAUSES["pvc-no-volume"], claim, LIKELY, values, rows)


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    mine = [(pod.namespace, each) for pod in pods for each in claims(pod)]
    if not pods:
        return ""
    if not mine:
        return "its Pods ask for no volume claim"
    bound = [world.get("PersistentVolumeClaim", *each) for each in mine]
    if all(each is not None and each.text("status", "phase") == "Bound" for each in bound):
        return f"all {len(bound)} volume claims are bound"
    return ""


GROUP = Group("storage", CAUSES, {"Pod": find, "PersistentVolumeClaim": find_claim}, clear)
"""Why a claim has no volume, or a Pod can't have it."""

__all__ = ["CAUSES", "GROUP", "claims", "clear", "find", "find_claim"]

"""Claims that get no volume."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, event, template, there, word, workload

KINDS = ("Deployment", "StatefulSet", "Job")


def claim(name: str, **spec: Any) -> dict[str, Any]:
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": asked}


def mounting(kind: str, name: str, *claims: str) -> dict[str, Any]:
    volumes = [
        {"name": f"data-{number}", "persistentVolumeClaim": {"claimName": each}} for number, each in enumerate(claims)
    ]
    return workload(kind, name, template(name, {"volumes": volumes}))


def storage_class(name: str, provisioner: str, mode: str = "Immediate") -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": mode,
    }


@case("pvc-missing")
def missing(rng: random.Random, way: int, namespace: str) -> Case:
    kind, name = KINDS[way], word(rng)
    return Case(f"{kind.lower()}/{name}", [mounting(kind, name, "nowhere")], event("FailedScheduling", "not found"))


@case("pvc-no-volume")
def no_volume(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = claim(f"{name}-data", storageClassName="")
    if way == 2:
        item["spec"]["volumeName"] = ""
        item["spec"]["selector"] = {"matchLabels": {"tier": word(rng)}}
    pod = mounting(("Deployment", "StatefulSet")[way % 2], name, f"{name}-data")
    subject = f"pvc/{name}-data" if way == 0 else f"{pod['kind'].lower()}/{name}"
    return Case(subject, [item, *([pod] if way else [])], _held("FailedBinding", way))


def _held(reason: str, way: int) -> Any:
    return both(event(reason), event("FailedScheduling")) if way else event(reason)


@case("pvc-class")
def no_class(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    item = claim(f"{name}-data", storageClassName=f"{word(rng)}-disk")
    pod = mounting(("Deployment", "StatefulSet")[way % 2], name, f"{name}-data")
    subject = f"pvc/{name}-data" if way == 0 else f"{pod['kind'].lower()}/{name}"
    return Case(subject, [item, *([pod] if way else [])], _held("ProvisioningFailed", way))


@case("pvc-provisioner")
def provisioner(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    kind = storage_class(
        f"{namespace}-disk", f"example.com/{word(rng)}", ("Immediate", "WaitForFirstConsumer")[way // 2]
    )
    item = claim(f"{name}-data", storageClassName=f"{namespace}-disk")
    pod = mounting("Deployment", name, f"{name}-data")
    subject = f"pvc/{name}-data" if way == 0 else f"deployment/{name}"
    sign = event("ExternalProvisioning")
    return Case(
        subject, [kind, item, *([pod] if way else [])], both(sign, event("FailedScheduling")) if way == 1 else sign
    )


@case("pvc-waits")
def waits(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    kind = storage_class(f"{namespace}-disk", f"example.com/{word(rng)}", "WaitForFirstConsumer")
    items = [kind, *(claim(f"{name}-{number}", storageClassName=f"{namespace}-disk") for number in range(way + 1))]
    return Case(f"pvc/{name}-{way}", items, event("WaitForFirstConsumer"))


@case("finalizer")
def finalizer(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    gone = lambda plural: there(plural, lambda each: each["metadata"].get("deletionTimestamp"))  # noqa: E731
    if way == 2:  # the claim's own protection: a Pod still uses it
        held = claim(f"{name}-data", storageClassName="")
        pod = mounting("Pod", name, f"{name}-data")
        pod["spec"]["nodeName"] = "node-1"  # who has no node doesn't use it yet
        then = [("delete", f"pvc/{name}-data"), ("await", gone("persistentvolumeclaims"))]
        return Case(f"pvc/{name}-data", [held, pod], there("pods", bool), then)
    kind = ("Deployment", "Pod")[way]
    item = workload(kind, name, template(name))
    item["metadata"]["finalizers"] = [f"example.com/{word(rng)}"]
    plural = f"{kind.lower()}s"
    then = [("delete", f"{kind.lower()}/{name}"), ("await", gone(plural))]
    return Case(f"{kind.lower()}/{name}", [item], there("pods", lambda each: True), then)

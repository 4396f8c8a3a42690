"""Pods that the API server refuses."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, case, event, template, word, workload

KINDS = ("Deployment", "StatefulSet", "Job")
DENIED = event("FailedCreate")


def made(
    rng: random.Random,
    way: int,
    before: list[dict[str, Any]],
    spec: dict[str, Any] | None = None,
    container: dict[str, Any] | None = None,
    replicas: int = 2,
    **more: Any,
) -> Case:
    kind, name = KINDS[way % 3], word(rng)
    item = workload(kind, name, template(name, spec, container), *([replicas] if kind != "Job" else []))
    return Case(f"{kind.lower()}/{name}", [*before, item], DENIED, **more)


def quantities(cpu: str) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": "8Mi"}, "limits": {"cpu": cpu, "memory": "8Mi"}}}


@case("quota")
def quota(rng: random.Random, way: int, namespace: str) -> Case:
    hard = ({"requests.cpu": "150m"}, {"pods": "1"}, {"requests.memory": "4Mi"})[way]
    item = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": f"{word(rng)}-quota"},
        "spec": {"hard": hard},
    }
    return made(rng, way, [item], None, quantities("100m"), rng.randint(2, 4))


@case("limit-range")
def limits(rng: random.Random, way: int, namespace: str) -> Case:
    limit = (
        {"type": "Container", "max": {"cpu": "50m"}},
        {"type": "Container", "min": {"cpu": "500m"}},
        {"type": "Pod", "max": {"memory": "4Mi"}},
    )[way]
    item = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [limit]}}
    return made(rng, way, [item], None, quantities("100m"))


@case("pod-security")
def security(rng: random.Random, way: int, namespace: str) -> Case:
    level = ("restricted", "baseline", "restricted")[way]
    spec = {"hostNetwork": True} if way == 1 else None
    privileged = {"securityContext": {"privileged": True}} if way == 2 else None
    return made(rng, way, [], spec, privileged, labels={"pod-security.kubernetes.io/enforce": level})


@case("policy")
def policy(rng: random.Random, way: int, namespace: str) -> Case:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    tests = (
        "has(object.metadata.annotations) && 'team' in object.metadata.annotations",
        "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits))",
        "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
    )
    found = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"{namespace}.example.com"},
        "spec": {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": tests[way], "message": f"ask {word(rng)} first"}],
        },
    }
    bound = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{namespace}.example.com"},
        "spec": {
            "policyName": f"{namespace}.example.com",
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": own(namespace)},
        },
    }
    case = made(rng, way, [found, bound])
    case.then = []
    return case


def own(namespace: str) -> dict[str, Any]:
    return {"matchLabels": {"kubernetes.io/metadata.name": namespace}}


@case("webhook-unreachable")
def webhook(rng: random.Random, way: int, namespace: str) -> Case:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    clients = (
        {"url": "https://127.0.0.1:1/check"},
        {"service": {"name": "nobody", "namespace": namespace, "path": "/check"}},
        {"url": "https://webhook.invalid/check"},
    )
    hook = {
        "name": f"{word(rng)}.example.com",
        "clientConfig": clients[way],
        "rules": rules,
        "namespaceSelector": own(namespace),
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "failurePolicy": "Fail",
    }
    kind = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")[way % 2]
    item = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": f"{namespace}.example.com"},
        "webhooks": [hook],
    }
    return made(rng, way, [item])


@case("service-account")
def account(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, [], {"serviceAccountName": f"{word(rng)}-robot"})


@case("priority-class")
def priority(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, [], {"priorityClassName": f"{word(rng)}-first"})

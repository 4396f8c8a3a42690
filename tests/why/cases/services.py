"""Services and Ingresses behind which nobody answers."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import Case, both, case, event, template, there, word, workload
from tests.why.cases.controllers import available

KINDS = ("Deployment", "StatefulSet", "Deployment")
PORTS = {"ports": [{"name": "http", "containerPort": 8080}]}


def service(name: str, selector: dict[str, str] | None, target: int | str = "http", **spec: Any) -> dict[str, Any]:
    found = {"ports": [{"name": "web", "port": 80, "targetPort": target}], **spec}
    if selector is not None:
        found["selector"] = selector
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": found}


def behind(rng: random.Random, way: int, name: str, *services: dict[str, Any]) -> Case:
    kind = KINDS[way]
    item = workload(kind, name, template(name, {}, PORTS), rng.randint(1, 2), **PARALLEL.get(kind, {}))
    sliced = there("endpointslices", lambda each: True, len(services))
    return Case(
        f"service/{services[0]['metadata']['name']}", [item, *services], both(available(f"{kind.lower()}s"), sliced)
    )


PARALLEL = {"StatefulSet": {"podManagementPolicy": "Parallel"}}


@case("service-selector")
def selector(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    wrong = ({"app": f"{name}s"}, {"app": name, "tier": "front"}, {"run": name})[way]
    return behind(rng, way, name, service(f"{name}-service", wrong))


@case("service-port")
def port(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    wrong = ("https", "web", "metrics")[way]
    return behind(rng, way, name, service(f"{name}-service", {"app": name}, wrong))


@case("service-port-number")
def number(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    return behind(rng, way, name, service(f"{name}-service", {"app": name}, (80, 8081, 9090)[way]))


@case("service-not-ready")
def not_ready(rng: random.Random, way: int, namespace: str) -> Case:
    """Its Pods are on their way: nothing else is wrong with them."""
    name = word(rng)
    pod = template(name, {}, PORTS)
    pod["metadata"]["annotations"] = {("kitlib/create-delay", "kitlib/ready-delay")[way % 2]: "5h"}
    item = workload(KINDS[way], name, pod)
    seen = there("pods", lambda each: (each.get("status") or {}).get("startTime"))
    return Case(f"service/{name}", [item, service(name, {"app": name})], both(seen, there("endpointslices", bool)))


@case("service-no-selector")
def without(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    more = ({}, {"clusterIP": "None"}, {"type": "NodePort"})[way]
    return Case(f"service/{name}", [service(name, None, 80, **more)], there("services", bool))


@case("load-balancer")
def balancer(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    return behind(rng, way, name, service(f"{name}-service", {"app": name}, type="LoadBalancer"))


def ingress(name: str, backend: str, port: dict[str, Any], default: bool = False) -> dict[str, Any]:
    service = {"service": {"name": backend, "port": port}}
    path = {"path": "/", "pathType": "Prefix", "backend": service}
    spec = (
        {"defaultBackend": service}
        if default
        else {"rules": [{"host": f"{name}.example.com", "http": {"paths": [path]}}]}
    )
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec}


@case("ingress-service")
def no_service(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    found = behind(rng, way, name, service(name, {"app": name}))
    item = ingress(name, f"{name}-{('service', 'front', 'svc')[way]}", {"number": 80}, way == 2)
    return Case(f"ingress/{name}", [*found.objects, item], both(found.sign, there("ingresses", bool)))


@case("ingress-port")
def no_port(rng: random.Random, way: int, namespace: str) -> Case:
    name = word(rng)
    found = behind(rng, way, name, service(name, {"app": name}))
    item = ingress(name, name, ({"number": 8080}, {"name": "http"}, {"number": 443})[way], way == 2)
    return Case(f"ingress/{name}", [*found.objects, item], both(found.sign, there("ingresses", bool)))


@case("quota", name="service-by-quota")
def by_quota(rng: random.Random, way: int, namespace: str) -> Case:
    """A Service without Pods whose cause lies further down is asked about its Deployment."""
    name = word(rng)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    item = workload(KINDS[way], name, template(name, {}, PORTS))
    return Case(f"{KINDS[way].lower()}/{name}", [quota, item, service(name, {"app": name})], event("FailedCreate"))


@case("cpu", name="service-by-cpu")
def by_cpu(rng: random.Random, way: int, namespace: str) -> Case:
    """A Service whose Pods have no node: the cause lies two steps further down."""
    name = word(rng)
    asking = {**PORTS, "resources": {"requests": {"cpu": "900"}}}
    item = workload(KINDS[way], name, template(name, {}, asking))
    return Case(f"service/{name}", [item, service(name, {"app": name})], event("FailedScheduling", "Insufficient cpu"))

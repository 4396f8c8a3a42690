"""Why nobody answers behind a Service or an Ingress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kitlib.rollout.fields import at, items, labels, number, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.world import World

_PAGE = "concepts/services-networking/service/"
_DEBUG = "tasks/debug/debug-application/debug-service/"
_LABELS = "kubectl -n {ns} get pods --show-labels"
CAUSES = (
    Cause(
        "service-selector",
        "no endpoints, and no Pod has the labels of spec.selector",
        "{who} has no endpoints: its selector ({named}) matches no Pod{said}",
        _LABELS,
        _DEBUG + "#does-the-service-have-any-endpointslices",
    ),
    Cause(
        "service-port",
        "no endpoints for a port: no container has a port of the name of targetPort",
        "{who} has no endpoints for its port {port}: no container of its Pods has a port that is called {named}",
        "kubectl -n {ns} get pods -l {selector} -o jsonpath='{{.items[*].spec.containers[*].ports}}'",
        _PAGE + "#field-spec-ports",
    ),
    Cause(
        "service-port-number",
        "targetPort is no port that a container declares",
        "{who} sends its port {port} to {named}, and the containers of its Pods declare other ports only{said}",
        "kubectl -n {ns} get pods -l {selector} -o jsonpath='{{.items[*].spec.containers[*].ports}}'",
        _DEBUG + "#is-the-service-defined-correctly",
    ),
    Cause(
        "service-not-ready",
        "no endpoint is ready, and the selector matches Pods",
        "{who} has no ready endpoint: of the {count} Pods that it selects, none is ready",
        "kubectl -n {ns} get pods -l {selector}",
        _DEBUG,
        symptom=True,
    ),
    Cause(
        "service-no-selector",
        "no spec.selector, and no EndpointSlice of its own",
        "{who} has no selector, and nobody has made an EndpointSlice for it",
        "kubectl -n {ns} get endpointslices",
        _PAGE + "#services-without-selectors",
    ),
    Cause(
        "load-balancer",
        "type LoadBalancer, status.loadBalancer is empty",
        "{who} has no address from outside: it asks for a load balancer, and nobody in this cluster has made one",
        "kubectl -n {ns} describe service {name}",
        _PAGE + "#loadbalancer",
    ),
    Cause(
        "ingress-service",
        "an Ingress names a Service that isn't there",
        "{who} leads nowhere: there is no Service {named}",
        "kubectl -n {ns} get services",
        "concepts/services-networking/ingress/",
    ),
    Cause(
        "ingress-port",
        "an Ingress names a port that the Service hasn't",
        "{who} leads nowhere: the Service {named} has no port {port}",
        "kubectl -n {ns} get service {named}",
        "concepts/services-networking/ingress/",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)


def find(world: World, service: Object) -> Iterator[Finding]:
    """Look for why a Service has no endpoints."""
    if service.text("spec", "type") == "ExternalName" or service.deleting:
        return
    chosen = labels(service.body, "spec", "selector")
    if not chosen:
        if not slices(world, service) and world.sees("EndpointSlice"):
            rows = [Row.field_of(service, "spec.selector")]
            yield Finding(_CAUSES["service-no-selector"], service, CERTAIN, {}, rows, ["(no EndpointSlice)"])
        return
    named = ",".join(f"{key}={each}" for key, each in chosen.items())
    mine = backends(world, service)
    served = endpoints(world, service)
    if not mine:
        if world.sees("Pod"):
            values = {"named": text(named), "said": _nearest(world, service, chosen)}
            yield Finding(_CAUSES["service-selector"], service, CERTAIN, values, _shown(world, service))
        return
    yield from _ports(service, mine, named)
    if not served and not any(text(each.condition("Ready"), "status") == "True" for each in mine):
        rows = [*_shown(world, service), Row.condition_of(mine[0], "Ready")]
        yield Finding(_CAUSES["service-not-ready"], service, CERTAIN, {"count": len(mine), "selector": named}, rows)
    if service.text("spec", "type") == "LoadBalancer" and not service.items("status", "loadBalancer", "ingress"):
        rows = [Row.field_of(service, "spec.type"), Row.field_of(service, "status.loadBalancer")]
        yield Finding(_CAUSES["load-balancer"], service, LIKELY, {}, rows)


def _ports(service: Object, pods: list[Object], named: str) -> Iterator[Finding]:
    """Look for ports that lead nowhere."""
    declared: dict[str, set[int]] = {}
    numbers: set[int] = set()
    for pod in pods:
        for each in [port for one in _mine(pod) for port in items(one, "ports")]:
            declared.setdefault(text(each, "name"), set()).add(number(each, "containerPort"))
            numbers.add(number(each, "containerPort"))
    for port in service.items("spec", "ports"):
        target = port.get("targetPort", port.get("port"))
        shown = text(port, "name") or str(port.get("port"))
        rows = [Row.field_of(service, f"spec.ports[{shown}].targetPort", target)]
        known = ", ".join(sorted(f"{name or '(no name)'}: {sorted(each)}" for name, each in declared.items()))
        rows += [Row.field_of(pods[0], "spec.containers[*].ports", known or "(none)")]
        values = {"port": shown, "named": text(str(target)), "selector": named}
        if isinstance(target, str) and not target.isdigit() and target not in declared:
            yield Finding(_CAUSES["service-port"], service, CERTAIN, values, rows, [pods[0].ref])
        elif isinstance(target, int) and numbers and target not in numbers:
            said = f": {', '.join(map(str, sorted(numbers)))}"
            yield Finding(
                _CAUSES["service-port-number"], service, LIKELY, {**values, "said": said}, rows, [pods[0].ref]
            )


def _mine(pod: Object) -> list[dict[str, Any]]:
    side = [each for each in pod.items("spec", "initContainers") if each.get("restartPolicy") == "Always"]
    return [*pod.items("spec", "containers"), *side]


def _nearest(world: World, service: Object, chosen: dict[str, str]) -> str:
    """Say which Pod comes nearest to what a Service selects."""
    best, most = None, 0
    for pod in world.all("Pod", service.namespace):
        count = sum(pod.labels.get(key) == each for key, each in chosen.items()) * 2
        count += sum(key in pod.labels for key in chosen)
        if count > most:
            best, most = pod, count
    if best is None:
        return ""
    has = ", ".join(f"{key}={best.labels[key]}" for key in chosen if key in best.labels)
    return f"; {best.ref} comes nearest, with {text(has)}"


def _shown(world: World, service: Object) -> list[Row]:
    rows = [Row.field_of(service, "spec.selector")]
    for each in slices(world, service)[:1]:
        rows.append(Row.field_of(each, "endpoints", f"{len(each.items('endpoints'))} endpoints"))
    return rows


def backends(world: World, service: Object) -> list[Object]:
    """Return the Pods that a Service selects, and that haven't ended."""
    chosen = labels(service.body, "spec", "selector")
    found = world.all("Pod", service.namespace) if chosen else []
    alive = [each for each in found if each.text("status", "phase") not in ("Succeeded", "Failed")]
    return [each for each in alive if all(each.labels.get(key) == value for key, value in chosen.items())]


def slices(world: World, service: Object) -> list[Object]:
    """Return a Service's EndpointSlices."""
    found = world.all("EndpointSlice", service.namespace)
    return [each for each in found if each.labels.get("kubernetes.io/service-name") == service.name]


def endpoints(world: World, service: Object) -> list[dict[str, Any]]:
    """Return a Service's endpoints that are ready, of slices that have a port if the Service has some."""
    asked = bool(service.items("spec", "ports"))
    found = [
        each for one in slices(world, service) if one.items("ports") or not asked for each in one.items("endpoints")
    ]
    return [each for each in found if at(each, "conditions", "ready") is not False]


def find_ingress(world: World, ingress: Object) -> Iterator[Finding]:
    """Look for why an Ingress leads nowhere."""
    for name, port in routes(ingress):
        service = world.get("Service", ingress.namespace, name)
        rows = [Row.field_of(ingress, "spec.rules[*].http.paths[*].backend.service.name", name)]
        if service is None:
            if world.sees("Service"):
                below = [f"service/{name}"]
                yield Finding(_CAUSES["ingress-service"], ingress, CERTAIN, {"named": name}, rows, below)
            continue
        ports = service.items("spec", "ports")
        if port is not None and not any(port in (each.get("port"), each.get("name")) for each in ports):
            values = {"named": name, "port": text(str(port))}
            rows += [Row.field_of(service, "spec.ports", ", ".join(str(each.get("port")) for each in ports))]
            yield Finding(_CAUSES["ingress-port"], ingress, CERTAIN, values, rows, [service.ref])


def routes(ingress: Object) -> list[tuple[str, Any]]:
    """Return the Services that an Ingress leads to, each with its port."""
    paths = [path for rule in ingress.items("spec", "rules") for path in items(rule, "http", "paths")]
    found = [at(each, "backend", "service") for each in paths] + [ingress.at("spec", "defaultBackend", "service")]
    told = [(text(each, "name"), at(each, "port", "number") or at(each, "port", "name")) for each in found]
    return list(dict.fromkeys(each for each in told if each[0]))


GROUP = Group("services", CAUSES, {"Service": find, "Ingress": find_ingress})
"""Why nobody answers behind a Service or an Ingress."""

__all__ = ["CAUSES", "GROUP", "backends", "endpoints", "find", "find_ingress", "routes", "slices"]

"""What isn't a workload, as a server shows it: nodes, Services and their addresses, volumes, settings, Events."""

from __future__ import annotations

from typing import Any

from kitlib.serve.tables.words import (
    AGE,
    NAME,
    NONE,
    SELECTOR,
    UNKNOWN,
    UNSET,
    Body,
    Column,
    Printer,
    age,
    condition,
    get,
    named,
    number,
    pairs,
    selector,
    since,
    some,
    wide,
)

WIDE_ADDRESS = 16
ROLE = "node-role.kubernetes.io/"
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def _event(body: Body, now_ns: int) -> list[Any]:
    first = since(get(body, "firstTimestamp") or get(body, "eventTime"), now_ns)
    last = since(body["lastTimestamp"], now_ns) if body.get("lastTimestamp") else first
    count = body.get("count") or 1
    if series := body.get("series"):
        last, count = since(series.get("lastObservedTime"), now_ns), series.get("count", 0)
    about = body.get("involvedObject") or body.get("regarding") or {}
    kind, name = str(about.get("kind", "")).lower(), about.get("name", "")
    source = get(body, "source.component", "") or body.get("reportingComponent") or ""
    host = get(body, "source.host", "") or body.get("reportingInstance") or ""
    return [
        last,
        body.get("type", ""),
        body.get("reason", ""),
        f"{kind}/{name}" if name else kind,
        about.get("fieldPath", ""),
        f"{source}, {host}" if host else source,
        str(body.get("message", body.get("note", ""))).strip(),
        first,
        count,
        named(body),
    ]


def _node(body: Body, now_ns: int) -> list[Any]:
    ready = condition(body, "Ready").get("status")
    status = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    if get(body, "spec.unschedulable"):
        status += ",SchedulingDisabled"
    roles = set()
    for key, value in get(body, "metadata.labels", {}).items():
        if key.startswith(ROLE) and key != ROLE:
            roles.add(key.removeprefix(ROLE))
        elif key == "kubernetes.io/role" and value:
            roles.add(value)
    told = get(body, "status.nodeInfo", {})
    places = {each.get("type"): each.get("address") for each in reversed(get(body, "status.addresses", []))}
    kernel = told.get("kernelVersion") or UNKNOWN
    return [
        named(body),
        status,
        ",".join(sorted(roles)) or NONE,
        age(body, now_ns),
        told.get("kubeletVersion", ""),
        places.get("InternalIP", NONE),
        places.get("ExternalIP", NONE),
        told.get("osImage") or UNKNOWN,
        f"{kernel} ({told['architecture']})" if told.get("architecture") else kernel,
        told.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _service(body: Body, now_ns: int) -> list[Any]:
    addresses = get(body, "spec.clusterIPs", [])
    return [
        named(body),
        get(body, "spec.type", ""),
        addresses[0] if addresses else NONE,
        _external(body),
        ",".join(_port(each) for each in get(body, "spec.ports", [])) or NONE,
        age(body, now_ns),
        pairs(get(body, "spec.selector")),
    ]


def _port(port: Body) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', 0)}{node}/{port.get('protocol', '')}"


def _external(body: Body) -> str:
    own, kind = get(body, "spec.externalIPs", []), get(body, "spec.type", "")
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(own) or NONE
    if kind == "LoadBalancer":
        given = _balanced(body)
        return ",".join([*([given] if given else []), *own]) or "<pending>"
    return str(get(body, "spec.externalName", "")) if kind == "ExternalName" else UNKNOWN


def _balanced(body: Body) -> str:
    """Return the addresses of a load balancer; a server always makes the wide cells."""
    found = {each.get("ip") or each.get("hostname") for each in get(body, "status.loadBalancer.ingress", [])}
    return ",".join(sorted(each for each in found if each))


def _ingress(body: Body, now_ns: int) -> list[Any]:
    rules = get(body, "spec.rules", [])
    hosts = [rule["host"] for rule in rules[:3] if rule.get("host")]
    shown = ",".join(hosts) or "*"
    return [
        named(body),
        get(body, "spec.ingressClassName", NONE),
        f"{shown} + {len(rules) - 3} more..." if hosts and len(rules) > 3 else shown,
        _balanced(body),
        "80, 443" if get(body, "spec.tls") else "80",
        age(body, now_ns),
    ]


def _ingress_class(body: Body, now_ns: int) -> list[Any]:
    default = get(body, "metadata.annotations", {}).get("ingressclass.kubernetes.io/is-default-class") == "true"
    about, parameters = get(body, "spec.parameters"), NONE
    if about:
        group = f".{about['apiGroup']}" if about.get("apiGroup") is not None else ""
        parameters = f"{about.get('kind', '')}{group}/{about.get('name', '')}"
    name = f"{named(body)} (default)" if default else named(body)
    return [name, get(body, "spec.controller", ""), parameters, age(body, now_ns)]


def _slice(body: Body, now_ns: int) -> list[Any]:
    ports = [str(each.get("port", each.get("name", "*"))) for each in body.get("ports") or []]
    addresses = [one for each in body.get("endpoints") or [] for one in each.get("addresses") or []]
    return [named(body), body.get("addressType", ""), some(ports), some(addresses), age(body, now_ns)]


def _endpoints(body: Body, now_ns: int) -> list[Any]:
    found = []
    for subset in body.get("subsets") or []:
        addresses = [each.get("ip", "") for each in subset.get("addresses") or []]
        ports = [each.get("port") for each in subset.get("ports") or []]
        for port in ports or [None]:
            found += [_with_port(each, port) for each in addresses]
    shown = some(found, none="") if body.get("subsets") else NONE
    return [named(body), shown, age(body, now_ns)]


def _with_port(address: str, port: Any) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _modes(modes: list[str] | None) -> str:
    return ",".join(short for mode, short in MODES.items() if mode in (modes or []))


def _phase(body: Body) -> str:
    return "Terminating" if get(body, "metadata.deletionTimestamp") else str(get(body, "status.phase", ""))


def _class(body: Body) -> str:
    return str(get(body, "metadata.annotations", {}).get(BETA_CLASS, get(body, "spec.storageClassName", "")))


def _claim(body: Body, now_ns: int) -> list[Any]:
    bound = get(body, "spec.volumeName", "")
    capacity = get(body, "status.capacity.storage", "0") if bound else ""
    return [
        named(body),
        _phase(body),
        bound,
        capacity,
        _modes(get(body, "status.accessModes")) if bound else "",
        _class(body),
        get(body, "spec.volumeAttributesClassName", UNSET),
        age(body, now_ns),
        get(body, "spec.volumeMode", UNSET),
    ]


def _volume(body: Body, now_ns: int) -> list[Any]:
    claim = get(body, "spec.claimRef")
    return [
        named(body),
        get(body, "spec.capacity.storage", "0"),
        _modes(get(body, "spec.accessModes")),
        get(body, "spec.persistentVolumeReclaimPolicy", ""),
        _phase(body),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(body),
        get(body, "spec.volumeAttributesClassName", UNSET),
        get(body, "status.reason", ""),
        age(body, now_ns),
        get(body, "spec.volumeMode", UNSET),
    ]


def _quota(body: Body, now_ns: int) -> list[Any]:
    requests: list[str] = []
    limits: list[str] = []
    for name, hard in sorted(get(body, "status.hard", {}).items()):
        said = f"{name}: {get(body, 'status.used', {}).get(name, '0')}/{hard}"
        (limits if name.startswith("limits.") else requests).append(said)
    return [named(body), ", ".join(requests), ", ".join(limits), age(body, now_ns)]


def _binding(body: Body, now_ns: int) -> list[Any]:
    who: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for each in body.get("subjects") or []:
        name = each.get("name", "")
        name = f"{each.get('namespace', '')}/{name}" if each.get("kind") == "ServiceAccount" else name
        who.setdefault(each.get("kind", ""), []).append(name)
    role = f"{get(body, 'roleRef.kind', '')}/{get(body, 'roleRef.name', '')}"
    return [
        named(body),
        role,
        age(body, now_ns),
        *(", ".join(who[kind]) for kind in ("User", "Group", "ServiceAccount")),
    ]


def _storage_class(body: Body, now_ns: int) -> list[Any]:
    default = get(body, "metadata.annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        f"{named(body)} (default)" if default else named(body),
        body.get("provisioner", ""),
        body.get("reclaimPolicy", "Delete"),
        body.get("volumeBindingMode", "Immediate"),
        bool(body.get("allowVolumeExpansion")),
        age(body, now_ns),
    ]


def _priority(body: Body, now_ns: int) -> list[Any]:
    value, default = body.get("value", 0), bool(body.get("globalDefault"))
    return [named(body), value, default, age(body, now_ns), body.get("preemptionPolicy", "")]


def _simple(*paths: str) -> Any:
    """Return what makes cells of a name, some fields as they are, and an age."""
    return lambda body, now_ns: [named(body), *(get(body, path, "") for path in paths), age(body, now_ns)]


def _config_map(body: Body, now_ns: int) -> list[Any]:
    return [named(body), len(body.get("data") or {}) + len(body.get("binaryData") or {}), age(body, now_ns)]


def _secret(body: Body, now_ns: int) -> list[Any]:
    return [named(body), body.get("type", ""), len(body.get("data") or {}), age(body, now_ns)]


def _policy(body: Body, now_ns: int) -> list[Any]:
    return [named(body), selector(get(body, "spec.podSelector")), age(body, now_ns)]


_BINDING = Printer(
    (NAME, Column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")),
    _binding,
)
_EVENT = Printer(
    (
        *(Column("Last Seen"), Column("Type"), Column("Reason"), Column("Object"), wide("Subobject"), wide("Source")),
        *(Column("Message"), wide("First Seen"), wide("Count"), Column("Name", format="name", priority=1)),
    ),
    _event,
)


def _columns(*names: str) -> tuple[Column, ...]:
    return (NAME, *(Column(name) for name in names))


OTHERS = {
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "Node"): Printer(
        (
            *(*_columns("Status", "Roles", "Age", "Version"), wide("Internal-IP"), wide("External-IP")),
            *(wide("OS-Image"), wide("Kernel-Version"), wide("Container-Runtime")),
        ),
        _node,
    ),
    ("", "Namespace"): Printer(_columns("Status", "Age"), _simple("status.phase")),
    ("", "Service"): Printer(
        (*_columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age"), SELECTOR),
        _service,
    ),
    ("", "Endpoints"): Printer(_columns("Endpoints", "Age"), _endpoints),
    ("discovery.k8s.io", "EndpointSlice"): Printer(_columns("AddressType", "Ports", "Endpoints", "Age"), _slice),
    ("networking.k8s.io", "Ingress"): Printer(_columns("Class", "Hosts", "Address", "Ports", "Age"), _ingress),
    ("networking.k8s.io", "IngressClass"): Printer(_columns("Controller", "Parameters", "Age"), _ingress_class),
    ("networking.k8s.io", "NetworkPolicy"): Printer(_columns("Pod-Selector", "Age"), _policy),
    ("", "ConfigMap"): Printer(_columns("Data", "Age"), _config_map),
    ("", "Secret"): Printer(_columns("Type", "Data", "Age"), _secret),
    ("", "ServiceAccount"): Printer(_columns("Age"), _simple()),
    ("", "ResourceQuota"): Printer(_columns("Request", "Limit", "Age"), _quota),
    ("", "PersistentVolumeClaim"): Printer(
        (
            *_columns("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"),
            wide("VolumeMode"),
        ),
        _claim,
    ),
    ("", "PersistentVolume"): Printer(
        (
            *_columns("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass"),
            *(*_columns("VolumeAttributesClass", "Reason", "Age")[1:], wide("VolumeMode")),
        ),
        _volume,
    ),
    ("coordination.k8s.io", "Lease"): Printer(_columns("Holder", "Age"), _simple("spec.holderIdentity")),
    ("storage.k8s.io", "StorageClass"): Printer(
        _columns("Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"), _storage_class
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (NAME, number("Value"), Column("Global-Default", "boolean"), AGE, Column("PreemptionPolicy")), _priority
    ),
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
}
"""How each kind is shown."""

__all__ = ["OTHERS"]

"""The configuration of an embedded control plane, as kwokctl reads it."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from kitlib.machine import loopback
from kitlib.machine.versions import Release

PORTS = ("etcdPort", "etcdPeerPort", "kubeApiserverPort")
"""What listens. The others' ports are turned off below."""
UNUSED_PORT = 1
"""kwokctl would look for a free port for what we turn off; it is told this one, and nothing listens there."""


EXEMPT = "kitlib-exempt"
"""The user, the RuntimeClass and the namespace that Pod Security Admission exempts where a release is audited."""


def _arguments(override: dict[str, str], added: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value, "override": True} for key, value in override.items()] + [
        {"key": key, "value": value} for key, value in added.items()
    ]


def audit_log(home: Path) -> Path:
    """Return where an audited cluster has its audit log: a line of JSON for each Pod that is made."""
    return home / "log" / "audit.log"


def settings(release: Release, home: Path) -> dict[Path, str]:
    """Return the files that the API server reads when it starts, beside certificates.

    Parameters
    ----------
    release : Release
    home : Path
        The cluster's folder.

    Returns
    -------
    dict
        Path to text; empty for most releases.
    """
    if not release.audited:
        return {}
    audit = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["pods"]}]},
            {"level": "None"},
        ],
    }
    pod_security = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "exemptions": {"usernames": [EXEMPT], "runtimeClasses": [EXEMPT], "namespaces": [EXEMPT]},
    }
    admission = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": pod_security}],
    }
    named = {"audit-policy.yaml": audit, "admission.yaml": admission}
    return {home / "kwokctl" / name: json.dumps(content, indent=1) for name, content in named.items()}


def configuration(release: Release, pki: Path, ports: dict[str, int], home: Path = Path("home")) -> str:
    """Return kwokctl's configuration file.

    Parameters
    ----------
    release : Release
    pki : Path
        Where kwokctl will put ca.crt, admin.crt and admin.key.
    ports : dict
        A port for each of `PORTS`.
    home : Path
        The cluster's folder, where its `settings` are.

    Notes
    -----
    kwokctl's defaults listen on every address, and etcd asks for no certificate; here everything that listens does so
    on 127.0.0.1 and wants a client certificate, and what needs no port (controller manager, scheduler, kwok) has none.
    Nothing is kept for longer than the cluster, so etcd does not wait for the disk. There is one of each controller,
    so no leader is elected; and they may ask the API server as often as they like, or a rollout would show
    their limit (20 requests a second) rather than Kubernetes. In 2020 the API server also had a port that asked for no
    name (127.0.0.1:8080), and controller manager and scheduler had one each, on every address: they are turned off.
    """
    client, peer = (f"https://{loopback.ADDRESS}:{ports[name]}" for name in ("etcdPort", "etcdPeerPort"))
    ca, certificate, key = (str(pki / name) for name in ("ca.crt", "admin.crt", "admin.key"))
    fast = {"leader-elect": "false", "kube-api-qps": "1000", "kube-api-burst": "2000"}
    silent = {"secure-port": "0"}
    etcd_added = {} if release.past else {"unsafe-no-fsync": "true"}
    apiserver_added: dict[str, str] = {}
    controllers_added: dict[str, str] = {}
    scheduler_added: dict[str, str] = {}
    if release.past:
        apiserver_added["insecure-port"] = "0"
        controllers_added["port"] = scheduler_added["port"] = "0"
        controllers_added["use-service-account-credentials"] = "true"  # else each may do everything, as an admin
        controllers_added["flex-volume-plugin-dir"] = str(pki.with_name("flexvolume"))  # else below /usr/libexec
    if release.apis:
        apiserver_added["runtime-config"] = ",".join(f"{api}=true" for api in release.apis)
    if release.admission:
        apiserver_added["enable-admission-plugins"] = ",".join(release.admission)
    if release.event_ttl:
        apiserver_added["event-ttl"] = release.event_ttl
    if release.audited:
        policy, admission = settings(release, home)
        apiserver_added["audit-policy-file"] = str(policy)
        apiserver_added["audit-log-path"] = str(audit_log(home))
        apiserver_added["admission-control-config-file"] = str(admission)
    patches = {
        "etcd": _arguments(
            {
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"node0={peer}",
            },
            {
                "client-cert-auth": "true",
                "trusted-ca-file": ca,
                "cert-file": certificate,
                "key-file": key,
                "peer-client-cert-auth": "true",
                "peer-trusted-ca-file": ca,
                "peer-cert-file": certificate,
                "peer-key-file": key,
                **etcd_added,
            },
        ),
        "kube-apiserver": _arguments(
            {"etcd-servers": client},
            {
                "etcd-cafile": ca,
                "etcd-certfile": certificate,
                "etcd-keyfile": key,
                "anonymous-auth": "false",
                "advertise-address": loopback.ADDRESS,
                "endpoint-reconciler-type": "none",  # 127.0.0.1 may not be an Endpoint
                "service-cluster-ip-range": "10.96.0.0/16",
                **apiserver_added,
            },
        ),
        "kube-controller-manager": _arguments(silent, fast | controllers_added),
        "kube-scheduler": _arguments(silent, fast | scheduler_added),
        "kwok-controller": _arguments({"server-address": "", "node-port": "0"}, {}),
    }
    document = {
        "kind": "KwokctlConfiguration",
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "options": {
            "bindAddress": loopback.ADDRESS,
            **{name: ports[name] for name in PORTS},
            "kwokControllerPort": UNUSED_PORT,
            "kubeControllerManagerPort": UNUSED_PORT,
            "kubeSchedulerPort": UNUSED_PORT,
        },
        "componentsPatches": [{"name": name, "extraArgs": arguments} for name, arguments in patches.items()],
    }
    return f"{json.dumps(document, indent=1)}\n---\n{stages()}"


def stages() -> str:
    """Return what the simulated kubelets do: documents of kind Stage."""
    return (files("kitlib.cluster.embedded") / "stages.yaml").read_text(encoding="utf-8")


def node(number: int) -> dict[str, Any]:
    """Return a simulated node: 4 processors, 8 GiB, 110 Pods."""
    name = f"node-{number}"
    room = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": "here",
                "topology.kubernetes.io/zone": f"zone-{(number - 1) % 3 + 1}",
                "type": "kwok",
            },
        },
        "spec": {"podCIDR": _pod_range(number), "podCIDRs": [_pod_range(number)]},
        "status": {
            "capacity": room,
            "allocatable": room,
            "addresses": [
                {"type": "InternalIP", "address": f"10.240.{number // 250}.{number % 250 + 1}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"},
        },
    }


def _pod_range(number: int) -> str:
    return f"10.{128 + number // 250}.{number % 250}.0/24"


def kubeconfig(name: str, server: str, pki: Path) -> str:
    """Return a kubeconfig file that holds certificates and key itself."""
    ca, certificate, key = (
        base64.b64encode((pki / file).read_bytes()).decode() for file in ("ca.crt", "admin.crt", "admin.key")
    )
    return f"""\
# kitlib made this file; it is removed with the cluster. Use it with: kubectl --kubeconfig THIS_FILE
apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: {name}, user: {name}}}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""

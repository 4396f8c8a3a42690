"""Cluster API beside an embedded control plane: its kinds, and its controllers as processes of this user.

Its authors run the controllers in Pods, and have another program make their certificates. Here they are asked at a port
of 127.0.0.1 each, with the certificate that the API server shows, too; and they have no other port. Only the one that
makes machines listens besides: each workload cluster is a port of it, and one more tells which there are. These ask
nobody for a certificate; what they serve is in memory, and goes with the process.
"""

from __future__ import annotations

import base64
import copy
import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kitlib.cluster.embedded.kwokctl import Plane
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError
from kitlib.files import write_private
from kitlib.machine import loopback
from kitlib.machine.programs import clusterapi

SERVED = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
}
"""Where each kind of what is applied is served."""


def settle(plane: Plane, readiness: Readiness, kubeconfig: str, folder: Path) -> None:
    """Define the kinds, start the controllers, and wait until all of them answer.

    Parameters
    ----------
    plane : Plane
        A control plane that serves.
    readiness : Readiness
        Whose connection may write.
    kubeconfig : str
        What the controllers are to use.
    folder : Path
        Of the controllers' programs.

    Raises
    ------
    ClusterError
        Something ended, or time is up.
    """
    kinds = clusterapi.kinds(folder)
    ports = dict(zip(kinds, loopback.free_ports(len(kinds)), strict=True))
    authority = (plane.work / "pki" / "ca.crt").read_bytes()
    defined = [each for name, found in kinds.items() for each in addressed(found, ports[name], authority)]
    for each in sorted(defined, key=lambda each: each["kind"]):  # definitions before those who are asked about them
        readiness.accepted("POST", SERVED[each["kind"]], each)
    for path in _collections(defined):
        readiness.accepted("GET", f"{path}?limit=1")
    write_private(plane.home / "kwokctl" / "controllers.kubeconfig", kubeconfig)
    for name, port in ports.items():
        plane.start_beside(name, arguments(plane, port), environment(plane))
    for port in ports.values():
        _answers(port, authority, readiness)


def addressed(found: list[dict[str, Any]], port: int, authority: bytes) -> list[dict[str, Any]]:
    """Return definitions and webhooks whose controller is asked at a port, rather than at a Service.

    Parameters
    ----------
    found : list of dict
        As its authors have them.
    port : int
        Of 127.0.0.1.
    authority : bytes
        Who has signed the certificate that it shows, as PEM.
    """
    made = copy.deepcopy(found)
    for each in made:
        (each["metadata"].get("annotations") or {}).pop("cert-manager.io/inject-ca-from", None)
        asked = list(each.get("webhooks") or ())
        if conversion := (each.get("spec") or {}).get("conversion", {}).get("webhook"):
            asked.append(conversion)
        for one in asked:
            path = one["clientConfig"]["service"].get("path", "/")
            url = f"https://{loopback.ADDRESS}:{port}{path}"
            one["clientConfig"] = {"url": url, "caBundle": base64.b64encode(authority).decode()}
    return made


def arguments(plane: Plane, port: int) -> list[str]:
    """Return the arguments of a controller whose webhooks have that port: it has no other one.

    One of each runs, so no leader is elected.
    """
    pki = plane.work / "pki"
    return [
        f"--webhook-port={port}",
        f"--webhook-cert-dir={pki}",
        "--webhook-cert-name=admin.crt",
        "--webhook-key-name=admin.key",
        "--leader-elect=false",
        "--health-addr=0",
        "--diagnostics-address=0",
    ]


def environment(plane: Plane) -> dict[str, str]:
    """Return all of a controller's environment: the reader's own settings of engines and proxies are none of its.

    POD_IP is where the workload clusters of the one that makes machines are to be had.
    """
    return {
        "KUBECONFIG": str(plane.home / "kwokctl" / "controllers.kubeconfig"),
        "HOME": str(plane.home),
        "POD_IP": loopback.ADDRESS,
        "PATH": os.defpath,
    }


def _collections(defined: list[dict[str, Any]]) -> Iterator[str]:
    """Yield where the objects of each kind will be: a controller that starts before they are served waits for long."""
    for each in defined:
        if each["kind"] == "CustomResourceDefinition":
            spec = each["spec"]
            stored = next(version["name"] for version in spec["versions"] if version["storage"])
            yield f"/apis/{spec['group']}/{stored}/{spec['names']['plural']}"


def _answers(port: int, authority: bytes, readiness: Readiness) -> None:
    """Wait until somebody shows the certificate at a port: nothing tells when a process begins to listen."""
    context = ssl.create_default_context(cadata=authority.decode())
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    while True:
        try:
            with (
                socket.create_connection((loopback.ADDRESS, port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=loopback.ADDRESS),
            ):
                return
        except OSError as error:
            reason = str(error)
        readiness.check()
        if time.monotonic() > readiness.until:
            raise ClusterError(f"Cluster API's controller at port {port} does not answer: {reason}")
        time.sleep(0.05)


__all__ = ["SERVED", "addressed", "arguments", "environment", "settle"]

"""The controllers that are parts, on a cluster whose containers run: the same Ingresses are served by both."""

from __future__ import annotations

import base64
import hashlib
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from urllib3.util import Timeout

import kitlib
from kitlib import objects
from kitlib.cluster import Cluster, providers
from kitlib.lab import Lab
from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.kind, pytest.mark.timeout(400)]
LESSON = CHECKOUT / "notebooks" / "manifests" / "nginx"
MANIFESTS = {
    "ingress-nginx": (LESSON / "rights.yaml", LESSON / "controller.yaml"),
    "traefik": (Path(__file__).parent / "manifests" / "traefik.yaml",),
}
"""What runs each: the manifests of its lesson, where it has one."""
ANNOTATION = "nginx.ingress.kubernetes.io/"
BACKEND = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      readinessProbe: {httpGet: {path: /readiness, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: 8080}]}
"""
SHOP = """
apiVersion: v1
kind: Service
metadata: {name: stable}
spec: {selector: {app: one}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: next}
spec: {selector: {app: two}, ports: [{port: 80, targetPort: 8080}]}
"""
"""A canary takes traffic of all that use the stable one; in ingress-nginx none, if others use its own."""


def ingress(name: str, of: str, host: str, paths: dict[str, str], tls: str = "", **annotations: str) -> dict[str, Any]:
    """Return an Ingress of a class: path to Service."""
    kind = "ImplementationSpecific" if "rewrite-target" in annotations else "Prefix"
    rules = [
        {"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}}
        for path, service in paths.items()
    ]
    spec: dict[str, Any] = {"ingressClassName": of, "rules": [{"host": host, "http": {"paths": rules}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    about = {"name": name, "annotations": {ANNOTATION + key: value for key, value in annotations.items()}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": about, "spec": spec}


def certificate(folder: Path, host: str) -> tuple[bytes, bytes]:
    """Return a certificate and its key, signed by itself."""
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    about = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    command = ["openssl", "req", "-x509", *new, *about, "-keyout", "tls.key", "-out", "tls.crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes()


def secret(name: str, kind: str, **data: bytes) -> dict[str, Any]:
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": encoded}


@dataclass
class Entry:
    """What listens on 127.0.0.1 for the edge node's ports."""

    ports: dict[str, int]

    def ask(self, host: str, path: str, authority: Path | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        options: dict[str, Any] = {"timeout": Timeout(5), "retries": False}
        if authority is None:
            pool = urllib3.HTTPConnectionPool("127.0.0.1", self.ports["http"], **options)
        else:
            context = ssl.create_default_context(cafile=str(authority))
            options |= {"ssl_context": context, "server_hostname": host, "assert_hostname": host}
            pool = urllib3.HTTPSConnectionPool("127.0.0.1", self.ports["https"], **options)
        return pool.request("GET", path, headers={"Host": host, **headers}, redirect=False)

    def who(self, host: str, path: str, authority: Path | None = None, **headers: str) -> tuple[int, str, str]:
        """Return the status, who answered, and which path it was asked for."""
        try:
            answer = self.ask(host, path, authority, **headers)
        except urllib3.exceptions.HTTPError:
            return 0, "", ""
        told = answer.json() if answer.headers.get("Probe-Name") else {}
        return answer.status, told.get("name", ""), told.get("path", "")


@pytest.fixture
def lab(kind: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.setenv("KITLIB_CLUSTER", kind.name)
    lab = kitlib.open("test", kinds=("pods", "daemonsets", "ingresses", "services"), containers=True)
    yield lab
    lab.close()


@pytest.mark.parametrize(("part", "of"), [("ingress-nginx", "nginx"), ("traefik", "traefik")])
def test_a_controller_serves_hosts_paths_canaries_rewrites_passwords_and_certificates(
    lab: Lab, tmp_path: Path, part: str, of: str
) -> None:
    for path in MANIFESTS[part]:
        text = path.read_text().replace("LAB-NAMESPACE", lab.namespace).replace("HERE", lab.namespace)
        lab.apply(text.replace("IMAGE", lab.part(part)))
    crt, key = certificate(tmp_path, "tls.example")
    password = base64.b64encode(hashlib.sha1(b"right").digest())
    for item in (
        *(BACKEND.replace("NAME", name) for name in ("one", "two")),
        SHOP,
        secret("tls", "kubernetes.io/tls", tls_crt=crt, tls_key=key),
        secret("users", "Opaque", auth=b"ada:{SHA}" + password),
        ingress("site", of, "site.example", {"/": "one", "/two": "two"}),
        ingress("shop", of, "shop.example", {"/": "stable"}),
        ingress("canary", of, "shop.example", {"/": "next"}, **{"canary": "true", "canary-weight": "100"}),
        ingress(
            "rewrite", of, "rewrite.example", {"/api(/|$)(.*)": "one"}, **{"use-regex": "true", "rewrite-target": "/$2"}
        ),
        ingress(
            "door",
            of,
            "door.example",
            {"/": "one"},
            **{"auth-type": "basic", "auth-secret": "users", "auth-realm": "x"},
        ),
        ingress("safe", of, "tls.example", {"/": "two"}, tls="tls"),
    ):
        lab.apply(item)
    lab.wait(f"daemonset/{part}", rolled_out=True)
    lab.wait_ready("app=one", 1)
    lab.wait_ready("app=two", 1)
    entry = Entry(providers.named("kind").status(lab.cluster.name)["ports"])

    def addressed() -> bool:
        found = {item["metadata"]["name"]: item.get("status") or {} for item in lab._here("ingresses")}
        return all((found[name].get("loadBalancer") or {}).get("ingress") for name in set(found) - {"canary"})

    lab.until(addressed, "each Ingress has an address")
    authority = tmp_path / "tls.crt"
    wanted: dict[str, tuple[Callable[[], object], object]] = {
        "path /": (lambda: entry.who("site.example", "/x"), (200, "one", "/x")),
        "path /two": (lambda: entry.who("site.example", "/two/x"), (200, "two", "/two/x")),
        "no such host": (lambda: entry.who("none.example", "/")[0], 404),
        "canary": (lambda: {entry.who("shop.example", "/")[1] for _ in range(5)}, {"two"}),
        "rewrite": (lambda: entry.who("rewrite.example", "/api/a/b"), (200, "one", "/a/b")),
        "no password": (lambda: entry.who("door.example", "/")[0], 401),
        "wrong password": (lambda: entry.who("door.example", "/", Authorization=basic("ada:wrong"))[0], 401),
        "right password": (lambda: entry.who("door.example", "/", Authorization=basic("ada:right"))[:2], (200, "one")),
        "TLS": (lambda: entry.who("tls.example", "/", authority)[:2], (200, "two")),
        "to TLS": (lambda: entry.who("tls.example", "/")[0], 308),
    }
    assert settled(wanted) == {what: each for what, (_, each) in wanted.items()}
    uid = objects.get(lab.connection, f"namespace/{lab.namespace}", "")["metadata"]["uid"]
    for ref in (f"ingressclass/{of}", f"clusterrole/{part}", f"clusterrolebinding/{part}"):
        owners = objects.get(lab.connection, ref, "")["metadata"]["ownerReferences"]
        assert [each["uid"] for each in owners] == [uid], "it goes with the lab"


def settled(wanted: dict[str, tuple[Callable[[], object], object]]) -> dict[str, object]:
    """Ask until all is as wanted, half a minute at most: a controller tells nobody from when on it serves by a rule."""
    until = time.monotonic() + 30
    while True:
        got = {what: ask() for what, (ask, _) in wanted.items()}
        if time.monotonic() > until or all(got[what] == each for what, (_, each) in wanted.items()):
            return got
        time.sleep(0.2)


def basic(words: str) -> str:
    return f"Basic {base64.b64encode(words.encode()).decode()}"

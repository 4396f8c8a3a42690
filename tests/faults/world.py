"""The control plane that a fault suite runs on: how to write to it, read its etcd, and kill its API server."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError
from kitlib.machine import processes
from tests.faults.proxy import READER
from tests.faults.witness import Etcd

GROUP = "faults.kitlib.example"
STREAMS = {
    "/registry/configmaps/": "configmaps",
    "/registry/pods/": "pods",
    "/registry/events/": "events",
    f"/registry/{GROUP}/things/": "things",
}
"""The plural of each kind that is recorded, by where etcd keeps it."""
KINDS = {"configmaps": "ConfigMap", "pods": "Pod", "events": "Event", "things": "Thing"}
NAMES = ("configmaps", "pods", "events", f"things.{GROUP}")
"""What the recorder is asked to record."""
PATHS = {
    "configmaps": "/api/v1/namespaces/{}/configmaps",
    "pods": "/api/v1/namespaces/{}/pods",
    "events": "/api/v1/namespaces/{}/events",
    "things": f"/apis/{GROUP}/v1/namespaces/{{}}/things",
}


def definition(group: str, kind: str) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind whose objects hold ballast."""
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    singular = kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{singular}s.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": f"{singular}s", "singular": singular},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
                }
            ],
        },
    }


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PASSING = "passings"
"""The kind that comes and goes: a definition for each scenario that has it, in a group of its own."""
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": READER},
    "rules": [
        {"apiGroups": ["", GROUP], "resources": list(KINDS), "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["*"], "resources": [PASSING], "verbs": ["get", "list", "watch"]},
    ],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": READER},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": READER}],
}
UNANSWERED = (OSError, http.client.HTTPException)


class World:
    """One embedded control plane.

    Parameters
    ----------
    cluster : Cluster
        Of the provider "embedded", made by kitlib.
    """

    def __init__(self, cluster: Cluster) -> None:
        assert cluster.home is not None and cluster.provider == "embedded"
        self.cluster = cluster
        self._work = cluster.home / "kwok" / "clusters" / cluster.name
        self._pki = self._work / "pki"
        options = next(yaml.safe_load_all((cluster.home / "kwokctl" / "config.yaml").read_text()))["options"]
        self.tls = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        self.tls.load_cert_chain(str(self._pki / "admin.crt"), str(self._pki / "admin.key"))
        self.host = "127.0.0.1"
        self.port = int(options["kubeApiserverPort"])
        self.etcd = Etcd(self.host, int(options["etcdPort"]), self.tls)
        self._pid_file = self._work / "pids" / "kube-apiserver.pid"
        self._child: subprocess.Popen[bytes] | None = None

    def furnish(self) -> None:
        """Have the custom resource and the reader's rights; return when both are in force."""
        until = time.monotonic() + 60
        connection = self.connect()
        ready = Readiness(connection, until)
        ready.accepted("POST", CRDS, definition(GROUP, "Thing"))
        ready.accepted("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", ROLE)
        ready.accepted("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", BINDING)
        ready.accepted("GET", PATHS["things"].format("default"))
        self.readable(until)

    def readable(self, until: float) -> None:
        """Wait until the API server lets the reader read: it learns of rights by a watch of its own."""
        connection = self.connect()
        for plural, path in PATHS.items():
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": READER,
                    "resourceAttributes": {
                        "verb": "list",
                        "resource": plural,
                        "group": GROUP if GROUP in path else "",
                        "namespace": "default",
                    },
                },
            }
            _until_allowed(connection, review, until)

    def connect(self) -> Connection:
        """Open a connection to the API server as its administrator."""
        server = f"https://{self.host}:{self.port}"
        return Connection.to(
            server, self._pki / "ca.crt", self._pki / "admin.crt", self._pki / "admin.key", writable=True
        )

    def define(self, group: str) -> None:
        """Have the kind that comes and goes, and wait until it is served."""
        connection = self.connect()
        ready = Readiness(connection, time.monotonic() + 30)
        ready.accepted("POST", CRDS, definition(group, "Passing"))
        ready.accepted("GET", f"/apis/{group}/v1/{PASSING}")

    def undefine(self, group: str) -> None:
        """Delete the kind that comes and goes, and wait until its definition is gone."""
        path = f"{CRDS}/{PASSING}.{group}"
        until = time.monotonic() + 30
        with self.api() as api:
            api.send("DELETE", path)
            while api.send("GET", path)[0] != 404:
                if time.monotonic() > until:
                    raise ClusterError("it does not go", step="delete the definition", object=path)
                time.sleep(0.02)

    def api(self) -> Api:
        """Return a client that writes to the API server directly, past any proxy."""
        return Api(self.host, self.port, self.tls)

    def kill_api_server(self) -> list[str]:
        """SIGKILL the API server of this cluster, and wait until it is gone; return how to start it again."""
        pid = int(self._pid_file.read_text())
        program = self._work / "bin" / "kube-apiserver"
        if not processes.running(pid, program):
            raise ClusterError("it does not run", step="kill the API server", object=self.cluster.name)
        command = [part.decode() for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if part]
        if left := processes.end([pid]):
            raise ClusterError(f"process {left[0]} does not end", step="kill the API server", object=self.cluster.name)
        if self._child is not None:
            self._child.wait(timeout=10)
            self._child = None
        return command

    def start_api_server(self, command: list[str], timeout: float = 60) -> None:
        """Start the API server as it had been started, and wait until it serves, and the reader may read."""
        with (self._work / "logs" / "kube-apiserver.log").open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, umask=0o077
            )
        self._pid_file.write_text(f"{self._child.pid}\n")
        until = time.monotonic() + timeout
        connection = self.connect()
        Readiness(connection, until, self._lives).accepted("GET", "/readyz")
        self.readable(until)

    def _lives(self) -> None:
        if self._child is None or self._child.poll() is not None:
            raise ClusterError("it has ended", step="start the API server", object=self.cluster.name)


class Api:
    """Writes objects, by one connection that is kept; an API server that is down is waited for.

    Parameters
    ----------
    host, port : str and int
    tls : ssl.SSLContext
        With the client certificate loaded.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._address = (host, port)
        self._tls = tls
        self._http: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", timeout: float = 40
    ) -> tuple[int, dict[str, Any]]:
        """Send one request, again and again while nobody answers; return the status and the body.

        A request that was cut off may have been carried out: whoever writes has to live with a conflict.
        """
        deadline = time.monotonic() + timeout
        pause = 0.01
        while True:
            try:
                status, data = self._once(method, path, body, content_type)
                if status < 500 and status != 429:
                    return status, json.loads(data)
                reason = f"{status} {data[:200].decode(errors='replace')}"
            except UNANSWERED as error:
                reason = str(error)
            if time.monotonic() + pause > deadline:
                raise ClusterError(f"no answer: {reason}", step=f"{method} {path}", object=f"port {self._address[1]}")
            time.sleep(pause)  # there is nothing to watch while the API server is down
            pause = min(pause * 2, 0.2)

    def _once(self, method: str, path: str, body: Any, content_type: str) -> tuple[int, bytes]:
        if self._http is None:
            self._http = http.client.HTTPSConnection(*self._address, context=self._tls, timeout=20)
        try:
            data = None if body is None else json.dumps(body)
            self._http.request(method, path, data, {"Content-Type": content_type, "Accept": "application/json"})
            answer = self._http.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None


def _until_allowed(connection: Connection, review: dict[str, Any], until: float) -> None:
    pause = 0.01
    while True:
        try:
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
            answer = connection.exchange("POST", path, body=review).body
            reason = answer[:300].decode(errors="replace")
            if json.loads(answer).get("status", {}).get("allowed"):
                return
        except (ClusterError, ValueError) as error:
            reason = str(error)
        if time.monotonic() + pause > until:
            raise ClusterError(f"the reader may not read: {reason}", step="furnish the cluster", object=READER)
        time.sleep(pause)  # a right comes into force some time after it was written, and nothing tells when
        pause = min(pause * 2, 0.1)


__all__ = ["GROUP", "KINDS", "NAMES", "PASSING", "PATHS", "STREAMS", "Api", "World"]

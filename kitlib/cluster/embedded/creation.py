"""How an embedded cluster comes up, action by action."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from kitlib.api.transport import Connection
from kitlib.cluster import identity, record
from kitlib.cluster.actions import Actions, carry_out
from kitlib.cluster.base import Cluster
from kitlib.cluster.embedded import clusterapi, controlplane
from kitlib.cluster.embedded.kwokctl import Plane
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError, UsageError
from kitlib.files import write_private
from kitlib.machine import loopback, resources
from kitlib.machine.programs import clusterapi as cluster_api_programs
from kitlib.machine.programs.find import CLUSTER_API, Programs
from kitlib.machine.versions import Release
from kitlib.progress import Progress

DEADLINE = 120.0
"""Seconds until a control plane must serve; a loaded machine with two processors needs 20."""
NODES = 3
DISK = resources.GIB // 3
"""What a cluster takes: etcd alone sets 128 MB aside."""
CONTROL_PLANE = "etcd, API server, controllers, scheduler"


class Creation:
    """A cluster that comes up.

    Parameters
    ----------
    plane : Plane
    release : Release
    programs : Programs
    bar : Progress

    Raises
    ------
    ClusterError
        There is no room on the disk, or no port.
    """

    def __init__(self, plane: Plane, release: Release, programs: Programs, bar: Progress) -> None:
        self.plane = plane
        self.release = release
        self.programs = programs
        self.bar = bar
        self.until = time.monotonic() + DEADLINE * (2 if release.cluster_api else 1)
        resources.need_disk({plane.home: DISK}, "bring up the cluster", ClusterError)
        wanted = os.environ.get("KITLIB_PORT")
        api, etcd, peer = loopback.free_ports(3, port(wanted) if wanted else None)
        self.ports = {"kubeApiserverPort": api, "etcdPort": etcd, "etcdPeerPort": peer}
        self.server = f"https://{loopback.ADDRESS}:{api}"
        self.pki = plane.work / "pki"

    def configure(self) -> None:
        """Lay out the cluster's folder, with what kwokctl and the API server read."""
        home = self.plane.home
        for folder in (home, home / "log", home / "bin", home / "kwokctl"):
            folder.mkdir(mode=0o700)
        for program, path in self.programs.paths.items():
            (home / "bin" / program).symlink_to(path)
        for path, text in controlplane.settings(self.release, home).items():
            write_private(path, text)
        configuration = controlplane.configuration(self.release, self.pki, self.ports, home)
        write_private(home / "kwokctl" / "config.yaml", configuration)

    def start(self) -> None:
        """Start all components, and wait until the API server answers."""
        self.plane.start(self.release, self.until)
        authority, certificate, key = (self.pki / name for name in ("ca.crt", "admin.crt", "admin.key"))
        self.connection = Connection.to(self.server, authority, certificate, key, writable=True)
        self.readiness = Readiness(self.connection, self.until, self.check)
        self.readiness.accepted("GET", "/version")

    def start_kwok(self) -> None:
        """Start kwok anew: it asks for the API server after 1 s, 3 s, 7 s, 15 s, and would sleep on."""
        self.plane.start_anew("kwok-controller", self.release, self.until)

    def make_nodes(self) -> None:
        """Make simulated nodes, and wait until they are Ready."""
        nodes(self.readiness, NODES)

    def admit(self) -> None:
        """Wait until Pods are admitted and all of the API server is ready."""
        self.readiness.admission()
        if self.release.past:
            self.readiness.token()
        self.readiness.accepted("GET", "/readyz")
        self.check()

    def run_cluster_api(self) -> None:
        """Define Cluster API's kinds, and start its controllers."""
        kubeconfig = controlplane.kubeconfig(self.plane.name, self.server, self.pki)
        clusterapi.settle(self.plane, self.readiness, kubeconfig, self.programs.paths[CLUSTER_API[0]].parent)
        self.check()

    def note(self) -> None:
        """Write the kubeconfig file, and note the cluster as whole."""
        home, name = self.plane.home, self.plane.name
        uid = self.connection.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        write_private(home / "kubeconfig", controlplane.kubeconfig(name, self.server, self.pki))
        self.cluster = Cluster(
            name=name,
            provider="embedded",
            version=self.release.minor,
            release=self.connection.version()["gitVersion"],
            kubeconfig=home / "kubeconfig",
            context=name,
            runs_containers=False,
            node_count=NODES,
            made_by_kitlib=True,
            writable=True,
            home=home,
        )
        record.save(
            self.cluster,
            server=self.server,
            ca=identity.fingerprint((self.pki / "ca.crt").read_bytes()),
            uid=uid,
            configuration=digest(self.release),
            programs=self.programs.sources,
        )

    def check(self) -> None:
        """Raise ClusterError if a component has ended; one that only lost patience is started anew."""
        self.bar.update()
        dead = self.plane.not_alive()
        if dead == ["kube-controller-manager"] and self.plane.impatient():
            self.plane.start_anew(dead[0], self.release, self.until)
        elif dead:
            raise ClusterError(f"{dead[0]} ended while the cluster came up.")


def actions(release: Release) -> Actions[Creation]:
    """Return what is done for a cluster of a release to come up, in order."""
    return (
        ("configuration", Creation.configure),
        (CONTROL_PLANE, Creation.start),
        ("simulated kubelets", Creation.start_kwok),
        ("nodes get ready", Creation.make_nodes),
        ("Pods get admitted", Creation.admit),
        *([("Cluster API's controllers", Creation.run_cluster_api)] if release.cluster_api else []),
        ("what was made is noted", Creation.note),
    )


def create(plane: Plane, release: Release, programs: Programs, bar: Progress) -> Cluster:
    """Bring up a cluster in a folder that is not there yet.

    Raises
    ------
    ClusterError
        It does not come up; the message has the reasons from its logs.
    """
    creation = Creation(plane, release, programs, bar)
    carry_out(actions(release), creation, plane.name, bar, plane.complaints)
    return creation.cluster


def nodes(readiness: Readiness, count: int) -> None:
    """Make the simulated nodes that are missing, and wait until so many are Ready."""
    for number in range(1, count + 1):
        readiness.accepted("POST", "/api/v1/nodes", controlplane.node(number))
    readiness.ready(count)


def port(text: str) -> dict[str, int]:
    """Return the port that KITLIB_PORT asks for, by its purpose."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(
            f"KITLIB_PORT={text!r} is not a port.", step="choose a port", next="use a number from 1 to 65535"
        )
    return {"the API server (KITLIB_PORT)": int(text)}


def digest(release: Release) -> str:
    """Return what tells whether a running cluster was configured as this kitlib would do it."""
    text = controlplane.configuration(release, Path("pki"), dict.fromkeys(controlplane.PORTS, 0))
    text += "".join(controlplane.settings(release, Path("home")).values())
    text += cluster_api_programs.key() if release.cluster_api else ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""How a kind cluster comes up, action by action."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kitlib.api import kubeconfig as kubeconfigs
from kitlib.api.transport import Connection
from kitlib.cluster import identity, record
from kitlib.cluster.actions import Actions, carry_out
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind import config, containers, firstboot, joining
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError
from kitlib.files import write_private
from kitlib.machine.airgap.parts import Made
from kitlib.machine.programs import kindcommand
from kitlib.machine.versions import DEFAULT
from kitlib.progress import Progress

DEADLINE = 300.0
"""Seconds until a cluster must be there; two loaded processors need 60."""
FURTHER = 180.0
"""Seconds more for each further control plane: one joins after the other."""
WORKERS = 2


class Creation:
    """A cluster that comes up.

    Parameters
    ----------
    name : str
    home : Path
        Its folder, which is not there yet.
    minor : str
        Of Kubernetes.
    client : Client
        Of the engine.
    image : str
        The node image, which the engine has.
    kind : Path
        The `kind` command.
    bar : Progress
    planes : int
        How many nodes have a control plane; where there are several, a worker less.
    early : Made or None
        What those nodes start before kubeadm runs; see `firstboot`.

    Raises
    ------
    ClusterError
        Somebody else has a cluster of that name.
    """

    def __init__(
        self,
        name: str,
        home: Path,
        minor: str,
        client: Client,
        image: str,
        kind: Path,
        bar: Progress,
        planes: int = 1,
        early: Made | None = None,
    ) -> None:
        self.name, self.home, self.minor = name, home, minor
        self.client, self.image, self.kind, self.bar = client, image, kind, bar
        self.planes, self.early = planes, early
        self.workers = WORKERS if planes == 1 else WORKERS - 1
        self.until = time.monotonic() + DEADLINE + (planes - 1) * FURTHER
        self.kind_name = config.name(name.partition("-")[2] or DEFAULT, client)
        foreign = containers.states(client, self.kind_name)
        if foreign and client.own:  # an `up` that was killed made them: nobody else is in that engine
            containers.remove(client, self.kind_name)
        elif foreign:
            raise ClusterError(
                f"there is a kind cluster {self.kind_name!r} already ({', '.join(foreign)}), which this kitlib didn't"
                " make.",
                step="bring up the cluster",
                object=name,
                next=f"if nobody needs it: `kind delete cluster --name {self.kind_name}`; then try again",
            )

    def configure(self) -> None:
        """Note what is going to be made, so that `down` knows what to remove; write what kind reads."""
        self.home.mkdir(mode=0o700, parents=True)
        self.notes: dict[str, Any] = {
            "kind_name": self.kind_name,
            "engine": self.client.program,
            "own_engine": self.client.own,
        }
        write_private(self.home / "kind.json", json.dumps(self.notes))
        self.ports = config.ports()
        self.mounts = firstboot.prepare(self.home / "first-boot", self.early) if self.early else []
        text = config.text(self.image, self.workers, self.ports, self.minor, self.mounts)
        write_private(self.home / "kind.yaml", text)

    def make_nodes(self) -> None:
        """Have kind make the nodes; it says itself what it is at."""
        arguments = ["create", "cluster", "--name", self.kind_name, "--image", self.image]
        arguments += ["--config", str(self.home / "kind.yaml"), "--kubeconfig", str(self.home / "kind-kubeconfig")]
        kindcommand.call(
            arguments, self.client.environment, lambda step: self.bar.update(step or None), self.until, self.kind
        )

    def join_planes(self) -> None:
        """Have further control planes join, one after the other: each makes etcd wait for it."""
        for number in range(2, self.planes + 1):
            node = f"{self.kind_name}-control-plane{number}"
            self.bar.update(f"control plane {number} joins")
            joining.plane(self.client, self.kind_name, node, self.image, self.mounts, self.until)

    def load_images(self) -> None:
        """Load what notebooks run, where the image doesn't bring it."""
        if not config.brings_lessons(self.image):
            config.load_lessons(self.kind_name, self.client, self.kind, self.until)

    def connect(self) -> None:
        """Write kitlib's own kubeconfig file, and connect by it."""
        path = self.home / "kubeconfig"
        kubeconfig(self.home / "kind-kubeconfig", f"kind-{self.kind_name}", self.name, path)
        self.connection = Connection(path, self.name, writable=True)
        self.readiness = Readiness(self.connection, self.until)

    def nodes_ready(self) -> None:
        """Wait until all nodes are Ready, and Pods are admitted."""
        self.readiness.ready(self.workers + self.planes)
        self.readiness.admission()

    def dns_ready(self) -> None:
        """Wait until names are answered."""
        self.readiness.available("kube-system", "coredns")

    def note(self) -> None:
        """Note the cluster as whole."""
        uid = self.connection.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        nodes = sorted(item["metadata"]["name"] for item in self.connection.get("/api/v1/nodes")["items"])
        self.cluster = Cluster(
            name=self.name,
            provider="kind",
            version=self.minor,
            release=self.connection.version()["gitVersion"],
            kubeconfig=self.home / "kubeconfig",
            context=self.name,
            runs_containers=True,
            node_count=len(nodes),
            made_by_kitlib=True,
            writable=True,
            home=self.home,
        )
        record.save(
            self.cluster,
            server=self.connection.server,
            ca=identity.fingerprint(self.connection.authority),
            uid=uid,
            image=self.image,
            nodes=nodes,
            ports=self.ports,
            **self.notes,
        )


ACTIONS: Actions[Creation] = (
    ("configuration", Creation.configure),
    ("nodes", Creation.make_nodes),
    ("further control planes", Creation.join_planes),
    ("images for the notebooks", Creation.load_images),
    ("kubeconfig", Creation.connect),
    ("nodes get ready", Creation.nodes_ready),
    ("DNS gets ready", Creation.dns_ready),
    ("what was made is noted", Creation.note),
)


def create(creation: Creation) -> Cluster:
    """Bring up a cluster.

    Raises
    ------
    ClusterError
        It does not come up; the message has kind's reason.
    """
    carry_out(ACTIONS, creation, creation.name, creation.bar)
    return creation.cluster


def kubeconfig(source: Path, context: str, name: str, out: Path) -> None:
    """Write kitlib's own kubeconfig file from the one that kind wrote, and remove that."""
    try:
        entry = kubeconfigs.read(source).context(context)
        text = yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "clusters": [{"name": name, "cluster": _only(entry.cluster, "server", "certificate-authority-data")}],
                "users": [{"name": name, "user": _only(entry.user, "client-certificate-data", "client-key-data")}],
            },
            sort_keys=False,
        )
    except KeyError as error:
        raise ClusterError(f"kind wrote a kubeconfig file without {error}.") from error
    comment = "# kitlib made this file; it is removed with the cluster. Use it with: kubectl --kubeconfig THIS_FILE\n"
    write_private(out, comment + text)
    source.unlink()


def _only(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: entry[key] for key in keys}

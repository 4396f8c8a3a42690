"""Nodes that join a cluster after kind has made it: containers made as kind makes them, and `kubeadm join`."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from kitlib.cluster.kind import firstboot
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.kind.firstboot import Mount
from kitlib.errors import ClusterError

LABEL = "io.x-k8s.kind.cluster"
BOOTED = "until systemctl is-active --quiet multi-user.target; do sleep 0.1; done"
STEP = "add a node"
UPLOAD = ("kubeadm", "init", "phase", "upload-certs", "--upload-certs", "--config", "/kind/kubeadm.conf")
"""Its last word is the key that decrypts what it has put into a Secret. With kind's file it looks up no version."""
WRITTEN = "echo %s | base64 -d >/kind/kubeadm.conf; kubeadm join --config /kind/kubeadm.conf"


def worker(client: Client, kind_name: str, node: str, sample: str, image: str, until: float) -> None:
    """Make a worker like another one, and have it join with a token of its own.

    Parameters
    ----------
    client : Client
    kind_name : str
        The cluster's, as kind knows it.
    node, sample : str
        The names of the new one, and of the one that it is to be like.
    image : str
        The node image.
    until : float
        When it must have joined (monotonic clock).

    Raises
    ------
    ClusterError
        It can't be made, or doesn't join.
    """
    control = f"{kind_name}-control-plane"
    with _made(client, kind_name, node, "worker", image, (), until):
        token = _said(client, control, until, "kubeadm", "token", "create", "--ttl=10m").strip()
        text = _said(client, sample, until, "cat", "/kind/kubeadm.conf")
        text = text.replace(sample, node).replace(_address(client, sample), _address(client, node))
        _join(client, node, re.sub(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", token, text), until)


def plane(client: Client, kind_name: str, node: str, image: str, mounts: Sequence[Mount], until: float) -> None:
    """Make a further node with a control plane, and have it join by the shared name; parameters as of `worker`.

    The keys of the cluster's authorities come to it as kubeadm brings them: encrypted, in a Secret.

    Parameters
    ----------
    mounts : sequence of Mount
        See `firstboot.prepare`.
    """
    control = f"{kind_name}-control-plane"
    with _made(client, kind_name, node, "control-plane", image, mounts, until):
        told = _said(client, control, until, *UPLOAD)
        documents = yaml.safe_load_all(_said(client, control, until, "cat", "/kind/kubeadm.conf"))
        join = next(each for each in documents if each and each["kind"] == "JoinConfiguration")
        _join(client, node, json.dumps(further(join, node, _address(client, node), told.split()[-1])), until)


def further(join: dict[str, Any], node: str, address: str, key: str) -> dict[str, Any]:
    """Return how a further control plane joins, from how the first one would.

    Parameters
    ----------
    join : dict
        kubeadm's JoinConfiguration, as kind wrote it for the first node.
    node, address : str
        The new node's.
    key : str
        Which decrypts the keys of the cluster's authorities.
    """
    first = f"/{join['nodeRegistration']['name']}" if "name" in join["nodeRegistration"] else ""
    arguments = {each["name"]: each["value"] for each in join["nodeRegistration"]["kubeletExtraArgs"]}
    provider = arguments["provider-id"]
    arguments |= {"node-ip": address, "provider-id": f"{provider.removesuffix(first).rpartition('/')[0]}/{node}"}
    registration = join["nodeRegistration"] | {
        "kubeletExtraArgs": [{"name": name, "value": value} for name, value in arguments.items()]
    }
    bootstrap = join["discovery"]["bootstrapToken"] | {"apiServerEndpoint": firstboot.ENDPOINT}
    return join | {
        "nodeRegistration": registration,
        "discovery": {"bootstrapToken": bootstrap},
        "controlPlane": {
            "localAPIEndpoint": {"advertiseAddress": address, "bindPort": firstboot.PORT},
            "certificateKey": key,
        },
    }


@contextlib.contextmanager
def _made(
    client: Client, kind_name: str, node: str, role: str, image: str, mounts: Sequence[Mount], until: float
) -> Iterator[None]:
    """Make a node that has booted; if what is done then fails, it is removed."""
    volumes = [word for each in mounts for word in ("--volume", f"{each.source}:{each.target}:ro")]
    client.run(
        *("run", "--detach", "--tty", "--name", node, "--hostname", node, "--net", "kind", "--privileged"),
        *("--label", f"{LABEL}={kind_name}", "--label", f"io.x-k8s.kind.role={role}", "--restart=on-failure:1"),
        *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--init=false"),
        *("--tmpfs", "/tmp", "--tmpfs", "/run", "--volume", "/var", "--volume", "/lib/modules:/lib/modules:ro"),
        *volumes,
        *("--cgroupns=private", "--env", "KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER", image),
        step=STEP,
    )
    try:
        _said(client, node, until, "sh", "-c", BOOTED)
        yield
    except BaseException:
        with contextlib.suppress(ClusterError):
            client.run("rm", "--force", "--volumes", node, step=STEP)
        raise


def _join(client: Client, node: str, text: str, until: float) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    _said(client, node, until, "sh", "-ec", WRITTEN % encoded)


def _said(client: Client, node: str, until: float, *command: str) -> str:
    return client.run("exec", node, *command, step=STEP, patience=max(until - time.monotonic(), 1.0))


def _address(client: Client, node: str) -> str:
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return client.run("inspect", "--format", template, node, step="look at a node").strip()


__all__ = ["LABEL", "further", "plane", "worker"]

"""What a kind cluster is made of: its name, its node image, and the configuration that kind reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from kitlib.cluster.kind import firstboot
from kitlib.cluster.kind.engines import Client
from kitlib.cluster.kind.firstboot import Mount
from kitlib.errors import BuildError, ClusterError, UsageError
from kitlib.machine import loopback, paths, versions
from kitlib.machine.airgap import debian, engine, images, nodeimage, nodeload
from kitlib.machine.programs import kindcommand
from kitlib.progress import Progress, message

STEP = "get the node image"
PULL = 900.0
"""Seconds that fetching the node image may take: it is some 400 MB."""
CONTROLLERS = [{"name": "kube-api-burst", "value": "300"}, {"name": "leader-elect-retry-period", "value": "500ms"}]
"""Workers join when the controller manager has signed what they look for; so its start is not to be slowed down."""
ETCD = {"local": {"extraArgs": [{"name": "unsafe-no-fsync", "value": "true"}]}}
"""Nothing waits for the disk: beside other work on it, requests took many seconds, and some weren't answered at all.
What this gives up is a cluster that outlives the machine's crash; a container's, or etcd's own, loses nothing."""
ETCD_OF_SEVERAL = {"heartbeat-interval": "300", "election-timeout": "3000"}
"""Milliseconds, where there are several members; by default 100 and 1000. On a busy machine one that pauses isn't lost;
requests wait while another leader is elected, and for long enough the address that control planes share moves."""
KUBEADM = "kubeadm.k8s.io/v1beta4"
PATIENCE = {"kubernetesAPICall": "5m0s"}
"""How long kubeadm tries a call of the API server that has just started, one minute by default: on a busy machine its
first answers take longer, and no cluster came of it."""
BACKOFF, BACKOFF_SINCE = "40s", (1, 35)
"""The longest wait before a container is restarted, five minutes by default; and the version that can be told it."""
INGRESS = {"http": 80, "https": 443}


def name(label: str, client: Client) -> str:
    """Return the name by which kind knows the cluster of a version; nodes are named by it: "kitlib-worker".

    On an engine that others use, too, a state folder other than the user's own is told by a digest in it.
    """
    base = "kitlib" if label == versions.DEFAULT else f"kitlib-{label}"
    if client.own or "KITLIB_STATE" not in os.environ:
        return base
    return f"{base}-{hashlib.sha256(str(paths.state()).encode()).hexdigest()[:6]}"


def ports() -> dict[str, int]:
    """Choose the ports on 127.0.0.1 that an ingress controller on the first worker can be reached at."""
    return dict(zip(INGRESS, loopback.free_ports(len(INGRESS)), strict=True))


def image(client: Client, minor: str, progress: bool = True) -> str:
    """Have the node image in the engine, and return its name.

    That is kind's published one, fetched once; on kitlib's own engine, and where no registry answers but the image can
    be made, it is the one that is made here.

    Raises
    ------
    ClusterError
        It can't be fetched, and can't be made here.
    BuildError
        It could be made here, but something that goes into it can't be had.
    UsageError
        There is none of that version.
    """
    if client.own:
        if minor != versions.DEFAULT:
            raise UsageError(
                f"a node image of Kubernetes {minor} can't be made here.",
                step=STEP,
                next=f"use {versions.DEFAULT}, or an engine that can fetch images: Docker or Podman with a network",
            )
        own = engine.find()
        if own is None:
            raise ClusterError("kitlib's own engine has ended.", step=STEP, next="try again")
        return nodeload.into_own(own, progress)
    if minor not in versions.NODE_IMAGES:
        raise UsageError(
            f"kind publishes no node image of Kubernetes {minor} that kitlib knows.",
            step=STEP,
            next=f"use one of: {', '.join(versions.NODE_IMAGES)}",
        )
    wanted = versions.NODE_IMAGES[minor]
    if _there(client, wanted):  # an image that was pulled by its digest has no tag
        return wanted
    try:
        with Progress(f"fetch {wanted.partition('@')[0]} (once)", quiet=not progress):
            client.run("pull", "--quiet", wanted, step=STEP, patience=PULL)
        return wanted
    except ClusterError as error:
        return _made(client, minor, error, progress)


def _there(client: Client, wanted: str) -> bool:
    try:
        client.run("image", "inspect", wanted, step=STEP)
    except ClusterError:
        return False
    return True


def _made(client: Client, minor: str, refusal: ClusterError, progress: bool) -> str:
    """Make the node image for an engine that can't fetch one."""
    able, why = debian.able()
    if not able or minor != versions.DEFAULT:
        detail = why or f"that can be done for {versions.DEFAULT} only"
        raise ClusterError(
            f"it can't be fetched, and can't be made here ({detail}).\n  {refusal.message}",
            step=STEP,
            object=versions.NODE_IMAGES[minor].partition("@")[0],
            next="connect this machine to the network, or use the embedded cluster: `kitlib up --provider embedded`",
        ) from refusal
    wanted = nodeimage.name()
    if not _there(client, wanted):
        folder = nodeimage.make(progress)
        with Progress(f"load the node image into {client.program}", quiet=not progress):
            nodeload.feed([client.program, "load"], dict(client.environment), folder)
    return wanted


def brings_lessons(image: str) -> bool:
    """Say whether a node image holds what notebooks run: one that is made here does."""
    return image.startswith("localhost/")


def load_lessons(kind_name: str, client: Client, kind: Path, until: float) -> None:
    """Load the images that notebooks run into all nodes; where they can't be made, the cluster is of use without them.

    Raises
    ------
    ClusterError
        kind can't load them.
    """
    try:
        path = images.archive(progress=False)
    except BuildError as error:
        message(f"notebooks that run the probe will find no image of it: {error}")
        return
    arguments = ["load", "image-archive", str(path), "--name", kind_name]
    kindcommand.call(arguments, client.environment, lambda step: None, until, kind)


def text(
    image: str,
    workers: int,
    ports: dict[str, int],
    minor: str = versions.DEFAULT,
    mounts: Sequence[Mount] = (),
) -> str:
    """Return kind's configuration of a cluster.

    Parameters
    ----------
    image : str
        The node image: one that was made here has a control group driver of its own.
    workers : int
    ports : dict
        Ports on 127.0.0.1 for what an ingress controller listens on.
    minor : str
        Of Kubernetes.
    mounts : sequence of Mount
        What is seen in each node; then further control planes are to join, and all ask for the API server by one name.
    """
    kubelet: dict[str, Any] = {}
    if tuple(map(int, minor.split("."))) >= BACKOFF_SINCE:
        kubelet["crashLoopBackOff"] = {"maxContainerRestartPeriod": BACKOFF}
    shared: dict[str, Any] = {"etcd": ETCD}
    if mounts:
        patient = [{"name": key, "value": value} for key, value in ETCD_OF_SEVERAL.items()]
        etcd = {"local": {"extraArgs": [*ETCD["local"]["extraArgs"], *patient]}}
        shared = {"etcd": etcd, "controlPlaneEndpoint": firstboot.ENDPOINT}
    patches = [_patch("ClusterConfiguration", KUBEADM, controllerManager={"extraArgs": CONTROLLERS}, **shared)]
    patches += [_patch(kind, KUBEADM, timeouts=PATIENCE) for kind in ("InitConfiguration", "JoinConfiguration")]
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists() and Path("/sys/fs/cgroup").exists():
        kubelet["failCgroupV1"] = False
    if image.startswith(nodeimage.NAME):
        # as the image is: without systemd's slices, and without what needs CAP_SYS_RESOURCE
        kubelet |= {"cgroupDriver": "cgroupfs", "cgroupRoot": "/kubelet", "oomScoreAdj": 0}
        patches.append(_patch("KubeProxyConfiguration", "kubeproxy.config.k8s.io/v1alpha1", oomScoreAdj=0))
    if kubelet:
        patches.append(_patch("KubeletConfiguration", "kubelet.config.k8s.io/v1beta1", **kubelet))
    mapped = [
        {"containerPort": INGRESS[purpose], "hostPort": port, "listenAddress": loopback.ADDRESS, "protocol": "TCP"}
        for purpose, port in ports.items()
    ]
    more = _seen(each for each in mounts if not each.planes)
    first = {"role": "worker", "labels": {"ingress-ready": "true"}, "extraPortMappings": mapped, **more}
    config = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"apiServerAddress": loopback.ADDRESS},
        "kubeadmConfigPatches": patches,
        "nodes": [
            {"role": "control-plane", **_seen(mounts)},
            first,
            *({"role": "worker", **more} for _ in range(workers - 1)),
        ],
    }
    return yaml.safe_dump(config, sort_keys=False)


def _seen(mounts: Iterable[Mount]) -> dict[str, Any]:
    seen = [{"hostPath": str(each.source), "containerPath": each.target, "readOnly": True} for each in mounts]
    return {"extraMounts": seen} if seen else {}


def _patch(kind: str, version: str, **fields: Any) -> str:
    return yaml.safe_dump({"kind": kind, "apiVersion": version, **fields}, sort_keys=False)

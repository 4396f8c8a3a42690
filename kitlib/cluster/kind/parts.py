"""Bring the image of a part beside Kubernetes to the nodes: the published one, or one that is made here."""

from __future__ import annotations

import time

from kitlib.cluster.kind import containers
from kitlib.cluster.kind.engines import Client
from kitlib.errors import BuildError, ClusterError
from kitlib.machine.airgap import parts
from kitlib.machine.airgap.parts import Made, Part
from kitlib.machine.programs import kindcommand

STEP = "have a part"
PULL = 300.0
"""Seconds that a node may take to fetch an image: those of parts are some 100 MB."""
LOAD = 120.0
"""Seconds that all nodes may take to load one."""


def image(client: Client, kind_name: str, part: Part, progress: bool = True) -> str:
    """Have the image of a part on every node that runs, and return its name.

    Raises
    ------
    ClusterError
        The engine or kind does not do it.
    BuildError
        No registry answers the nodes, and it can't be made here.
    """
    nodes = [node for node, state in containers.states(client, kind_name).items() if state == "running"]
    refusal = None
    if part.published and not client.own:  # from there no way leads to a registry
        try:
            name = f"{_home(client, nodes[0])}{part.published}" if part.kubernetes else part.published
            for node in nodes:
                _fetch(client, node, name)
            return name
        except ClusterError as error:
            refusal = error
    try:
        made = parts.make(part, progress)
    except BuildError as error:
        before = f"\n  Before that: {refusal.message}" if refusal else ""
        raise BuildError(f"{error.message}{before}", step=error.step, object=error.object, next=error.next) from error
    lacking = [node for node in nodes if not _has(client, node, made)]
    if lacking:
        arguments = ["load", "image-archive", str(made.archive), "--name", kind_name, "--nodes", ",".join(lacking)]
        kind = kindcommand.program(progress)
        kindcommand.call(arguments, client.environment, lambda step: None, time.monotonic() + LOAD, kind)
    return made.image


def _home(client: Client, node: str) -> str:
    """Return what the names of Kubernetes' own images begin with, as those on a node do."""
    names = client.run("exec", node, "crictl", "images", step=STEP).split()
    return next((name.removesuffix("kube-proxy") for name in names if name.endswith("/kube-proxy")), "")


def _fetch(client: Client, node: str, name: str) -> None:
    """Have a node fetch a published image, unless it has it."""
    try:
        client.run("exec", node, "crictl", "inspecti", "--quiet", name, step=STEP)
    except ClusterError:
        client.run("exec", node, "crictl", "pull", name, step=STEP, patience=PULL)


def _has(client: Client, node: str, made: Made) -> bool:
    """Say whether a node has the image that was made: of this name, and of this content."""
    said = client.run("exec", node, "ctr", "-n", "k8s.io", "images", "ls", f"name=={made.image}", step=STEP)
    return any(line.split()[0] == made.image and made.digest in line.split() for line in said.splitlines())

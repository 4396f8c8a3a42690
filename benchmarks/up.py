"""How long `kitlib up` takes beside kwokctl alone and beside kind alone, each pair measured in one run."""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from benchmarks._contest import Aim, Result, shown
from kitlib import cluster as clusters
from kitlib.cluster.kind import config, engines
from kitlib.cluster.kind.creation import WORKERS
from kitlib.machine import subprocesses
from kitlib.machine.airgap import debian, engine
from kitlib.machine.programs import kindcommand
from kitlib.machine.programs.find import Programs, programs
from kitlib.machine.versions import DEFAULT, release

Run = Callable[[Path], float]
"""Brings a cluster up and takes it down; returns the seconds that `up` took."""


def _embedded(rounds: int) -> list[Result]:
    at_hand = programs(release())  # before anything is timed: the first round is kitlib's
    runs: dict[str, Run] = {"kitlib": _kitlib, "kwokctl": functools.partial(_kwokctl, at_hand=at_hand)}
    return [_side_by_side("a cluster up", "kwokctl alone", runs, rounds)]


def _of_kind(rounds: int) -> list[Result]:
    if not engines.find() and not debian.able()[0]:
        return []
    with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder, patch.dict(os.environ, KITLIB_STATE=folder):
        try:
            if not engines.find():
                engine.up()  # not part of what is measured, nor is its image; it stays from round to round
            client = engines.ensure()
            image = config.image(client, DEFAULT)
            runs: dict[str, Run] = {
                "kitlib": _kitlib_kind,
                "kind": functools.partial(_kind, client=client, image=image),
            }
            return [_side_by_side("a kind cluster up", "kind alone", runs, rounds)]
        finally:
            clusters.down()


def _side_by_side(what: str, peer: str, runs: Mapping[str, Run], rounds: int) -> Result:
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in sorted(runs, reverse=bool(number % 2)):
            shown(f"{what}: round {number + 1} of {rounds}, {name}")
            with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder:
                seconds[name].append(runs[name](Path(folder)))
    ours = seconds.pop("kitlib")
    (theirs,) = seconds.values()
    aim = Aim(f"at most a tenth more than {peer}", 1 / 1.1)
    spread = min(ours), max(ours)
    return Result(what, statistics.median(ours), "s", spread, peer, statistics.median(theirs), aim, "wall")


def _kitlib(folder: Path) -> float:
    return _timed("embedded", os.environ | {"KITLIB_STATE": str(folder)})


def _kitlib_kind(_folder: Path) -> float:
    return _timed("kind", os.environ)  # where the engine is


def _timed(provider: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", f"from kitlib import cluster; cluster.up({provider!r}, progress=False)"]
    began = time.monotonic()
    subprocess.run(command, check=True, env=dict(environment))
    took = time.monotonic() - began
    command[-1] = f"from kitlib import cluster; cluster.down({f'{provider}-{DEFAULT}'!r})"
    subprocess.run(command, check=True, env=dict(environment))
    return took


def _kind(folder: Path, client: engines.Client, image: str) -> float:
    program, name = str(kindcommand.program()), "kitlib-bench"
    path, kubeconfig = folder / "kind.yaml", folder / "kubeconfig"
    path.write_text(config.text(image, WORKERS, config.ports(), DEFAULT))
    environment = dict(client.environment)
    create = ["create", "cluster", "--image", image, "--config", str(path)]
    kubectl = [str(programs(release()).paths["kubectl"]), "--kubeconfig", str(kubeconfig)]
    patience = "--timeout=120s"
    whole = (
        [program, *create, "--name", name, "--kubeconfig", str(kubeconfig)],
        [*kubectl, "wait", "--for=condition=Ready", "node", "--all", patience],
        [*kubectl, "wait", "--for=create", "serviceaccount/default", patience],
        [*kubectl, "-n", "kube-system", "rollout", "status", "deployment/coredns", patience],
    )
    began = time.monotonic()
    try:
        for command in whole:
            subprocesses.call(command, "bring up a cluster with kind alone", environment=environment)
        return time.monotonic() - began
    finally:
        subprocess.run([program, "delete", "cluster", "--name", name], env=environment, capture_output=True)


def _kwokctl(folder: Path, at_hand: Programs) -> float:
    links = folder / "bin"
    links.mkdir()
    for name, path in at_hand.paths.items():
        (links / name).symlink_to(path)
    path = folder / "kwokctl.yaml"
    kind = "kind: KwokctlConfiguration\napiVersion: config.kwok.x-k8s.io/v1alpha1\n"
    path.write_text(f"{kind}options: {{bindAddress: 127.0.0.1}}\n")
    kubeconfig = folder / "kubeconfig"
    environment = os.environ | {
        "KWOK_WORKDIR": str(folder / "kwok"),
        "PATH": f"{links}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(kubeconfig),
    }
    base = [str(links / "kwokctl"), "--name", "bench"]
    create = [*base, "create", "cluster", "--runtime", "binary", "--config", str(path), "--wait", "60s"]
    create += ["--kubeconfig", str(kubeconfig), "--kwok-controller-binary", str(links / "kwok")]
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        create += [f"--{name}-binary", str(links / name)]
    nodes = [str(links / "kubectl"), "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"]
    began = time.monotonic()
    try:
        for command in (create, [*base, "scale", "node", "--replicas", "3"], nodes):
            subprocess.run(command, check=True, env=environment, capture_output=True)
        return time.monotonic() - began
    finally:
        subprocess.run(
            [*base, "delete", "cluster", "--kubeconfig", str(kubeconfig)], env=environment, capture_output=True
        )


MEASURED = {"embedded": _embedded, "kind": _of_kind}


def measure(rounds: int = 5, providers: Sequence[str] = tuple(MEASURED)) -> list[Result]:
    """Bring up clusters by kitlib and by the provider's own command, in turn; programs and images are at hand.

    kitlib: a fresh Python process that calls `cluster.up()`. kwokctl alone: `create cluster --wait`, then
    `scale node --replicas 3`, then three Ready nodes. kind alone: `create cluster` with kitlib's own configuration and
    image on the same running engine, then three Ready nodes, a ServiceAccount to run Pods with, and DNS. Each round
    begins with the other one. kind is left out where no container engine is or can be had.
    """
    return [result for provider in providers for result in MEASURED[provider](rounds)]

"""How long `kitlib up` takes beside kwokctl alone, both measured in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._contest import Aim, Result, shown
from kitlib.cluster.binaries import Programs, programs
from kitlib.cluster.versions import release


def measure(rounds: int = 3) -> list[Result]:
    """Bring up a cluster by kitlib and by kwokctl alone, in turn, from programs that are at hand.

    kwokctl alone: `create cluster --wait`, then `scale node --replicas 3`, then three Ready nodes. kitlib: a fresh
    Python process that calls `cluster.up()`. Each round begins with the other one.
    """
    at_hand = programs(release())
    seconds: dict[str, list[float]] = {"kitlib": [], "kwokctl": []}
    for number in range(rounds):
        order = ["kitlib", "kwokctl"] if number % 2 else ["kwokctl", "kitlib"]
        for name in order:
            shown(f"up: round {number + 1} of {rounds}, {name}")
            with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder:
                seconds[name].append(RUNS[name](Path(folder), at_hand))
    ours, theirs = seconds["kitlib"], statistics.median(seconds["kwokctl"])
    spread = min(ours), max(ours)
    aim = Aim("at most a tenth more than kwokctl alone", 1 / 1.1)
    return [Result("a cluster up", statistics.median(ours), "s", spread, "kwokctl alone", theirs, aim, "wall")]


def _kitlib(folder: Path, at_hand: Programs) -> float:
    environment = os.environ | {"KITLIB_STATE": str(folder)}
    command = [sys.executable, "-c", "from kitlib import cluster; cluster.up(progress=False)"]
    began = time.monotonic()
    subprocess.run(command, check=True, env=environment)
    took = time.monotonic() - began
    command[-1] = "from kitlib import cluster; cluster.down()"
    subprocess.run(command, check=True, env=environment)
    return took


def _kwokctl(folder: Path, at_hand: Programs) -> float:
    links = folder / "bin"
    links.mkdir()
    for name, path in at_hand.paths.items():
        (links / name).symlink_to(path)
    config = folder / "kwokctl.yaml"
    kind = "kind: KwokctlConfiguration\napiVersion: config.kwok.x-k8s.io/v1alpha1\n"
    config.write_text(f"{kind}options: {{bindAddress: 127.0.0.1}}\n")
    kubeconfig = folder / "kubeconfig"
    environment = os.environ | {
        "KWOK_WORKDIR": str(folder / "kwok"),
        "PATH": f"{links}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(kubeconfig),
    }
    base = [str(links / "kwokctl"), "--name", "bench"]
    create = [*base, "create", "cluster", "--runtime", "binary", "--config", str(config), "--wait", "60s"]
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


RUNS = {"kitlib": _kitlib, "kwokctl": _kwokctl}

"""The same list from a real API server, by the clock, and how much of the time is the server's."""

from __future__ import annotations

import json
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import _corpus, _peers
from benchmarks._contest import Result, alone, contest, shown
from benchmarks._own import own_cluster
from benchmarks.list import ORJSON, contestants

NOBODY = "nobody"
"""No scheduler of that name runs, so that Pods stay as they are made."""


def measure(count: int = 2_000, rounds: int = 5) -> list[Result]:
    """List so many Pods of a cluster of kitlib's own, made for this and removed at the end."""
    with own_cluster("live") as (kubeconfig, server):
        shown(f"live: making {count:,} Pods")
        alone(_fill, kubeconfig, count)
        everyone = contestants(kubeconfig)
        everyone.pop(ORJSON, None)
        label = f"{count:,} Pods of a kube-apiserver to a DataFrame"
        samples = contest(label, everyone, rounds, count, seldom=["kr8s"])
        share = alone(_share, kubeconfig, server, rounds)
    wall = {name: statistics.median(taken.wall) for name, taken in samples.items()}
    ours = samples["kitlib"].wall
    spread = min(ours), max(ours)
    found = [
        Result(label, wall["kitlib"], "s", spread, name, theirs, clock="wall")
        for name, theirs in wall.items()
        if name != "kitlib"
    ]
    own = samples["kitlib"].cpu
    found.append(Result("of it kitlib's own CPU time", statistics.median(own), "s", (min(own), max(own)), clock="CPU"))
    if share:
        median, spread = statistics.median(share), (min(share), max(share))
        found.append(Result("and the CPU time of the kube-apiserver meanwhile", median, "s", spread, clock="CPU"))
    return found


def _fill(kubeconfig: Path, count: int) -> int:
    """Make Pods: what a recorded Pod asks for, then the state in which it was."""
    from kitlib.api.transport import Connection

    connection = Connection(kubeconfig, writable=True)
    path = "/api/v1/namespaces/default/pods"

    def make(recorded: bytes) -> None:
        was = json.loads(recorded)
        meta = {key: was["metadata"][key] for key in ("name", "labels", "annotations") if key in was["metadata"]}
        left_out = ("nodeName", "volumes", "serviceAccount", "serviceAccountName")
        spec = {key: value for key, value in was["spec"].items() if key not in left_out}
        for container in spec["containers"]:
            container.pop("volumeMounts", None)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**spec, "schedulerName": NOBODY}}
        connection.request("POST", path, body=pod)
        connection.request("PUT", f"{path}/{meta['name']}/status", body={**pod, "status": was["status"]})

    with ThreadPoolExecutor(8) as pool:
        return len(list(pool.map(make, _corpus.pods(count))))


def _share(kubeconfig: Path, server: int, rounds: int) -> list[float]:
    """Return the API server's CPU seconds while kitlib lists, where this system tells them."""
    run = _peers.list_kitlib(kubeconfig)
    run()
    found = []
    for _ in range(rounds):
        before = _seconds(server)
        run()
        after = _seconds(server)
        if before is None or after is None:
            return []
        found.append(after - before)
    return found


def _seconds(process: int) -> float | None:
    path = Path(f"/proc/{process}/stat")
    if not process or not path.exists():
        return None
    fields = path.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

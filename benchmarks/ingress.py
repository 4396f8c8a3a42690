"""How many requests Traefik and ingress-nginx pass on, how long answers take, and what a request costs the processor.

The same rule, backend, machine and run; they take turns, as in the notebook, but for longer. The first column is
Traefik's here, and ingress-nginx is what it is compared with.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

import kitlib
from benchmarks._contest import Result, shown
from kitlib import cluster
from kitlib.cluster.kind.node import Node
from kitlib.lab import Lab
from kitlib.lessons.measured import cpu_seconds, summaries

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
MANIFESTS = NOTEBOOKS / "manifests" / "traefik"
PARTS = {"traefik": "traefik", "nginx": "ingress-nginx"}
"""By the name that each has in the manifests; that of its DaemonSet is the part's."""
MEASURED = {
    "requests a second, eight connections": ("full", "per_second", "requests"),
    "p50 at a hundred requests a second": ("even", "p50_ms", "ms"),
    "p99 at a hundred requests a second": ("even", "p99_ms", "ms"),
}
"""By name: under which load, which column, and its unit."""


def measure(rounds: int = 10, seconds: int = 8) -> list[Result]:
    """Measure both in so many rounds; each load goes on for so many seconds."""
    with _lab() as lab:
        pods = _prepare(lab)
        node = lab.node(lab.get(f"pod/{pods['traefik']}")["spec"]["nodeName"])
        uids = {who: lab.get(f"pod/{pod}")["metadata"]["uid"] for who, pod in pods.items()}
        _turn(lab, "warm", list(pods), 1)
        spent = []
        for number in range(rounds):
            shown(f"ingress: round {number + 1} of {rounds}")
            before = _spent(node, uids)
            _turn(lab, str(number), list(pods)[:: 1 if number % 2 else -1], seconds)
            spent.append({who: each - before[who] for who, each in _spent(node, uids).items()})
        lab.catch_up()
        return _results(summaries(lab.frames.logs), spent)


@contextlib.contextmanager
def _lab() -> Iterator[Lab]:
    """Have a cluster whose containers run, with its state in a folder of its own, and a lab on it."""
    with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder, contextlib.ExitStack() as stack:
        for name, value in {"KITLIB_STATE": folder, "KITLIB_BUILD": folder, "KITLIB_CLUSTER": ""}.items():
            stack.callback(_put, name, os.environ.get(name))
            _put(name, value or None)
        shown("ingress: a cluster of its own")
        stack.callback(cluster.down)
        cluster.up("kind", progress=False)
        stack.enter_context(contextlib.chdir(NOTEBOOKS))
        lab = kitlib.open("bench", kinds=("pods",), containers=True)
        stack.callback(lab.close)
        yield lab


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _prepare(lab: Lab) -> dict[str, str]:
    """Have both run, with the same rule; return their Pods."""
    shown("ingress: have the controllers")
    with lab.quiet():
        for name in ("kinds", "gateway-kinds", "apps", "classes", "doors"):
            lab.apply((MANIFESTS / f"{name}.yaml").read_text())
        for name, part in PARTS.items():
            text = (MANIFESTS / f"{name}.yaml").read_text()
            lab.apply(text.replace("LAB-NAMESPACE", lab.namespace).replace("IMAGE", lab.part(part)))
        lab.apply((MANIFESTS / "racers.yaml").read_text())
        lab.wait("pod/cart", condition="Ready")
        for part in PARTS.values():
            lab.wait(f"daemonset/{part}", rolled_out=True)
    names = lab.frames.pods["name"].unique()
    return {who: next(name for name in names if name.startswith(f"{part}-")) for who, part in PARTS.items()}


def _turn(lab: Lab, name: str, order: list[str], seconds: int) -> None:
    """Have both loads of both, one after the other."""
    text = (MANIFESTS / "race.yaml").read_text().replace("TURN", name)
    for given, who in zip(("FIRST", "SECOND"), order, strict=True):
        text = text.replace(given, who)
    with lab.quiet():
        lab.apply(text.replace("1500ms", f"{seconds}s").replace("--for, 2s", f"--for, {seconds}s"))
        lab.wait(f"pod/race-{name}", until=lambda pod: pod["status"]["phase"] == "Succeeded", what="is over")
    for container in lab.get(f"pod/race-{name}")["spec"]["initContainers"]:
        lab.record_logs(f"race-{name}", container["name"]).wait_for('"summary"')


def _spent(node: Node, uids: Mapping[str, str]) -> dict[str, float]:
    return {who: cpu_seconds(node, uid) for who, uid in uids.items()}


def _results(turns: pd.DataFrame, spent: list[dict[str, float]]) -> list[Result]:
    turns = turns[turns["name"] != "race-warm"]
    load, who = (turns["container"].str.split("-").str[number] for number in (0, 1))
    found = []
    for name, (wanted, column, unit) in MEASURED.items():
        values = {each: turns[(load == wanted) & (who == each)][column].tolist() for each in PARTS}
        found.append(_result(name, values, unit))
    answered = turns.groupby(["name", who])["answered"].sum()
    costs = {
        each: [1000 * row[each] / answered[f"race-{number}", each] for number, row in enumerate(spent)]
        for each in PARTS
    }
    return [*found, _result("CPU a request", costs, "ms")]


def _result(name: str, values: Mapping[str, list[float]], unit: str) -> Result:
    mine, theirs = values["traefik"], values["nginx"]
    return Result(
        f"Traefik: {name}",
        statistics.median(mine),
        unit,
        (min(mine), max(mine)),
        f"ingress-nginx ({min(theirs):.3g} – {max(theirs):.3g})",
        statistics.median(theirs),
    )

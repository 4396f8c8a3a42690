"""Whether a hundred times the Pods take a hundred times as long."""

from __future__ import annotations

import itertools
import statistics

from benchmarks import _peers
from benchmarks._contest import Aim, Result, contest
from benchmarks._server import serving

SIZES = (1_000, 10_000, 100_000)


def measure(sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> list[Result]:
    """List ever more Pods into a DataFrame: CPU time a Pod, each number of Pods beside the one before."""
    costs = {}
    for count in sizes:
        with serving(pods=count) as kubeconfig:
            label = f"growth: {count:,} Pods"
            taken = contest(label, {"kitlib": (_peers.list_kitlib, kubeconfig)}, rounds, count)["kitlib"]
        costs[count] = [each / count * 1e6 for each in taken.cpu]
    found = []
    for before, count in itertools.pairwise(sizes):
        median = statistics.median(costs[count])
        spread = min(costs[count]), max(costs[count])
        aim = Aim("at most a quarter more a Pod", 0.8) if count == sizes[-1] else None
        name, peer = f"a Pod of {count:,} to a DataFrame", f"one of {before:,}"
        found.append(Result(name, median, "µs", spread, peer, statistics.median(costs[before]), aim, "CPU"))
    return found

"""Whether a hundred times the Pods take a hundred times as long."""

from __future__ import annotations

import statistics

from benchmarks import _peers
from benchmarks._contest import Aim, Result, contest
from benchmarks._server import serving

SIZES = (1_000, 10_000, 100_000)


def measure(sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> list[Result]:
    """List ever more Pods into a DataFrame: CPU time a Pod, each number of Pods beside the smallest."""
    costs = {}
    for count in sizes:
        with serving(pods=count) as kubeconfig:
            label = f"growth: {count:,} Pods"
            taken = contest(label, {"kitlib": (_peers.list_kitlib, kubeconfig)}, rounds, count)["kitlib"]
        costs[count] = [each / count * 1e6 for each in taken.cpu]
    least, *others = sizes
    found = []
    for count in others:
        aim = Aim("at most a quarter more a Pod", 0.8) if count == sizes[-1] else None
        median, before = statistics.median(costs[count]), statistics.median(costs[least])
        spread = min(costs[count]), max(costs[count])
        found.append(
            Result(f"a Pod of {count:,} to a DataFrame", median, "µs", spread, f"one of {least:,}", before, aim, "CPU")
        )
    return found

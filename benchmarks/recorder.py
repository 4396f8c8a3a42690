"""What recording costs beside splitting the same bytes into objects, before anything is compressed or written."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks import _peers
from benchmarks._contest import Aim, Result, Samples, contest
from benchmarks._server import serving

AIM = Aim("at most 3 × the splitting", 1 / 3)


def measure(count: int = 10_000, rounds: int = 9) -> list[Result]:
    """Receive so many Pods by a list and by a watch: the bytes alone, split without decoding, and recorded.

    All three receive by kitlib's own connection.
    """
    with serving(pods=count) as kubeconfig:
        listed = contest(
            "recorder, by a list",
            {
                "bytes": (_peers.list_bytes, kubeconfig, True),
                "split": (_peers.list_split, kubeconfig, True),
                "record": (_peers.list_record, kubeconfig),
            },
            rounds,
            count,
        )
    with serving(rows=count, kind="Pod") as kubeconfig:
        watched = contest(
            "recorder, by a watch",
            {
                "bytes": (_peers.watch_lines, kubeconfig, count, False, True),
                "split": (_peers.watch_lines, kubeconfig, count, True, True),
                "record": (_peers.watch_kitlib, kubeconfig, count),
            },
            rounds,
            count,
        )
    return [*_own("a list", listed, count), *_own("a watch", watched, count)]


def _own(of: str, samples: Mapping[str, Samples], count: int) -> list[Result]:
    """Return the cost a row without that of receiving the bytes, and with it."""
    cost = {name: [each / count * 1e6 for each in taken.cpu] for name, taken in samples.items()}
    median = {name: statistics.median(each) for name, each in cost.items()}
    spread = min(cost["record"]), max(cost["record"])
    name = f"recording a row of {of} in memory"
    received = median["bytes"]
    own = Result(
        f"{name}, without receiving the bytes",
        median["record"] - received,
        "µs",
        (spread[0] - received, spread[1] - received),
        "splitting",
        median["split"] - received,
        AIM,
        "CPU",
    )
    return [own, Result(name, median["record"], "µs", spread, "bytes and split", median["split"], None, "CPU")]

"""How long it takes from an API server's list of Pods to a DataFrame of them, by kitlib, by others, and at least."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import _peers
from benchmarks._contest import Aim, Result, compared, contest
from benchmarks._server import serving

SIZES = (1_000, 10_000)
OFFICIAL, ORJSON = "official client, typed", "orjson of everything, no frame"
AIMS = {
    OFFICIAL: Aim("at least 25 × less than the official client", 25),
    ORJSON: Aim("less than decoding everything with orjson", 1),
}


def measure(sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> list[Result]:
    """List so many Pods as a kube-apiserver of today sends them; the largest number as one before 1.33 did, too."""
    found = []
    for count in sizes:
        label = f"{count:,} Pods to a DataFrame"
        with serving(pods=count) as kubeconfig:
            samples = contest(label, contestants(kubeconfig), rounds, count, seldom=["kr8s"])
        found += compared(label, samples, aims=AIMS)
    with serving(pods=sizes[-1], framing="whole") as kubeconfig:
        label = f"{sizes[-1]:,} Pods to a DataFrame, each response in one piece"
        all_of_them = contestants(kubeconfig)
        some = {
            name: all_of_them[name] for name in ("kitlib", OFFICIAL, ORJSON, "bytes by urllib3") if name in all_of_them
        }
        found += compared(label, contest(label, some, rounds, sizes[-1]))
    return found


def contestants(kubeconfig: Path) -> dict[str, tuple[Any, ...]]:
    """Return those that can be imported here, kitlib first, limits last."""
    everyone: dict[str, tuple[str, tuple[Any, ...]]] = {
        "kitlib": ("kitlib", (_peers.list_kitlib, kubeconfig)),
        OFFICIAL: ("kubernetes", (_peers.list_official, kubeconfig)),
        "kr8s": ("kr8s", (_peers.list_kr8s, kubeconfig)),
        "kr8s, raw=True": ("kr8s", (_peers.list_kr8s, kubeconfig, True)),
        "lightkube": ("lightkube", (_peers.list_lightkube, kubeconfig)),
        ORJSON: ("orjson", (_peers.list_orjson, kubeconfig)),
        "bytes by urllib3, split": ("msgspec", (_peers.list_split, kubeconfig)),
        "bytes by urllib3": ("urllib3", (_peers.list_bytes, kubeconfig)),
    }
    return {name: call for name, (module, call) in everyone.items() if _peers.installed(module)}

"""How much a watch costs a row, and how many rows a second it takes, when the server sends as fast as it is read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _peers
from benchmarks._contest import Aim, Result, compared, contest
from benchmarks._server import serving

OFFICIAL = "official Watch, typed"
AIMS = {OFFICIAL: Aim("at least 20 × less than the official Watch", 20)}


def measure(rows: int = 10_000, rounds: int = 3) -> list[Result]:
    """Watch so many updates of Pods with a recorder in memory and one on disk, and with what others offer."""
    with (
        serving(rows=rows, kind="Pod") as kubeconfig,
        tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder,
    ):
        everyone: dict[str, tuple[str, tuple[Any, ...]]] = {
            "kitlib": ("kitlib", (_peers.watch_kitlib, kubeconfig, rows)),
            "kitlib, to disk": ("kitlib", (_peers.watch_kitlib, kubeconfig, rows, Path(folder) / "recording")),
            OFFICIAL: ("kubernetes", (_peers.watch_official, kubeconfig, rows)),
            "kr8s": ("kr8s", (_peers.watch_kr8s, kubeconfig, rows)),
            "lightkube": ("lightkube", (_peers.watch_lightkube, kubeconfig, rows)),
            "lines by urllib3, split": ("msgspec", (_peers.watch_lines, kubeconfig, rows, True)),
            "lines by urllib3": ("urllib3", (_peers.watch_lines, kubeconfig, rows)),
        }
        contestants = {name: call for name, (module, call) in everyone.items() if _peers.installed(module)}
        label = "a row of a watch of Pods"
        samples = contest(label, contestants, rounds, rows, seldom=["kr8s"])
    on_disk = {name: samples[name] for name in ("kitlib, to disk", OFFICIAL)}
    in_memory = {name: taken for name, taken in samples.items() if name != "kitlib, to disk"}
    return [
        *compared(f"{label}, recorded in memory", in_memory, per=rows, unit="µs", aims=AIMS),
        *compared(f"{label}, recorded to disk", on_disk, "kitlib, to disk", per=rows, unit="µs"),
    ]

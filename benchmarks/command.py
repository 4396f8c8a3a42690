"""How long `kitlib --help` takes: the first thing that a newcomer waits for."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._contest import Aim, Result

PROMISED = 0.15
"""Seconds."""
PEERS = ("mkdocs", "jupyter")
"""Commands written in Python, too, that are installed with kitlib."""


def measure(rounds: int = 7) -> list[Result]:
    """Start the commands in turn, again and again."""
    seconds: dict[str, list[float]] = {name: [] for name in ("kitlib", *PEERS)}
    for _ in range(rounds):
        for name, taken in seconds.items():
            began = time.monotonic()
            command = [str(Path(sys.executable).with_name(name)), "--help"]
            subprocess.run(command, check=True, capture_output=True)
            taken.append(time.monotonic() - began)
    taken = seconds["kitlib"]
    median, spread = statistics.median(taken), (min(taken), max(taken))
    aim = Aim(f"within {PROMISED} s", 1)
    found = [Result("kitlib --help", median, "s", spread, "what is promised", PROMISED, aim, "wall")]
    for name in PEERS:
        beside = statistics.median(seconds[name])
        found.append(Result("kitlib --help", median, "s", spread, f"{name} --help", beside, None, "wall"))
    return found

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


def measure(rounds: int = 7) -> list[Result]:
    """Start the command again and again."""
    command = [str(Path(sys.executable).with_name("kitlib")), "--help"]
    seconds = []
    for _ in range(rounds):
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.monotonic() - began)
    median, spread = statistics.median(seconds), (min(seconds), max(seconds))
    aim = Aim(f"within {PROMISED} s", 1)
    return [Result("kitlib --help", median, "s", spread, "what is promised", PROMISED, aim, "wall")]

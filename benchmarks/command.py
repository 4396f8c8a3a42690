"""How long `kitlib --help` takes: the first thing that a newcomer waits for."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROMISED = 0.5
"""Seconds."""


def measure(rounds: int = 7) -> dict[str, object]:
    command = [str(Path(sys.executable).with_name("kitlib")), "--help"]
    seconds = []
    for _ in range(rounds):
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.monotonic() - began)
    median = statistics.median(seconds)
    return {
        "benchmark": "command",
        "seconds": [round(value, 3) for value in seconds],
        "median": round(median, 3),
        "ratio": round(median / PROMISED, 3),
        "bound": 1.0,
        "load": round(os.getloadavg()[0], 1),
    }

"""How long the site takes to be written: what a reader waits for at the end of a walk."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._contest import Aim, Result
from kitlib.site import build

PROMISED = 10.0
"""Seconds, on two cores."""
CHECKOUT = Path(__file__).resolve().parents[1]


def measure(rounds: int = 3) -> list[Result]:
    """Write the whole site of this checkout again and again, from the committed notebooks.

    Beside it nbconvert makes pages of the same notebooks, and of nothing else.
    """
    seconds, beside = [], []
    with tempfile.TemporaryDirectory(prefix="kitlib-site-") as folder:
        made = Path(folder) / "build"
        (made / "notebooks").mkdir(parents=True)
        for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
            shutil.copy2(path, made / "notebooks" / path.name)
        for _ in range(rounds):
            began = time.monotonic()
            build(CHECKOUT, made, Path(folder) / "site")
            seconds.append(time.monotonic() - began)
            began = time.monotonic()
            convert = [
                sys.executable,
                "-m",
                "nbconvert",
                "--to",
                "html",
                "--output-dir",
                str(Path(folder) / "nbconvert"),
            ]
            notebooks = sorted(map(str, (made / "notebooks").glob("*.ipynb")))
            subprocess.run([*convert, *notebooks], check=True, capture_output=True)
            beside.append(time.monotonic() - began)
    median, spread = statistics.median(seconds), (min(seconds), max(seconds))
    aim = Aim(f"within {PROMISED:.0f} s", 1)
    alone = statistics.median(beside)
    return [
        Result("the site", median, "s", spread, "what is promised", PROMISED, aim, "wall"),
        Result("the site", median, "s", spread, "nbconvert, of the notebooks alone", alone, None, "wall"),
    ]

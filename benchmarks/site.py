"""How long the site takes to be written: what a reader waits for at the end of a walk."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks._contest import Aim, Result
from kitlib.site import build

PROMISED = 10.0
"""Seconds, on two cores."""
CHECKOUT = Path(__file__).resolve().parents[1]


def measure(rounds: int = 3) -> list[Result]:
    """Write the whole site of this checkout again and again, from the committed notebooks."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="kitlib-site-") as folder:
        made = Path(folder) / "build"
        (made / "notebooks").mkdir(parents=True)
        for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
            shutil.copy2(path, made / "notebooks" / path.name)
        for _ in range(rounds):
            began = time.monotonic()
            build(CHECKOUT, made, Path(folder) / "site")
            seconds.append(time.monotonic() - began)
    median, spread = statistics.median(seconds), (min(seconds), max(seconds))
    aim = Aim(f"within {PROMISED:.0f} s", 1)
    return [Result("the site", median, "s", spread, "what is promised", PROMISED, aim, "wall")]

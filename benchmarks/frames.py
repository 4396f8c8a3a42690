"""How long frames of a large recording take: 10,000 versions of Pods into `pods`, beside plain json."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from kitlib.recording import Recording

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "rollout"


def measure(versions: int = 10_000) -> dict[str, object]:
    """Decode the Pods of the tests' recording, over and over."""
    rows = [row for row in Recording.open(DATA).rows if row.kind == "Pod"]
    large = Recording()
    while len(large) < versions:
        row = rows[len(large) % len(rows)]
        large.add(row.object, kind="Pod", api_version="v1", type="MODIFIED", origin="watch", stream="pods")
    began = time.monotonic()
    frame = large.frames.pods
    frames_seconds = time.monotonic() - began
    assert len(frame) == versions
    began = time.monotonic()
    for row in large.rows:
        json.loads(row.object)
    json_seconds = time.monotonic() - began
    return {
        "benchmark": "frames",
        "versions": versions,
        "seconds": round(frames_seconds, 3),
        "json_seconds": round(json_seconds, 3),
        "versions_per_second": round(versions / frames_seconds),
        "load": round(os.getloadavg()[0], 1),
    }

"""A large recording, made once a run: rows of five kinds as fast as the loopback server sends them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._contest import alone, peak, shown
from benchmarks._server import serving

KINDS = ("pods", "replicasets", "deployments", "replicationcontrollers", "events")
_made: dict[int, tuple[Path, dict[str, Any]]] = {}


def recorded(rows: int) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a recording of so many rows, and what making it took; made at the first call."""
    if rows not in _made:
        folder = Path(tempfile.mkdtemp(prefix="kitlib-bench-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        shown(f"recording {rows:,} rows")
        with serving(rows=rows, ahead=False) as kubeconfig:
            _made[rows] = folder / "recording", alone(_record, kubeconfig, folder / "recording", rows)
    return _made[rows]


def _record(kubeconfig: Path, folder: Path, rows: int) -> dict[str, Any]:
    from kitlib.api.transport import Connection
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

    connection = Connection(kubeconfig)
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    with Recording.create(folder) as recording:
        with Recorder(connection, KINDS, recording) as recorder:
            recorder.wait_for(lambda: len(recording) >= rows, timeout=900)
            counts = recorder.counts()
        received = len(recording)
    return {
        "rows": received,
        "peak": peak(),
        "before": before,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "gaps": counts["gaps"],
        "alive": counts["objects"],
    }

"""How many bytes a recording takes on disk, beside the JSON that came and the same compressed."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

from benchmarks import _corpus
from benchmarks._contest import Aim, Result, alone
from benchmarks._server import serving

AIM = Aim("at most a tenth of the raw JSON", 10)
MB = 1e6


def measure(rows: int = 50_000) -> list[Result]:
    """Record so many updates of Pods, and write the same as lines of JSON."""
    with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as name, serving(rows=rows, kind="Pod") as kubeconfig:
        folder = Path(name) / "recording"
        alone(_record, kubeconfig, folder, rows)
        taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB
    raw, packed = 0, 0
    gzip = zlib.compressobj(6, wbits=31)
    for _, body in _corpus.updates(rows, "Pod"):
        raw += len(body) + 1
        packed += len(gzip.compress(body + b"\n"))
    packed += len(gzip.flush())
    what = f"{rows:,} updates of Pods on disk"
    return [
        Result(what, taken, "MB", (taken, taken), "raw JSON", raw / MB, AIM),
        Result(what, taken, "MB", (taken, taken), "raw JSON, gzip -6", packed / MB),
    ]


def _record(kubeconfig: Path, folder: Path, rows: int) -> None:
    from benchmarks._peers import watch_kitlib

    watch_kitlib(kubeconfig, rows, folder=folder)()

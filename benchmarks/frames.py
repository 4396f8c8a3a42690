"""How long each frame of a large recording takes, and how much memory, as a whole and part by part."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import _large, _peers
from benchmarks._contest import Result, alone, peak, shown

MB = 1e6
KINDS = {
    "pods": ("Pod",),
    "workloads": ("Deployment", "ReplicaSet"),
    "conditions": ("Pod", "Deployment", "ReplicaSet"),
    "events": ("Event",),
}
"""The kinds whose objects a frame is made of."""
FRAMES = (*KINDS, "occurrences", "gaps", "steps")


def measure(rows: int = 1_000_000) -> list[Result]:
    """Make each frame in a process of its own, and decode everything that it is made of in another."""
    folder, _ = _large.recorded(rows)
    peer = (
        "orjson of the same objects, no frame" if _peers.installed("orjson") else "json of the same objects, no frame"
    )
    found = []
    opened = alone(_open, folder)
    found.append(Result(f"opening {rows:,} rows", opened["wall"], "s", (opened["wall"],) * 2, clock="wall"))
    for frame in FRAMES:
        shown(f"frame {frame} of {rows:,} rows")
        ours = alone(_frame, folder, frame)
        theirs = alone(_decode, folder, KINDS[frame]) if frame in KINDS else None
        name = f"frame {frame} ({ours['rows']:,} rows) of {rows:,} rows"
        for clock, key in (("CPU", "cpu"), ("wall", "wall")):
            value = ours[key]
            against = (peer, theirs[key]) if theirs else (None, None)
            found.append(Result(name, value, "s", (value, value), against[0], against[1], clock=clock))
        memory = ours["peak"] / MB
        found.append(Result(f"peak memory of that: {frame}", memory, "MB", (memory, memory)))
    shown("frame pods, part by part")
    whole, parts = alone(_frame, folder, "pods"), alone(_parts, folder, "pods")
    memory = parts["peak"] / MB
    found.append(
        Result(
            "peak memory of pods, part by part", memory, "MB", (memory, memory), "pods as a whole", whole["peak"] / MB
        )
    )
    return found


def _open(folder: Path) -> dict[str, Any]:
    from kitlib.recording import Recording

    began = time.perf_counter()
    count = len(Recording.open(folder))
    return {"wall": time.perf_counter() - began, "rows": count}


def _frame(folder: Path, name: str) -> dict[str, Any]:
    from kitlib.recording import Recording

    wall, cpu = time.perf_counter(), time.process_time()
    frame = getattr(Recording.open(folder).frames, name)
    return _took(wall, cpu, len(frame))


def _parts(folder: Path, name: str) -> dict[str, Any]:
    from kitlib.recording import Recording

    wall, cpu = time.perf_counter(), time.process_time()
    return _took(wall, cpu, sum(len(part) for part in Recording.open(folder).frames.parts(name)))


def _decode(folder: Path, kinds: tuple[str, ...]) -> dict[str, Any]:
    from kitlib.recording import Recording

    module = importlib.import_module("orjson" if _peers.installed("orjson") else "json")
    loads: Callable[[bytes], Any] = module.loads
    wall, cpu = time.perf_counter(), time.process_time()
    count = 0
    for row in Recording.open(folder).rows.of(*kinds):
        loads(row.object)
        count += 1
    return _took(wall, cpu, count)


def _took(wall: float, cpu: float, rows: int) -> dict[str, Any]:
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "rows": rows,
        "peak": peak(),
    }

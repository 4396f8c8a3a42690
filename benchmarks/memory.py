"""How much memory a recorder takes at most while rows go to the disk, and whether that grows with their number."""

from __future__ import annotations

from benchmarks import _large
from benchmarks._contest import Aim, BenchmarkError, Result

SIZES = (100_000, 300_000, 1_000_000)
FLAT = Aim("flat: at most a tenth more", 1 / 1.1)
MB = 1e6


def measure(sizes: tuple[int, ...] = SIZES) -> list[Result]:
    """Record ever more rows of five kinds to disk, each number in a process of its own."""
    taken = {}
    for rows in sizes:
        _, taken[rows] = _large.recorded(rows)
        if taken[rows]["gaps"] or taken[rows]["rows"] < rows:
            raise BenchmarkError(f"of {rows} rows {taken[rows]['rows']} came, with {taken[rows]['gaps']} gaps")
    most = sizes[-1]
    peak = taken[most]["peak"] / MB
    found = [
        Result(
            f"peak memory while {most:,} rows are recorded to disk",
            peak,
            "MB",
            (peak, peak),
            f"{rows:,} rows",
            taken[rows]["peak"] / MB,
            FLAT,
        )
        for rows in sizes[:-1]
    ]
    before = taken[most]["before"] / MB
    imported = Result("of it before the first row: Python and imports", before, "MB", (before, before))
    wall, cpu = (taken[most][clock] / most * 1e6 for clock in ("wall", "cpu"))
    name = f"a row of {most:,}, five kinds at once, to disk"
    cost = [
        Result(name, cpu, "µs", (cpu, cpu), clock="CPU"),
        Result(name, wall, "µs", (wall, wall), clock="wall"),
    ]
    return [*found, imported, *cost]

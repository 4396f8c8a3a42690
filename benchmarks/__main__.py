"""Run the benchmarks named, or all; write build/bench.json, and say which aims are reached."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks import _report
from benchmarks._contest import BenchmarkError
from kitlib.errors import KitlibError

BENCHMARKS = (
    "list",
    "growth",
    "watch",
    "recorder",
    "disk",
    "memory",
    "frames",
    "live",
    "command",
    "why",
    "site",
    "exporters",
    "ingress",
    "up",
)
"""In the order in which they run and are shown."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all unless named: {', '.join(BENCHMARKS)}")
    parser.add_argument("--write-docs", action="store_true", help="only put what was measured into docs/benchmarks.md")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        print(
            f"no benchmark {', '.join(sorted(unknown))}\n  Next: choose from {', '.join(BENCHMARKS)}", file=sys.stderr
        )
        return 2
    if options.write_docs:
        _report.write_page(BENCHMARKS)
        return 0
    failed = []
    names = options.names or BENCHMARKS
    for number, name in enumerate(names, 1):
        began, load = time.time(), os.getloadavg()[0]
        _report.tell(f"[{number}/{len(names)}] {name} (load average {load:.1f})")
        try:
            results = importlib.import_module(f"benchmarks.{name}").measure()
        except (BenchmarkError, KitlibError, OSError, subprocess.SubprocessError) as error:
            failed.append(name)
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
            continue
        _report.save(name, results, _report.about(began, (load, os.getloadavg()[0])))
        for line in _report.lines(_report.entries(name, results)):
            _report.tell(f"  {line}")
    missed = [entry for entry in _report.load() if entry["kept"] is False and entry["benchmark"] in names]
    for entry in missed:
        print(f"not reached: {entry['name']}: {_report.times(entry['ratio'])}; {entry['aim']}", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}\n  Next: run one alone: make bench ARGS={failed[0]}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

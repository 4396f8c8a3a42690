"""`python -m tests.faults`: run the scenarios on a control plane of their own, and write build/faults.json.

`python -m tests.faults guards` takes out each guard instead, and writes build/guards.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults.guards import GUARDS, take_out_each
from tests.faults.result import Result
from tests.faults.scenarios import BASE, COUNT
from tests.faults.suite import PLACE, TOTALS, WORKERS, control_plane, numbers, run_all, summary

OUT = PLACE.parent / "faults.json"


def tell(results: list[Result], totals: dict[str, Any]) -> None:
    """Print what came of it."""
    for result in results:
        if not result.good:
            print(f"scenario {result.number} (seed {result.seed}, {result.family}): {', '.join(result.kinds)}")
            for line in [*result.problems, *result.error.splitlines()]:
                print(f"  {line}")
    told = ", ".join(f"{totals[name]} {name.replace('_', ' ')}" for name in TOTALS)
    print(f"{totals['scenarios']} scenarios in {totals['seconds']:.0f} s: {told}")


def guards_of(chosen: Iterable[int], workers: int) -> int:
    """Take guards out, one after the other, and print who noticed; 1 if nobody did."""
    began = time.monotonic()
    with control_plane() as name:
        found = take_out_each(name, workers, chosen)
    seconds = time.monotonic() - began
    for missed in found:
        told = missed.noticed or missed.error or f"NOT NOTICED in {missed.tried} scenarios of {missed.guard.families}"
        print(f"{GUARDS.index(missed.guard):3} {missed.guard.what}: {told[:150]}")
    unnoticed = sum(not missed.noticed for missed in found)
    lines = [{"what": each.guard.what, "file": each.guard.file, "noticed": each.noticed} for each in found]
    whole = {"guards": len(found), "unnoticed": unnoticed, "seconds": round(seconds, 1), "each": lines}
    OUT.with_name("guards.json").write_text(json.dumps(whole, indent=1) + "\n")
    print(f"{len(found)} guards taken out in {seconds:.0f} s: {unnoticed} not noticed")
    return 1 if unnoticed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("scenarios", "guards"), default="scenarios", help="what is run")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these scenarios, or guards")
    parser.add_argument("--count", type=int, default=COUNT, help=f"a sample of so many (default: {COUNT}, all)")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"how many at once (default: {WORKERS})")
    parser.add_argument("--base", type=int, default=BASE, help="other seeds: other scenarios under the same numbers")
    parser.add_argument("--keep", action="store_true", help="keep what each was judged by, in build/faults/recordings")
    parser.add_argument("--times", type=int, default=1, help="run each so often")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go")
    options = parser.parse_args(arguments)
    if options.what == "guards":
        return guards_of(options.only or (), options.workers)
    chosen = (options.only if options.only is not None else numbers(options.count)) * options.times
    shutil.rmtree(PLACE / "recordings", ignore_errors=True)
    began = time.monotonic()
    with control_plane() as name:
        results = run_all(chosen, name, options.workers, options.base, options.keep)
    told = summary(results, time.monotonic() - began, options.base)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    tell(results, told["totals"])
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())

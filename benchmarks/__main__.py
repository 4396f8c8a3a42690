"""Run the benchmarks named, or all, and say which promises are kept: one JSON line each on standard output."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks


def main(names: Sequence[str]) -> int:
    known = [item.name for item in pkgutil.iter_modules(benchmarks.__path__) if not item.name.startswith("_")]
    unknown = set(names) - set(known)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}\n  Next: choose from {', '.join(known)}", file=sys.stderr)
        return 2
    broken = []
    for name in names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = importlib.import_module(f"benchmarks.{name}").measure()
        print(json.dumps(found), flush=True)
        if "bound" in found and found["ratio"] > found["bound"]:
            broken.append(f"{name}: {found['ratio']} of at most {found['bound']}")
    for line in broken:
        print(f"not kept: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Where the time goes: `python -m benchmarks._profile list_kitlib 10000` profiles what is measured, in all threads.

Names are those of `_peers`: list_kitlib, list_record, list_official, watch_kitlib, watch_official and so on. A profile
makes calls of Python dearer than they are: it shows where to look, not how long it takes.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import _peers
from benchmarks._server import serving


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2 or not arguments[1].isdigit() or not hasattr(_peers, arguments[0]):
        print(f"{__doc__}\n  Next: give a name of `_peers`, and a number", file=sys.stderr)
        return 2
    name, count = arguments[0], int(arguments[1])
    watched = name.startswith("watch")
    with serving(**({"rows": count, "kind": "Pod"} if watched else {"pods": count})) as kubeconfig:
        run = getattr(_peers, name)(kubeconfig, *([count] if watched else []))
        for _ in range(3):
            cpu = time.process_time()
            run()
            print(f"{name} {count:,}: {time.process_time() - cpu:.3f} s of CPU")
        stats = profiled(run)
    stats.sort_stats("tottime").print_stats(25)
    return 0


def profiled(run: _peers.Run) -> pstats.Stats:
    """Call it, and return the profile of this thread and of those that begin meanwhile."""
    found: list[cProfile.Profile] = [cProfile.Profile()]
    plain = threading.Thread.run

    def with_profile(thread: threading.Thread) -> Any:
        own = cProfile.Profile()
        found.append(own)
        return own.runcall(plain, thread)

    threading.Thread.run = with_profile  # type: ignore[method-assign, assignment]
    try:
        found[0].runcall(run)
    finally:
        threading.Thread.run = plain  # type: ignore[method-assign]
    return pstats.Stats(*found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

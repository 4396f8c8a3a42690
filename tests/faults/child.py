"""A recorder as a process of its own: orders come as lines of JSON on standard input, answers go to standard output.

It is run by its path, with the order (see `recorders.Order`) as its only argument.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kitlib.watch import Recorder


def inject_clock(file: Path) -> None:
    """Have Python's wall clock run as many seconds late or early as a file says; where libfaketime isn't installed."""
    wall, wall_ns = time.time, time.time_ns
    time.time = lambda: wall() + float(file.read_text())
    time.time_ns = lambda: wall_ns() + int(float(file.read_text()) * 1e9)


def main() -> None:
    """Record until told to stop."""
    if clock := os.environ.get("FAULTS_CLOCK"):
        inject_clock(Path(clock))
    from kitlib import watch
    from kitlib.api.transport import Connection
    from kitlib.recording import Recording

    order = json.loads(sys.argv[1])
    watch.recorder.FLUSH_SECONDS = order["flush_seconds"]
    recording = Recording.create(order["path"], {})
    recorder = watch.Recorder(
        Connection(order["kubeconfig"], None),
        order["kinds"],
        recording,
        order["namespace"],
        watch.Timeouts(order["watch_seconds"], order["silent_seconds"], refused_seconds=0.4),
    )
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            recorder.start(asked["start"])
            answer: dict[str, object] = {"started": True}
        elif "reached" in asked:
            answer = {"missing": wait(recorder, asked["reached"])}
        else:
            recorder.stop()
            recording.close()
            answer = {"stopped": True}
        print(json.dumps(answer), flush=True)
        if "stop" in asked:
            return


def wait(recorder: Recorder, timeout: float) -> list[str]:
    """Wait for the last object of each kind."""
    missing = set(recorder.plurals)

    def all_there() -> bool:
        missing.difference_update(row.stream for row in recorder.recording.rows if row.name == "the-end")
        return not missing

    recorder.wait_for(all_there, timeout)
    return sorted(missing)


if __name__ == "__main__":
    main()

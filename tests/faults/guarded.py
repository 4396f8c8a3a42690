"""Runs scenarios on a kitlib from which a guard is taken out, until one fails: `guards` starts it.

A line of JSON for each: its number, and what is wrong; the first that finds something is the last.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kitlib.cluster import find
from tests.faults.runs import UNSTRUCK, run
from tests.faults.scenarios import scenario
from tests.faults.witness import Witness
from tests.faults.world import STREAMS, World


def main() -> None:
    """Run what the order says."""
    order = json.loads(sys.argv[1])
    world = World(find(order["cluster"]))
    world.furnish()
    with Witness(world.etcd, STREAMS) as witness:
        for number in order["numbers"]:
            result = run(scenario(number), world, witness, Path(order["folder"]))
            said = next(iter(result.problems), "") or ("" if UNSTRUCK in result.error else result.error[:300])
            print(json.dumps({"number": number, "said": said}), flush=True)
            if said:
                return


if __name__ == "__main__":
    main()

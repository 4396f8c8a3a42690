"""The scenarios: what each number stands for.

A number gives a seed, and the seed gives the workload, the faults and their times. What the scheduler of this machine
and the control plane do in between can't be replayed; the faults therefore hang on counts of requests, lines and bytes
where they can.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.faults.families import FAMILIES
from tests.faults.later import LATER
from tests.faults.plan import Scenario

BY_HAND = "by hand"
"""The family of scenarios that a test makes itself."""
EARLIER = 500
"""So many scenarios are of `FAMILIES`; those that follow are of `LATER`."""
COUNT = EARLIER + 7 * len(LATER)
BASE = 1


def families(number: int) -> dict[str, Callable[[random.Random], dict[str, Any]]]:
    """Return the families of which one is a number's."""
    return FAMILIES if number < EARLIER else LATER


def scenario(number: int, base: int = BASE, turn: int = 0) -> Scenario:
    """Return what a number stands for; another base, or turn, gives other scenarios of the same families."""
    seed = base * 1_000_003 + number + turn * 7_000_003
    rng = random.Random(seed)
    chosen = families(number)
    family = list(chosen)[(number if number < EARLIER else number - EARLIER) % len(chosen)]
    watch_seconds = rng.choice([1, 1, 2, 4])
    made: dict[str, Any] = {
        "on_disk": rng.random() < 0.5,
        "watch_seconds": watch_seconds,
        "writes": rng.randint(40, 90),
    }
    made |= chosen[family](rng)
    made["faults"] = tuple(made.get("faults", ()))
    made["acts"] = tuple(made.get("acts", ()))
    skipped = [fault.skip for fault in made["faults"] if fault.verb == "watch"]
    if skipped and min(skipped) > 0:  # or there would be no second watch to be hurt
        made["watch_seconds"] = 1
    made["on_disk"] = (made["on_disk"] or made.get("outside", False)) and not made.get("upset")
    return Scenario(number, seed, family, **made)

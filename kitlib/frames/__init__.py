"""Recording → tidy DataFrames: pods, containers, conditions, nodes, events, traffic and so on; `COLUMNS` has all.

Each frame has one row for each thing observed, in the order of receipt. Columns copied from the API keep its spelling;
ours are snake_case. Objects are decoded into narrow structs that know just the fields that a frame tells. What a frame
covers stays with it, also when it is mixed with others (`kitlib.frames.covered`), or saved and loaded.
"""

from kitlib.frames.columns import COLUMNS, STATES, Column
from kitlib.frames.decoding import decode, deduplicate
from kitlib.frames.frames import PARTS, Frames, latest
from kitlib.frames.lookups import lookups
from kitlib.frames.machines import machinehealthchecks, machines
from kitlib.frames.nodes import failure
from kitlib.frames.persistentvolumeclaims import persistentvolumeclaims
from kitlib.frames.poddisruptionbudgets import disruptions, poddisruptionbudgets
from kitlib.frames.queries import queries
from kitlib.frames.runtime import runtime
from kitlib.frames.saved import load
from kitlib.frames.services import services
from kitlib.frames.traffic import distribution
from kitlib.frames.writers import writers

__all__ = [
    "COLUMNS",
    "PARTS",
    "STATES",
    "Column",
    "Frames",
    "decode",
    "deduplicate",
    "disruptions",
    "distribution",
    "failure",
    "latest",
    "load",
    "lookups",
    "machinehealthchecks",
    "machines",
    "persistentvolumeclaims",
    "poddisruptionbudgets",
    "queries",
    "runtime",
    "services",
    "writers",
]

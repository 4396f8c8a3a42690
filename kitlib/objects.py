"""What is done to objects, and waited for: `from kitlib import objects`, then `objects.apply(…)`, `objects.wait(…)`.

The words live in `kitlib.api` (manifests, apply, verbs, diff, status) and in `kitlib.watch.wait`; this is where lessons
and users find them all.
"""

from kitlib.api.apply import apply
from kitlib.api.diff import Change, difference, short
from kitlib.api.manifests import load
from kitlib.api.patches import MANAGER, MERGE, STRATEGIC
from kitlib.api.rollouts import pause, set_image, undo
from kitlib.api.status import has_condition
from kitlib.api.verbs import delete, find, get, patch, scale, taint
from kitlib.watch.wait import explain, wait

__all__ = [
    "Change",
    "load",
    "apply",
    "get",
    "find",
    "patch",
    "scale",
    "set_image",
    "pause",
    "undo",
    "taint",
    "delete",
    "wait",
    "explain",
    "has_condition",
    "difference",
    "short",
    "MANAGER",
    "MERGE",
    "STRATEGIC",
]

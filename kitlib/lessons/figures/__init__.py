"""Figures that one lesson draws; those that many draw are in `kitlib.plots`.

In: frames. Out: Matplotlib figures, each with the same said in words.
"""

from kitlib.lessons.figures.blows import blows, blows_text
from kitlib.lessons.figures.folded import folded, folded_text
from kitlib.lessons.figures.hooks import hooks, hooks_text
from kitlib.lessons.figures.hops import hops, hops_text, readiness
from kitlib.lessons.figures.injected import injected, injected_text
from kitlib.lessons.figures.machines import machines, machines_text
from kitlib.lessons.figures.matrix import matrix, matrix_text
from kitlib.lessons.figures.mirror import mirror, mirror_text
from kitlib.lessons.figures.rivals import rivals, rivals_text
from kitlib.lessons.figures.splits import splits, splits_text

__all__ = [
    "blows",
    "blows_text",
    "folded",
    "folded_text",
    "hooks",
    "hooks_text",
    "hops",
    "hops_text",
    "injected",
    "injected_text",
    "machines",
    "machines_text",
    "matrix",
    "matrix_text",
    "mirror",
    "mirror_text",
    "readiness",
    "rivals",
    "rivals_text",
    "splits",
    "splits_text",
]

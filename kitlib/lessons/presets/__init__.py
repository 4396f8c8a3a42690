"""Presets put to the test: generated Pods and presets, what a preset wrote, and why two servers differ.

The folder notebooks/manifests/preset holds what 1.17's plugin PodPreset did by itself as objects of today: a kind (a
CustomResourceDefinition), a MutatingAdmissionPolicy that takes presets for its parameters, and one that warns.

    presets = generated(24)
    make(connection, presets, "shop")
    cases = list(grid(presets, 320))
    compare(presets, cases, {"1.37": stored_all(connection, cases, "shop")})
"""

from kitlib.lessons.presets.apply import make, remove, wait_effective
from kitlib.lessons.presets.comparison import comparable, compare, stored_all, unversioned
from kitlib.lessons.presets.generation import generated, grid
from kitlib.lessons.presets.preset import (
    APPLIED,
    EXCLUDE,
    NOW,
    THEN,
    applied,
    fits,
    manifest,
    matching_labels,
    other_labels,
)
from kitlib.lessons.presets.reasons import REASONS, Case, conflicts, differs

__all__ = [
    "APPLIED",
    "EXCLUDE",
    "NOW",
    "REASONS",
    "THEN",
    "Case",
    "applied",
    "comparable",
    "compare",
    "conflicts",
    "differs",
    "fits",
    "generated",
    "grid",
    "make",
    "manifest",
    "matching_labels",
    "other_labels",
    "remove",
    "stored_all",
    "unversioned",
    "wait_effective",
]

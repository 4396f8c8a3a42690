"""Guards of late rows: they say that they are."""

from __future__ import annotations

from tests.faults.guards.guard import LATENESS, REFLECTOR, Guard

LATE = (
    Guard(
        "a row says that it is late",
        REFLECTOR,
        "        late_ns = judge.late_ns(change, at)",
        "        late_ns = 0",
        ("late", "plain and late"),
    ),
    Guard(
        "what a list shows after a gap is late",
        REFLECTOR,
        "            late = 0 if first else max(at[1] - self._known_ns, 0)",
        "            late = 0",
        ("away for long",),
    ),
    Guard(
        "what the store had before a watch was opened anew is late",
        LATENESS,
        "        if self._store is not None and change.version <= self._store:",
        "        if self._store is None:",
        ("away for long",),
    ),
    Guard(
        "what comes after a silence is as old as its stamps",
        LATENESS,
        "        late = min(at[1] - self._current_ns, held_up + STAMP_NS)",
        "        late = 0",
        ("late", "plain and late"),
    ),
    Guard(
        "a silence is judged by the first stamp after it, whatever came before that",
        LATENESS,
        "        if written is None:  # it goes by what came before it\n",
        "        if written is None:  # it goes by what came before it\n            self._look = False\n",
        ("late",),
        (717, 756),
    ),
    Guard(
        "stamps are looked at again, also where there was no silence",
        LATENESS,
        "            self._written_ns, self._looked_ns, self._current_ns = None, at[1], at[1] - LATE_NS - STAMP_NS",
        "            self._written_ns, self._looked_ns, self._current_ns = None, at[1] + 10**12, at[1]",
        ("split", "late"),
        (69,),
    ),
)

"""Guards of late rows: they say that they are."""

from __future__ import annotations

from tests.faults.guards.guard import LATENESS, REFLECTOR, Guard

LATE = (
    Guard(
        "a row says that it is late",
        REFLECTOR,
        "self._take(change, at, judge.late_ns(change, at))",
        "self._take(change, at, 0)",
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
        "        if self._store is not None and int(change.meta.resourceVersion) <= self._store:",
        "        if self._store is None:",
        ("away for long",),
    ),
    Guard(
        "what comes after a silence is as old as its stamps",
        LATENESS,
        "        return _late(min(at[1] - since, held_up + STAMP_NS)) if self._stalled else 0",
        "        return 0",
        ("late", "plain and late"),
    ),
    Guard(
        "a silence is judged by the first stamp after it, whatever came before that",
        LATENESS,
        "            self._silent_ns = since\n",
        "",
        ("late",),
        (717, 756),
    ),
)

"""Guards of logs that are followed."""

from __future__ import annotations

from tests.faults.guards.guard import LOGS, Guard

OF_LOGS = (
    Guard(
        "a log that is cut isn't at its end",
        LOGS,
        "            return str(error) or CUT\n",
        '            return ""\n',
        ("log cut", "log rotated"),
    ),
    Guard(
        "a log that begins later than it had been read was rotated",
        LOGS,
        'self._gap(clock.monotonic_ns(), "it was opened anew, and begins later than it had been read")\n',
        "pass\n",
        ("log rotated",),
    ),
    Guard(
        "a log that had no line yet may have lost some",
        LOGS,
        "                self._gap(clock.monotonic_ns(), why)\n",
        "                del why\n",
        ("log cut before its first line",),
    ),
    Guard(
        "a log goes on after its last line",
        LOGS,
        "        known = self._last  # passed over",
        '        known = ""  # passed over',
        ("log cut", "long log"),
    ),
    Guard(
        "a restarted container's log is the run's before",
        LOGS,
        'self._query["previous"] = "true" if restarts == self.run + 1 else None',
        'self._query["previous"] = None',
        ("log restarted",),
    ),
    Guard(
        "a container that was restarted twice has lost its log",
        LOGS,
        "        if restarts > self.run + 1:\n",
        "        if restarts < 0:\n",
        ("log restarted twice",),
    ),
    Guard(
        "the kubelet's own trouble isn't a line of the container's",
        LOGS,
        "                    if not STAMP.match(line):\n",
        "                    if not line:\n",
        ("kubelet in trouble",),
    ),
    Guard(
        "a log whose end can't be reached has a gap",
        LOGS,
        "                self._gap(None, error)\n",
        "                pass\n",
        ("log of a Pod that went",),
    ),
    Guard(
        "a log that isn't answered now is asked for again",
        LOGS,
        "if isinstance(met, ServerError) and not passes(met):",
        "if isinstance(met, ServerError):",
        ("log refused",),
    ),
)

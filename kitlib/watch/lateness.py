"""How long before its receipt a change may have been written.

Late is not lost, and is said. What comes by a watch that was opened after a break, and was in the store already when it
was opened, was written at some time since the stream was last known to have everything. What comes after a silence may
have been held up on its way: the stamps that the API server has put into the object (`metadata.managedFields[].time`,
Events' own) tell; they are whole seconds of its clock.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from kitlib.api import Connection
from kitlib.watch.changes import Change

SILENCE_NS = 1_500_000_000
"""Only after such a silence are the stamps of what comes looked at: a stall is a silence first."""
STAMP_NS = 1_000_000_000
"""A stamp is a whole second."""
LATE_NS = 1_000_000_000
"""What came within so many ns counts as having come as it happened."""
_stamp = re.compile(rb'"(?:time|lastTimestamp|eventTime)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')


class Judge:
    """Tells for the changes of one watch how late they are.

    Parameters
    ----------
    known_ns : int
        When the stream was last known to have everything, monotonic clock.
    store : int or None
        Where the store stood when the watch was opened; None where it wasn't asked.
    connection : Connection
        Whose `ahead` tells by how much the server's clock is ahead of this machine's.
    """

    def __init__(self, known_ns: int, store: int | None, connection: Connection) -> None:
        self._known_ns = known_ns
        self._store = store
        self._connection = connection
        self._last_ns = known_ns
        self._stalled_ns: int | None = None  # since when there was silence, while late changes still come

    def late_ns(self, change: Change, at: tuple[int, int]) -> int:
        """Return how many ns before its receipt a change may have been written; 0 if it came as it happened."""
        if change.type in ("BOOKMARK", "UNREADABLE"):
            return 0
        if self._store is not None and int(change.meta.resourceVersion) <= self._store:
            return _late(at[1] - self._known_ns)
        if self._stalled_ns is None and at[1] - self._last_ns < SILENCE_NS:
            return 0
        since = self._last_ns if self._stalled_ns is None else self._stalled_ns
        if change.type == "DELETED":  # nobody stamps a deletion: it goes by what comes with it
            return 0 if self._stalled_ns is None else _late(at[1] - since)
        written = newest_stamp(change.raw)
        low = self._connection.ahead[0]
        held_up = 0 if written is None or low == -math.inf else at[0] + round(low * 1e9) - (written + STAMP_NS)
        self._stalled_ns = since if held_up >= LATE_NS else None
        return _late(min(at[1] - since, held_up + STAMP_NS)) if held_up >= LATE_NS else 0

    def batch_ended(self, at_ns: int) -> None:
        """Note that what came together has been judged."""
        self._last_ns = at_ns


def _late(ns: int) -> int:
    return ns if ns >= LATE_NS else 0


def newest_stamp(raw: bytes) -> int | None:
    """Return the newest stamp that the API server has put into an object, ns since 1970; None if there is none."""
    found = _stamp.findall(raw)
    if not found:
        return None
    try:
        newest = datetime.fromisoformat(max(found).decode()).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(newest.timestamp()) * 1_000_000_000


__all__ = ["Judge", "newest_stamp"]

"""How long before its receipt a change may have been written.

Late is not lost, and is said. What comes by a watch that was opened after a break, and was in the store already when it
was opened, was written at some time since the stream was last known to have everything. Anything else may have been
held up on its way: the stamps that the API server has put into an object tell (`metadata.managedFields[].time`, its
deletion's, Events' own); they are whole seconds of its clock. One is looked at every second, and each as long as they
tell of lateness. What has no stamp says nothing: then the first change after it that has one tells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from kitlib.api import Connection
from kitlib.watch.changes import Change

LOOK_NS = 1_000_000_000
"""So long after a stamp has told that nothing is late, the next one is looked at."""
STAMP_NS = 1_000_000_000
"""A stamp is a whole second."""
LATE_NS = 1_000_000_000
"""What came within so many ns counts as having come as it happened."""
_deleted = re.compile(
    rb'"deletionTimestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"(?:,"deletionGracePeriodSeconds":(\d{1,9}))?'
)
"""When an object will have been given its time to end, and how much that is: it was deleted so long before."""
_created = re.compile(rb'"creationTimestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"')
_stamp = re.compile(rb'"(?:time|lastTimestamp|eventTime)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')


class Judge:
    """Tells for the changes of one watch how late they are.

    Parameters
    ----------
    known_ns : int
        When the stream was last known to have everything, monotonic clock.
    store : int or None
        Where the store stood when the watch was opened; None where it wasn't asked.
    asked_ns : int
        When it was asked, monotonic clock: what is newer was written after that.
    connection : Connection
        Whose `ahead` tells by how much the server's clock is ahead of this machine's.
    """

    def __init__(self, known_ns: int, store: int | None, asked_ns: int, connection: Connection) -> None:
        self._known_ns = known_ns
        self._store = store
        self._connection = connection
        self._current_ns = known_ns if store is None else asked_ns  # what comes was written after that for certain
        self._looked_ns = self._current_ns  # when a stamp last told that nothing is late
        self._look = False  # it is time for the next one to tell
        self._written_ns: int | None = None  # the stream is late, and what comes next was written after that
        self.untold = False  # something has come without a stamp, and whether it was late isn't known yet

    def batch(self, at_ns: int) -> None:
        """Note that something has come, before its changes are judged; it may be a part of a line."""
        self._look = self._look or at_ns - self._looked_ns >= LOOK_NS

    def late_ns(self, change: Change, at: tuple[int, int]) -> int:
        """Return how many ns before its receipt a change may have been written; 0 if it came as it happened."""
        if not self._look and self._store is None:  # as a rule
            return 0
        if change.type in ("BOOKMARK", "UNREADABLE"):
            return 0
        if self._store is not None and change.version <= self._store:
            if at[1] - self._current_ns >= LATE_NS:  # it could have come as the watch was opened
                self._written_ns = self._current_ns
            return _late(at[1] - self._known_ns)
        low = self._connection.ahead[0]
        if not self._look or low == -math.inf:
            return 0
        written = None if change.type == "DELETED" else newest_stamp(change.raw)  # nobody stamps an end
        self.untold = written is None and self._written_ns is None
        if written is None:  # it goes by what came before it
            return 0 if self._written_ns is None else _late(at[1] - self._written_ns)
        held_up = at[0] + round(low * 1e9) - (written + STAMP_NS)
        self._look = held_up >= LATE_NS
        if not self._look:
            self._written_ns, self._looked_ns, self._current_ns = None, at[1], at[1] - LATE_NS - STAMP_NS
            return 0
        late = min(at[1] - self._current_ns, held_up + STAMP_NS)
        self._written_ns = at[1] - late
        return _late(late)


def _late(ns: int) -> int:
    return ns if ns >= LATE_NS else 0


def newest_stamp(raw: bytes) -> int | None:
    """Return the newest stamp that the API server has put into an object, ns since 1970; None if there is none."""
    try:
        found = [_seconds(stamp) for stamp in sorted(_stamp.findall(raw))[-1:]]
        found += [_seconds(stamp) - int(grace or 0) for stamp, grace in _deleted.findall(raw)]
    except ValueError:
        return None
    return max(found) * 1_000_000_000 if found else None


def written_up_to(objects: Iterable[bytes], connection: Connection, at: tuple[int, int]) -> int | None:
    """Return up to when a stream is sure to have brought all that was written: its newest object's own stamp says it.

    A watch keeps the order of the writes, so nothing that was written before that is missing.

    Parameters
    ----------
    objects : iterable of bytes
        What it brought.
    connection : Connection
        Whose `ahead` tells by how much the server's clock is ahead of this machine's.
    at : tuple of int
        Wall clock and monotonic clock of one moment, ns.

    Returns
    -------
    int or None
        Monotonic clock, ns; None where no stamp, or no clock, tells.
    """
    stamps = [stamp for raw in objects if (stamp := newest_stamp(raw) or _creation(raw)) is not None]
    high = connection.ahead[1]
    if not stamps or high == math.inf:
        return None
    return at[1] - max(0, at[0] + round(high * 1e9) - max(stamps))


def _creation(raw: bytes) -> int | None:
    found = _created.search(raw)
    try:
        return _seconds(found[1]) * 1_000_000_000 if found else None
    except ValueError:
        return None


def _seconds(stamp: bytes) -> int:
    return int(datetime.fromisoformat(stamp.decode()).replace(tzinfo=UTC).timestamp())


__all__ = ["Judge", "newest_stamp", "written_up_to"]

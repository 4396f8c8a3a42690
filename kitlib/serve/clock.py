"""Which moment of a recording is shown now: one that stands still, or one that goes on as it happened."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """The moment of a recording that is shown now.

    Parameters
    ----------
    begin_ns : int
        The first moment that is shown, on the recording's monotonic clock, ns.
    end_ns : int
        The recording's end; it is shown from then on.
    speed : float
        How many seconds of the recording pass in a second; 0 for one that stands still.
    elapsed : callable
        Real time since some moment, ns.
    """

    def __init__(
        self, begin_ns: int, end_ns: int, speed: float = 0.0, elapsed: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.begin_ns, self.end_ns, self.speed = begin_ns, max(end_ns, begin_ns), speed
        self._elapsed = elapsed
        self._started = elapsed()

    def set(self, moment_ns: int) -> None:
        """Show another moment, and go on from there."""
        self.begin_ns, self._started = moment_ns, self._elapsed()

    def now(self) -> int:
        """Return the moment, monotonic clock, ns."""
        passed = int((self._elapsed() - self._started) * self.speed)
        return min(self.begin_ns + passed, self.end_ns) if self.speed else self.begin_ns

    def until(self, moment_ns: int) -> float | None:
        """Return how many real seconds it takes until a moment is shown; None if it never is."""
        if not self.speed or moment_ns > self.end_ns:
            return None if moment_ns > self.now() else 0.0
        due = self._started + (moment_ns - self.begin_ns) / self.speed
        return max((due - self._elapsed()) / 1e9, 0.0)


__all__ = ["Clock"]

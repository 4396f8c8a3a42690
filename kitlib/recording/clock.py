"""The two clocks of a recording: the wall clock, and one that only goes forward, also while the machine sleeps."""

from __future__ import annotations

import time

_BOOT = getattr(time, "CLOCK_BOOTTIME", None)
"""On Linux; unlike CLOCK_MONOTONIC it goes on while the machine is suspended (clock_gettime(2))."""


def monotonic_ns() -> int:
    """Return nanoseconds that only grow; two hours of a closed lid are two hours."""
    return time.monotonic_ns() if _BOOT is None else time.clock_gettime_ns(_BOOT)


def now() -> tuple[int, int]:
    """Return wall clock and monotonic clock, ns."""
    return time.time_ns(), monotonic_ns()


__all__ = ["monotonic_ns", "now"]

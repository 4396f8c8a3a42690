"""When two numbers are more apart than noise explains."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

RATIO = 10.0
"""So many times as long something must take, where the spread isn't known. In seven pairs of equal runs of the
project's lessons, what Pods did five seconds apart took at most 1.5 times as long where both machines had as much to
do, and up to 10.4 times where one was busy."""
STEADY = 1.5
"""So many times as long something must take where the spread is known: two runs alone may be alike by accident."""
SECONDS = 5.0
"""And so much longer; so far apart must be what controllers do in another order, where the spread isn't known."""
PACE = 2.0
"""Where everything took so many times as long on one side, its machine was busy: durations tell nothing then."""
STAMP = 1.0
"""What lies within a second is a tie: Kubernetes' own stamps are whole seconds."""
SIGMAS = 3.0
"""How far two numbers of occurrences must be apart, in standard deviations of their difference."""


def ranges_apart(one: Sequence[float], other: Sequence[float], least: float = 0.0) -> bool:
    """Say whether two samples are further apart than both their ranges together, and than a least distance.

    Parameters
    ----------
    one, other : sequence of float
        A number from each recording. A single one has no range of its own, so the other side's is taken for it.
    least : float
        How far apart they must be in any case.
    """
    widths = [max(each) - min(each) for each in (one, other) if len(each) > 1]
    room = sum(widths) * (2 if len(widths) == 1 else 1)
    return max(min(other) - max(one), min(one) - max(other)) > max(room, least)


def counts_differ(one: Sequence[float], other: Sequence[float]) -> bool:
    """Say whether numbers that an exercise decides, such as that of Pods, differ.

    Parameters
    ----------
    one, other : sequence of float
        A number from each recording.
    """
    return ranges_apart(one, other)


def occurrences_differ(one: Sequence[float], other: Sequence[float]) -> bool:
    """Say whether numbers of what occurs by chance, or again and again, differ.

    They are taken for counts of independent occurrences, whose variance is their mean.

    Parameters
    ----------
    one, other : sequence of float
        A number from each recording.
    """
    means = [sum(each) / len(each) for each in (one, other)]
    variance = means[0] / len(one) + means[1] / len(other)
    return variance > 0 and abs(means[0] - means[1]) >= SIGMAS * sqrt(variance) and ranges_apart(one, other)


def durations_differ(one: Sequence[float], other: Sequence[float], pace: float = 1.0) -> bool:
    """Say whether durations differ.

    Parameters
    ----------
    one, other : sequence of float
        Seconds, a number from each recording.
    pace : float
        How many times as long everything took on the other side: a busy machine is no difference. It counts where
        the spread isn't known.
    """
    if len(one) > 1 or len(other) > 1:
        longer, shorter = (one, other) if min(one) > max(other) else (other, one)
        return ranges_apart(one, other, STAMP) and min(longer) >= STEADY * max(shorter)
    if not 1 / PACE < pace < PACE:
        return False
    return all(_longer(one[0] * each, other[0]) for each in (1.0, pace))


def _longer(one: float, other: float) -> bool:
    longer, shorter = max(one, other), min(one, other)
    return longer - shorter >= SECONDS and longer >= RATIO * shorter


__all__ = [
    "PACE",
    "RATIO",
    "SECONDS",
    "SIGMAS",
    "STAMP",
    "STEADY",
    "counts_differ",
    "durations_differ",
    "occurrences_differ",
    "ranges_apart",
]

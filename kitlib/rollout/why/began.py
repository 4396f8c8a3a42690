"""Since when a cause can be seen in a recording."""

from __future__ import annotations

from kitlib.errors import UsageError
from kitlib.recording import Recording
from kitlib.rollout.why.answer import Answer, why
from kitlib.rollout.why.world import KINDS, World


def began(recording: Recording, answer: Answer, at_ns: int | None = None) -> int | None:
    """Return when the cause that comes first could be seen, having been there up to the moment that was asked about.

    Parameters
    ----------
    recording : Recording
        Of which it was asked.
    answer : Answer
        What `why` said of a moment of it.
    at_ns : int, optional
        That moment, monotonic clock, ns; the recording's end if None.

    Returns
    -------
    int or None
        The receipt (monotonic clock, ns) of the first row with which `why` named it, on any of the objects below; None
        if no cause was named.

    Notes
    -----
    Halved again and again: between two moments of which it was named at the later one alone there is one at which it
    came. Where a cause came, went and came back, that is one of its returns, not always the last.
    """
    if answer.first is None:
        return None
    namespace = answer.subject.namespace or None
    rows = [
        row
        for row in recording.rows.of(*KINDS, answer.subject.kind)
        if row.uid and (namespace is None or row.namespace in ("", namespace))
    ]
    coverage = recording.coverage()
    times = sorted({row.monotonic_ns for row in rows if at_ns is None or row.monotonic_ns <= at_ns})

    def named(moment: int) -> bool:
        world = World.at(rows, coverage, moment, namespace)
        try:
            found = why(world, answer.subject.kind, answer.subject.name, answer.subject.namespace)
        except UsageError:  # it wasn't there yet
            return False
        return any(each.cause is answer.first.cause for each in found.findings)  # type: ignore[union-attr]

    low, high = 0, len(times) - 1
    while low < high:
        middle = (low + high) // 2
        if named(times[middle]):
            high = middle
        else:
            low = middle + 1
    return times[low] if times else None


__all__ = ["began"]

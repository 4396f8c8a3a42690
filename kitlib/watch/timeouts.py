"""How long a follower waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """How long a reflector waits for what.

    Parameters
    ----------
    watch_seconds : int
        After so long the server ends a watch, and it is opened anew where it was.
    silent_seconds : float
        A watch that is silent for longer is dead; above watch_seconds.
    backoff : tuple of float
        Seconds before the second try, and at most; doubled each time, with jitter.
    refused_seconds : float
        How often a kind that is forbidden or not served is tried again; one that was recorded before, sooner.
    list_seconds : float
        How long the server may take for a page of a list.
    """

    watch_seconds: int = 55
    silent_seconds: float = 75
    backoff: tuple[float, float] = (0.1, 10)
    refused_seconds: float = 30
    list_seconds: float = 120


__all__ = ["Timeouts"]

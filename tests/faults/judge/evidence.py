"""All that a scenario is judged by, and what it tells by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.proxy import Seen
from tests.faults.witness import Change

PUT = "PUT"


@dataclass(frozen=True)
class Evidence:
    """All that one scenario is judged by.

    Parameters
    ----------
    rows : sequence of WatchEvent
        What was recorded, in the order of receipt.
    changes : sequence of Change
        What the witness saw in the namespace, from before it was made.
    log : sequence of Seen
        What the proxy saw passing.
    kinds : dict of str to str
        Kind by plural.
    ends : dict of str to int
        Up to which revision each stream is judged.
    complete : bool or None
        What the recording says of itself; None if it lives in memory.
    killed_ns : int or None
        When the recorder was killed (monotonic).
    interval_ns : int
        What was received longer than this before the kill must be on disk.
    coverage : sequence of Interval or None
        What the recording says to have, and not to have; None where that isn't judged.
    silenced : collection of str
        Streams that were not to reach their end: their threads died, or they were refused up to the end.
    says : str
        What the reason must tell for which those streams aren't covered to their end.
    gapless : bool
        Whether no gap is to be at all, whatever the server said.
    raw : sequence of WatchEvent or None
        The rows as they are, where the versions in `rows` had to be made those that the store really had.
    """

    rows: Sequence[Any]
    changes: Sequence[Change]
    log: Sequence[Seen]
    kinds: dict[str, str]
    ends: dict[str, int]
    complete: bool | None = None
    killed_ns: int | None = None
    interval_ns: int = 0
    coverage: Sequence[Any] | None = None
    silenced: Collection[str] = ()
    says: str = ""
    gapless: bool = False
    raw: Sequence[Any] | None = None


def first_versions(log: Iterable[Seen]) -> dict[str, int]:
    """Return, by stream, the version at which the recorder began to watch: what its first list showed.

    It is what the first watch that asks for a version names; or, where a stream sent the initial objects, the version
    of the bookmark that ended them, if no other did so before a version was asked for.
    """
    found: dict[str, int] = {}
    fixed: set[str] = set()
    initial: dict[str, int] = {}
    for seen in log:
        if seen.verb != "watch" or seen.stream in fixed:
            continue
        if seen.what == "listed":
            initial[seen.stream] = found[seen.stream] = seen.value
        elif seen.what == "request" and "sendInitialEvents" not in seen.value:
            version = seen.value.get("resourceVersion", "")
            if version.isdecimal() and int(version) > 0:
                fixed.add(seen.stream)
                found[seen.stream] = initial.get(seen.stream, int(version))
    return found


def sort_of(type_: str) -> str:
    return "DELETED" if type_ == "DELETED" else PUT


def watched(row: Any) -> bool:
    return bool(row.uid) and row.origin == "watch"


def told(change: Change) -> str:
    return f"{change.stream}/{change.name} {change.revision} {change.type}"

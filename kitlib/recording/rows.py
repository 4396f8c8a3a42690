"""`Rows`: what a recording holds up to some moment, read from its files when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

from kitlib.recording.row import WatchEvent
from kitlib.recording.store import Part


class Rows(Sequence[WatchEvent]):
    """The rows of a recording up to some moment, oldest first, read from its files when they are asked for.

    Parameters
    ----------
    parts : sequence of Part
        The files.
    tail : sequence of WatchEvent
        The rows that follow them, in memory.
    """

    def __init__(self, parts: Sequence[Part], tail: Sequence[WatchEvent]) -> None:
        self.parts = tuple(parts)
        self.tail = tail
        self._ends = list(accumulate(part.count - part.skip for part in self.parts))
        self._stored = self._ends[-1] if self._ends else 0
        self._held: tuple[int, list[WatchEvent]] = (-1, [])

    def __len__(self) -> int:
        return self._stored + len(self.tail)

    @overload
    def __getitem__(self, index: int) -> WatchEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[WatchEvent]: ...
    def __getitem__(self, index: int | slice) -> WatchEvent | list[WatchEvent]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"no row {index} of {len(self)}")
        if number >= self._stored:
            return self.tail[number - self._stored]
        place = bisect_right(self._ends, number)
        if self._held[0] != place:
            self._held = (place, self.parts[place].read())
        return self._held[1][number - (self._ends[place - 1] if place else 0)]

    def __iter__(self) -> Iterator[WatchEvent]:
        for part in self.parts:
            yield from part.read()
        yield from self.tail

    def of(self, *kinds: str) -> Iterator[WatchEvent]:
        """Yield the rows of some kinds ("" for marks), oldest first; files that have none aren't read."""
        for part in self.parts:
            yield from part.read(kinds)
        yield from (row for row in self.tail if row.kind in kinds)


__all__ = ["Rows"]

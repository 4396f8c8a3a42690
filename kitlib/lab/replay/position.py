"""Where in its recording a replayed lesson is: what it has said and asked, and what comes next."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from kitlib.errors import NotKept
from kitlib.lab.keeping import KIND
from kitlib.recording import Recording

BEGIN, END, ANSWER = "begin", "end", "answer"


@dataclass(frozen=True)
class Entry:
    """A step's begin or end, or what a word was answered.

    Parameters
    ----------
    what : str
        BEGIN, END or ANSWER.
    name : str
        The step's, or the word.
    id : str
        The step's.
    begin_ns, end_ns : int
        On the recording's clock; of a step's begin or end both are the same.
    answer : dict
        What the word was asked and answered, as `kitlib.lab.keeping` wrote it.
    """

    what: str
    name: str
    id: str
    begin_ns: int
    end_ns: int
    answer: dict[str, Any]

    @property
    def ordered(self) -> bool:
        """Whether it has a place in the order: what other threads asked beside the lesson has none."""
        return "beside" not in self.answer


class Position:
    """What was recorded of a lesson's own doings, in its order, and how far a replay has come in it.

    Several threads may ask at once.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._entries: list[Entry] = []
        self._edges = [-1]  # the numbers of steps' begins and ends
        self._asked: dict[tuple[str, ...], list[int]] = {}
        mine = (row for row in recording.rows.of("", KIND) if row.type == "STEP" or row.kind == KIND)
        for number, row in enumerate(mine):
            said = json.loads(row.object)
            what = said.get("edge", ANSWER)
            begin = said.get("began_ns", row.monotonic_ns)
            self._entries.append(Entry(what, row.name, said.get("id", ""), begin, row.monotonic_ns, said))
            if what == ANSWER:
                self._asked.setdefault((row.name, *said["asked"]), []).append(number)
            else:
                self._edges.append(number)
        self._edges.append(len(self._entries))
        self._at = 0  # the number of what comes next
        self._found: set[int] = set()
        self._lock = threading.Lock()

    @property
    def between(self) -> tuple[int, int | None]:
        """When it is, on the recording's clock: after the last thing that was said, before the next (None: the end)."""
        after = next((each.end_ns for each in reversed(self._entries[: self._at]) if each.ordered), 0)
        return after, next((each.begin_ns for each in self._entries[self._at :] if each.ordered), None)

    def enter(self, name: str) -> tuple[int, int]:
        """Go to the start of the next step of a name, or, where there is none, of the first; return its bounds.

        Raises
        ------
        NotKept
            If there is none.
        """
        begins = [n for n, each in enumerate(self._entries) if each.what == BEGIN and each.name == name]
        at = next((n for n in begins if n >= self._at), begins[0] if begins else None)
        if at is None:
            raise NotKept(f"it has no step {name!r}: it is of another version of this lesson")
        self._found = {n for n in self._found if n < at}  # a cell that is run again
        self._at = at + 1
        return self._entries[at].begin_ns, self._entries[self._end_of(at)].begin_ns

    def leave(self, begin_ns: int) -> None:
        """Go to the end of the step that began then."""
        at = next(n for n, each in enumerate(self._entries) if each.what == BEGIN and each.begin_ns == begin_ns)
        self._at = self._end_of(at) + 1

    def _end_of(self, begin: int) -> int:
        mine = self._entries[begin].id
        ends = (n for n in range(begin, len(self._entries)) if self._entries[n].what == END)
        return next((n for n in ends if self._entries[n].id == mine), len(self._entries) - 1)

    def answer(self, word: str, asked: list[str]) -> dict[str, Any] | None:
        """Return what was answered to a question within the step, or between the two steps, and go there; or None.

        What was asked several times was answered in that order.
        """
        with self._lock:
            edge = bisect_left(self._edges, self._at)
            first, last = self._edges[edge - 1], self._edges[edge]
            mine = [n for n in self._asked.get((word, *asked), ()) if first < n < last]
            if not mine:
                return None
            at = next((n for n in mine if n not in self._found), mine[-1])
            self._found.add(at)
            if self._entries[at].ordered:
                self._at = max(self._at, at + 1)
            return self._entries[at].answer


__all__ = ["ANSWER", "BEGIN", "END", "Entry", "Position"]

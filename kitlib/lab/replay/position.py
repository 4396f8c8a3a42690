"""Where in its recording a replayed lesson is: what it has said and asked, and what comes next."""

from __future__ import annotations

import json
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


class Position:
    """What was recorded of a lesson's own doings, in its order, and how far a replay has come in it.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._entries: list[Entry] = []
        for row in recording.rows.of("", KIND):
            if row.type == "STEP" or row.kind == KIND:
                said = json.loads(row.object)
                what = said.get("edge", ANSWER)
                begin = said.get("began_ns", row.monotonic_ns)
                self._entries.append(Entry(what, row.name, said.get("id", ""), begin, row.monotonic_ns, said))
        self._at = 0  # the number of what comes next
        self._found: set[int] = set()

    @property
    def between(self) -> tuple[int, int | None]:
        """When it is, on the recording's clock: after the last thing that was said, before the next (None: the end)."""
        after = self._entries[self._at - 1].end_ns if self._at else 0
        return after, self._entries[self._at].begin_ns if self._at < len(self._entries) else None

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
        first = next((n + 1 for n in range(self._at - 1, -1, -1) if self._entries[n].what != ANSWER), 0)
        last = next((n for n in range(self._at, len(self._entries)) if self._entries[n].what != ANSWER), None)
        here = range(first, len(self._entries) if last is None else last)
        mine = [n for n in here if self._entries[n].name == word and self._entries[n].answer["asked"] == asked]
        if not mine:
            return None
        at = next((n for n in mine if n not in self._found), mine[-1])
        self._found.add(at)
        self._at = max(self._at, at + 1)
        return self._entries[at].answer


__all__ = ["ANSWER", "BEGIN", "END", "Entry", "Position"]

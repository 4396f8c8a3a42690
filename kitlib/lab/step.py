"""A step: a named window of a lab's recording."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence

from kitlib.frames import Frames
from kitlib.progress import duration
from kitlib.recording import Recording, clock
from kitlib.rollout import why as explain
from kitlib.rollout.why import Answer


class Step:
    """A named window of the recording.

    Attributes
    ----------
    name : str
    begin_ns : int
        On the monotonic clock; time zero of its figures.
    end_ns : int or None
        None while it goes on.
    """

    def __init__(self, recording: Recording, name: str, namespaces: Sequence[str]) -> None:
        self.name = name
        self._recording = recording
        self._namespaces = namespaces
        self._id = secrets.token_hex(4)
        self.begin_ns = recording.mark("STEP", name, edge="begin", id=self._id).monotonic_ns
        self.end_ns: int | None = None
        self._frames: Frames | None = None

    @property
    def frames(self) -> Frames:
        """The frames of this window: what was seen in it, and what stood there when it began."""
        if self._frames is not None:
            return self._frames
        frames = Frames(self._recording, self.begin_ns, self.end_ns, self._namespaces)
        if self.end_ns is not None:
            self._frames = frames
        return frames

    def why(self, ref: str, without: Collection[str] = ()) -> Answer:
        """Say what held something up at the end of this window, or holds it up while it goes on.

        It is read from the recording, as `kitlib why` does it: no cluster is asked.

        Parameters
        ----------
        ref : str
            An object in the lab's namespace, named as kubectl does: "deployment/web".
        without : collection of str
            Kinds that are left out, as if they might not be read: "Event".

        Returns
        -------
        Answer
            `kitlib.rollout.why.words` says it in words.

        Raises
        ------
        UsageError
            If it wasn't there.
        """
        end, space = self.end_ns, self._namespaces[0]
        rows = [
            row for row in self._recording.rows if (end is None or row.monotonic_ns <= end) and row.kind not in without
        ]
        last = max((row.monotonic_ns for row in rows if row.uid), default=end)  # up to there all is known to have come
        refused = dict.fromkeys(without, "it was left out")
        world = explain.World.at(rows, self._recording.coverage(), last, space, refused)
        return explain.why(world, *explain.parse(ref), space)

    @property
    def seconds(self) -> float:
        """How long it took, or has taken up to now."""
        return ((self.end_ns or clock.monotonic_ns()) - self.begin_ns) / 1e9

    def _end(self) -> None:
        self.end_ns = self._recording.mark("STEP", self.name, edge="end", id=self._id).monotonic_ns

    def __repr__(self) -> str:
        return f"<Step {self.name!r}: {duration(self.seconds)}>"

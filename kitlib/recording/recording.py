"""A `Recording`: rows in the order of their receipt, the newest in memory, the others in their files."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from kitlib.accessors import Accessor
from kitlib.errors import RecordingError
from kitlib.files import write_private
from kitlib.recording import clock, store
from kitlib.recording.coverage import Interval, coverage, hole
from kitlib.recording.redaction import redact
from kitlib.recording.row import Meta, WatchEvent, head
from kitlib.recording.rows import Rows
from kitlib.recording.store import FORMAT, HOUR, Part

PART_ROWS = 65_536
PART_BYTES = 64 * 2**20
"""So many rows, or bytes of objects, stay in memory until they are folded into a part."""
FLUSH_SECONDS = 3.0
"""What is received reaches the disk within so many seconds."""


class Recording:
    """Rows in the order of their receipt: the newest in memory, and where it has a path the others on disk.

    Make one with `Recording.create` (to record into) or `Recording.open` (to read). What it holds in memory doesn't
    grow with what it has on disk.

    Attributes
    ----------
    path : Path or None
        The folder, or None if it lives in memory only.
    info : dict
        What it was made on: format, kitlib, cluster, provider, version, release, created, complete; of a lab's
        `namespace`, and `namespaces`: all whose objects its frames show.
    frames : Frames
        It as tidy DataFrames; see `kitlib.frames.Frames`.
    due : threading.Event
        Set when there are enough rows for a part: who writes calls `flush` then.
    marked : int
        How many rows are marks of kitlib's own, of those that were added to it here.
    live : dict
        Of each stream that is being followed now: a function that returns up to when it has everything (monotonic
        clock, ns).
    """

    frames = Accessor("Recording.frames", "The recording as tidy DataFrames: see `kitlib.frames.Frames`.")

    def __init__(self, path: Path | None = None, info: dict[str, Any] | None = None, redact_env: bool = False) -> None:
        self.path = path
        self.info: dict[str, Any] = {"format": FORMAT, **(info or {})}
        self.redact_env = redact_env
        self.part_rows = PART_ROWS
        self.part_bytes = PART_BYTES
        self.changed = threading.Condition(threading.RLock())
        self.due = threading.Event()
        self.marked = 0
        self.live: dict[str, Callable[[], int]] = {}
        self._writing = threading.Lock()
        self._ours = False  # who opens a recording only reads it
        self._parts: list[Part] = []
        self._stored = 0  # rows in parts
        self._tail: list[WatchEvent] = []
        self._tail_bytes = 0
        self._flushed = 0  # rows of the tail that are on disk
        self._flushes: list[tuple[Path, int]] = []  # and the number of the row that follows each

    @classmethod
    def create(
        cls,
        path: Path | str,
        info: dict[str, Any] | None = None,
        *,
        redact_env: bool = False,
        part_rows: int = PART_ROWS,
        part_bytes: int = PART_BYTES,
    ) -> Recording:
        """Start a recording in a new folder.

        Parameters
        ----------
        path : Path or str
            The folder.
        info : dict, optional
            What it is made on.
        redact_env : bool
            Whether the values of environment variables are left out.
        part_rows, part_bytes : int
            How many rows, or bytes of objects, make a part; so much is held in memory.

        Raises
        ------
        RecordingError
            If the folder exists and holds a recording, or can't be made.
        """
        path = Path(path)
        if (path / "recording.json").exists():
            raise RecordingError(
                "there is a recording already",
                step="record",
                object=str(path),
                next="choose another --out, or delete that folder",
            )
        about = {"created": time.time(), "complete": False, "flush_seconds": FLUSH_SECONDS, **(info or {})}
        recording = cls(path, about, redact_env)
        recording.part_rows, recording.part_bytes = part_rows, part_bytes
        recording._ours = True
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            recording._write_info()
        except OSError as error:
            raise _disk_error(error, path) from error
        return recording

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """Open a recording: only what its files hold is looked up now; rows are read when they are asked for.

        One that is still being written, or whose writer was killed, opens with what had reached the disk.

        Raises
        ------
        RecordingError
            If there is none, it is of a later format, or a part of it can't be read.
        """
        path = Path(path)
        try:
            info = json.loads((path / "recording.json").read_bytes())
        except (OSError, ValueError) as error:
            what = "this folder holds no recording (no readable recording.json)"
            if not path.is_dir():
                what = "a recording is a folder, and this is a file" if path.exists() else "there is no such folder"
            raise RecordingError(
                what,
                step="open the recording",
                object=str(path),
                next="name the folder that `kitlib record --out` wrote",
            ) from error
        if info.get("format", 0) > FORMAT:
            raise RecordingError(
                f"it has format {info['format']}, and this kitlib reads up to {FORMAT}",
                step="open",
                object=str(path),
                next="update kitlib",
            )
        recording = cls(path, info)
        recording._parts = store.parts(path)
        recording._stored = sum(part.count - part.skip for part in recording._parts)
        return recording

    def __len__(self) -> int:
        with self.changed:
            return self._stored + len(self._tail)

    def __repr__(self) -> str:
        where = str(self.path) if self.path else "in memory"
        return f"<Recording {where}: {len(self)} rows{'' if self.complete else f', {self.state}'}>"

    @property
    def complete(self) -> bool:
        """Whether it was closed, and none of its files is missing: all that was received is in it."""
        return bool(self.info.get("complete", True)) and not self._holes

    @property
    def state(self) -> str:
        """How it ended, in words."""
        if self._holes:
            return f"not whole: {'; '.join(hole(left, right) for left, right in self._holes)}"
        if self.complete:
            return "closed"
        seconds = self.info.get("flush_seconds", FLUSH_SECONDS)
        return f"not closed: still being written, or up to {seconds:g} s at its end are missing"

    @property
    def rows(self) -> Rows:
        """All rows up to now, oldest first; the sequence doesn't grow."""
        with self.changed:
            return Rows(self._parts, tuple(self._tail))

    @property
    def _holes(self) -> list[tuple[Part | None, Part]]:
        return store.holes(self._parts)

    def coverage(self) -> list[Interval]:
        """Return from when to when each stream is covered, and why not where it isn't; see `kitlib.recording.coverage`.

        What no interval covers isn't covered.
        """
        with self.changed:  # a stream that ends from here on was alive until then
            rows, live = self.rows, dict(self.live)
        return coverage(rows, self.info, live)

    def add(
        self,
        raw: bytes,
        *,
        kind: str,
        api_version: str,
        type: str,
        origin: str,
        stream: str,
        meta: Meta | None = None,
        at: tuple[int, int] | None = None,
        late_ns: int = 0,
    ) -> WatchEvent:
        """Append one version of an object, as the bytes that came; return the row.

        Who waits for a row is told by `changed.notify_all()`, once for all that came together.

        Parameters
        ----------
        raw : bytes
            The object, JSON; what must not reach the disk is taken out.
        kind, api_version, type, origin, stream : str
            As of `WatchEvent`.
        meta : Meta, optional
            Its metadata, if it is decoded already.
        at : tuple of int, optional
            Wall and monotonic time of its receipt, ns; now if left out.
        late_ns : int
            How long before its receipt it may have been written, ns.
        """
        if meta is None:
            meta = head(raw)
        raw = redact(kind, raw, self.redact_env, meta)
        wall, monotonic = at or clock.now()
        with self.changed:
            row = WatchEvent(
                wall,
                monotonic,
                api_version,
                kind,
                meta.namespace,
                meta.name,
                meta.identity,
                meta.resourceVersion,
                type,
                origin,
                stream,
                raw,
                self._stored + len(self._tail),
                late_ns,
            )
            self._append(row)
        return row

    def mark(self, type: str, name: str, stream: str = "kitlib", **what: Any) -> WatchEvent:
        """Append a mark of kitlib's own: a STEP that begins or ends, or what a stream lives through."""
        said = json.dumps(what).encode()
        with self.changed:
            self.marked += 1
            row = WatchEvent(*clock.now(), "", "", "", name, "", "", type, "kitlib", stream, said, len(self))
            self._append(row)
            self.changed.notify_all()
        return row

    def _append(self, row: WatchEvent) -> None:
        self._tail.append(row)
        self._tail_bytes += len(row.object)
        if self._tail_bytes >= self.part_bytes or len(self._tail) >= self.part_rows:
            self.due.set()

    @property
    def _whole(self) -> bool:
        return self._tail_bytes >= self.part_bytes or len(self._tail) >= self.part_rows

    def await_room(self, ended: Callable[[], bool]) -> None:
        """Hold a receiver back while two parts wait in memory to be written: its socket then holds the server back.

        Parameters
        ----------
        ended : callable
            Whether nobody writes any more; asked when `changed` is notified.
        """
        with self.changed:
            while self._tail_bytes >= 2 * self.part_bytes and self.path is not None and not ended():
                self.changed.wait()

    def flush(self) -> None:
        """Write the rows that aren't on disk yet, whole or not at all; fold them into parts when there are enough.

        Raises
        ------
        RecordingError
            If the disk takes no more; what was written before stays readable.
        """
        if self.path is None or not self._ours:
            return
        with self._writing:
            try:
                self.due.clear()
                while self._whole or self._older:
                    self._fold()
                with self.changed:
                    rows = self._tail[self._flushed :]
                if rows:
                    self._flushes.append((store.write_flush(self.path, rows), rows[-1].seq + 1))
                    self._flushed += len(rows)
            except OSError as error:
                raise _disk_error(error, self.path) from error

    @property
    def _older(self) -> bool:
        """Whether there are rows of an hour that is over."""
        with self.changed:
            return bool(self._tail) and self._tail[0].received_at // HOUR != self._tail[-1].received_at // HOUR

    def _fold(self) -> None:
        """Write the oldest rows of the tail as a part, and forget them; rows that come meanwhile stay in the tail."""
        assert self.path is not None
        with self.changed:
            sizes = accumulate(len(row.object) for row in self._tail)
            count = next((number for number, size in enumerate(sizes, 1) if size >= self.part_bytes), len(self._tail))
            rows = self._tail[: min(count, self.part_rows)]
        made = list(store.write_parts(self.path, rows))
        with self.changed:
            self._parts += made
            self._stored += len(rows)
            del self._tail[: len(rows)]
            self._tail_bytes -= sum(len(row.object) for row in rows)
            self._flushed = max(self._flushed - len(rows), 0)
            self.changed.notify_all()
        for path, _ in [each for each in self._flushes if each[1] <= self._stored]:
            path.unlink(missing_ok=True)
        self._flushes = [each for each in self._flushes if each[1] > self._stored]

    def close(self) -> None:
        """Write what is left, fold it into a part, and say in the file that it is complete.

        Raises
        ------
        RecordingError
            If the disk takes no more; what was written before stays readable.
        """
        if self.path is None or not self._ours or self.complete:
            return
        self.flush()
        with self._writing:
            try:
                while self._tail:
                    self._fold()
                self.info["complete"] = True
                self._write_info()
            except OSError as error:
                self.info["complete"] = False
                raise _disk_error(error, self.path) from error

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def describe(self, **what: Any) -> None:
        """Add to what is known of it, `info`, also on disk."""
        with self._writing:
            self.info.update(what)
            if self.path is not None and self._ours:
                self._write_info()

    def objects(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield every version of a kind's objects, decoded; for a look by hand."""
        return (json.loads(row.object) for row in self.rows.of(kind))

    def _write_info(self) -> None:
        assert self.path is not None
        write_private(self.path / "recording.json", json.dumps(self.info, indent=2) + "\n")


def _disk_error(error: OSError, path: Path) -> RecordingError:
    return RecordingError(
        f"can't write: {error.strerror or error}",
        step="record",
        object=str(path),
        next="free some space or name another folder; what was written before stays readable",
    )


__all__ = ["Recording", "Rows"]

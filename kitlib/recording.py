"""What was seen of a cluster, in the order in which it came: rows that are kept as Parquet.

A `Recording` is the seam of kitlib: left of it a cluster is needed, right of it a file is enough.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from kitlib.errors import RecordingError

if TYPE_CHECKING:
    from kitlib.frames import Frames

FORMAT = 1
"""Version of the files' layout; raised when an older reader could not understand them."""

SCHEMA = pa.schema(
    [
        pa.field("received_at", pa.timestamp("ns", tz="UTC"), nullable=False),
        pa.field("monotonic_ns", pa.int64(), nullable=False),
        pa.field("apiVersion", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("namespace", pa.string()),
        pa.field("name", pa.string()),
        pa.field("uid", pa.string()),
        pa.field("resourceVersion", pa.string()),
        pa.field("type", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("object", pa.binary()),
    ]
)
SECRET_KEY = re.compile(r"token|password|secret|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One row of a recording: one version of one object, or a mark that kitlib made.

    Parameters
    ----------
    received_at : int
        Wall clock at receipt, ns since 1970 (UTC).
    monotonic_ns : int
        Monotonic clock at receipt, ns; only differences mean something.
    apiVersion, kind, namespace, name, uid, resourceVersion : str
        The object's own; empty for marks.
    type : str
        ADDED, MODIFIED, DELETED as the server said; GAP, STEP for marks.
    origin : str
        `list`, `watch`, `relist` or, for marks, `kitlib`.
    stream : str
        Which watch it came by.
    object : bytes
        The object as the server sent it (JSON); for marks what they say.
    """

    received_at: int
    monotonic_ns: int
    apiVersion: str  # noqa: N815 - the API's own spelling
    kind: str
    namespace: str
    name: str
    uid: str
    resourceVersion: str  # noqa: N815
    type: str
    origin: str
    stream: str
    object: bytes


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815


class _Head(msgspec.Struct):
    metadata: _Meta


_head = msgspec.json.Decoder(_Head)


def redact(kind: str, raw: bytes) -> bytes:
    """Take out what must never reach the disk: a Secret's data, and annotations named like a token.

    Other objects' bytes are returned as they are.
    """
    if kind != "Secret" and not (b'"annotations"' in raw and SECRET_KEY.search(raw.decode(errors="replace"))):
        return raw
    body = json.loads(raw)
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    changed = kind == "Secret"
    for key in annotations:
        if SECRET_KEY.search(key) or (kind == "Secret" and key.endswith("last-applied-configuration")):
            annotations[key] = "redacted"
            changed = True
    if kind == "Secret":
        for field in ("data", "stringData"):
            if body.get(field):
                body[field] = dict.fromkeys(body[field], "redacted")
    return json.dumps(body, separators=(",", ":")).encode() if changed else raw


class Recording:
    """Rows in the order of their receipt, in memory and, where it has a path, on disk as Parquet.

    Make one with `Recording.create` (to record into) or `Recording.open` (to read).

    Attributes
    ----------
    path : Path or None
        The folder, or None if it lives in memory only.
    info : dict
        What it was made on: format, kitlib, cluster, provider, version, release, created, complete.
    """

    def __init__(self, path: Path | None = None, info: dict[str, Any] | None = None) -> None:
        self.path = path
        self.info: dict[str, Any] = {"format": FORMAT, **(info or {})}
        self._rows: list[WatchEvent] = []
        self._flushed = 0
        self._parts = 0
        self.changed = threading.Condition(threading.RLock())

    @classmethod
    def create(cls, path: Path | str, info: dict[str, Any] | None = None) -> Recording:
        """Start a recording in a new folder.

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
        recording = cls(path, {"created": time.time(), "complete": False, **(info or {})})
        try:
            path.mkdir(parents=True, exist_ok=True)
            recording._write_info()
        except OSError as error:
            raise _disk_error(error, path) from error
        return recording

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """Read a recording from its folder.

        Raises
        ------
        RecordingError
            If there is none, it is of a later format, or a part of it can't be read.
        """
        path = Path(path)
        try:
            info = json.loads((path / "recording.json").read_bytes())
        except (OSError, ValueError) as error:
            raise RecordingError(
                "this folder holds no recording (no readable recording.json)",
                step="open",
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
        for part in sorted(path.glob("part-*.parquet")):
            try:
                table = pq.read_table(part, schema=SCHEMA)
            except (OSError, pa.ArrowException) as error:
                raise RecordingError(
                    f"a part of it can't be read: {error}",
                    step="open",
                    object=str(part),
                    next="move that file away to open the rest",
                ) from error
            table = table.set_column(0, "received_at", table["received_at"].cast(pa.int64()))
            columns = [column.to_pylist() for column in table.columns]
            recording._rows.extend(WatchEvent(*values) for values in zip(*columns, strict=True))
            recording._parts += 1
        recording._flushed = len(recording._rows)
        return recording

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        where = str(self.path) if self.path else "in memory"
        state = "" if self.info.get("complete", True) else ", still open"
        return f"<Recording {where}: {len(self)} rows{state}>"

    @property
    def rows(self) -> Sequence[WatchEvent]:
        """All rows up to now, oldest first; the sequence doesn't grow."""
        with self.changed:
            return tuple(self._rows)

    @property
    def frames(self) -> Frames:
        """The recording as tidy DataFrames: see `kitlib.frames.Frames`."""
        from kitlib.frames import Frames

        return Frames(self)

    def add(self, raw: bytes, *, kind: str, api_version: str, type: str, origin: str, stream: str) -> WatchEvent:
        """Append one version of an object, as the bytes that came; return the row."""
        raw = redact(kind, raw)
        meta = _head.decode(raw).metadata
        with self.changed:
            row = WatchEvent(
                time.time_ns(),
                time.monotonic_ns(),
                api_version,
                kind,
                meta.namespace,
                meta.name,
                meta.uid,
                meta.resourceVersion,
                type,
                origin,
                stream,
                raw,
            )
            self._rows.append(row)
            self.changed.notify_all()
        return row

    def mark(self, type: str, name: str, stream: str = "kitlib", **what: Any) -> WatchEvent:
        """Append a mark of kitlib's own: a GAP that bounds what may be missing, or a STEP that begins or ends."""
        with self.changed:
            now = time.monotonic_ns()
            row = WatchEvent(
                time.time_ns(), now, "", "", "", name, "", "", type, "kitlib", stream, json.dumps(what).encode()
            )
            self._rows.append(row)
            self.changed.notify_all()
        return row

    def flush(self) -> None:
        """Write the rows that aren't on disk yet as one more part, whole or not at all.

        Raises
        ------
        RecordingError
            If the disk takes no more; what was written before stays readable.
        """
        if self.path is None:
            return
        with self.changed:
            rows = self._rows[self._flushed :]
            if not rows:
                return
            try:
                self._write_part(rows, self._parts)
            except OSError as error:
                raise _disk_error(error, self.path) from error
            self._parts += 1
            self._flushed += len(rows)

    def close(self) -> None:
        """Flush, fold the parts into one, and say in the file that it is complete."""
        if self.path is None or self.info.get("complete"):
            return
        self.flush()
        with self.changed:
            try:
                if self._parts > 1:
                    self._write_part(self._rows, 0)
                    for number in range(1, self._parts):
                        (self.path / _part(number)).unlink(missing_ok=True)
                    self._parts = 1
                self.info["complete"] = True
                self._write_info()
            except OSError as error:
                raise _disk_error(error, self.path) from error

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def objects(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield every version of a kind's objects, decoded; for a look by hand."""
        return (json.loads(row.object) for row in self.rows if row.kind == kind)

    def _write_part(self, rows: Sequence[WatchEvent], number: int) -> None:
        assert self.path is not None
        columns = list(zip(*[[getattr(row, name) for name in SCHEMA.names] for row in rows], strict=True))
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        target = self.path / _part(number)
        draft = target.with_suffix(".tmp")
        try:
            pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), draft, compression="zstd")
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def _write_info(self) -> None:
        assert self.path is not None
        draft = self.path / "recording.tmp"
        draft.write_text(json.dumps(self.info, indent=2) + "\n")
        draft.replace(self.path / "recording.json")


def _part(number: int) -> str:
    return f"part-{number:05d}.parquet"


def _disk_error(error: OSError, path: Path) -> RecordingError:
    return RecordingError(
        f"can't write: {error.strerror or error}",
        step="record",
        object=str(path),
        next="free some space or name another folder; what was written before stays readable",
    )

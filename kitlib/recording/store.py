"""A recording's files: parts of rows, partitioned by the hour of their receipt, and what isn't folded into one yet.

    recording.json                                  what it was made on, and whether it was closed
    rows/hour=2026-11-24T15/part-000000000000.parquet
    flush-000000016384.parquet                      rows since the last part, as they were flushed

A file's number is that of its first row. A part holds its rows by kind, uid and number, so that the versions of an
object lie side by side (it is what makes them small), and a kind in row groups of its own; `seq` gives the order of
receipt back. Each file appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kitlib.errors import RecordingError
from kitlib.recording.row import WatchEvent

FORMAT = 2
"""Version of the files' layout; raised when an older reader could not understand them. Format 1 still opens."""
ROWS_IN_GROUP = 4096
HOUR = 3_600_000_000_000

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
        pa.field("seq", pa.int64(), nullable=False),
    ]
)
INDEX = ["seq", "monotonic_ns", "kind", "namespace", "uid", "type", "origin"]
"""What of a row tells whether it is looked for."""


@dataclass(frozen=True)
class Part:
    """A file of rows with consecutive numbers.

    Parameters
    ----------
    path : Path
        Where it is.
    first : int
        Number of its first row.
    count : int
        How many rows it has.
    skip : int
        Rows at its begin that another file holds already.
    numbered : bool
        Whether its rows have their numbers; in format 1 a row's number is its place.
    """

    path: Path
    first: int
    count: int
    skip: int = 0
    numbered: bool = True

    @property
    def end(self) -> int:
        """Number of the row that follows it."""
        return self.first + self.count

    @cached_property
    def span(self) -> tuple[int, int]:
        """Its first and last time on the monotonic clock, ns; from the footer alone."""
        footer = pq.read_metadata(self.path)
        at = footer.schema.to_arrow_schema().get_field_index("monotonic_ns")
        found = [footer.row_group(number).column(at).statistics for number in range(footer.num_row_groups)]
        if not found or not all(each is not None and each.has_min_max for each in found):
            return 0, 2**63 - 1
        return min(each.min for each in found), max(each.max for each in found)

    def index(self) -> pa.Table:
        """Read what tells whether a row is looked for, without the objects."""
        return self._read(INDEX, None)

    def read(self, kinds: Sequence[str] | None = None, wanted: Sequence[int] | None = None) -> list[WatchEvent]:
        """Read rows in the order of their receipt: all, those of some kinds, or those of some numbers."""
        chosen: list[tuple[str, str, list]] | None = None
        if kinds is not None:
            chosen = [("kind", "in", list(kinds))]
        if wanted is not None:
            chosen = [*(chosen or ()), ("seq", "in", list(wanted))]
        table = self._read(SCHEMA.names, chosen)
        table = table.set_column(0, "received_at", table["received_at"].cast(pa.int64()))
        columns = [column.to_pylist() for column in table.columns]
        rows = [WatchEvent(*values) for values in zip(*columns, strict=True)]
        return [row for row in rows if row.seq >= self.first + self.skip] if self.skip else rows

    def _read(self, names: Sequence[str], chosen: Any) -> pa.Table:
        try:
            if self.numbered:
                table = pq.read_table(self.path, columns=list(names), filters=chosen, partitioning=None)
            else:
                table = pq.read_table(self.path, partitioning=None)
                table = table.append_column("seq", pa.array(range(self.first, self.end), pa.int64()))
                if chosen:
                    table = table.filter(pq.filters_to_expression(chosen))
            return table.select(list(names)).sort_by("seq")
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(self.path, error) from error


def parts(folder: Path) -> list[Part]:
    """Find the files of a recording, oldest rows first; what is in a part is left out of the flushed ones.

    Raises
    ------
    RecordingError
        If one can't be read.
    """
    found: list[Part] = []
    paths = [*sorted(folder.glob("rows/hour=*/part-*.parquet"), key=_number), *sorted(folder.glob("part-*.parquet"))]
    end = 0
    for path in [*paths, *sorted(folder.glob("flush-*.parquet"))]:
        try:
            footer = pq.read_metadata(path)
        except FileNotFoundError:  # folded into a part by who writes it
            continue
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error
        numbered = "seq" in footer.schema.names
        first = _number(path) if numbered else end
        if first + footer.num_rows <= end:
            continue
        found.append(Part(path, first, footer.num_rows, max(end - first, 0), numbered))
        end = first + footer.num_rows
    return found


def _unreadable(path: Path, error: Exception) -> RecordingError:
    return RecordingError(
        f"a part of it can't be read: {error}",
        step="open",
        object=str(path),
        next="move that file away to open the rest",
    )


def _number(path: Path) -> int:
    return int(path.stem.split("-")[1])


def write_flush(folder: Path, rows: Sequence[WatchEvent]) -> Path:
    """Write rows as they came, quickly."""
    target = folder / f"flush-{rows[0].seq:012d}.parquet"
    _write(target, rows, compression="lz4")
    return target


def write_parts(folder: Path, rows: Sequence[WatchEvent]) -> Iterator[Part]:
    """Write rows as parts, one for each hour in which they were received, and yield each when it is on the disk."""
    for hour, group in groupby(rows, key=lambda row: row.received_at // HOUR):
        ours = list(group)
        stamp = datetime.fromtimestamp(hour * HOUR / 1e9, UTC).strftime("%Y-%m-%dT%H")
        target = folder / "rows" / f"hour={stamp}" / f"part-{ours[0].seq:012d}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        ordered = sorted(ours, key=lambda row: (row.kind, row.uid, row.seq))
        _write(target, ordered, compression="zstd")
        yield Part(target, ours[0].seq, len(ours))


def warm_up() -> None:
    """Load what pyarrow loads for its first array, all of pandas: half a second that the first flush hasn't got."""
    pa.array([""], type=pa.string())


def _write(target: Path, rows: Sequence[WatchEvent], compression: str) -> None:
    columns = [[getattr(row, name) for row in rows] for name in SCHEMA.names]
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    draft = target.with_suffix(".tmp")
    try:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=SCHEMA),
            draft,
            compression=compression,
            compression_level=3 if compression == "zstd" else None,
            row_group_size=ROWS_IN_GROUP,
            use_dictionary=[name for name in SCHEMA.names if SCHEMA.field(name).type == pa.string()],
            data_page_size=2**22,
        )
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


__all__ = ["FORMAT", "SCHEMA", "Part", "parts", "write_flush", "write_parts"]

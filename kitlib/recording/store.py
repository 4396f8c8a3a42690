"""A recording's files: parts of rows, partitioned by the hour of their receipt, and what isn't folded into one yet.

    recording.json                                  what it was made on, and whether it was closed
    rows/hour=2026-11-24T15/part-000000000000.parquet
    flush-000000016384.parquet                      rows since the last part, as they were flushed

A file's number is that of its first row. A part holds its rows by kind, uid and number, so that the versions of an
object lie side by side (it is what makes them small), and a kind in row groups of its own; `seq` gives the order of
receipt back. Each file appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kitlib.errors import RecordingError
from kitlib.files import whole
from kitlib.recording.row import WatchEvent

FORMAT = 3
"""Version of the files' layout; raised when an older reader could not understand them. Formats 1 and 2 still open."""
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
        pa.field("late_ns", pa.int64(), nullable=False),
    ]
)
ADDED = {"seq": 2, "late_ns": 3}
"""Columns that came with later formats; in a file without them a row's number is its place, and it counts as timely."""
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
    columns : frozenset of str
        Those that it has; in a file of an earlier format some are missing.
    """

    path: Path
    first: int
    count: int
    skip: int = 0
    columns: frozenset[str] = frozenset(SCHEMA.names)

    @property
    def numbered(self) -> bool:
        """Whether its rows have their numbers."""
        return "seq" in self.columns

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
        """Read what tells whether a row is looked for, without the objects; in the order of receipt."""
        return pa.concat_tables(self._groups(INDEX)).sort_by("seq")

    def groups(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield its row groups one after the other, with some columns, in the order of the file."""
        return self._groups(names)

    def group(self, number: int, names: Sequence[str]) -> pa.Table:
        """Read one row group alone, with some of the columns that it has."""
        with pq.ParquetFile(self.path) as file:
            return file.read_row_group(number, list(names))

    def read(self, kinds: Sequence[str] | None = None, wanted: Sequence[int] | None = None) -> list[WatchEvent]:
        """Read rows in the order of their receipt: all, those of some kinds, or those of some numbers.

        A file that was folded into another meanwhile is looked for there.
        """
        try:
            return self._rows(kinds, wanted)
        except FileNotFoundError:
            pass
        mine = range(self.first + self.skip, self.end)
        again = [part for part in parts(self._folder) if part.first < self.end and part.end > mine.start]
        rows = [row for part in again for row in part._rows(kinds, wanted) if row.seq in mine]
        if kinds is None and wanted is None and len(rows) < len(mine):
            raise _unreadable(self.path, FileNotFoundError("it is gone"))
        return rows

    @property
    def _folder(self) -> Path:
        """The recording's own folder."""
        inside = next((path for path in self.path.parents if path.name == "rows"), None)
        return inside.parent if inside else self.path.parent

    def _rows(self, kinds: Sequence[str] | None, wanted: Sequence[int] | None) -> list[WatchEvent]:
        rows: list[WatchEvent] = []
        for table in self._groups(SCHEMA.names, kinds, wanted):
            table = table.set_column(0, "received_at", table["received_at"].cast(pa.int64()))
            rows += map(WatchEvent, *(column.to_pylist() for column in table.columns))
        rows.sort(key=attrgetter("seq"))
        return [row for row in rows if row.seq >= self.first + self.skip] if self.skip else rows

    def _groups(
        self, names: Sequence[str], kinds: Sequence[str] | None = None, wanted: Sequence[int] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows that are looked for, by row group; a group whose figures show that it has none is skipped."""
        try:
            with pq.ParquetFile(self.path) as file:
                stored = [name for name in names if name in self.columns]
                at = self.first
                for number in range(file.num_row_groups):
                    begin, at = at, at + file.metadata.row_group(number).num_rows
                    if kinds is not None and not _may_hold(file.metadata.row_group(number), kinds):
                        continue
                    if wanted is not None and not set(self._numbers(file, number, begin)) & set(wanted):
                        continue
                    table = file.read_row_group(number, stored)
                    if not self.numbered:
                        table = table.append_column("seq", pa.array(range(begin, at), pa.int64()))
                    if "late_ns" in names and "late_ns" not in self.columns:
                        table = table.append_column("late_ns", pa.array([0] * (at - begin), pa.int64()))
                    if kinds is not None:
                        table = table.filter(_among(table["kind"], kinds))
                    if wanted is not None:
                        table = table.filter(_among(table["seq"], wanted))
                    yield table.select(list(names))
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(self.path, error) from error

    def _numbers(self, file: pq.ParquetFile, group: int, begin: int) -> Iterable[int]:
        if self.numbered:
            return file.read_row_group(group, ["seq"])["seq"].to_pylist()
        return range(begin, begin + file.metadata.row_group(group).num_rows)


def _among(column: pa.ChunkedArray, values: Sequence[Any]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(values, column.type))


def _may_hold(group: pq.RowGroupMetaData, kinds: Sequence[str]) -> bool:
    """Say whether a row group can have rows of these kinds, by the least and the greatest kind in it."""
    place = SCHEMA.get_field_index("kind")
    known = group.column(place).statistics
    return known is None or not known.has_min_max or any(known.min <= kind <= known.max for kind in kinds)


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
        columns = frozenset(footer.schema.names)
        first = _number(path) if "seq" in columns else end
        if first + footer.num_rows <= end:
            continue
        found.append(Part(path, first, footer.num_rows, max(end - first, 0), columns))
        end = first + footer.num_rows
    return found


def holes(parts: Sequence[Part]) -> list[tuple[Part | None, Part]]:
    """Return the pairs of files between which rows are missing, as their numbers tell; None before the first."""
    pairs = zip([None, *parts], parts, strict=False)
    return [(left, right) for left, right in pairs if right.first > (left.end if left else 0)]


def streams(parts: Sequence[Part]) -> dict[str, tuple[str, str, int]]:
    """Return what brought rows: for each stream its kind, its group and version, and when it brought the last one."""
    found: dict[str, tuple[str, str, int]] = {}
    for part in parts:
        table = pa.concat_tables(part._groups(["stream", "kind", "apiVersion", "origin", "monotonic_ns"]))
        table = table.filter(pc.not_equal(table["origin"], "kitlib"))
        last = table.group_by(["stream", "kind", "apiVersion"]).aggregate([("monotonic_ns", "max")])
        for stream, kind, version, at in zip(
            *(last[name].to_pylist() for name in ("stream", "kind", "apiVersion", "monotonic_ns_max")), strict=True
        ):
            found[stream] = (kind, version, max(at, found[stream][2] if stream in found else at))
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
    _write(target, _cut(rows), compression="lz4")
    return target


def write_parts(folder: Path, rows: Sequence[WatchEvent]) -> Iterator[Part]:
    """Write rows as parts, one for each hour in which they were received, and yield each when it is on the disk."""
    for hour, group in groupby(rows, key=lambda row: row.received_at // HOUR):
        ours = list(group)
        stamp = datetime.fromtimestamp(hour * HOUR / 1e9, UTC).strftime("%Y-%m-%dT%H")
        target = folder / "rows" / f"hour={stamp}" / f"part-{ours[0].seq:012d}.parquet"
        for made in (folder / "rows", target.parent):
            made.mkdir(mode=0o700, exist_ok=True)
        ordered = sorted(ours, key=attrgetter("kind", "uid", "seq"))
        kinds = (_cut(list(rows)) for _, rows in groupby(ordered, key=attrgetter("kind")))
        _write(target, chain.from_iterable(kinds), compression="zstd")
        yield Part(target, ours[0].seq, len(ours))
    pa.default_memory_pool().release_unused()


def warm_up() -> None:
    """Load what pyarrow loads for its first array, all of pandas: half a second that the first flush hasn't got."""
    pa.array([""], type=pa.string())


def _write(target: Path, groups: Iterable[Sequence[WatchEvent]], compression: str) -> None:
    """Write row groups one after the other, in the memory that one of them takes."""
    with (
        whole(target, private=True, durable=True) as draft,
        pq.ParquetWriter(
            draft,
            SCHEMA,
            compression=compression,
            compression_level=3 if compression == "zstd" else None,
            use_dictionary=[name for name in SCHEMA.names if SCHEMA.field(name).type == pa.string()],
            data_page_size=2**22,
        ) as file,
    ):
        for group in groups:
            values = zip(*map(_values, group), strict=True)
            arrays = [pa.array(column, type=field.type) for column, field in zip(values, SCHEMA, strict=True)]
            file.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), row_group_size=len(group))


_values = attrgetter(*SCHEMA.names)


def _cut(rows: Sequence[WatchEvent]) -> Iterator[Sequence[WatchEvent]]:
    """Cut rows into row groups."""
    return (rows[begin : begin + ROWS_IN_GROUP] for begin in range(0, len(rows), ROWS_IN_GROUP))


__all__ = ["FORMAT", "SCHEMA", "Part", "holes", "parts", "streams", "write_flush", "write_parts"]

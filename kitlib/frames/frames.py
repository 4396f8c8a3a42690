"""`Frames`: the DataFrames of a recording or of a window of it, made part by part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames import coverage, endpoints, events, logs, nodes, origin, probes, traffic
from kitlib.frames.columns import COLUMNS
from kitlib.frames.covered import Covered
from kitlib.frames.decoding import DEDUPLICATE, ROWS, decode, deduplicate
from kitlib.frames.dtypes import typed, typed_records
from kitlib.frames.objects import identity, own
from kitlib.frames.origin import Marks, Source
from kitlib.frames.salvage import LeftOut
from kitlib.recording import Interval, Recording, WatchEvent
from kitlib.recording.coverage import coverage as coverage_of
from kitlib.recording.coverage import marks

_WITHIN = {"conditions": ["condition"], "containers": ["container"], "nodes": ["about", "condition"]}
"""What of an object a row is about, beside its uid."""
_SHARED = ("", nodes.LEASES)
"""Where that is which belongs to no namespace: nodes, and the leases by which they say that they live."""


CONTROLLERS = ("statefulsets", "daemonsets", "jobs", "cronjobs")
"""The frames of single kinds of controllers: what `workloads` hasn't, because the others haven't it."""
PARTS = ("pods", "workloads", *CONTROLLERS, "containers", "conditions", "nodes", "events", "occurrences")
"""The frames that grow with the recording."""


class Frames:
    """The frames of a recording, or of a window of it, each made when it is asked for.

    Parameters
    ----------
    recording : Recording
        Where rows come from; a snapshot of them is taken now.
    begin_ns, end_ns : int, optional
        A window on the monotonic clock, both ends included. Each object's last version before `begin_ns` is carried
        in, with its own time, so that what stood there at the beginning is known.
    namespace : str or sequence of str, optional
        Only its objects, or those of several, and those that belong to none: nodes.

    Attributes
    ----------
    pods, workloads, containers, conditions, nodes, events, occurrences, logs, traffic : DataFrame
    statefulsets, daemonsets, jobs, cronjobs : DataFrame
    probes, endpoints, gaps, coverage, left_out, steps : DataFrame
        See `COLUMNS` for their columns. Each has `attrs`: `gaps`, of the kinds that it is made from and no others, and
        `steps` (lists of dicts, not to be changed: they are shared), `window` (begin_ns, end_ns) and `now_ns`; and
        where there are gaps `source`, which knows the rows as they were recorded.
    """

    def __init__(
        self,
        recording: Recording,
        begin_ns: int | None = None,
        end_ns: int | None = None,
        namespace: str | Sequence[str] | None = None,
    ) -> None:
        with recording.changed:  # a stream that ends from here on was alive until then
            self._all, self._live = recording.rows, dict(recording.live)
        self._info = recording.info
        self._left = LeftOut()
        named = (namespace,) if isinstance(namespace, str) else namespace
        self._where = None if named is None else (*named, *_SHARED)
        spans = [part.span for part in self._all.parts]
        if self._all.tail:
            spans.append((self._all.tail[0].monotonic_ns, self._all.tail[-1].monotonic_ns))
        self._now = spans[-1][1] if spans else 0
        self._since = begin_ns
        self._begin = begin_ns if begin_ns is not None else (spans[0][0] if spans else 0)
        self._end = end_ns if end_ns is not None else self._now

    def __repr__(self) -> str:
        where = "" if self._where is None else f" of namespace {', '.join(self._where[: -len(_SHARED)])}"
        return f"<Frames{where}, {(self._end - self._begin) / 1e9:.1f} s: {', '.join(COLUMNS)}>"

    @cached_property
    def pods(self) -> pd.DataFrame:
        """One row for each observed version of a Pod."""
        return self._frame("pods")

    @cached_property
    def workloads(self) -> pd.DataFrame:
        """One row for each observed version of a controller of Pods, and of a CronJob: what all have in common."""
        return self._frame("workloads")

    @cached_property
    def statefulsets(self) -> pd.DataFrame:
        """One row for each observed version of a StatefulSet, with its ordinals, revisions and partition."""
        return self._frame("statefulsets")

    @cached_property
    def daemonsets(self) -> pd.DataFrame:
        """One row for each observed version of a DaemonSet, with its counts of nodes."""
        return self._frame("daemonsets")

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """One row for each observed version of a Job."""
        return self._frame("jobs")

    @cached_property
    def cronjobs(self) -> pd.DataFrame:
        """One row for each observed version of a CronJob."""
        return self._frame("cronjobs")

    @property
    def replicas(self) -> pd.DataFrame:
        """`workloads`, by the name that it had before."""
        return self.workloads

    @cached_property
    def containers(self) -> pd.DataFrame:
        """One row for each change of a container's status."""
        return self._frame("containers")

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row for each change of a condition of any object."""
        return self._frame("conditions")

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row for each change of a node's condition or taints, and for each renewal of its lease."""
        return self._frame("nodes")

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row for each observed update of an Event, with the number of occurrences that it adds."""
        return self._frame("events")

    @cached_property
    def occurrences(self) -> pd.DataFrame:
        """Events taken apart: one row for each occurrence, or for several of which only a common interval is known."""
        return self._about("occurrences", typed("occurrences", events.occurrences(self.events)))

    @cached_property
    def logs(self) -> pd.DataFrame:
        """One row for each line of the logs that were recorded, by the time at which it was written."""
        rows = (row for row in self._all.of(*logs.KINDS) if self._ours(row))
        told = typed("logs", zip(*logs.rows(rows, self._left), strict=True), self._left).sort_values(
            "monotonic_ns", kind="stable"
        )
        inside = told["monotonic_ns"].between(self._begin, self._end)
        return self._about("logs", told[inside | (self._since is None)].reset_index(drop=True))

    @cached_property
    def traffic(self) -> pd.DataFrame:
        """One row for each request of the clients (`probe load`) whose logs were recorded."""
        return self._about("traffic", typed("traffic", zip(*traffic.rows(self.logs), strict=True)))

    @cached_property
    def probes(self) -> pd.DataFrame:
        """One row for each probe that a container whose log is recorded has answered, or that an Event tells of."""
        pods = (row for row in self._all.of("Pod") if self._ours(row) and own(row))
        about = (row for row in self._all.of(*events.KINDS) if own(row))
        told = probes.rows(self.logs, self.occurrences, pods, about)
        return self._about("probes", typed("probes", zip(*told, strict=True)))

    @cached_property
    def endpoints(self) -> pd.DataFrame:
        """One row for each change of what an EndpointSlice says of an address."""
        read = chain.from_iterable(self._read(endpoints.KINDS))
        rows = (row for row in read if row.kind in endpoints.KINDS and own(row))
        return self._about(
            "endpoints", typed("endpoints", zip(*endpoints.rows(rows, self._left), strict=True), self._left)
        )

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """One row for each gap: what may be missing, and between which times."""
        return self._about("gaps", typed_records("gaps", self._gaps))

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row for each named step."""
        return self._about("steps", typed_records("steps", self._steps))

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """One row for each interval of each stream: covered, or why not; what no row covers isn't covered."""
        inside = [each for each in self._coverage if each.end_ns >= self._begin and each.begin_ns <= self._end]
        return self._about("coverage", typed_records("coverage", coverage.records(inside)))

    @property
    def left_out(self) -> pd.DataFrame:
        """One row for each object, field or stamp that can't be read, and that a frame had to leave out."""
        for name in (*PARTS, "logs", "endpoints"):
            getattr(self, name)
        return self._about(
            "left_out", typed_records("left_out", sorted(self._left.records, key=lambda each: each["seq"]))
        )

    @cached_property
    def _coverage(self) -> list[Interval]:
        return coverage_of(self._all, self._info, self._live)

    @cached_property
    def _gaps(self) -> list[dict[str, Any]]:
        window, whole = (self._begin, self._end), self._since is None
        return coverage.gaps(self._coverage, self._marks, window, whole, self._where)

    @cached_property
    def _followed(self) -> tuple[str, ...] | None:
        return coverage.followed(self._marks, self._where)

    @cached_property
    def _steps(self) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for row in self._marks:
            if row.type != "STEP":
                continue
            what = json.loads(row.object)
            if what["edge"] == "begin":
                found[what["id"]] = {
                    "name": row.name,
                    "begin_at": row.received_at,
                    "begin_ns": row.monotonic_ns,
                    "end_ns": None,
                }
            elif what["id"] in found:
                found[what["id"]]["end_ns"] = row.monotonic_ns
        return list(found.values())

    def parts(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield a frame part by part, in the memory that one part takes.

        Parameters
        ----------
        name : str
            One of `PARTS`.

        Yields
        ------
        DataFrame
            Together they are the frame: what depends on earlier parts is kept in mind, one value for each object.
        """
        if name not in PARTS:
            raise UsageError(f"no frame {name!r} comes in parts", step="frames", next=f"one of {list(PARTS)}")
        apart = name == "occurrences"
        source = "events" if apart else name
        by = ["uid", *_WITHIN.get(name, [])]
        known: pd.DataFrame | None = None  # the last row of each object in the parts before
        seen = -1
        for piece in self._pieces(source):
            whole = deduplicate(source, piece if known is None else pd.concat([known, piece], ignore_index=True))
            told = typed(name, events.occurrences(whole)) if apart else whole
            yield self._about(name, told[told["seq"] > seen].reset_index(drop=True))
            seen = int(piece["seq"].max())
            known = whole.groupby(by, sort=False).tail(1) if source in DEDUPLICATE else None
        if seen < 0:
            yield self._about(name, typed(name, ()))

    def save(self, folder: Path | str, *names: str) -> Path:
        """Write frames as Parquet, part by part: `folder/pods/part-00000.parquet` and so on.

        Each folder opens as one dataset in pandas, Dask DataFrame, DuckDB and Polars. Only `load`, and `read_parquet`
        of pandas for a single file, give back what the frame covers.

        Parameters
        ----------
        folder : Path or str
            Where; a folder for each frame is made in it.
        *names : str
            Which frames; all if none is named.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        UsageError
            If there are frames already.
        """
        folder = Path(folder)
        for name in names or COLUMNS:
            target = folder / name
            if target.exists():
                raise UsageError(
                    "there is a frame already",
                    step="save",
                    object=str(target),
                    next="name another folder, or delete it",
                )
            target.mkdir(parents=True)
            pieces = self.parts(name) if name in PARTS else iter([getattr(self, name)])
            for number, piece in enumerate(pieces):
                piece.to_parquet(target / f"part-{number:05d}.parquet", index=False)
        return folder

    @cached_property
    def _marks(self) -> list[WatchEvent]:
        return marks(self._all)

    @cached_property
    def _carried(self) -> list[WatchEvent]:
        """Each object's last version before the window, oldest first."""
        if self._since is None:
            return []
        found: pd.DataFrame | None = None
        for part in self._all.parts:
            if part.span[0] < self._begin:
                index = part.index().to_pandas()
                index = index[(index["monotonic_ns"] < self._begin) & (index["origin"] != "kitlib")]
                found = index if found is None else pd.concat([found, index])
                found = found.groupby(["kind", "uid"], sort=False).tail(1)
        wanted: list[int] = []
        if found is not None:
            if self._where is not None:
                found = found[found["namespace"].isin(self._where)]
            wanted = sorted(found["seq"])
        last: dict[tuple[str, str], WatchEvent] = {}
        for part in self._all.parts:
            here = [seq for seq in wanted if part.first <= seq < part.end]
            last.update(((row.kind, identity(row)), row) for row in (part.read(wanted=here) if here else ()))
        for row in self._all.tail:
            if row.monotonic_ns < self._begin and self._ours(row):
                last[row.kind, identity(row)] = row
        alive = (row for row in last.values() if row.type != "DELETED")
        return sorted(alive, key=lambda row: row.seq)

    def _ours(self, row: WatchEvent) -> bool:
        return row.origin != "kitlib" and (self._where is None or row.namespace in self._where)

    def _read(self, kinds: Sequence[str] | None) -> Iterator[list[WatchEvent]]:
        """Yield the window's rows of some kinds, part by part."""
        if self._carried:
            yield self._carried
        for part in self._all.parts:
            begin, end = part.span
            if end >= self._begin and begin <= self._end:
                yield self._inside(part.read(kinds))
        yield self._inside(self._all.tail)

    def _inside(self, rows: Iterable[WatchEvent]) -> list[WatchEvent]:
        begin, end = self._begin, self._end
        return [row for row in rows if begin <= row.monotonic_ns <= end and self._ours(row)]

    def _pieces(self, name: str) -> Iterator[pd.DataFrame]:
        for rows in self._read(ROWS[name][0]):
            piece = decode(name, rows, self._left)
            if len(piece):
                yield piece

    def _frame(self, name: str) -> pd.DataFrame:
        pieces = list(self._pieces(name))
        frame = pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else (pieces or [typed(name, ())])[0]
        return self._about(name, deduplicate(name, frame) if len(pieces) > 1 else frame)

    def _about(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a frame what it is to carry: its gaps, the steps, its window."""
        window = (self._begin, self._end)
        gaps = coverage.of_frame(name, self._gaps, self._followed, window)
        made = Covered(frame, copy=False)
        made.attrs = {
            "gaps": Marks(gaps),
            "steps": Marks({key: step[key] for key in ("name", "begin_ns", "end_ns")} for step in self._steps),
            "window": window,
            "now_ns": self._now,
            "frame": name,
        }
        if self._followed is not None:
            made.attrs["kinds"] = tuple(sorted(coverage.kinds(self._followed)))
            made.attrs["followed"] = self._followed
        if gaps:
            origin.note(name, gaps)
            made.attrs["source"] = Source(frame)
        origin.received(frame)
        return made


def latest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the last observed version of each object that still exists, one row an object.

    Parameters
    ----------
    frame : DataFrame
        `pods` or `workloads`.
    """
    last = frame.groupby("uid", sort=False).tail(1)
    return last[last["type"] != "DELETED"]


__all__ = ["PARTS", "Frames", "latest"]

"""The frame `logs`: one row for each line that a container has logged, where its log is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import pandas as pd

from kitlib.frames.objects import ObjectMeta
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Log",)
WHERE = {
    "at": "datetime64[ns, UTC]",
    "monotonic_ns": "int64",
    "seq": "int64",
    "namespace": "str",
    "name": "str",
    "uid": "str",
    "container": "str",
}
"""Columns, and their dtypes, that a frame made of lines has as the frame `logs` has them."""
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
"""How the kubelet begins each line."""


class _Log(msgspec.Struct, gc=False):
    """What a recording's row of this kind holds: lines as the kubelet gives them, each with a stamp before it."""

    metadata: ObjectMeta
    container: str
    run: int
    begin: int
    lines: list[str]


class Line(msgspec.Struct, gc=False):
    """What is known of a line that is the probe's: see docs/probe.md."""

    wall_ns: int | None = None
    event: str = ""


_log = msgspec.json.Decoder(_Log)
_line = msgspec.json.Decoder(Line)


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; a line that was read twice counts once.

    A line's own time (wall_ns) is finer than the stamp that it got when it was written; it is taken where there is one.
    """
    seen: dict[str, int] = {}
    for row in events:
        log = decode(_log, row, left)
        if log is None:
            continue
        offset = row.received_at - row.monotonic_ns
        for number, text in enumerate(log.lines, log.begin):
            if number < seen.get(row.uid, 0):
                continue
            seen[row.uid] = number + 1
            at, said = _stamped(text, row.received_at)
            known = _known(said)
            at = _plausible(known.wall_ns) or at
            pod = row.uid.partition("/")[0]
            named = (row.namespace, row.name, pod, log.container, log.run)
            yield at, at - offset, row.seq, *named, known.event, said


def _stamped(text: str, received_at: int) -> tuple[int, str]:
    """Return when a line was written, and what it says.

    What the kubelet itself says when it can't go on reading a log has no stamp: it is shown as it is, at its receipt.
    """
    stamp, _, said = text.partition(" ")
    if not STAMP.fullmatch(stamp):
        return received_at, text
    try:
        return pd.Timestamp(stamp).as_unit("ns").value, said
    except ValueError:  # no such day, or a year that no count of nanoseconds holds
        return received_at, text


def _plausible(wall_ns: int | None) -> int | None:
    return wall_ns if wall_ns is not None and 0 < wall_ns < 2**63 else None


def _known(text: str) -> Line:
    if not text.startswith("{"):
        return Line()
    try:
        return _line.decode(text)
    except msgspec.MsgspecError:
        return Line()


def lines(frame: pd.DataFrame, decoder: msgspec.json.Decoder, holding: str) -> Iterator[tuple[Mapping, object]]:
    """Yield the rows whose line holds a text and is what the decoder expects, each with what was decoded."""
    some = frame[frame["line"].str.contains(holding, regex=False)]
    for row in some.to_dict("records"):
        try:
            yield row, decoder.decode(row["line"])
        except msgspec.MsgspecError:
            continue


def frame_of(logs: pd.DataFrame, rows: Iterable[Mapping]) -> pd.DataFrame:
    """Make a plain frame of rows that `lines` yielded, with the columns of `logs` and their types."""
    return pd.DataFrame([dict(row) for row in rows], columns=list(logs.columns)).astype(logs.dtypes.to_dict())

"""The frame `lookups`: what DNS answered a client in the cluster, query by query."""

from __future__ import annotations

import msgspec
import pandas as pd

from kitlib.frames.frames import Frames
from kitlib.frames.logs import WHERE, lines


class _Query(msgspec.Struct, gc=False):
    type: str = ""
    rcode: str = ""
    error: str = ""


class _Answer(msgspec.Struct, gc=False):
    type: str = ""
    ttl: int = 0
    data: str = ""


class _Lookup(msgspec.Struct, gc=False):
    """A line of the probe: one name, looked up once."""

    name: str
    took_ns: int
    queries: list[_Query]
    answers: list[_Answer]


_lookup = msgspec.json.Decoder(_Lookup)


def lookups(frames: Frames) -> pd.DataFrame:
    """Return what names were looked up in a window by the probe, and what they were answered.

    Parameters
    ----------
    frames : Frames
        Of a recording in which `Lab.record_logs` followed it: `probe dns`, or a server that was asked for `/dns`.

    Returns
    -------
    DataFrame
        One row for each lookup: `at` (datetime64[ns, UTC]: when it was asked, by the node's clock), `monotonic_ns`
        (int64, ns: the same on the recording's monotonic clock), `seq` (int64: row of the recording that it came
        with), `namespace`, `name`, `uid`, `container` (str: of the client), `asked` (str: the name that was asked for,
        without the dot at its end), `type` (str: A, AAAA, …; several are joined by a comma), `queries` (int64: how many
        it took), `rcode` (str: NOERROR, NXDOMAIN, …; of the last query, empty if none was
        answered), `answers` (str: addresses or names, sorted, joined by a comma), `ttl` (Int64, s: for how long the
        first answer may be kept; NA without one), `took_ns` (int64, ns), `error` (str: why no server answered). Its
        `attrs` are those of every frame.
    """
    rows = []
    for row, said in lines(frames.logs, _lookup, '"queries"'):
        assert isinstance(said, _Lookup)
        last = said.queries[-1] if said.queries else _Query(error="nothing was asked")
        answers = sorted(each.data for each in said.answers)
        ttl = said.answers[0].ttl if said.answers else None
        types = ",".join(dict.fromkeys(each.type for each in said.queries))
        kept = [*(row[column] for column in WHERE), said.name.rstrip("."), types, len(said.queries)]
        rows.append([*kept, last.rcode, ",".join(answers), ttl, said.took_ns, last.error])
    frame = pd.DataFrame(rows, columns=list(DTYPES))
    return frames._about("lookups", frame.astype(DTYPES))


DTYPES = {
    **WHERE,
    "asked": "str",
    "type": "str",
    "queries": "int64",
    "rcode": "str",
    "answers": "str",
    "ttl": "Int64",
    "took_ns": "int64",
    "error": "str",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "lookups"]

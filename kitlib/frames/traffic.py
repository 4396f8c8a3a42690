"""The frame `traffic`: one row for each request of a client whose log is recorded; and their distribution."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames.logs import lines

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}


class _Request(msgspec.Struct, gc=False):
    """A line of `probe load`: one request, and what became of it."""

    late_ns: int
    took_ns: int
    status: int = 0
    who: str = ""
    version: str = ""
    ready: str = ""
    reused: bool = False
    error: str = ""


_request = msgspec.json.Decoder(_Request)
SAME = ("monotonic_ns", "seq", "namespace", "name", "uid", "container", "run")


def rows(logs: pd.DataFrame) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns, from the frame `logs`."""
    for row, request in lines(logs, _request, '"late_ns"'):
        assert isinstance(request, _Request)
        answered = not request.error
        yield (
            row["at"].value,
            *(row[name] for name in SAME),
            request.late_ns,
            request.took_ns,
            answered,
            request.status if answered else None,
            request.error,
            request.who,
            request.version,
            {"true": True, "false": False}.get(request.ready),
            request.reused,
        )


def distribution(traffic: pd.DataFrame, by: str = "name") -> pd.DataFrame:
    """Return how many requests were sent, answered and lost, and how long answers took, for each client.

    The time of an answer counts from when its request was due, not from when it could be sent: an answer that comes
    late also delays the requests behind it.

    Parameters
    ----------
    traffic : DataFrame
        The frame `traffic`.
    by : str
        The column that tells the groups: `name` for the clients, `who` for those that answered.

    Returns
    -------
    DataFrame
        A row for each group: sent, answered, lost (requests), p50_ms, p90_ms, p99_ms, max_ms (milliseconds, of the
        answered).

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if by not in traffic.columns:
        raise UsageError(
            f"no column {by!r}", step="distribution", next=f"its columns are: {', '.join(traffic.columns)}"
        )
    groups = traffic.groupby(by, sort=True)["answered"]
    table = pd.DataFrame({"sent": groups.size(), "answered": groups.sum()}).astype("int64")
    table["lost"] = table["sent"] - table["answered"]
    told = traffic[traffic["answered"]]
    took = ((told["late_ns"] + told["took_ns"]) / 1e6).groupby(told[by])
    for name, share in SHARES.items():
        table[name] = took.quantile(share, interpolation="higher").reindex(table.index)
    return table


__all__ = ["distribution"]

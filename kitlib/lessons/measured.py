"""What a lesson measures of two in turns, and counts of manifests.

In: frames, and texts. Out: frames, numbers, and checks that hold only where two measurements are apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from kitlib.claims import Check
from kitlib.claims.looking import about
from kitlib.cluster.kind.node import Node
from kitlib.errors import ClusterError, UsageError
from kitlib.frames.covered import as_of
from kitlib.frames.logs import WHERE, frame_of, lines

SUMMARY = {
    "sent": "int64",
    "answered": "int64",
    "per_second": "float64",
    "p50_ms": "float64",
    "p99_ms": "float64",
}
"""Columns that `summaries` adds, and their types."""


class _Since(msgspec.Struct, gc=False):
    p50_ns: int = 0
    p99_ns: int = 0


class _Summary(msgspec.Struct, gc=False):
    """The last line of `probe load`."""

    sent: int
    answered: int
    per_second: float
    since_due: _Since


_summary = msgspec.json.Decoder(_Summary)


def summaries(logs: pd.DataFrame) -> pd.DataFrame:
    """Read what clients (`probe load`) said of all their requests together.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name.

    Returns
    -------
    DataFrame
        One row for each client that has ended: `at`, `monotonic_ns`, `seq`, `namespace`, `name`, `uid`, `container` as
        in `logs`; `sent`, `answered` (int: requests), `per_second` (float: those that were answered), `p50_ms`,
        `p99_ms` (float: milliseconds from when a request was due to its answer's end).
    """
    found = list(lines(logs, _summary, '"summary"'))
    plain = frame_of(logs, (row for row, _ in found))[list(WHERE)]
    for name in ("sent", "answered", "per_second"):
        plain[name] = pd.Series([getattr(said, name) for _, said in found], index=plain.index, dtype=SUMMARY[name])
    for name in ("p50", "p99"):
        took = [getattr(said.since_due, f"{name}_ns") / 1e6 for _, said in found]  # type: ignore[attr-defined]
        plain[f"{name}_ms"] = pd.Series(took, index=plain.index, dtype="float64")
    return as_of(logs, plain)


def spread(rounds: pd.DataFrame, column: str, by: str = "who") -> pd.DataFrame:
    """Return the middle, the least and the most of what was measured in several rounds.

    Parameters
    ----------
    rounds : DataFrame
        A row for each measurement.
    column : str
        What was measured.
    by : str
        The column that tells who it was measured of.

    Returns
    -------
    DataFrame
        A row for each of these: `median`, `min`, `max` (float), `rounds` (int).
    """
    return rounds.groupby(by)[column].agg(["median", "min", "max", "count"]).rename(columns={"count": "rounds"})


def above(rounds: pd.DataFrame, column: str, first: str, second: str, by: str = "who", least: int = 4) -> Check:
    """Check that one was measured higher than another in every round; where their rounds overlap it can't be told.

    Parameters
    ----------
    rounds : DataFrame
        A row for each measurement; both in the same run, in turns.
    column : str
        What was measured.
    first, second : str
        Who should have more of it than whom.
    by : str
        The column that tells them apart.
    least : int
        How many rounds each must have: with four, chance alone sets them apart once in 35 times.

    Returns
    -------
    Check
        That holds if each value of the first is above each of the second, fails if it is the other way round.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    missing = [name for name in (column, by) if name not in rounds]
    if missing:
        raise UsageError(
            f"no column {missing[0]!r}", step="claim", next="its columns are: " + ", ".join(map(str, rounds))
        )
    table = spread(rounds, column, by).reindex([first, second])
    told = [f"{who} {_figure(low)} to {_figure(high)}" for who, low, high in table[["min", "max"]].itertuples()]
    mine, theirs = (table.loc[who] for who in (first, second))
    evidence = rounds[rounds[by].isin([first, second])]
    holds: bool | None = None
    if (table["rounds"].fillna(0) >= least).all():
        holds = True if mine["min"] > theirs["max"] else False if mine["max"] < theirs["min"] else None
    why = f"{column}: {', '.join(told)}" + ("" if holds is not None else "; they overlap, or too few were measured")
    return Check(holds, why, evidence, **about(evidence))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cpu_seconds(node: Node, uid: str) -> float:
    """Return how much processor time a Pod's containers have taken so far, as the node's kernel counts it.

    Parameters
    ----------
    node : Node
        Where it runs.
    uid : str
        The Pod's.

    Returns
    -------
    float
        NaN where the kernel doesn't tell (no cgroups of version 2).
    """
    place = f"*pod{re.sub('[^0-9a-f]', '?', uid)}*"
    try:
        found = node.run(["find", "/sys/fs/cgroup", "-maxdepth", "8", "-type", "d", "-name", place, "-print", "-quit"])
        said = node.read(f"{found.strip()}/cpu.stat") if found.strip() else ""
    except ClusterError:
        said = ""
    used = re.search(r"^usage_usec (\d+)$", said, re.MULTILINE)
    return int(used.group(1)) / 1e6 if used else math.nan


def verdict(check: Check) -> str:
    """Return the verdict of a check on one's own machine, for a claim whose outcome is this machine's alone."""
    return {True: "holds", False: "fails", None: "unknown"}[check.holds]


def fields(items: Sequence[Any] | dict[str, Any] | Any) -> int:
    """Return how many values stand in manifests: each is a decision of who wrote them.

    Parameters
    ----------
    items : dict or sequence
        Objects, as `kitlib.objects.load` returns them.
    """
    if isinstance(items, dict):
        return sum(map(fields, items.values()))
    if isinstance(items, list | tuple):
        return sum(map(fields, items))
    return 1


__all__ = ["SUMMARY", "above", "cpu_seconds", "fields", "spread", "summaries", "verdict"]

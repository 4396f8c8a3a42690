"""What is to be known of one version of a Pod: whether it is available, and whether somebody has just ended it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from kitlib.rollout.rows import Row, Rows

OVER = ("Succeeded", "Failed", "Gone")
"""States of a Pod that is at its end."""

CLOCKS = pd.Timedelta(seconds=1)
"""By so much two stamps in whole seconds, of two clocks on one machine, may differ."""

MOMENT_NS = 10_000_000_000
"""For so long a controller may not have seen yet, or not have written down yet, what its Pods do, ns."""


def ready(row: dict[Any, Any], seconds: int = 0, at: pd.Timestamp | None = None) -> bool:
    """Return whether a Pod is Ready, and has been so for minReadySeconds.

    Parameters
    ----------
    row : dict
        Its last row of the frame `pods`.
    seconds : int
        minReadySeconds.
    at : Timestamp, optional
        The time that is asked about.
    """
    if row["state"] != "Ready":
        return False
    if not seconds or at is None or pd.isna(row["readyTransition"]):
        return True
    return bool(at - row["readyTransition"] >= pd.Timedelta(seconds=seconds) - CLOCKS)


def lives(row: dict[Any, Any]) -> bool:
    """Return whether a Pod is neither at its end nor on its way there.

    Parameters
    ----------
    row : dict
        Its last row of the frame `pods`.
    """
    return row["state"] not in (*OVER, "Terminating")


def ending(before: dict[Any, Any] | None, row: dict[Any, Any]) -> bool:
    """Return whether this version is the first from which a Pod is to go, that had not ended by itself.

    Parameters
    ----------
    before, row : dict
        Two versions of it that follow one another; None if there was none.
    """
    return before is not None and lives(before) and row["state"] in ("Terminating", "Gone")


def owned(pods: Rows, uids: Collection[str]) -> Rows:
    """Return the versions of Pods that some controllers own, and of one that they release that it is gone for them.

    Parameters
    ----------
    pods : Rows
        Of the frame of that name.
    uids : collection of str
        The controllers'.
    """
    rows = pods.where("uid", {row["uid"] for row in pods if row["owner.uid"] in uids})
    if all(row["owner.uid"] in uids for row in rows):
        return rows
    found: list[Row] = []
    here: set[str] = set()
    for row in sorted(rows, key=lambda row: int(row["resourceVersion"])):
        if row["owner.uid"] in uids:
            here.add(row["uid"])
            found.append(row)
        elif row["uid"] in here:
            here.discard(row["uid"])
            found.append({**row, "type": "DELETED", "state": "Gone"})
    return Rows(found, rows.attrs)


__all__ = ["CLOCKS", "MOMENT_NS", "OVER", "ending", "lives", "owned", "ready"]

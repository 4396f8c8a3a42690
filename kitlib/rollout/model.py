"""What a Deployment's strategy bounds, and the state of its rollout at every resourceVersion."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pandas as pd

from kitlib.errors import UsageError
from kitlib.rollout.identity import Deployment, which
from kitlib.rollout.pod import owned
from kitlib.rollout.rows import Row, Rows

TIMELINE = {
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "wanted": "int64",
    "total": "int64",
    "available": "int64",
    "unavailable": "int64",
    "terminating": "int64",
    "desired": "int64",
    "upper": "int64",
    "lower": "int64",
}
"""The columns of `timeline`, with their dtypes."""

BY_REVISION = {
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "revision": "int64",
    "replicaset": "str",
    "uid": "str",
    "available": "int64",
    "unavailable": "int64",
    "terminating": "int64",
}
"""The columns of `by_revision`, with their dtypes."""


@dataclass(frozen=True)
class Bounds:
    """The bounds that a Deployment's strategy sets: what it promises.

    Parameters
    ----------
    desired : int
        spec.replicas.
    surge, unavailable : int
        maxSurge and maxUnavailable in Pods: percentages are rounded up and down; if both come to 0, one Pod may be
        unavailable (deployment controller, ResolveFenceposts).
    strategy : str
        RollingUpdate or Recreate.
    """

    desired: int
    surge: int
    unavailable: int
    strategy: str

    @property
    def upper(self) -> int:
        """At most so many Pods that are not terminating."""
        return self.desired + self.surge

    @property
    def lower(self) -> int:
        """At least so many available Pods."""
        return max(self.desired - self.unavailable, 0)


def scaled_int_or_percent(value: str | int | None, total: int, up: bool) -> int:
    """Turn "25%" or 3 into Pods, rounding as Kubernetes does (intstr.GetScaledValueFromIntOrPercent).

    Parameters
    ----------
    value : str, int or None
        maxSurge or maxUnavailable as written; None and "" count as 0.
    total : int
        What a percentage is of.
    up : bool
        Round up (maxSurge) or down (maxUnavailable).

    Raises
    ------
    UsageError
        If it is neither.
    """
    text = str(value or "0").strip()
    if not text.removesuffix("%").isdigit():
        raise UsageError(
            f"{text!r} is neither a number of Pods nor a percentage", step="rollout", next='write 2 or "25%"'
        )
    if not text.endswith("%"):
        return int(text)
    exact = int(text[:-1]) * total / 100
    return math.ceil(exact) if up else math.floor(exact)


def bounds(workloads: pd.DataFrame, deployment: str | None = None) -> Bounds:
    """Return what the Deployment's last observed version promises.

    Parameters
    ----------
    workloads : DataFrame
        The frame of that name.
    deployment : str, optional
        `web` or `shop/web`; may be left out if there is one only.

    Raises
    ------
    UsageError
        If there is none, or more than one is meant.
    """
    return bounds_of(which(workloads, deployment).rows(workloads).iloc[-1])


def bounds_of(row: Mapping[Any, Any] | pd.Series) -> Bounds:
    """Return what one version of a Deployment, a row of the frame `workloads`, promises."""
    desired = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
    if row["strategy"] == "Recreate":
        return Bounds(desired, 0, desired, "Recreate")
    surge = scaled_int_or_percent(row["maxSurge"], desired, up=True)
    unavailable = scaled_int_or_percent(row["maxUnavailable"], desired, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(desired, surge, unavailable, "RollingUpdate")


def timeline(pods: pd.DataFrame, workloads: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return the rollout's state after every write that was observed, in the server's order.

    Parameters
    ----------
    pods, workloads : DataFrame
        The frames of those names.
    deployment : str, optional
        `web` or `shop/web`; may be left out if there is one only.

    Returns
    -------
    DataFrame
        monotonic_ns (int64, ns), resourceVersion (int64), wanted (int64, Pods: the sum of its ReplicaSets'
        spec.replicas), total (int64, Pods not terminating), available (int64, Pods: Ready for minReadySeconds; those
        of a Deployment with minReadySeconds are taken from its ReplicaSets' status), unavailable, terminating (int64,
        Pods), desired (int64, Pods), upper and lower (int64, Pods: the envelope; of Recreate, and before the
        Deployment was seen, desired and 0; all three 0 from its deletion on).

    Raises
    ------
    UsageError
        If there is no such Deployment, or more than one is meant.

    Notes
    -----
    The controller keeps `wanted` within `upper`. `total` can be above it for some milliseconds: one ReplicaSet makes
    its new Pod before another one has deleted the Pod that it gives up.
    """
    return replay(pods, workloads, deployment).timeline


def by_revision(pods: pd.DataFrame, workloads: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return the same in long form: one row for each time and ReplicaSet.

    Parameters
    ----------
    pods, workloads, deployment
        As for `timeline`.

    Returns
    -------
    DataFrame
        monotonic_ns (int64, ns), resourceVersion (int64), revision (int64; 0 while unknown), replicaset, uid (str: its
        name and uid), available, unavailable, terminating (int64, Pods). A ReplicaSet that is deleted and has no Pods
        left has no more rows.
    """
    return replay(pods, workloads, deployment).by_revision


def revisions(workloads: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return one row for each ReplicaSet of the Deployment: what `kubectl rollout history` knows, and more.

    Parameters
    ----------
    workloads : DataFrame
        The frame of that name.
    deployment : str, optional
        `web` or `shop/web`; may be left out if there is one only.

    Returns
    -------
    DataFrame
        name (str), revision (Int64: the last observed), template (str: digest), image (str), spec.replicas (Int64),
        first_seen_ns (int64, ns), deleted (bool).
    """
    sets = which(workloads, deployment).sets(workloads)
    grouped = sets.groupby("uid", sort=False)
    last = grouped.tail(1).set_index("uid")
    frame = last[["name", "revision", "template", "image", "spec.replicas"]].copy()
    frame["first_seen_ns"] = grouped["monotonic_ns"].first()
    frame["deleted"] = last["type"] == "DELETED"
    return frame.reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Replay:
    """A rollout, gone through once.

    Parameters
    ----------
    timeline, by_revision : DataFrame
        As the functions of those names return them.
    deleted : int or None
        The resourceVersion at which the Deployment was deleted, or its deletion asked for: from then on it promises
        nothing.
    """

    timeline: pd.DataFrame
    by_revision: pd.DataFrame
    deleted: int | None


@dataclass
class _Count:
    """The Pods of a ReplicaSet, by what they are."""

    available: int = 0
    unavailable: int = 0
    terminating: int = 0

    def add(self, state: str, by: int) -> None:
        what = {"Ready": "available", "Terminating": "terminating"}.get(state, "unavailable")
        setattr(self, what, getattr(self, what) + by)

    def settled(self, told: Any) -> tuple[int, int, int]:
        """Return the three numbers where the Pods alone don't tell when they become available, but a status does."""
        available = min(self.available, 0 if pd.isna(told) else int(told))
        return available, self.unavailable + self.available - available, self.terminating


def replay(pods: pd.DataFrame, workloads: pd.DataFrame, deployment: str | Deployment | None = None) -> Replay:
    """Return `timeline` and `by_revision`, for who needs both: the rows are gone through once.

    Parameters
    ----------
    pods, workloads, deployment
        As for `timeline`.
    """
    meant = which(workloads, deployment)
    sets = meant.sets(workloads)
    uids = set(sets["uid"])
    theirs = set(pods.loc[pods["owner.uid"].isin(uids), "uid"])
    own = owned(Rows.of(pods[pods["uid"].isin(theirs)]), uids)
    mine = Rows.of(meant.rows(workloads))
    keyed = [
        *((version, 0, "deployment", row) for version, row in versioned(mine, workloads, pods)),
        *((version, 1, "set", row) for version, row in versioned(Rows.of(sets), workloads, pods)),
        *((version, 2, "pod", row) for version, row in versioned(own, workloads, pods)),
    ]
    keyed.sort(key=lambda item: item[:2])
    begin = max(pods.attrs.get("window", (0, 0))[0], workloads.attrs.get("window", (0, 0))[0])
    states: dict[str, tuple[str, str]] = {}  # Pod uid → (ReplicaSet uid, its state)
    counts: dict[str, _Count] = {}  # ReplicaSet uid → its Pods
    revision: dict[str, int] = {}
    known: dict[str, dict[Any, Any]] = {}  # ReplicaSet uid → its last row
    shown: set[str] = set()  # those that are there or have Pods
    settles = False  # with minReadySeconds the Pods alone don't tell when they become available
    now = Bounds(0, 0, 0, "RollingUpdate")
    deleted: int | None = None
    times: list[tuple[int, ...]] = []
    long: list[tuple[int | str, ...]] = []
    clock = 0
    left = sum(row["origin"] == "list" for *_, row in keyed)  # what the first lists show was there at once
    for version, _, what, row in keyed:
        clock = max(clock, int(row["monotonic_ns"]))
        left -= row["origin"] == "list"
        if what == "deployment":
            if row["type"] == "DELETED" or not pd.isna(row["deletionTimestamp"]):
                now, deleted = Bounds(0, 0, 0, now.strategy), version if deleted is None else deleted
            else:
                now = bounds_of(row)
            settles = not pd.isna(row["minReadySeconds"]) and int(row["minReadySeconds"]) > 0
        elif what == "set":
            known[row["uid"]] = row
            shown.add(row["uid"])
            if not pd.isna(row["revision"]):
                revision[row["uid"]] = int(row["revision"])
        else:
            if before := states.pop(row["uid"], None):
                counts[before[0]].add(before[1], -1)
            if row["state"] not in ("Gone", "Succeeded", "Failed"):
                owner, state = states[row["uid"]] = row["owner.uid"], str(row["state"])
                counts.setdefault(owner, _Count()).add(state, 1)
                shown |= {owner} & known.keys()
        if left:
            continue
        at = max(clock, begin)
        sums = [0, 0, 0]
        wanted = 0
        for uid in sorted(shown):
            own_row, count = known[uid], counts.get(uid, _Count())
            here = count.available, count.unavailable, count.terminating
            if settles:
                here = count.settled(own_row["availableReplicas"])
            if any(here) or revision.get(uid):
                long.append((at, version, revision.get(uid, 0), own_row["name"], uid, *here))
            sums = [one + more for one, more in zip(sums, here, strict=True)]
            if own_row["type"] != "DELETED":
                wanted += 0 if pd.isna(own_row["spec.replicas"]) else int(own_row["spec.replicas"])
            elif not any(here):
                shown.discard(uid)
        times.append((at, version, wanted, sums[0] + sums[1], *sums, now.desired, now.upper, now.lower))
    time_frame = pd.DataFrame(times, columns=list(TIMELINE)).astype(TIMELINE)
    long_frame = pd.DataFrame(long, columns=list(BY_REVISION)).astype(BY_REVISION)
    for frame in (time_frame, long_frame):
        frame.attrs = dict(pods.attrs)
    return Replay(_from(time_frame, begin), _from(long_frame, begin), deleted)


def versioned(rows: Rows, *every: pd.DataFrame | Rows) -> list[tuple[int, Row]]:
    """Return each row with its place in the server's order.

    A deletion that only a list after a gap showed still has the version of the object's last write. It is known to
    lie behind all that was received before it, and no more.

    Parameters
    ----------
    rows : Rows
        Which ones.
    *every : DataFrame or Rows
        Beside what they were received.
    """
    found = [(int(row["resourceVersion"]), row) for row in rows]
    if not any(_only_listed(row) for _, row in found):
        return found
    seen = sorted(pair for each in every for pair in zip(each["seq"], each["resourceVersion"], strict=True))
    numbers = [int(seq) for seq, _ in seen]
    newest = list(accumulate((int(version) for _, version in seen), max))
    return [
        (newest[bisect_right(numbers, row["seq"]) - 1] if _only_listed(row) else version, row) for version, row in found
    ]


def _only_listed(row: Row) -> bool:
    return bool(row["type"] == "DELETED" and row["origin"] == "relist")


def _from(frame: pd.DataFrame, begin: int) -> pd.DataFrame:
    """Drop what was carried in from before the window, but for the state at its beginning."""
    before = frame["monotonic_ns"] <= begin
    if not before.any():
        return frame
    last = frame.loc[before, "resourceVersion"].max()
    return frame[~before | (frame["resourceVersion"] == last)].reset_index(drop=True)

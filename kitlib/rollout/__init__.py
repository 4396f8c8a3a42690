"""What a rollout promised, and whether it kept it, at every resourceVersion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib.errors import UsageError

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
BY_REVISION = {
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "revision": "int64",
    "replicaset": "str",
    "available": "int64",
    "unavailable": "int64",
    "terminating": "int64",
}


@dataclass(frozen=True)
class Promise:
    """The envelope that a Deployment's strategy promises.

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


def pods_of(value: str | int | None, replicas: int, up: bool) -> int:
    """Turn "25%" or 3 into Pods, rounding as Kubernetes does.

    Parameters
    ----------
    value : str, int or None
        maxSurge or maxUnavailable as written; None and "" count as 0.
    replicas : int
        What a percentage is of.
    up : bool
        Round up (maxSurge) or down (maxUnavailable).
    """
    text = str(value or "0").strip()
    if not text.removesuffix("%").isdigit():
        raise UsageError(
            f"{text!r} is neither a number of Pods nor a percentage", step="rollout", next='write 2 or "25%"'
        )
    if not text.endswith("%"):
        return int(text)
    exact = int(text[:-1]) * replicas / 100
    return math.ceil(exact) if up else math.floor(exact)


def promise(replicas: pd.DataFrame, deployment: str | None = None) -> Promise:
    """Return what the Deployment's last observed version promises.

    Parameters
    ----------
    replicas : DataFrame
        The frame `replicas`.
    deployment : str, optional
        Its name; may be left out if there is one only.
    """
    return _promise(_deployment(replicas, deployment).iloc[-1])


def timeline(pods: pd.DataFrame, replicas: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return the rollout's state after every write that was observed, in the server's order.

    Parameters
    ----------
    pods, replicas : DataFrame
        The frames of those names.
    deployment : str, optional
        The Deployment's name; may be left out if there is one only.

    Returns
    -------
    DataFrame
        monotonic_ns (int64, ns), resourceVersion (int64), wanted (int64, Pods: the sum of its ReplicaSets'
        spec.replicas), total (int64, Pods not terminating), available (int64, Pods: Ready for minReadySeconds; those
        of a Deployment with minReadySeconds are taken from its ReplicaSets' status), unavailable, terminating (int64,
        Pods), desired (int64, Pods), upper and lower (int64, Pods: the envelope; of Recreate, and before the
        Deployment was seen, desired and 0).

    Notes
    -----
    The controller keeps `wanted` within `upper`. `total` can be above it for some milliseconds: one ReplicaSet makes
    its new Pod before another one has deleted the Pod that it gives up.
    """
    return replay(pods, replicas, deployment)[0]


def by_revision(pods: pd.DataFrame, replicas: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return the same in long form: one row for each time and ReplicaSet.

    Returns
    -------
    DataFrame
        monotonic_ns (int64, ns), resourceVersion (int64), revision (int64; 0 while unknown), replicaset (str),
        available, unavailable, terminating (int64, Pods). A ReplicaSet that is deleted and has no Pods left has no
        more rows.
    """
    return replay(pods, replicas, deployment)[1]


def revisions(replicas: pd.DataFrame, deployment: str | None = None) -> pd.DataFrame:
    """Return one row for each ReplicaSet of the Deployment: what `kubectl rollout history` knows, and more.

    Returns
    -------
    DataFrame
        name (str), revision (Int64: the last observed), template (str: digest), image (str), spec.replicas (Int64),
        first_seen_ns (int64, ns), deleted (bool).
    """
    sets = _sets(replicas, _deployment(replicas, deployment))
    grouped = sets.groupby("uid", sort=False)
    last = grouped.tail(1).set_index("uid")
    frame = last[["name", "revision", "template", "image", "spec.replicas"]].copy()
    frame["first_seen_ns"] = grouped["monotonic_ns"].first()
    frame["deleted"] = last["type"] == "DELETED"
    return frame.reset_index(drop=True)


def _deployment(replicas: pd.DataFrame, name: str | None) -> pd.DataFrame:
    rows = replicas[(replicas["kind"] == "Deployment") & (replicas["type"] != "DELETED")]
    names = list(rows["name"].unique())
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        raise UsageError(
            f"no Deployment {name!r} in these frames" if name else f"{len(names)} Deployments in these frames",
            step="rollout",
            next="name one of: " + (", ".join(names) or "(none was recorded)"),
        )
    return rows[rows["name"] == name]


def _sets(replicas: pd.DataFrame, deployment: pd.DataFrame) -> pd.DataFrame:
    owned = replicas["owner.uid"].isin(set(deployment["uid"]))
    return replicas[(replicas["kind"] == "ReplicaSet") & owned]


def _promise(row: Mapping[Any, Any] | pd.Series) -> Promise:
    desired = 1 if pd.isna(row["spec.replicas"]) else int(row["spec.replicas"])
    if row["strategy"] == "Recreate":
        return Promise(desired, 0, desired, "Recreate")
    surge = pods_of(row["maxSurge"], desired, up=True)
    unavailable = pods_of(row["maxUnavailable"], desired, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Promise(desired, surge, unavailable, "RollingUpdate")


def replay(
    pods: pd.DataFrame, replicas: pd.DataFrame, deployment: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `timeline` and `by_revision`, for who needs both: the rows are gone through once."""
    deployments = _deployment(replicas, deployment)
    sets = _sets(replicas, deployments)
    own = pods[pods["owner.uid"].isin(set(sets["uid"]))]
    keyed = [
        *((version, 0, "deployment", row) for version, row in _versioned(deployments, replicas, pods)),
        *((version, 1, "set", row) for version, row in _versioned(sets, replicas, pods)),
        *((version, 2, "pod", row) for version, row in _versioned(own, replicas, pods)),
    ]
    keyed.sort(key=lambda item: item[:2])
    begin = max(pods.attrs.get("window", (0, 0))[0], replicas.attrs.get("window", (0, 0))[0])
    states: dict[str, tuple[str, int]] = {}  # Pod uid → (ReplicaSet uid, 0 available, 1 unavailable, 2 terminating)
    counts: dict[str, list[int]] = {}  # ReplicaSet uid → Pods of each state
    revision: dict[str, int] = {}
    known: dict[str, dict[Any, Any]] = {}  # ReplicaSet uid → its last row
    shown: set[str] = set()  # those that are there or have Pods
    settles = False  # with minReadySeconds the Pods alone don't tell when they become available
    bounds = Promise(0, 0, 0, "RollingUpdate")
    times: list[tuple[int, ...]] = []
    long: list[tuple[int | str, ...]] = []
    clock = 0
    for version, _, what, row in keyed:
        clock = max(clock, int(row["monotonic_ns"]))
        if what == "deployment":
            bounds = _promise(row)
            settles = not pd.isna(row["minReadySeconds"]) and int(row["minReadySeconds"]) > 0
        elif what == "set":
            known[row["uid"]] = row
            shown.add(row["uid"])
            if not pd.isna(row["revision"]):
                revision[row["uid"]] = int(row["revision"])
        else:
            if before := states.pop(row["uid"], None):
                counts[before[0]][before[1]] -= 1
            if row["state"] not in ("Gone", "Succeeded", "Failed"):
                place = {"Ready": 0, "Terminating": 2}.get(str(row["state"]), 1)
                states[row["uid"]] = (row["owner.uid"], place)
                counts.setdefault(row["owner.uid"], [0, 0, 0])[place] += 1
                shown |= {row["owner.uid"]} & known.keys()
        at = max(clock, begin)
        sums = [0, 0, 0]
        wanted = 0
        for uid in sorted(shown):
            own_row = known[uid]
            available, unavailable, terminating = counts.get(uid, (0, 0, 0))
            if settles:
                ready, told = available, own_row["availableReplicas"]
                available = min(ready, 0 if pd.isna(told) else int(told))
                unavailable += ready - available
            here = (available, unavailable, terminating)
            if any(here) or revision.get(uid):
                long.append((at, version, revision.get(uid, 0), own_row["name"], *here))
            sums = [one + more for one, more in zip(sums, here, strict=True)]
            if own_row["type"] != "DELETED":
                wanted += int(own_row["spec.replicas"])
            elif not any(here):
                shown.discard(uid)
        times.append((at, version, wanted, sums[0] + sums[1], *sums, bounds.desired, bounds.upper, bounds.lower))
    time_frame = pd.DataFrame(times, columns=list(TIMELINE)).astype(TIMELINE)
    long_frame = pd.DataFrame(long, columns=list(BY_REVISION)).astype(BY_REVISION)
    for frame in (time_frame, long_frame):
        frame.attrs = dict(pods.attrs)
    return _from(time_frame, begin), _from(long_frame, begin)


def _versioned(rows: pd.DataFrame, *all_frames: pd.DataFrame) -> list[tuple[int, dict[Any, Any]]]:
    """Return each row with its place in the server's order.

    A deletion that only a list after a gap showed still has the version of the object's last write. It is known to
    lie behind all that was received before it, and no more.
    """
    records = [(int(row["resourceVersion"]), row) for row in rows.to_dict("records")]
    late = [row for _, row in records if row["type"] == "DELETED" and row["origin"] == "relist"]
    if not late:
        return records
    seen = pd.concat([frame[["seq", "resourceVersion"]] for frame in all_frames]).sort_values("seq")
    before = seen["resourceVersion"].cummax().set_axis(seen["seq"])
    return [
        (int(before.loc[: row["seq"]].iloc[-1]), row)
        if row["type"] == "DELETED" and row["origin"] == "relist"
        else (version, row)
        for version, row in records
    ]


def _from(frame: pd.DataFrame, begin: int) -> pd.DataFrame:
    """Drop what was carried in from before the window, but for the state at its beginning."""
    before = frame["monotonic_ns"] <= begin
    if not before.any():
        return frame
    last = frame.loc[before, "resourceVersion"].max()
    return frame[~before | (frame["resourceVersion"] == last)].reset_index(drop=True)

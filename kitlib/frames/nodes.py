"""The frame `nodes`: one row for each change of a node's condition, taints or labels, and each renewal of its lease.

`failure` reads from it how a lost node was noticed, and what became of a Pod there, moment by moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pandas as pd

from kitlib.errors import UsageError
from kitlib.frames.objects import Condition, ObjectMeta, changes, observed
from kitlib.frames.salvage import LeftOut, decode
from kitlib.recording import WatchEvent

KINDS = ("Node", "Lease")
LEASES = "kube-node-lease"
"""The namespace of the leases by which nodes say that they live."""
UNREACHABLE = "node.kubernetes.io/unreachable"
"""The taint of a node that nothing is heard of."""
MOMENTS = ("last heartbeat", "NotReady", "taint", "eviction", "replacement", "replacement Ready")
"""What happens after a node was lost, in this order."""


class _Taint(msgspec.Struct, gc=False):
    key: str = ""
    effect: str = ""
    timeAdded: str | None = None  # noqa: N815 - the API's own spelling, here and below


class _NodeSpec(msgspec.Struct, gc=False):
    taints: list[_Taint] | None = None


class _NodeStatus(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class _Node(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _NodeSpec = msgspec.field(default_factory=_NodeSpec)
    status: _NodeStatus = msgspec.field(default_factory=_NodeStatus)


class _LeaseSpec(msgspec.Struct, gc=False):
    renewTime: str | None = None  # noqa: N815
    leaseDurationSeconds: int | None = None  # noqa: N815


class _Lease(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _LeaseSpec = msgspec.field(default_factory=_LeaseSpec)


_node = msgspec.json.Decoder(_Node)
_lease = msgspec.json.Decoder(_Lease)
VALUE = ["status", "reason", "message", "taints", "stamp", "leaseDurationSeconds", "labels"]


def rows(events: Iterable[WatchEvent], left: LeftOut | None = None) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns; the first of each among these events, too."""
    last: dict[tuple[str, str, str], tuple] = {}
    for row in events:
        if row.kind == "Node":
            told = _of_node(row, left)
        elif row.namespace == LEASES:
            told = _of_lease(row, left)
        else:
            continue
        for uid, about, condition, value in told:
            if last.get((uid, about, condition)) != value:
                last[uid, about, condition] = value
                yield (*observed(row), row.origin, row.name, uid, about, condition, *value)


def _of_node(row: WatchEvent, left: LeftOut | None) -> Iterator[tuple[str, str, str, tuple]]:
    if row.type == "DELETED":
        yield row.uid, "deleted", "", ("", "", "", "", None, None, "")
        return
    node = decode(_node, row, left)
    if node is None:
        return
    for each in node.status.conditions or ():
        value = (each.status, each.reason or "", each.message or "", "", each.lastTransitionTime, None, "")
        yield row.uid, "condition", each.type, value
    taints = node.spec.taints or []
    added = max((taint.timeAdded for taint in taints if taint.timeAdded), default=None)
    words = ", ".join(sorted(f"{taint.key}:{taint.effect}" for taint in taints))
    yield row.uid, "taints", "", ("", "", "", words, added, None, "")
    labels = ", ".join(f"{key}={value}" for key, value in sorted((node.metadata.labels or {}).items()))
    yield row.uid, "labels", "", ("", "", "", "", None, None, labels)


def _of_lease(row: WatchEvent, left: LeftOut | None) -> Iterator[tuple[str, str, str, tuple]]:
    if row.type != "DELETED":
        lease = decode(_lease, row, left)
        if lease is None:
            return
        owner = next((each.uid for each in lease.metadata.ownerReferences or () if each.kind == "Node"), row.uid)
        yield owner, "lease", "", ("", "", "", "", lease.spec.renewTime, lease.spec.leaseDurationSeconds, "")


def deduplicate(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what only repeats the value before: the first rows of a part do."""
    return changes(frame, ["uid", "about", "condition"], VALUE)


def heartbeats(nodes: pd.DataFrame) -> pd.Series:
    """Return when each renewal of a lease was made, on the monotonic clock (int64, ns): the index is the frame's.

    That is when it was received; of one that was there already when the recording began, it is its renewTime, by the
    node's clock.

    Parameters
    ----------
    nodes : DataFrame
        The frame of that name.
    """
    mine = nodes[nodes["about"] == "lease"]
    ago = (mine["observed_at"] - mine["stamp"]).dt.total_seconds().fillna(0.0).clip(lower=0)
    ago[mine["origin"] == "watch"] = 0.0
    return mine["monotonic_ns"] - (ago * 1e9).astype("int64")


def failure(nodes: pd.DataFrame, pods: pd.DataFrame, node: str, pod: str) -> pd.DataFrame:
    """Return what happened after a node was lost, moment by moment, each with the time since the one before.

    Parameters
    ----------
    nodes, pods : DataFrame
        The frames of those names, of a window in which the node was lost; if more than once, the last time counts.
    node : str
        Its name.
    pod : str
        A Pod that was on it, whose owner had it replaced.

    Returns
    -------
    DataFrame
        A row for each of `MOMENTS` that came: `moment`; `object`, the Pod or node that it is about; `waited`, seconds
        since the moment before; and `observed_at`, `monotonic_ns` and `resourceVersion` as in other frames. The last
        heartbeat is the last renewal of the node's lease (see `heartbeats`); the taint is the one that evicts.

    Raises
    ------
    UsageError
        If the node wasn't lost in that time, or the Pod wasn't there.
    """
    mine = nodes[nodes["name"] == node]
    ready = mine[(mine["about"] == "condition") & (mine["condition"] == "Ready")]
    lost = ready[(ready["status"] == "Unknown") & (ready["status"].shift() != "Unknown")].tail(1)
    there = pods[(pods["name"] == pod) & (pods["nodeName"] == node)]
    there = there[there["uid"] == there["uid"].iloc[0]] if len(there) else there
    if lost.empty or there.empty:
        raise UsageError(
            f"the frame {'nodes' if lost.empty else 'pods'} doesn't tell of it",
            step="failure",
            object=node if lost.empty else pod,
            next="give it the frames of the time in which the node was lost, with its Pod",
        )
    silent = lost.iloc[0]["monotonic_ns"]
    beats = mine.assign(monotonic_ns=heartbeats(mine)).query("about == 'lease' and monotonic_ns <= @silent").tail(1)
    beats["monotonic_ns"] = beats["monotonic_ns"].astype("int64")
    since = mine[mine["monotonic_ns"] >= silent]
    tainted = since[since["taints"].str.contains(f"{UNREACHABLE}:NoExecute", regex=False)]
    evicted = there[there["deletionTimestamp"].notna() & (there["monotonic_ns"] >= silent)]
    heirs = pods[(pods["owner.uid"] == there["owner.uid"].iloc[0]) & (pods["owner.uid"] != "")]
    born = heirs.groupby("uid")["resourceVersion"].transform("min")
    heirs = heirs[born > evicted["resourceVersion"].min()] if len(evicted) else heirs.head(0)
    heirs = heirs[heirs["uid"] == heirs["uid"].iloc[0]] if len(heirs) else heirs
    found = zip(MOMENTS, (beats, lost, tainted, evicted, heirs, heirs[heirs["ready"]]), strict=True)
    kept = ["observed_at", "monotonic_ns", "resourceVersion"]
    told = [
        {"moment": moment, "object": came["name"].iloc[0], **came.iloc[0][kept]} for moment, came in found if len(came)
    ]
    frame = pd.DataFrame(told)
    frame.insert(2, "waited", frame["monotonic_ns"].diff() / 1e9)
    frame.attrs = nodes.attrs
    return frame


__all__ = ["failure", "heartbeats"]

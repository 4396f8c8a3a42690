"""What of a window each stream covers, and which gaps that leaves to each frame: of the kinds that it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kitlib.frames import (
    containers,
    cronjobs,
    daemonsets,
    endpoints,
    events,
    jobs,
    logs,
    nodes,
    pods,
    statefulsets,
    workloads,
)
from kitlib.recording import Interval, WatchEvent
from kitlib.recording.coverage import NOT_LISTED

NODE = "NODE"
"""The kind by which the gaps of a node's own runtime go."""
KINDS: dict[str, tuple[str, ...] | None] = {
    "pods": pods.KINDS,
    "workloads": workloads.KINDS,
    "statefulsets": statefulsets.KINDS,
    "daemonsets": daemonsets.KINDS,
    "jobs": jobs.KINDS,
    "cronjobs": cronjobs.KINDS,
    "containers": containers.KINDS,
    "conditions": None,
    "nodes": nodes.KINDS,
    "events": events.KINDS,
    "occurrences": events.KINDS,
    "logs": logs.KINDS,
    "traffic": logs.KINDS,
    "probes": (*logs.KINDS, *events.KINDS, *pods.KINDS),
    "endpoints": endpoints.KINDS,
    "lookups": logs.KINDS,
    "persistentvolumeclaims": ("PersistentVolumeClaim",),
    "runtime": (NODE,),
}
"""The kinds that each frame is made from; None: all objects that can have conditions."""
_WITHOUT_CONDITIONS = (*logs.KINDS, *events.KINDS, NODE)
_UNSTREAMED = (*logs.KINDS, NODE)
"""What isn't followed by a stream that writes its life; only its gaps are told."""


def records(intervals: Iterable[Interval]) -> list[dict[str, Any]]:
    """Return the rows of the frame `coverage`."""
    return [
        {
            "stream": each.stream,
            "kind": each.kind,
            "apiVersion": each.api_version,
            "namespace": each.namespace,
            "begin_ns": each.begin_ns,
            "end_ns": each.end_ns,
            "covered": each.covered,
            "reason": each.reason,
        }
        for each in intervals
    ]


def gaps(
    intervals: Sequence[Interval],
    marks: Sequence[WatchEvent],
    window: tuple[int, int],
    whole: bool,
    namespace: str | None,
    shared: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the rows of the frame `gaps`: what isn't covered within a window.

    Parameters
    ----------
    intervals : sequence of Interval
        The recording's coverage.
    marks : sequence of WatchEvent
        Its marks: a gap's mark tells when the gap was noticed.
    window : tuple of int
        Begin and end, monotonic clock, ns.
    whole : bool
        Whether the window is the whole recording: it begins for each kind when that was listed first.
    namespace : str or None
        Whose objects are looked at.
    shared : sequence of str
        Namespaces of what belongs to none.
    """
    noticed = {row.stream: row for row in marks if row.type != "STEP"}
    first = marks[0] if marks else None
    found = []
    for each in intervals:
        if each.covered or each.end_ns < window[0] or each.begin_ns > window[1]:
            continue
        if whole and each.reason == NOT_LISTED:
            continue
        if namespace is not None and each.namespace not in (namespace, *shared):
            continue
        row = next(
            (r for r in marks if r.type == "GAP" and r.stream == each.stream and each.reason.encode() in r.object), None
        )
        row = row or noticed.get(each.stream) or first
        found.append(
            {
                "observed_at": row.received_at if row else 0,
                "monotonic_ns": row.monotonic_ns if row else each.begin_ns,
                "seq": row.seq if row else 0,
                "stream": each.stream,
                "kind": each.kind,
                "after_ns": each.begin_ns,
                "until_ns": each.end_ns,
                "after_rv": each.after_rv,
                "until_rv": each.until_rv,
                "open": each.open,
                "reason": each.reason,
            }
        )
    return sorted(found, key=lambda gap: (gap["seq"], gap["after_ns"]))


def of_frame(
    name: str, gaps: Iterable[dict[str, Any]], streamed: set[str], window: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return the gaps that concern a frame: those of the kinds that it is made from, and no others.

    Parameters
    ----------
    name : str
        The frame.
    gaps : iterable of dict
        As `gaps` returns them.
    streamed : set of str
        The kinds that have a stream; empty if the recording doesn't say. A frame none of whose kinds has one isn't
        covered at all.
    window : tuple of int
        Begin and end, monotonic clock, ns.
    """
    kinds = KINDS.get(name, ())
    keys = ("kind", "after_ns", "until_ns", "reason")
    found = [{key: gap[key] for key in keys} for gap in gaps if _concerns(gap["kind"], kinds)]
    expected = [kind for kind in kinds or () if kind not in _UNSTREAMED]
    if streamed and expected and not streamed & set(expected):
        why = f"{' and '.join(expected[:2])}{' …' if len(expected) > 2 else ''} are not recorded here"
        found.append({"kind": expected[0], "after_ns": window[0], "until_ns": window[1], "reason": why})
    return found


def _concerns(kind: str, kinds: tuple[str, ...] | None) -> bool:
    if kind in ("*", ""):
        return kinds != ()
    return kind not in _WITHOUT_CONDITIONS if kinds is None else kind in kinds


__all__ = ["KINDS", "gaps", "of_frame", "records"]

"""What of a window each stream covers, and which gaps that leaves to each frame: of the kinds that it is made from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    "queries": logs.KINDS,
    "persistentvolumeclaims": ("PersistentVolumeClaim",),
    "poddisruptionbudgets": ("PodDisruptionBudget",),
    "services": ("Service",),
    "machines": ("Machine",),
    "machinehealthchecks": ("MachineHealthCheck",),
    "runtime": (NODE,),
}
"""The kinds that each frame is made from; None: all objects that can have conditions."""
_WITHOUT_CONDITIONS = (*logs.KINDS, *events.KINDS, NODE)
_SHARED = ("Node",)
"""Kinds that live in no namespace, whichever their stream names."""
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
    where: Collection[str] | None,
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
    where : collection of str or None
        The namespaces whose objects are looked at, and that of what belongs to none; None for all.
    """
    noticed = {row.stream: row for row in marks if row.type != "STEP"}
    first = marks[0] if marks else None
    found = []
    for each in intervals:
        if each.covered or each.end_ns < window[0] or each.begin_ns > window[1]:
            continue
        if whole and each.reason == NOT_LISTED:
            continue
        if where is not None and each.namespace not in where:
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


def followed(marks: Iterable[WatchEvent], where: Collection[str] | None) -> tuple[str, ...] | None:
    """Return what has a stream, as "namespace/Kind", or "*/Kind" where it is followed in all; None if nothing says so.

    Parameters
    ----------
    marks : iterable of WatchEvent
        The recording's.
    where : collection of str or None
        As of `gaps`.
    """
    told = [json.loads(row.object) for row in marks if row.type == "STREAM"]
    found: set[str] = set()
    for each in told:
        kind, namespace = each.get("kind", ""), each.get("namespace") or ""
        if not namespace and where is not None:
            found.update(f"{name}/{kind}" for name in where if name)
        elif where is None or namespace in where or kind in _SHARED:
            found.add(f"{namespace or '*'}/{kind}")
    return tuple(sorted(found)) if told else None


def kinds(followed: Iterable[str]) -> set[str]:
    """Return the kinds of what is followed, wherever."""
    return {each.rpartition("/")[2] for each in followed}


def missing(namespace: str, asked: Sequence[str], attrs: Mapping[Any, Any]) -> list[str]:
    """Say what nobody followed of what is asked for: kinds in a namespace.

    Parameters
    ----------
    namespace : str
    asked : sequence of str
        The kinds; if none is named, any that the frame is made from will do.
    attrs : mapping
        The frame's.
    """
    here = {each.rpartition("/")[2] for each in attrs.get("followed", ()) if each.startswith((f"{namespace}/", "*/"))}
    made_of = KINDS.get(attrs.get("frame", ""))
    if "followed" not in attrs or made_of == (NODE,):
        return []
    if asked:
        return [f"{kind} of {namespace}" for kind in asked if kind not in here]
    return [] if here & set(made_of or here) else [f"namespace {namespace}"]


def of_frame(
    name: str, gaps: Iterable[dict[str, Any]], followed: Iterable[str] | None, window: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return the gaps that concern a frame: those of the kinds that it is made from, and no others.

    Parameters
    ----------
    name : str
        The frame.
    gaps : iterable of dict
        As `gaps` returns them.
    followed : iterable of str or None
        As `followed` returns it. A frame none of whose kinds is followed isn't covered at all.
    window : tuple of int
        Begin and end, monotonic clock, ns.
    """
    made_of = KINDS.get(name, ())
    keys = ("kind", "after_ns", "until_ns", "reason")
    found = [{key: gap[key] for key in keys} for gap in gaps if _concerns(gap["kind"], made_of)]
    expected = [kind for kind in made_of or () if kind not in _UNSTREAMED]
    if followed is not None and expected and not kinds(followed) & set(expected):
        why = f"{' and '.join(expected[:2])}{' …' if len(expected) > 2 else ''} are not recorded here"
        found.append({"kind": expected[0], "after_ns": window[0], "until_ns": window[1], "reason": why})
    return found


def _concerns(kind: str, kinds: tuple[str, ...] | None) -> bool:
    if kind in ("*", ""):
        return kinds != ()
    return kind not in _WITHOUT_CONDITIONS if kinds is None else kind in kinds


__all__ = ["KINDS", "followed", "gaps", "kinds", "missing", "of_frame", "records"]

"""Recordings that are made for one test: versions of objects at seconds, and marks of their streams."""

from __future__ import annotations

import json
from typing import Any

from kitlib.recording import Recording
from kitlib.recording.row import WatchEvent
from kitlib.serve.clock import Clock
from kitlib.serve.gaps import Known
from kitlib.serve.history import History
from kitlib.serve.reading import Reader
from kitlib.serve.resources import Resource, resources

SECOND = 1_000_000_000
WALL = 1_795_991_000 * SECOND
"""What the wall clock shows at second 0: 2026-11-29T22:23:20Z."""
POD = Resource("", "v1", "Pod", "pods", True)


class Made(Recording):
    """A recording in memory, written second by second."""

    def __init__(self, **info: Any) -> None:
        super().__init__(None, {"format": 3, "cluster": "made", "release": "v1.37.2", "namespace": "shop", **info})
        self._rv = 100

    def version(
        self,
        at: float,
        name: str,
        type: str = "MODIFIED",
        *,
        namespace: str = "shop",
        uid: str = "",
        rv: int | None = None,
        late: float = 0,
        kind: str = "Pod",
        api_version: str = "v1",
        stream: str = "pods",
        **more: Any,
    ) -> WatchEvent:
        """Add a version of an object; `labels` go into its metadata, all else beside that."""
        self._rv = self._rv + 1 if rv is None else rv
        meta = {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"{namespace}-{name}",
            "resourceVersion": str(self._rv),
        }
        meta.update({key: more.pop(key) for key in ("labels", "creationTimestamp", "ownerReferences") if key in more})
        body = {"kind": kind, "apiVersion": api_version, "metadata": meta, **more}
        raw = json.dumps({key: value for key, value in body.items() if value is not None}).encode()
        return self.add(
            raw,
            kind=kind,
            api_version=api_version,
            type=type,
            origin="watch",
            stream=stream,
            at=(WALL + int(at * SECOND), int(at * SECOND)),
            late_ns=int(late * SECOND),
        )

    def said(self, at: float, type: str, stream: str = "pods", kind: str = "Pod", **what: Any) -> None:
        """Add a mark of a stream; what ends in _ns is told in seconds."""
        said = {
            key: int(each * SECOND) if key.endswith("_ns") and each is not None else each for key, each in what.items()
        }
        row = WatchEvent(
            *(WALL + int(at * SECOND), int(at * SECOND), "", "", "", kind, "", "", type, "kitlib", stream),
            json.dumps({"kind": kind, **said}).encode(),
            len(self),
        )
        self._append(row)

    def begun(
        self, at: float = 0, namespace: str = "shop", stream: str = "pods", kind: str = "Pod", **what: Any
    ) -> Made:
        """Have a stream begin."""
        self.said(at, "STREAM", stream, kind, **{"api_version": "v1", "namespace": namespace, "plural": stream, **what})
        self.said(at, "LISTED", stream, kind, known_ns=at, rv=str(self._rv))
        return self

    def ended(self, at: float, stream: str = "pods", kind: str = "Pod") -> Made:
        """Have it end in good order."""
        self.said(at, "END", stream, kind, known_ns=at, end_ns=at)
        return self


def reader(recording: Recording, at: float | None = None, speed: float = 0.0) -> Reader:
    """Return what answers of it at a second, or at its end; where it is played, all but without any speed."""
    history = History(recording)
    moment = history.end_ns if at is None else int(at * SECOND)
    return Reader(history, Known(history, resources(history)), Clock(moment, history.end_ns, speed))

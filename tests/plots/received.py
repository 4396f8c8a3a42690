"""What a recorder receives of an invented cluster: rows with times and versions, and gaps while it hears nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from kitlib.recording import Recording, WatchEvent

START = 1_790_000_000_350_000_000
MONOTONIC = 5_000_000_000_000


class Received:
    """The recording, the time, and the store's version."""

    def __init__(self) -> None:
        self.recording = Recording(info={"cluster": "invented"})
        self.now = 0.0
        self.version = 100
        self._deaf = ""
        self._deaf_since = 0
        self._missed: dict[tuple[str, str], tuple[int, str, bytes]] = {}
        self._known: dict[tuple[str, str], tuple[int, bytes]] = {}

    def mark(self, type_: str, name: str, what: dict[str, Any]) -> None:
        """Write a mark of kitlib's own."""
        self._row("", "", name, "", type_, "kitlib", json.dumps(what).encode())

    def deafen(self, kind: str) -> None:
        """From now on receive nothing of a kind; or of any, if it is empty."""
        self._deaf = kind or "all"
        self._deaf_since = self.mono()

    def list_again(self, kind: str) -> None:
        """Write the gap, and what there is at its end."""
        self._deaf = ""
        what = {"kind": kind, "after_ns": self._deaf_since, "until_ns": self.mono(), "reason": "410 Gone"}
        self.mark("GAP", "", what)
        for key, (version, type_, row) in sorted(self._missed.items(), key=lambda item: item[1][0]):
            if kind in ("", key[0]) and not (type_ == "DELETED" and key not in self._known):
                raw, self.version, now = row, version, self.version
                if type_ == "DELETED":
                    self.version, raw = self._known[key]
                meta = json.loads(raw)["metadata"]
                self._row(key[0], "", meta["name"], key[1], type_, "relist", raw)
                self.version = now
        self._missed.clear()

    def mono(self) -> int:
        """Return the monotonic clock."""
        return MONOTONIC + round(self.now * 1e9)

    def stamp(self) -> str:
        """Return the time as Kubernetes writes it."""
        return datetime.fromtimestamp(int(START / 1e9 + self.now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _row(self, kind: str, api: str, name: str, uid: str, type_: str, origin: str, raw: bytes) -> None:
        if kind and self._deaf in ("all", kind) and origin == "watch":
            self._missed[kind, uid] = self.version, "DELETED" if type_ == "DELETED" else "ADDED", raw
            return
        if kind:
            self._known[kind, uid] = self.version, raw
        rows = self.recording._tail
        mono = max(self.mono(), rows[-1].monotonic_ns if rows else 0)
        row = WatchEvent(
            START - MONOTONIC + mono,
            mono,
            api,
            kind,
            "demo" if kind else "",
            name,
            uid,
            str(self.version) if kind else "",
            type_,
            origin,
            kind or "kitlib",
            raw,
            len(rows),
        )
        with self.recording.changed:
            self.recording._append(row)

    def object(self, kind: str, api: str, type_: str, origin: str, meta: dict[str, Any], **rest: Any) -> None:
        """Receive an object's next version."""
        self.version += 1
        meta = {"namespace": "demo", "resourceVersion": str(self.version), "creationTimestamp": self.stamp(), **meta}
        body = {"apiVersion": api, "kind": kind, "metadata": meta, **rest}
        self._row(kind, api, meta["name"], meta["uid"], type_, origin, json.dumps(body).encode())

    def event(self, kind: str, name: str, reason: str, message: str, type_: str = "Normal") -> None:
        """Receive an Event about an object."""
        self.object(
            "Event",
            "v1",
            "ADDED",
            "watch",
            {"name": f"{name}.{self.version:x}", "uid": f"e-{self.version}"},
            involvedObject={"kind": kind, "name": name, "uid": ""},
            reason=reason,
            message=message,
            type=type_,
            count=1,
            firstTimestamp=self.stamp(),
            lastTimestamp=self.stamp(),
        )

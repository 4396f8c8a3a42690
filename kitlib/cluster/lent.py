"""Clusters that are there for one lesson: who has one, so that it goes with the lesson, however that ends.

It is noted before such a cluster is made, by the process that wants it. A process that was killed takes nothing down;
the next `kitlib up`, `kitlib down` or walk does, as its note still names it.
"""

from __future__ import annotations

import json
from pathlib import Path

from kitlib.cluster import record
from kitlib.files import write_private
from kitlib.machine import paths, processes


def note(name: str) -> None:
    """Note that a cluster is made for this process, and goes with it; one that is there already stays."""
    if name in record.names():
        return
    path = _path(name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(path, json.dumps(processes.identity()))


def mine(name: str) -> bool:
    """Say whether a cluster was made for this process."""
    owner, me = _owner(name), processes.identity()
    return all(owner.get(key) == me[key] for key in ("host", "pid")) and not processes.ended(owner)


def forget(name: str) -> None:
    """Take the note away: the cluster is gone, or stays."""
    _path(name).unlink(missing_ok=True)


def orphans() -> list[str]:
    """Return the clusters whose process no longer runs; notes about none are taken away."""
    found = []
    for path in sorted(_path("any").parent.glob("*.json")):
        if not processes.ended(_owner(path.stem)):
            continue
        if path.stem in record.names():
            found.append(path.stem)
        else:
            path.unlink(missing_ok=True)
    return found


def _owner(name: str) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(_path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _path(name: str) -> Path:
    return paths.state() / "lent" / f"{name}.json"


__all__ = ["forget", "mine", "note", "orphans"]

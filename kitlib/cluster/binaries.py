"""Find the programs of a control plane, or make them: PATH, the cache, the official release, a build."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kitlib.cluster import build, store
from kitlib.cluster.versions import Release
from kitlib.errors import BuildError


@dataclass
class Programs:
    """The programs of a control plane: where each is, and where it came from."""

    paths: dict[str, Path] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def programs(release: Release, progress: bool = True) -> Programs:
    """Find or make all programs."""
    found = Programs()
    home = store.get(build.key(release))
    if home is None:
        raise BuildError("no programs", step="find the programs")
    for name in build.PROGRAMS:
        found.paths[name] = home / name
        found.sources[name] = "cache"
    return found

"""What a lesson applies, as its manifests say it."""

from __future__ import annotations

from pathlib import Path

from kitlib import objects


def by_name(folder: Path) -> dict[str, dict]:
    """Return each object of a folder's manifests, by kind and name."""
    items = [item for path in folder.glob("*.yaml") for item in objects.load(path)]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in items}

"""What is in a part's image beside its programs: Debian's packages, files of ours, files of a module with changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import folders, resources
from kitlib.machine.airgap import debs, images
from kitlib.machine.airgap.oci import Entry
from kitlib.machine.airgap.parts.table import Change, Part
from kitlib.machine.airgap.sbom import Component

FILES = "image"
"""In a part's folder: what goes into its image as it is, by the path that it has there."""
SIZE = resources.GIB // 8
"""What packages take on the disk until they are in the image."""
USERS = (
    Entry("/etc/passwd", b"root:x:0:0:root:/:/bin/sh\nwww-data:x:33:33:www-data:/:\nnobody:x:65534:65534::/:\n", 0o644),
    Entry("/etc/group", b"root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n", 0o644),
)
"""Whom programs of packages know by name: no script of a package runs that would make them."""


@dataclass(frozen=True)
class Content:
    """What is in an image beside programs.

    Parameters
    ----------
    packaged : list of Entry
        What packages bring.
    components : list of Component
        Those packages.
    files : list of Entry
        All else.
    """

    packaged: list[Entry]
    components: list[Component]
    files: list[Entry]


def of(part: Part, module: Path, work: Path, step: str, progress: bool) -> Content:
    """Return what is in a part's image beside its programs.

    Parameters
    ----------
    part : Part
    module : Path
        The folder of its Go module.
    work : Path
        Where packages are fetched to; it is removed.
    step : str
        What is being done, for errors.
    progress : bool

    Raises
    ------
    BuildError
        A package can't be had, or a file isn't what a change of it expects.
    """
    packaged: list[Entry] = []
    components: list[Component] = []
    if part.packages:
        resources.need_disk({work: SIZE}, step)
        entries, components = debs.unpack(debs.fetch(part.packages, work, step, progress), step)
        packaged = [*USERS, *images.BASE, *entries]
        folders.remove(work)
    return Content(packaged, components, _files(part, module))


def _files(part: Part, module: Path) -> list[Entry]:
    """Return all else: folders first, since a layer takes each path once."""
    entries = [Entry(path, None, 0o777) for path in part.folders]
    entries += _below(part.source / FILES, "", 0o644)
    taken = [entry for place, path in part.taken.items() for entry in _below(module / place, path, 0o666)]
    return [*entries, *changed(taken, part.changes), *(Entry(path, target) for path, target in part.links.items())]


def _below(folder: Path, path: str, mode: int) -> list[Entry]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [Entry(f"{path}/{file.relative_to(folder)}", file, mode) for file in files]


def changed(entries: list[Entry], changes: tuple[Change, ...]) -> list[Entry]:
    """Return files with what is different in them here.

    Raises
    ------
    BuildError
        A file isn't there, or has nothing of what would be replaced.
    """
    found = {entry.path: entry for entry in entries}
    for change in changes:
        entry = found.get(change.path)
        source = entry.source if entry else None
        before = source.read_bytes() if isinstance(source, Path) else source
        text = before.decode() if isinstance(before, bytes) else ""
        after, count = re.subn(change.pattern, lambda _, new=change.text: new, text, flags=re.MULTILINE)  # type: ignore[misc]
        if entry is None or not count:
            raise BuildError(
                f"{change.path} of this version has nothing like {change.pattern!r}.",
                next="look at what became of it, and write the change anew",
            )
        found[change.path] = Entry(change.path, after.encode(), entry.mode)
    return list(found.values())

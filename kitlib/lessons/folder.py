"""Where the lessons lie: a clone of the project, a folder that they were copied to, or the wheel that brought them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from kitlib.errors import KitlibError, UsageError

COPY = "kitlib-lessons"
"""The folder that the wheel's lessons are copied to."""
SHIPPED = Path(__file__).resolve().parents[1] / "_lessons"
"""The lessons that a wheel brings; a clone has none there, but those that the wheel is built from."""


def is_lessons(folder: Path) -> bool:
    """Say whether a folder holds notebooks/ and the mkdocs.yml that says their order."""
    return (folder / "notebooks").is_dir() and (folder / "mkdocs.yml").is_file()


def find(start: Path | None = None) -> Path:
    """Find the folder with notebooks/ and mkdocs.yml: here or above, in ./kitlib-lessons, or in kitlib's own clone.

    Raises
    ------
    UsageError
        If there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, here / COPY, *here.parents, SHIPPED.parents[1]):
        if is_lessons(folder):
            return folder
    raise UsageError(
        "no notebooks/ with a mkdocs.yml beside it here or above",
        step="walk",
        object=str(here),
        next=f"`kitlib walk --yes` copies kitlib's own to {COPY}/ here"
        if is_lessons(SHIPPED)
        else "change into your clone of the project and repeat",
    )


def copy(target: Path) -> Path:
    """Copy the wheel's lessons to a folder that isn't there yet, whole or not at all.

    Raises
    ------
    UsageError
        If something is there already: nothing of it is touched.
    KitlibError
        If this kitlib brought no lessons.
    """
    if not is_lessons(SHIPPED):
        raise KitlibError(
            "this kitlib brought no lessons along",
            step="copy the lessons",
            object=str(SHIPPED),
            next="install kitlib from its wheel, or clone the project",
        )
    if target.exists() or target.is_symlink():
        raise UsageError(
            "there is something already, and it stays as it is",
            step="copy the lessons",
            object=str(target),
            next="move it away, or change into another folder, and repeat",
        )
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as place:
        fresh = Path(place) / target.name
        shutil.copytree(SHIPPED, fresh)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(path.stat().st_mode | 0o600)  # also where the wheel's own can't be written to
        os.rename(fresh, target)
    return target


def names(root: Path) -> list[str]:
    """Return the names of the lessons in a folder, in the alphabet's order."""
    return sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))

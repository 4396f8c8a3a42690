"""The recordings that lessons bring, on which they can be walked without a cluster: which there are, and new ones."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kitlib.errors import UsageError

FOLDER = "recordings"
"""Where they lie, beside notebooks/: a folder for each lesson; NAME-1.17 for what was recorded beside on 1.17."""


def find(name: str, root: Path) -> Path | None:
    """Return the recording of a lesson; None if there is none.

    Parameters
    ----------
    name : str
        The lesson's.
    root : Path
        The folder of the lessons.
    """
    path = root / FOLDER / name
    return path if (path / "recording.json").is_file() else None


def beside(path: Path) -> list[Path]:
    """Return what was recorded beside a lesson's recording: the same lesson on other versions, NAME-1.17.

    Parameters
    ----------
    path : Path
        The recording's.
    """
    return sorted(path.parent.glob(f"{path.name}-[0-9]*"))


def described(about: Mapping[str, Any]) -> str:
    """Say of what a recording is: "recording, kind, Kubernetes 1.37.2, 2026-11-29".

    Parameters
    ----------
    about : mapping
        With `provider`, `release` and `date`, as a ledger has them.
    """
    release = str(about.get("release") or about.get("version") or "").removeprefix("v")
    parts = ["recording", about.get("provider"), release and f"Kubernetes {release}", about.get("date")]
    return ", ".join(str(part) for part in parts if part)


def keep(build: Path, root: Path, names: Sequence[str]) -> list[Path]:
    """Take over what a walk has recorded, in the place of what lessons had; return where it went.

    Parameters
    ----------
    build : Path
        Where the walk left its recordings.
    root : Path
        The folder of the lessons.
    names : sequence of str
        Of which lessons.

    Raises
    ------
    UsageError
        If there is nothing of a lesson.
    """
    made = []
    for name in names:
        there = [build / FOLDER / name, *beside(build / FOLDER / name)]
        if not (there[0] / "recording.json").is_file():
            raise UsageError("it wasn't recorded", step="keep", object=str(there[0]), next=f"`kitlib walk {name}`")
        for old in (root / FOLDER / name, *beside(root / FOLDER / name)):
            shutil.rmtree(old, ignore_errors=True)
        for path in there:
            made.append(Path(shutil.copytree(path, root / FOLDER / path.name)))
    return made


__all__ = ["FOLDER", "beside", "described", "find", "keep"]

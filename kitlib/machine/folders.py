"""Folders that may hold anything: what they take on the disk, and how to be rid of them."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from kitlib.errors import BuildError

MOUNTS = Path("/proc/self/mountinfo")


def remove(path: Path) -> int:
    """Remove a file, or a folder that may hold anything, but nothing that is mounted below it.

    Returns
    -------
    int
        How many bytes that freed; 0 if there was nothing.

    Raises
    ------
    BuildError
        Something is mounted there.
    """
    if not path.exists():
        return 0
    freed = size(path)
    if not path.is_dir():
        path.unlink()
        return freed
    mounts = MOUNTS.read_text(encoding="utf-8").splitlines() if MOUNTS.exists() else []
    if mounted := [point for point in (line.split()[4] for line in mounts) if point.startswith(f"{path}/")]:
        raise BuildError(
            f"{mounted[0]} is mounted, so it can't be removed.",
            step="remove a folder",
            object=str(path),
            next=f"`umount {mounted[0]}`, then try again",
        )
    shutil.rmtree(path)
    return freed


def size(path: Path) -> int:
    """Return how many bytes a file or folder takes on the disk; a file with two names counts once."""
    if not path.is_dir():
        return path.lstat().st_blocks * 512 if path.exists() else 0
    seen: set[int] = set()
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with contextlib.suppress(OSError):
                stat = os.lstat(os.path.join(folder, name))
                if stat.st_ino not in seen:
                    seen.add(stat.st_ino)
                    total += stat.st_blocks * 512
    return total

"""The data of engines: folders of the cache that outlive them, for the node image in each; one engine has one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from kitlib.errors import ClusterError
from kitlib.machine import folders, paths
from kitlib.machine.lock import FileLock

STEP = "choose a folder for the engine's data"
MOST = 99


def _home() -> Path:
    return paths.cache() / "airgap" / "engines"


def _lock(path: Path) -> FileLock:
    return FileLock(path, STEP, progress=False, wait=False)


@contextlib.contextmanager
def taken() -> Iterator[tuple[Path, int]]:
    """Choose a folder that no other engine uses, and hold its lock; an engine that inherits that holds it on.

    The next engine takes a folder over. One that an engine didn't leave in order ("whole" is not there) is emptied.

    Yields
    ------
    tuple of Path and int
        The folder, and the open lock file.
    """
    for number in range(1, MOST + 1):
        data = _home() / str(number)
        try:
            lock = _lock(data.with_suffix(".lock")).__enter__()
        except BlockingIOError:
            continue
        try:
            if data.exists() and not (data / "whole").exists():
                folders.remove(data)
            data.mkdir(mode=0o700, exist_ok=True)
            yield data, lock.handle
        finally:
            lock.__exit__()
        return
    raise ClusterError(f"{MOST} engines run already.", step=STEP, next="`kitlib down` where they were started")


def clean() -> int:
    """Remove the data of all engines that don't run; return how many bytes that freed."""
    freed = 0
    for path in sorted(_home().glob("*.lock")):
        with contextlib.suppress(BlockingIOError), _lock(path):
            freed += folders.remove(path.with_suffix(""))
            path.unlink()
    with contextlib.suppress(OSError):
        _home().rmdir()
    return freed

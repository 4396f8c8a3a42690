"""A lock that one process holds at a time; it dies with its holder, so a stale one is no obstacle."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kitlib.progress import Progress, ticking


class FileLock:
    """Hold a lock file in a `with` statement; where another process holds it, wait and say who.

    The kernel drops the lock when its holder ends in whatever way. The file stays, and means nothing by itself.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    step : str
        What is being done under the lock.
    progress : bool
        Whether to show that we wait.
    wait : bool
        Whether to wait at all; else BlockingIOError is raised where another process holds it.
    """

    def __init__(self, path: Path, step: str, progress: bool = True, wait: bool = True) -> None:
        self.path = path
        self.step = step
        self.progress = progress
        self.wait = wait
        self._file = -1

    def __enter__(self) -> FileLock:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not self.wait:
                self.__exit__()
                raise
            self._wait()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    @property
    def handle(self) -> int:
        """The open file; a child process that inherits it holds the lock too, until it ends."""
        return self._file

    def _wait(self) -> None:
        try:
            with (
                Progress(f"{self.step}: wait for another process", quiet=not self.progress) as bar,
                ticking(lambda: bar.update(f"process {self.holder() or '?'} is at it"), every=0.5),
            ):
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            os.close(self._file)
            self._file = -1
            raise

    def holder(self) -> int | None:
        """Return the process that wrote itself down last."""
        try:
            return int(self.path.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return None

    def __exit__(self, *exception: object) -> None:
        os.close(self._file)
        self._file = -1

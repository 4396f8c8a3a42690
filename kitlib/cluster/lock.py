"""A lock that one process holds at a time; it dies with its holder, so a stale one is no obstacle."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from kitlib.progress import Progress


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
    """

    def __init__(self, path: Path, step: str, progress: bool = True) -> None:
        self.path = path
        self.step = step
        self.progress = progress
        self._file = -1

    def __enter__(self) -> FileLock:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def _wait(self) -> None:
        try:
            if not self.progress:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                return
            with Progress(f"{self.step}: wait for another process") as bar:
                while True:
                    try:
                        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        return
                    except BlockingIOError:
                        bar.update(f"process {self.holder() or '?'} is doing it")
                        time.sleep(0.1)  # the kernel tells nobody how long it will take
        except BaseException:
            os.close(self._file)
            self._file = -1
            raise

    def holder(self) -> int | None:
        """Return the process that wrote itself down last."""
        try:
            return int(self.path.read_text().strip())
        except (OSError, ValueError):
            return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._file)
        self._file = -1

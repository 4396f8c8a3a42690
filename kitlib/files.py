"""Files and folders that are written whole or not at all: a reader sees the old or the new one, never half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path, *, private: bool = False, durable: bool = False) -> Iterator[Path]:
    """Give a draft beside a file; when the `with` statement ends well it becomes the file, else it is removed.

    For what writes a file itself, such as a library that takes a path.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    private : bool
        Whether only its owner may read it, from the first byte on. Else the process's umask decides.
    durable : bool
        Whether to wait until the disk has it: then it also survives a power failure.

    Yields
    ------
    Path
        The draft, an empty file that may be written to or replaced.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666))
        yield draft
        if durable:
            with draft.open("rb") as written:
                os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _gone(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)  # what can't be removed is in the way, and said, when its place is taken


@contextlib.contextmanager
def whole_folder(path: Path, *, remove: Callable[[Path], object] = _gone) -> Iterator[Path]:
    """Give a draft of a folder; when the `with` statement ends well it takes the folder's place, else it is removed.

    One process at a time, so hold a lock of its own where several may write the same: then what a killed one left is
    removed by the next.

    Parameters
    ----------
    path : Path
        The folder. Those above it are made, readable by their owner alone.
    remove : callable
        How a draft, or a folder that is replaced, is removed if it is there; for one that may hold mounts, say.

    Yields
    ------
    Path
        The draft, an empty folder beside it that only its owner may read.
    """
    draft = path.with_name(f".part-{path.name}")
    remove(draft)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        draft.mkdir(mode=0o700)
        yield draft
        move_folder(draft, path, remove=remove)
    finally:
        remove(draft)


def move_folder(source: Path, target: Path, *, remove: Callable[[Path], object] = _gone) -> None:
    """Have a finished folder take the place of another one, or of none.

    At once where both lie on the same disk. On two disks it is copied beside the target first.
    """
    remove(target)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with whole_folder(target, remove=remove) as draft:
            shutil.copytree(source, draft, symlinks=True, dirs_exist_ok=True)
        remove(source)


def write_whole(path: Path, content: str | bytes, *, private: bool = False, durable: bool = False) -> None:
    """Write a file whole or not at all; text as UTF-8. See `whole` for the parameters."""
    with whole(path, private=private, durable=durable) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; text as UTF-8."""
    write_whole(path, content, private=True)

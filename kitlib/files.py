"""Files that are written whole or not at all: whoever reads one sees the old text or the new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
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


def write_whole(path: Path, content: str | bytes, *, private: bool = False, durable: bool = False) -> None:
    """Write a file whole or not at all; text as UTF-8. See `whole` for the parameters."""
    with whole(path, private=private, durable=durable) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; text as UTF-8."""
    write_whole(path, content, private=True)

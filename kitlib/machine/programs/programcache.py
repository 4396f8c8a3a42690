"""Programs in the cache: put there whole or not at all, with digests that are checked."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kitlib.files import whole_folder, write_private
from kitlib.machine import paths

MANIFEST = "manifest.json"


def folder(key: str) -> Path:
    """Return the folder of the cache that holds these programs, or would."""
    return paths.cache() / "bin" / key


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


@contextlib.contextmanager
def adding(key: str) -> Iterator[Path]:
    """Give a draft of a folder of the cache: who fills it calls `seal`; then a reader sees it whole, before not at all.

    Hold the lock of these programs meanwhile.
    """
    with whole_folder(folder(key)) as part:
        yield part


def seal(part: Path, links: Mapping[str, str], **notes: object) -> None:
    """Write down what is in a finished folder, with digests.

    Parameters
    ----------
    part : Path
        A draft, with the programs.
    links : mapping
        Names that are links to a program: link to target.
    **notes
        What is worth knowing beside that.
    """
    programs = sorted(path for path in part.iterdir() if path.is_file() and not path.is_symlink())
    for name, target in links.items():
        (part / name).unlink(missing_ok=True)
        (part / name).symlink_to(target)
    digests = {path.name: {"sha256": sha256(path)} for path in programs}
    for path in programs:
        path.chmod(0o755)
    (part / MANIFEST).write_text(
        json.dumps({"files": digests, "links": dict(links), **notes}, indent=1) + "\n", encoding="utf-8"
    )
    _remember(part, digests)


def _remember(home: Path, digests: Mapping[str, Any]) -> None:
    stamps = {name: _stamp(home / name) for name in digests}
    write_private(home / ".checked", json.dumps(stamps))


def get(key: str) -> Path | None:
    """Return the programs' folder if it is there and whole.

    A file is hashed again only if its size, times or inode differ from when it was last found right.
    """
    home = folder(key)
    try:
        manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        digests = manifest["files"]
        try:
            checked = json.loads((home / ".checked").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            checked = {}
        stale = [name for name in digests if checked.get(name) != _stamp(home / name)]
        if any(sha256(home / name) != digests[name]["sha256"] for name in stale):
            return None
        if any(not (home / name).exists() for name in manifest["links"]):
            return None
        if stale:
            _remember(home, digests)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return home

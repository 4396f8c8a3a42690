"""Where kitlib keeps things: programs in the cache, clusters in the state folder; both for this user alone."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from kitlib.errors import ClusterError


def cache() -> Path:
    """Return the cache, shared between checkouts: ``KITLIB_CACHE``, or the user's cache folder."""
    return _private(Path(os.environ.get("KITLIB_CACHE") or platformdirs.user_cache_path("kitlib")))


def state() -> Path:
    """Return the state folder: ``KITLIB_STATE``, or the user's state folder."""
    return _private(Path(os.environ.get("KITLIB_STATE") or platformdirs.user_state_path("kitlib")))


def home(name: str) -> Path:
    """Return the folder of one cluster; it need not exist."""
    return _private(state() / "clusters") / name


def _private(path: Path) -> Path:
    path = path.expanduser().absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(
            f"it can't be made: {error.strerror}.",
            step="make a folder",
            object=str(path),
            next="set KITLIB_CACHE and KITLIB_STATE to folders that you may write to",
        ) from error
    return path

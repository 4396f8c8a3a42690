"""Where kitlib keeps things: programs in the cache, clusters in the state folder; both for this user alone."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


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
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path

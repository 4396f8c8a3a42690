"""Programs in the cache: whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kitlib.machine.programs import programcache


@pytest.fixture
def stored(cache: Path) -> Path:
    """Two programs and a link in the cache."""
    with programcache.adding("k") as part:
        (part / "kube").write_bytes(b"kube" * 1000)
        (part / "etcd").write_bytes(b"etcd" * 1000)
        programcache.seal(part, {"kubectl": "kube"})
        assert programcache.get("k") is None
    return programcache.folder("k")


def test_what_was_put_is_got(stored: Path) -> None:
    assert programcache.get("k") == stored
    assert (stored / "kubectl").read_bytes() == b"kube" * 1000
    assert os.access(stored / "etcd", os.X_OK)
    assert not list(stored.parent.glob(".part*"))


def test_nothing_is_not_there(cache: Path) -> None:
    assert programcache.get("k") is None


@pytest.mark.parametrize("damage", ["cut", "same size", "no manifest", "half a manifest", "gone", "link gone"])
def test_a_half_written_or_damaged_cache_is_not_used(stored: Path, damage: str) -> None:
    kube = stored / "kube"
    match damage:
        case "cut":
            kube.write_bytes(b"kube" * 999)
        case "same size":
            stat = kube.stat()
            kube.write_bytes(b"evil" * 1000)
            os.utime(kube, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        case "no manifest":
            (stored / programcache.MANIFEST).unlink()
        case "half a manifest":
            text = (stored / programcache.MANIFEST).read_text()
            (stored / programcache.MANIFEST).write_text(text[: len(text) // 2])
        case "gone":
            kube.unlink()
        case "link gone":
            (stored / "kubectl").unlink()
    assert programcache.get("k") is None


def test_a_touched_file_is_hashed_again_and_found_right(stored: Path) -> None:
    (stored / ".checked").write_text("{")
    os.utime(stored / "kube")
    assert programcache.get("k") == stored
    assert programcache.get("k") == stored


def test_putting_again_replaces(stored: Path, cache: Path) -> None:
    (stored / "kube").write_bytes(b"")
    with programcache.adding("k") as part:
        (part / "kube").write_bytes(b"new")
        programcache.seal(part, {})
    assert programcache.get("k") == stored
    assert (stored / "kube").read_bytes() == b"new"

"""What this machine has to give: memory, disk, processors."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kitlib.errors import BuildError, KitlibError

MIB = 2**20
GIB = 2**30
CONTROL_GROUPS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def memory() -> int:
    """Return how many bytes of memory can be used now, within the limit of a control group."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (ValueError, OSError):
            return 4 * GIB
    for limit, used in CONTROL_GROUPS:
        try:
            root = Path("/sys/fs/cgroup")
            free = min(
                free, int((root / limit).read_text(encoding="utf-8")) - int((root / used).read_text(encoding="utf-8"))
            )
        except (OSError, ValueError):
            continue
    return max(free, 0)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def disk(path: Path) -> int:
    """Return the free bytes of the file system that holds a path, which need not exist."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def need_disk(needs: dict[Path, int], step: str, kind: type[KitlibError] = BuildError) -> None:
    """Check that there is room; paths on one file system share it.

    Raises
    ------
    KitlibError
        Some file system has less free space than is needed; of the kind that was asked for.
    """
    by_device: dict[int, tuple[Path, int]] = {}
    for path, size in needs.items():
        existing = path
        while not existing.exists():
            existing = existing.parent
        device = existing.stat().st_dev
        first, total = by_device.get(device, (path, 0))
        by_device[device] = (first, total + size)
    for path, size in by_device.values():
        free = disk(path)
        if free < size:
            raise disk_full(step, path, f"{size / GIB:.1f} GiB are needed, {free / GIB:.1f} GiB are free", kind)


def disk_full(step: str, path: Path, detail: str, kind: type[KitlibError] = BuildError) -> KitlibError:
    """Make the error for a full disk."""
    return kind(
        f"the disk is full: {detail}.",
        step=step,
        object=str(path),
        next="free some space there, or set KITLIB_CACHE and KITLIB_STATE (and GOCACHE, GOMODCACHE) to other folders",
    )

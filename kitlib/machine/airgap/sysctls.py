"""Kernel settings that know no namespaces: what nodes change for the whole machine, and how it is put back.

Several engines may run at once, each from a state folder of its own. The first one notes how the settings were, the
last one puts them back; both in a folder that is gone after a restart of the machine, as the settings are.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from kitlib.files import write_private
from kitlib.machine.lock import FileLock

FOLDER = Path("/run/kitlib")
SETTINGS = Path("/proc/sys")
NAMES = (
    "fs/inotify/max_user_instances",  # raised here: a node's systemd, containerd and kubelet take some 300
    "fs/inotify/max_user_watches",
    "vm/overcommit_memory",  # by kubelet, as the next two
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "fs/file-max",  # by a node's systemd, as the rest
    "fs/nr_open",
    "fs/protected_fifos",
    "fs/protected_regular",
    "fs/protected_symlinks",
    "fs/protected_hardlinks",
)
WANTED = {"fs/inotify/max_user_instances": 1024, "fs/inotify/max_user_watches": 65536}
"""What three nodes need at least."""
SYS_RESOURCE = 24


def can_raise_limits() -> bool:
    """Say whether root has CAP_SYS_RESOURCE here, which a privileged container asks for."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> SYS_RESOURCE & 1)
    return True


def read() -> dict[str, str]:
    """Return the settings as they are."""
    found = {}
    for name in NAMES:
        with contextlib.suppress(OSError):
            found[name] = (SETTINGS / name).read_text(encoding="utf-8").strip()
    return found


@contextlib.contextmanager
def _noted() -> Iterator[Path]:
    """Hold the lock on the notes."""
    with FileLock(FOLDER / "lock", "note the kernel's settings", progress=False):
        yield FOLDER / "settings.json"


def hold(ident: str) -> None:
    """Note how the settings are before an engine changes them, and raise what it needs."""
    with _noted() as path:
        notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"before": read(), "engines": []}
        notes["engines"] = [*notes["engines"], ident]
        write_private(path, json.dumps(notes))
        now = read()
        for name, least in WANTED.items():
            if name in now and int(now[name]) < least:
                (SETTINGS / name).write_text(str(least), encoding="utf-8")


def release(ident: str) -> None:
    """Put the settings back if no other engine needs them."""
    if not FOLDER.exists():
        return
    with _noted() as path:
        if path.exists():
            notes = json.loads(path.read_text(encoding="utf-8"))
            notes["engines"] = [each for each in notes["engines"] if each != ident]
            if notes["engines"]:
                write_private(path, json.dumps(notes))
                return
            now = read()
            for name, before in notes["before"].items():
                if now.get(name) != before:
                    with contextlib.suppress(OSError):
                        (SETTINGS / name).write_text(before, encoding="utf-8")
            path.unlink()
        (FOLDER / "lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.rmdir(FOLDER)

"""The kernel that a walk runs a notebook in: one of this very Python, told where its cluster is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kitlib.cluster import Cluster

# `!false` leaves no trace in an executed notebook. In a walk it writes to standard error, where
# `report.output_problems` finds it.
SHELL_WATCH = """
def _watch(shell):
    import sys
    plain = shell.system
    def system(command):
        plain(command)
        code = shell.user_ns.get("_exit_code")
        if code:
            print(f"shell command ended with exit code {code}: {command}", file=sys.stderr)
    shell.system = system
_watch(get_ipython())
del _watch
"""


def manager(spec: Path) -> Any:
    """Return a manager for a kernel of this very Python, whatever kernels are installed for the user."""
    from ipykernel.kernelspec import write_kernel_spec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    write_kernel_spec(str(spec / "kitlib"))
    specs = KernelSpecManager(kernel_dirs=[str(spec)], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name="kitlib", kernel_spec_manager=specs)
    manager.shutdown_wait_time = 20.0  # at its end a notebook may still remove its namespace
    socket = spec / "zmq"
    if os.name == "posix" and len(str(socket)) < 90:  # the name of a Unix socket may have some 100 bytes
        manager.transport, manager.ip = "ipc", str(socket)
    return manager


def environment(cluster: Cluster, build: Path) -> dict[str, str]:
    """Return the kernel's environment: this one, and what tells the notebook where it is.

    On a recording it finds no cluster, so that none is asked or changed, whatever a cell says.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ("MPLBACKEND", "KITLIB_REPLAY")}
    environment |= {"KITLIB_BUILD": str(build), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    environment |= _folders(environment, build)
    if cluster.to_dict().get("recorded") and cluster.home is not None:
        return environment | on_recordings(cluster.home.parent, build)
    if cluster.provider == "context":
        environment["KITLIB_CONTEXT"] = cluster.context
        environment["KITLIB_YES_WRITE"] = "1" if getattr(cluster, "writable", False) else ""
    else:
        environment["KITLIB_CLUSTER"] = cluster.name
    return environment


def on_recordings(folder: Path, build: Path) -> dict[str, str]:
    """Return what tells a kernel that its labs stand on the recordings in a folder, and that there is no cluster."""
    from kitlib.lab.session import REPLAY

    return {REPLAY: str(folder), "KITLIB_STATE": str(build / "kernel" / "no-clusters")}


def _folders(environment: dict[str, str], build: Path) -> dict[str, str]:
    """Return where Matplotlib and IPython keep what is theirs: under build/, where the home can't be written to."""
    home = Path(environment.get("HOME") or "~").expanduser()
    usual = {
        "MPLCONFIGDIR": [
            Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "matplotlib",
            Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "matplotlib",
        ],
        "IPYTHONDIR": [home / ".ipython"],
    }
    moved = {}
    for name, folders in usual.items():
        named = environment.get(name)
        if not all(map(_writable, [Path(named)] if named else folders)):
            place = build / "kernel" / name.lower()
            place.mkdir(parents=True, exist_ok=True)
            moved[name] = str(place)
    return moved


def _writable(folder: Path) -> bool:
    """Say whether a folder is there, or could be made, and takes files; nothing is left behind."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    if there is None:
        return False
    try:
        with tempfile.TemporaryDirectory(dir=there):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C or SIGTERM, where signals can be had (the main thread, not Windows)."""
    loop = asyncio.get_running_loop()
    names: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    try:
        for name in names:
            loop.add_signal_handler(name, stop)
    except (NotImplementedError, RuntimeError, ValueError):
        names = ()
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)

"""Give the node image to an engine that lacks it."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from kitlib.machine import subprocesses
from kitlib.machine.airgap import nodeimage
from kitlib.machine.airgap.engine import Own, docker
from kitlib.progress import Progress


def into_own(own: Own, progress: bool = True) -> str:
    """Have the node image in the engine, made before if need be; return its name.

    Raises
    ------
    BuildError
        It can't be made.
    """
    wanted = nodeimage.name()
    if docker(own, "images", "--quiet", wanted).strip():
        return wanted
    folder = nodeimage.make(progress)
    with Progress("load the node image into the engine", quiet=not progress):
        feed(["docker", "load", "--quiet"], own.environment(), folder)
    for old in docker(own, "images", "--format", "{{.Repository}}:{{.Tag}}", nodeimage.NAME).split():
        if old != wanted:
            docker(own, "rmi", old)
    return wanted


def feed(command: list[str], environment: dict[str, str], folder: Path) -> None:
    """Give a node image to what loads it.

    Raises
    ------
    BuildError
        It is refused.
    """
    loader = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert loader.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            nodeimage.archive(folder, loader.stdin)
        _, complaint = loader.communicate()
    finally:
        if loader.poll() is None:
            loader.kill()
            loader.wait()
    if loader.returncode:
        raise subprocesses.failed(
            command[0], loader.returncode, complaint.decode(errors="replace").splitlines(), "load the node image"
        )

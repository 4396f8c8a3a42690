"""The probe: one small static program that acts out every lesson, built once with the Go that kitlib finds."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import paths
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, programcache, toolchain
from kitlib.progress import Progress

STEP = "build the probe"
SOURCE = Path(__file__).parent
PROGRAM = "probe"
IMAGE = "localhost/probe:local"
"""The image's name on a cluster whose images kitlib makes; its entry point is the program."""
FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags=-s -w")
"""As the node's programs are built, so that Go compiles its standard library once for both."""


def key() -> str:
    """Return what names the program in the cache: a digest of everything that goes into it."""
    digest = hashlib.sha256("\n".join([*FLAGS, build.goarch()]).encode())
    for path in sorted([*SOURCE.glob("*.go"), SOURCE / "go.mod"]):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return f"probe-{digest.hexdigest()[:16]}"


def binary(progress: bool = True) -> Path:
    """Return the program for Linux on this machine's processor: from the cache, or built into it.

    It needs Go's standard library only, so the network at most for Go itself. Two processes build once.

    Raises
    ------
    BuildError
        There is no Go, or it does not build.
    """
    name = key()
    with FileLock(paths.cache() / "locks" / f"{name}.lock", STEP, progress) as lock:
        if home := programcache.get(name):
            return home / PROGRAM
        go = toolchain.find(progress)
        environment = toolchain.environment() | {"GOOS": "linux", "GOARCH": build.goarch()}
        try:
            with programcache.adding(name) as part, Progress(STEP, quiet=not progress) as bar:
                command = [str(go.path), "build", "-v", *FLAGS, "-o", str(part / PROGRAM), "."]

                def line(text: str) -> bool:
                    bar.update(text)
                    return " " not in text  # with -v, go names each package that it compiles

                gobuild.call(command, SOURCE, environment, lock.handle, line, bar.update, None)
                programcache.seal(part, {}, go=go.version, system=f"linux/{build.goarch()}")
            return programcache.folder(name) / PROGRAM
        except BuildError as error:
            error.step = STEP
            raise
        except OSError as error:
            raise BuildError(
                f"{error.strerror}.",
                step=STEP,
                object=os.fspath(programcache.folder(name)),
                next="see that there is room, then try again",
            ) from error

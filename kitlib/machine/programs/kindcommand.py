"""The `kind` command: pinned, found on PATH or in the cache, or compiled, which takes half a minute."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kitlib.errors import BuildError, ClusterError
from kitlib.machine import paths, subprocesses, versions
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, nodeprograms, programcache, toolchain
from kitlib.progress import Progress

STEP = "get kind"


def version() -> str:
    """Return the version of kind that kitlib uses, such as "v0.33.0"."""
    return nodeprograms.pinned("sigs.k8s.io/kind")


def program(progress: bool = True) -> Path:
    """Return kind: on PATH if it is of the pinned version, in the cache, or compiled into it.

    Raises
    ------
    BuildError
        There is no Go, or kind's modules can't be had.
    """
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".").absolute() / "kind"
        if folder and path.is_file() and os.access(path, os.X_OK) and asked(path) == version():
            return path
    if home := nodeprograms.cached():
        return home / "kind"
    return _compiled(progress)


def asked(path: Path) -> str | None:
    """Return the version that a kind says it is."""
    found = re.search(r"\bv\d+\.\d+\.\d+\S*", subprocesses.said([str(path), "version"]) or "")
    return found.group() if found else None


def _compiled(progress: bool) -> Path:
    flags = nodeprograms.flags(versions.release())
    digest = hashlib.sha256("\n".join([*flags, build.goos(), build.goarch()]).encode())
    for name in ("go.mod", "go.sum"):
        digest.update((nodeprograms.SOURCE / name).read_bytes())
    name = f"kind-{version().removeprefix('v')}-{digest.hexdigest()[:12]}"
    with FileLock(paths.cache() / "locks" / f"{name}.lock", STEP, progress) as lock:
        if home := programcache.get(name):
            return home / "kind"
        go = toolchain.find(progress)
        try:
            with (
                programcache.adding(name) as part,
                Progress(f"build kind {version()} (once)", quiet=not progress) as bar,
            ):
                command = [str(go.path), "build", *flags, "-o", f"{part}{os.sep}", "sigs.k8s.io/kind"]
                fetching = gobuild.fetching(bar)
                gobuild.call(
                    command,
                    nodeprograms.SOURCE,
                    toolchain.environment(),
                    lock.handle,
                    fetching,
                    bar.update,
                    gobuild.STALL,
                )
                programcache.seal(part, {}, go=go.version, system=f"{build.goos()}/{build.goarch()}")
            return programcache.folder(name) / "kind"
        except BuildError as error:
            raise BuildError(error.message, step=STEP, object=version(), next=error.next) from error


def call(
    arguments: list[str], environment: Mapping[str, str], tell: Callable[[str], None], until: float, kind: Path
) -> None:
    """Run kind to its end.

    Parameters
    ----------
    arguments : list of str
    environment : mapping
    tell : callable
        Gets each step that it says it is at.
    until : float
        The deadline (monotonic).
    kind : Path

    Raises
    ------
    ClusterError
        It fails, or is not done in time; the message has its reason.
    """
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        tell(_plain(text))

    try:
        ended = subprocesses.run(
            [str(kind), *arguments],
            line,
            tick=lambda: tell(""),
            environment=environment,
            timeout=until - time.monotonic(),
        )
    except OSError as error:
        raise ClusterError(f"{kind} can't be started: {error.strerror}.") from error
    except subprocesses.Unfinished as error:
        at = lines[-1] if lines else "its begin"
        raise ClusterError(f"kind was not done in time; it was at: {at}") from error
    if ended.code:
        raise ClusterError(_reason(lines) or f"kind ended with {ended.code}.")


def _plain(text: str) -> str:
    """Return what kind says of a step, without signs and pictures; "" if it is none."""
    found = re.match(r"[•✓✗] ([\w -]+)", text)
    return found.group(1).strip() if found else ""


def _reason(lines: list[str]) -> str:
    """Return why kind failed, from all that it said."""
    known = [line for line in lines if line.startswith(("ERROR:", "error:", "Command Output:", "docker: Error"))]
    return "\n  ".join(line[:400] for line in (known or lines[-4:])[:4])

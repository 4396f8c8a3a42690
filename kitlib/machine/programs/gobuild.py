"""Run the one `go build` command: modules first, then packages, with a forecast."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import BuildError, KitlibError
from kitlib.machine import paths, resources, subprocesses
from kitlib.machine.programs import toolchain
from kitlib.machine.programs.toolchain import Go
from kitlib.machine.versions import Release
from kitlib.progress import Progress

STEP = "build Kubernetes' programs"
MODULES_SIZE, CACHE_SIZE, PROGRAMS_SIZE = int(1.2 * resources.GIB), int(3.4 * resources.GIB), int(0.6 * resources.GIB)
"""Disk that a cold build takes: modules, Go's own cache, the programs (twice for a moment)."""
PAST_CACHE_SIZE, PAST_PROGRAMS_SIZE = int(1.3 * resources.GIB), resources.GIB // 3
"""The same for a release of the past, whose modules take as much."""
STALL = 180.0
"""Seconds that fetching modules may go without a word."""
PER_DEPENDENCY = 123
"""What each package that a package depends on, also through others, adds to its cost: as these bytes of source.

Measured over all of Kubernetes: 3.3 s for a MB of source, 0.41 s for 1,000 dependencies.
"""
NETWORK = ("dial tcp", "no such host", "i/o timeout", "connection refused", "module lookup disabled", "TLS handshake")
REFUSED = ("403 Forbidden", "404 Not Found", "410 Gone", "checksum mismatch", "unrecognized import path")
LINK = 0.04
"""The share of the whole that comes after the last package: linking."""


@dataclass(frozen=True)
class Target:
    """What is built, and what a cold build of it takes on the disk, in bytes.

    Parameters
    ----------
    name : str
        In words: "Kubernetes 1.37.2".
    known_by : str
        A module whose presence in Go's cache says that it was built before: "k8s.io/kubernetes@v1.37.2".
    programs, cache, modules : int
        The programs (twice for a moment), Go's own cache, the modules.
    """

    name: str
    known_by: str
    programs: int = PROGRAMS_SIZE
    cache: int = CACHE_SIZE
    modules: int = MODULES_SIZE


def target(release: Release) -> Target:
    """Return what stands for a release of Kubernetes."""
    name, known_by = f"Kubernetes {release.kubernetes}", f"k8s.io/kubernetes@v{release.kubernetes}"
    if release.past:
        return Target(name, known_by, PAST_PROGRAMS_SIZE, PAST_CACHE_SIZE)
    return Target(name, known_by)


@dataclass(frozen=True)
class Module:
    """A folder with a go.mod.

    Parameters
    ----------
    folder : Path
    vendored : bool
        Whether all sources are in its vendor folder, rather than in Go's module cache.
    system : str
        What its programs run on, as Go spells it: "linux"; "" for this one.
    """

    folder: Path
    vendored: bool = False
    system: str = ""

    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        """Return an environment for `go` with what this module needs."""
        vendored = {"GOFLAGS": "-mod=vendor"} if self.vendored else {}
        return environment | vendored | ({"GOOS": self.system} if self.system else {})


def run(
    go: Go,
    target: Target,
    packages: list[str],
    flags: list[str],
    module: Module,
    out: Path,
    name: str,
    lock: int,
    progress: bool,
) -> None:
    """Build packages into a folder.

    Parameters
    ----------
    go : Go
    target : Target
    packages, flags : list of str
    module : Module
    out : Path
        Where the programs go.
    name : str
        The build's key.
    lock : int
        The open lock file, which `go` inherits.
    progress : bool
    """
    done = notes_of(name)
    need_room(go, target, module, out, done)
    environment, jobs = settings()
    with Progress("read the packages" if module.vendored else "fetch Go modules", quiet=not progress) as bar:
        tags = [flag for flag in flags if flag.startswith("-tags")]
        sizes = _packages(go, [*tags, *packages], module, lock, bar)
    with Progress(f"build {target.name} (once; Go {go.version})", quiet=not progress) as bar:
        compiled = set(done.read_text(encoding="utf-8").split()) & sizes.keys() if done.exists() else set()
        todo = sum(size for package, size in sizes.items() if package not in compiled)
        bar.update(done=0.0, total=todo / (1 - LINK) or 1.0)
        at = 0
        begun: deque[str] = deque()  # go names a package when its compiler starts
        with done.open("a", encoding="utf-8") as notes:

            def line(text: str) -> bool:
                nonlocal at
                if text not in sizes:
                    return False
                begun.append(text)
                if len(begun) > resources.processors() and (package := begun.popleft()) not in compiled:
                    compiled.add(package)
                    at += sizes[package]
                    notes.write(package + "\n")
                    notes.flush()
                bar.update(f"{len(compiled)} of {len(sizes)} packages", done=at)
                return True

            command = [str(go.path), "build", "-v", *jobs, *flags, "-o", f"{out}{os.sep}", *packages]
            call(command, module.folder, module.environment(environment), lock, line, lambda: bar.update(), None)
    done.unlink(missing_ok=True)


def notes_of(name: str) -> Path:
    """Return where a build notes which packages it has compiled, so that its forecast holds after an interruption."""
    return paths.cache() / "locks" / f"compiled-{name}"


def settings() -> tuple[dict[str, str], list[str]]:
    """Return the environment and the flags that suit this machine's memory.

    Without garbage collection a compiler is a sixth faster; it begins at the limit, of which each of the compilers
    that run at once has its own.
    """
    environment = toolchain.environment()
    room = resources.memory() // resources.MIB // (resources.processors() + 1)
    if room >= 1024:
        return environment | {"GOGC": "off", "GOMEMLIMIT": f"{min(room, 4096)}MiB"}, []
    return environment | {"GOGC": "50"}, ["-p=1"]


def need_room(go: Go, target: Target, module: Module, out: Path, done: Path) -> None:
    """Check that there is room on the disk; a build that was begun, or done before, needs little more."""
    said = subprocesses.run(
        [str(go.path), "env", "GOCACHE", "GOMODCACHE"], folder=module.folder, environment=toolchain.environment()
    ).output
    cache, modules = (Path(line) for line in said.splitlines()[:2])
    warm = done.exists() or (modules / target.known_by).is_dir()
    needs = {out: target.programs}
    if not warm:
        for path, size in ((cache, target.cache), (modules, target.modules)):
            needs[path] = needs.get(path, 0) + size
    resources.need_disk(needs, STEP)


def fetching(bar: Progress) -> Callable[[str], bool]:
    """Return what shows the modules that `go` says it fetches."""
    fetched = 0

    def line(text: str) -> bool:
        nonlocal fetched
        if text.startswith("go: downloading"):
            fetched += 1
            name = text.removeprefix("go: downloading ").split(" ")[0]
            bar.update(f"{fetched} so far, now {name[:60]}")
            return True
        return False

    return line


def _packages(go: Go, packages: list[str], module: Module, lock: int, bar: Progress) -> dict[str, int]:
    """Fetch the modules that are missing; return every package with its weight."""
    template = '{{.ImportPath}}\t{{.Dir}}\t{{len .Deps}}\t{{join .GoFiles " "}}'
    command = [str(go.path), "list", "-deps", "-f", template, *packages]
    environment = module.environment(toolchain.environment())
    output = call(command, module.folder, environment, lock, fetching(bar), lambda: bar.update(), STALL)
    sizes = {}
    for entry in output.splitlines():
        package, folder, dependencies, files = entry.split("\t")
        with contextlib.suppress(OSError):
            size = sum(os.stat(os.path.join(folder, file)).st_size for file in files.split())
            sizes[package] = size + PER_DEPENDENCY * int(dependencies)
    return sizes


def call(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    lock: int,
    line: Callable[[str], bool],
    tick: Callable[[], None],
    stall: float | None,
) -> str:
    """Run `go` and return its output; `line` gets each line of standard error, and says whether it was progress.

    Raises
    ------
    BuildError
        It fails, or is silent for too long; what is compiled stays in Go's cache.
    """
    rest: deque[str] = deque(maxlen=subprocesses.LAST)

    def tell(text: str) -> None:
        if not line(text):
            rest.append(text)

    try:
        ended = subprocesses.run(
            command,
            tell,
            tick=tick,
            folder=folder,
            environment=environment,
            silent=stall,
            inherit=(lock,),
            ask=signal.SIGINT,
        )
    except subprocesses.Unfinished as error:
        raise BuildError(
            f"fetching Go modules has been silent for {error.seconds:.0f} s.",
            step=STEP,
            next="check the network (and GOPROXY, if you set it), then try again: what was fetched is kept",
        ) from error
    if ended.code < 0:
        raise BuildError(
            f"{Path(command[0]).name} was ended from outside, by {signal.Signals(-ended.code).name}.",
            step=STEP,
            next="try again: what is compiled is kept",
        )
    if ended.code:
        raise explain(list(rest), folder)
    return ended.output


def explain(lines: list[str], where: Path) -> KitlibError:
    """Turn what `go` says into one clear error."""
    text = "\n".join(lines)
    last = next((line for line in reversed(lines) if line.strip()), "no word from go")
    last = next((line for line in lines if line.startswith("panic: ")), last)
    if "no space left on device" in text or "disk quota exceeded" in text:
        return resources.disk_full(STEP, where, "no space is left while Go compiles")
    fetch = next((line for line in lines if any(sign in line for sign in NETWORK)), None)
    if fetch:
        return BuildError(
            f"Go modules can't be fetched: {fetch[:300]}",
            step=STEP,
            next="connect this machine to the network (or set GOPROXY to one it can reach), then try again",
        )
    if refused := next((line for line in lines if any(sign in line for sign in REFUSED)), None):
        return BuildError(
            f"a Go module can't be had: {refused[:300]}",
            step=STEP,
            next="set GOPROXY to a proxy that has it, then try again: what was fetched is kept; or put the programs on"
            " PATH, or copy another machine's cache folder and set KITLIB_CACHE",
        )
    if "signal: killed" in text or "cannot allocate memory" in text:
        return BuildError(
            "a compiler was killed, most likely because memory ran out.",
            step=STEP,
            next="close other programs, then try again: what is compiled is kept",
        )
    return BuildError(
        f"go says: {last[:500]}", step=STEP, next="try again; if it stays, report it with what `kitlib doctor` says"
    )

"""Complete the sources of a release of the past: Go modules hold all of it but one package, which was never in git.

Kubernetes' own Makefile made that package, `pkg/generated/openapi`, with a generator of the time. The generator knows
no modules, and nothing can be added to Go's module cache. So all sources are copied into a vendor folder; the generator
takes it for a GOPATH and puts the package there.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import paths, subprocesses
from kitlib.machine.programs import gobuild, toolchain
from kitlib.machine.programs.gobuild import Module
from kitlib.machine.programs.toolchain import Go
from kitlib.machine.versions import Release
from kitlib.progress import Progress

NEWEST_GO = (1, 26)
"""The newest minor version of Go that this is known to work with; sources of 2020 may stop to compile with the next."""
GENERATOR = "k8s.io/kube-openapi/cmd/openapi-gen"
PACKAGE = "k8s.io/kubernetes/pkg/generated/openapi"
MARK = re.compile(rb"^\s*//\s*\+k8s:openapi-gen=true", re.MULTILINE)
"""What a package says that is to be described."""


def _folder(name: str) -> Path:
    return paths.cache() / "sources" / name


def remove(name: str) -> None:
    """Remove the sources of a build that is done, or was given up."""
    shutil.rmtree(_folder(name), ignore_errors=True)


def sources(go: Go, release: Release, module: Path, flags: list[str], name: str, lock: int, progress: bool) -> Module:
    """Return a module with all its sources in a vendor folder; what an interrupted build has made is taken up.

    Parameters
    ----------
    go : Go
    release : Release
    module : Path
        The folder with go.mod, which is not changed.
    flags : list of str
        Those of the build: what the generator shares with Kubernetes is then compiled once.
    name : str
        The build's key.
    lock : int
        The open lock file, which `go` inherits.
    progress : bool

    Raises
    ------
    BuildError
        The modules can't be had, or the generator fails.
    """
    made = Module(_folder(name), vendored=True)
    whole = made.folder / "whole"
    if whole.exists():
        return made
    remove(name)
    for path in sorted(module.rglob("*")):
        if path.suffix in (".go", ".mod", ".sum"):
            copy = made.folder / path.relative_to(module)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    try:
        gobuild.need_room(go, gobuild.target(release), made, made.folder, whole)
        with Progress("fetch Go modules", quiet=not progress) as bar:
            command, line = [str(go.path), "mod", "vendor"], gobuild.fetching(bar)
            gobuild.call(command, made.folder, toolchain.environment(), lock, line, lambda: bar.update(), gobuild.STALL)
        _generate(go, made, flags, name, lock, progress)
    except BaseException:
        remove(name)
        raise
    whole.touch()
    return made


def _generate(go: Go, module: Module, flags: list[str], name: str, lock: int, progress: bool) -> None:
    generator = module.folder / "openapi-gen"
    environment, jobs = gobuild.settings()
    notes = gobuild.notes_of(name)
    with (
        Progress("complete Kubernetes' sources (OpenAPI)", quiet=not progress) as bar,
        notes.open("a", encoding="utf-8") as compiled,
    ):
        count = 0

        def line(text: str) -> bool:
            nonlocal count
            count += 1
            compiled.write(f"{text}\n")  # Kubernetes needs most of them, too
            bar.update(f"{count} packages of the generator")
            return False

        command = [str(go.path), "build", "-v", *jobs, *flags, "-o", str(generator), GENERATOR]
        gobuild.call(command, module.folder, module.environment(environment), lock, line, lambda: bar.update(), None)
        bar.update("describe all kinds")
        gopath = module.folder / "gopath"
        gopath.mkdir(exist_ok=True)
        (gopath / "src").symlink_to(module.folder / "vendor")
        (module.folder / "header").touch()
        command = [str(generator), "--input-dirs", ",".join(described(module.folder / "vendor"))]
        command += ["--output-package", PACKAGE, "--output-file-base", "zz_generated.openapi"]
        command += ["--output-base", "gopath/src", "--go-header-file", "header", "--report-filename", "violations"]
        gobuild.call(command, module.folder, _as_then(go, gopath), lock, lambda text: False, lambda: bar.update(), None)
    if not (module.folder / "vendor" / PACKAGE / "zz_generated.openapi.go").exists():
        raise BuildError(f"{GENERATOR} made nothing.", step=gobuild.STEP, object=PACKAGE, next="try again")


def described(vendor: Path) -> list[str]:
    """Return the packages of Kubernetes whose kinds are to be described."""
    found = set()
    for path in (vendor / "k8s.io").rglob("*.go"):
        if MARK.search(path.read_bytes()):
            found.add(path.parent.relative_to(vendor).as_posix())
    return sorted(package for package in found if not package.startswith("k8s.io/kube-openapi/"))


def _as_then(go: Go, gopath: Path) -> dict[str, str]:
    """Return the environment of a program that finds packages as in 2020, and knows no aliases of types."""
    root = subprocesses.output([str(go.path), "env", "GOROOT"], gobuild.STEP, toolchain.environment())
    return toolchain.environment() | {
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPATH": str(gopath),
        "GOROOT": root.strip(),
        "GODEBUG": "gotypesalias=0",
        "PATH": f"{go.path.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }

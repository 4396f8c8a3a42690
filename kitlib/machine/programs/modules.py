"""The Go modules that programs were compiled from: each noted with its version, and the texts of its licences kept."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

from kitlib.machine.programs import gobuild, toolchain
from kitlib.machine.programs.gobuild import Module
from kitlib.machine.programs.toolchain import Go

NOTED = "modules.json"
"""Beside the programs: the Go modules in them, each with its version and the digests of its licences' texts."""
LICENCES = "licences.tar"
"""Beside the programs: those texts, each once."""


def keep(go: Go, module: Module, packages: list[str], part: Path, lock: int) -> None:
    """Note the modules whose packages were compiled, and keep the texts of their licences.

    Parameters
    ----------
    go : Go
    module : Module
        What was built.
    packages : list of str
        Its packages, after the build tags.
    part : Path
        The folder of the programs.
    lock : int
        The open lock file, which `go` inherits.
    """
    # a module that another one stands for is that one; a folder of ours that stands for one has no version
    template = (
        "{{with .Module}}{{$of := or .Replace .}}{{with $of.Version}}{{$of.Path}}\t{{.}}\t{{$of.Dir}}{{end}}{{end}}"
    )
    command = [str(go.path), "list", "-deps", "-f", template, *packages]
    environment = module.environment(toolchain.environment())
    said = gobuild.call(command, module.folder, environment, lock, lambda text: False, lambda: None, None)
    texts: dict[str, bytes] = {}
    modules = []
    for line in sorted({line for line in said.splitlines() if line}):
        path, version, folder = line.split("\t")
        digests = []
        for file in sorted(Path(folder).iterdir()):
            if file.is_file() and re.match(r"(LICEN[CS]E|COPYING|NOTICE)", file.name, re.IGNORECASE):
                digest = hashlib.sha256(data := file.read_bytes()).hexdigest()[:16]
                texts[digest] = data
                digests.append(digest)
        modules.append({"path": path, "version": version, "licences": digests})
    (part / NOTED).write_text(json.dumps({"go": go.version, "modules": modules}, indent=1))
    with tarfile.open(part / LICENCES, "w") as tar:
        for digest, data in sorted(texts.items()):
            info = tarfile.TarInfo(digest)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def folder(go: Go, module: Module, name: str, lock: int) -> Path:
    """Return the folder of a module that a build needs, with all of the module's files."""
    command = [str(go.path), "list", "-m", "-f", "{{.Dir}}", name]
    environment = module.environment(toolchain.environment())
    said = gobuild.call(command, module.folder, environment, lock, lambda text: False, lambda: None, None)
    return Path(said.strip())


def licences(folder: Path) -> dict[str, bytes]:
    """Return the kept texts of a folder of programs, by digest."""
    texts = {}
    with tarfile.open(folder / LICENCES) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            texts[member.name] = file.read()
    return texts

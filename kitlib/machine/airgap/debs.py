"""Files of Debian's packages for an image: fetched with all that they need, and unpacked without installing them.

No script of a package runs, and nothing on this machine changes: apt works in a folder of its own.
"""

from __future__ import annotations

import posixpath
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import subprocesses
from kitlib.machine.airgap import debian
from kitlib.machine.airgap.oci import Entry
from kitlib.machine.airgap.sbom import COPYRIGHT, Component, declared
from kitlib.progress import Progress

MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
"""Folders of the root that are links to those of /usr."""
LEFT_OUT = tuple(f"usr/share/{name}/" for name in (*debian.LEFT_OUT, "bug", "lintian"))
FOLDERS = ("etc/apt/preferences.d", "var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/lib/dpkg")
"""What apt expects to be there."""


def fetch(packages: Sequence[str], folder: Path, step: str, progress: bool = True) -> list[Path]:
    """Fetch packages of this machine's release of Debian, with those that they depend on.

    Parameters
    ----------
    packages : sequence of str
        Their names.
    folder : Path
        Where apt works; it must not exist.
    step : str
        What is being done, for errors.
    progress : bool

    Returns
    -------
    list of Path
        One file for each package.

    Raises
    ------
    BuildError
        This is not Debian, you are not root, no mirror answers, or there is no such package.
    """
    debian.require(step)
    code, lines = debian.sources(step)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    (folder / "var/lib/dpkg/status").touch()  # nothing is installed there, so all that is needed is fetched
    (folder / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    options = [f"-oDir={folder}", "-oDir::Etc::trustedparts=/etc/apt/trusted.gpg.d/", "-oAPT::Sandbox::User=root"]
    options += ["-oAcquire::Languages=none", "-oAPT::Install-Recommends=false", "-qy"]
    with Progress(f"fetch Debian's packages ({code})", quiet=not progress) as bar:
        subprocesses.call(["apt-get", *options, "update"], step, bar.update)
        subprocesses.call(["apt-get", *options, "--download-only", "install", *packages], step, bar.update)
    return sorted((folder / "var/cache/apt/archives").glob("*.deb"))


def unpack(debs: Sequence[Path], step: str) -> tuple[list[Entry], list[Component]]:
    """Return what packages hold, and what they are.

    Parameters
    ----------
    debs : sequence of Path
        See `fetch`.
    step : str
        What is being done, for errors.

    Returns
    -------
    tuple of (list of Entry) and (list of Component)
        Documentation is left out, but for licences.

    Raises
    ------
    BuildError
        One can't be read.
    """
    entries = [Entry(f"/{name}", f"usr/{name}") for name in MERGED]
    held = {deb: _files(deb, step) for deb in debs}
    everything = {path: entry for files in held.values() for path, entry in files.items()}
    components = []
    for deb, files in held.items():
        said = subprocesses.output(["dpkg-deb", "--field", str(deb), "Package", "Version"], step)
        name, version = (line.partition(": ")[2] for line in said.splitlines())
        components.append(Component("deb", name, version, declared(_copyright(name, everything))))
        entries += [entry for path, entry in files.items() if _wanted(path)]
    return entries, components


def _copyright(package: str, everything: dict[str, Entry]) -> str:
    """Return what a package's copyright file says; its folder may be a link to another package's."""
    path = COPYRIGHT.format(package)
    folder = everything.get(posixpath.dirname(path))
    if folder and isinstance(folder.source, str):
        path = posixpath.normpath(posixpath.join(path, "../..", folder.source, posixpath.basename(path)))
    found = everything.get(path)
    return found.source.decode(errors="replace") if found and isinstance(found.source, bytes) else ""


def _files(deb: Path, step: str) -> dict[str, Entry]:
    """Return what one package holds, by path."""
    found: dict[str, Entry] = {}
    reader = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    assert reader.stdout is not None
    try:
        with tarfile.open(fileobj=reader.stdout, mode="r|") as tar:
            for member in tar:
                path = _path(member.name)
                if member.isreg():
                    file = tar.extractfile(member)
                    assert file is not None
                    found[path] = Entry(f"/{path}", file.read(), member.mode)
                elif member.islnk():
                    found[path] = Entry(f"/{path}", found[_path(member.linkname)].source, member.mode)
                elif member.issym():
                    found[path] = Entry(f"/{path}", member.linkname)
                elif path and member.isdir():
                    found[path] = Entry(f"/{path}", None, member.mode)
    except tarfile.TarError as error:
        raise BuildError(f"it can't be read: {error}.", step=step, object=deb.name, next="try again") from error
    finally:
        reader.stdout.close()
        reader.wait()
    return found


def _path(name: str) -> str:
    """Return a path without a leading slash, as it is where /bin is a link to /usr/bin; "" for the root itself."""
    path = posixpath.normpath(f"/{name}").lstrip("/")
    return f"usr/{path}" if path.partition("/")[0] in MERGED else path


def _wanted(path: str) -> bool:
    return path.endswith("/copyright") or not f"{path}/".startswith(LEFT_OUT)

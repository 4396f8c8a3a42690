"""Find the programs of a control plane, or make them: PATH, the cache, the official release, a build."""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.files import write_private
from kitlib.machine import paths, subprocesses, versions
from kitlib.machine.programs import build, clusterapi, download, nodeprograms
from kitlib.machine.versions import Release

CLUSTER_API = tuple(clusterapi.CONTROLLERS)
"""The programs that a release with Cluster API has beside those of every other one."""


@dataclass
class Programs:
    """The programs of a control plane.

    Parameters
    ----------
    paths : dict
        Where each is.
    sources : dict
        Where each came from, in words: "PATH", "cache (built)", "cache (official release)", …
    rejected : list of str
        What was found on PATH and not taken, and why.
    """

    paths: dict[str, Path] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)

    def missing(self, names: tuple[str, ...] = build.PROGRAMS) -> tuple[str, ...]:
        """Return the programs of these that are yet to be found."""
        return tuple(name for name in names if name not in self.paths)

    def take(self, home: Path, names: tuple[str, ...], source: str) -> None:
        """Take programs from a folder."""
        for name in names:
            self.paths[name] = home / name
            self.sources[name] = source


def programs(release: Release, progress: bool = True) -> Programs:
    """Find or make all programs of a release.

    In this order: what is on PATH and of the right version, kitlib's cache, the official release, a build.

    Raises
    ------
    BuildError
        Some can be had in none of these ways; the message says why each failed.
    """
    found = ready(release)
    for part, names in _parts(release):
        if missing := found.missing(names):
            _get(found, part, missing, progress)
    if release.cluster_api and found.missing(CLUSTER_API):
        found.take(clusterapi.make(found.paths["kubectl"], progress), CLUSTER_API, "built")
    return found


def _get(found: Programs, release: Release, missing: tuple[str, ...], progress: bool) -> None:
    try:
        found.take(download.fetch(release, missing, progress), missing, "official release")
        return
    except BuildError as error:
        refusal = error
    try:
        found.take(build.make(release, missing, progress), missing, "built")
    except BuildError as error:
        raise BuildError(
            f"{error.message}\n  Before that: {refusal.step}: {refusal.object or ''}: {refusal.message}",
            step=error.step or "make Kubernetes' programs",
            object=error.object,
            next=error.next,
        ) from error


def _parts(release: Release) -> list[tuple[Release, tuple[str, ...]]]:
    """Return the releases that make a control plane, each with its programs: kwok is always today's."""
    own = build.own(release)
    rest = tuple(name for name in build.PROGRAMS if name not in own)
    return [(release, own), (versions.release(), rest)] if rest else [(release, own)]


def ready(release: Release) -> Programs:
    """Return the programs that are at hand: on PATH, or in the cache."""
    found = on_path(release)
    for part, names in _parts(release):
        if missing := found.missing(names):
            if home := build.cached(part, missing) or _of_nodes(part):
                found.take(home, missing, "cache (built)")
            elif (home := download.cached(part)) and all((home / name).exists() for name in missing):
                found.take(home, missing, "cache (official release)")
    if release.cluster_api and (home := clusterapi.cached()):
        found.take(home, CLUSTER_API, "cache (built)")
    return found


def _of_nodes(release: Release) -> Path | None:
    """Return the programs of nodes, if they are in the cache: a control plane's are among them."""
    return nodeprograms.cached() if release.kubernetes == versions.release().kubernetes else None


def on_path(release: Release) -> Programs:
    """Return the programs on PATH whose version fits; one that does not is no harm to the others."""
    wanted = dict.fromkeys(build.KUBE, release.kubernetes) | {
        "etcd": release.etcd,
        "kwok": release.kwok,
        "kwokctl": release.kwok,
    }
    found = Programs()
    with _Known() as known:
        for name in build.PROGRAMS:
            for path in _candidates(name):
                version = known.version(name, path)
                if version and _minor(version) == _minor(wanted[name]):
                    found.paths[name] = path
                    found.sources[name] = "PATH"
                    break
                is_ = f"is {version}" if version else "does not tell its version"
                found.rejected.append(f"{path} {is_}; {_minor(wanted[name])} is needed")
    return found


def _candidates(name: str) -> list[Path]:
    folders = dict.fromkeys(folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    paths = [Path(folder).absolute() / name for folder in folders]
    able = [path for path in paths if path.is_file() and os.access(path, os.X_OK)]
    # Where /bin is /usr/bin, one file has two names; the first counts.
    return list({path.parent.resolve() / name: path for path in reversed(able)}.values())[::-1]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


class _Known:
    """Versions of programs that were asked before, as long as the file is the same: asking takes 0.1 s each."""

    def __enter__(self) -> _Known:
        self._file = paths.cache() / "versions.json"
        self._changed = False
        self._entries: dict[str, tuple[list[int], str | None]] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._entries = dict(json.loads(self._file.read_text(encoding="utf-8")).items())
        return self

    def version(self, name: str, path: Path) -> str | None:
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        entry = self._entries.get(str(path))
        if entry and entry[0] == stamp:
            return entry[1]
        version = ask_version(name, path)
        self._entries[str(path)] = (stamp, version)
        self._changed = True
        return version

    def __exit__(self, *exception: object) -> None:
        if self._changed:
            with contextlib.suppress(OSError):
                write_private(self._file, json.dumps(self._entries))


def ask_version(name: str, path: Path) -> str | None:
    """Ask a program for its version; None if it has none to tell."""
    arguments = ["version", "--client"] if name == "kubectl" else ["--version"]
    found = re.search(r"\bv?(\d+\.\d+\.\d+)", subprocesses.said([str(path), *arguments]) or "")
    return found.group(1) if found else None

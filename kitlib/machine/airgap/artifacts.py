"""What is kept of all that was built: what there is, what it takes, and how to be rid of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kitlib.errors import ClusterError
from kitlib.machine import folders, paths
from kitlib.machine.airgap import debian, engine, enginedata, nodeimage, parts, probe
from kitlib.machine.programs import nodeprograms, programcache


@dataclass(frozen=True)
class Artifact:
    """One step of the way to a node image, or a part beside Kubernetes.

    Parameters
    ----------
    name : str
        What it makes.
    state : str
        "kept"; "missing": it would be made.
    size : int
        What it takes on the disk, in bytes.
    made : float or None
        When it was made, in seconds since 1970.
    path : str
        Where it is, or would be.
    """

    name: str
    state: str
    size: int
    made: float | None
    path: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for programs."""
        return asdict(self)


def artifacts() -> list[Artifact]:
    """Return every step of the way to a node image, in order, then the parts beside Kubernetes."""
    airgap = paths.cache() / "airgap"
    return [
        _artifact("programs", nodeprograms.cached(), programcache.folder(nodeprograms.key())),
        _artifact("probe", programcache.get(probe.key()), programcache.folder(probe.key())),
        _artifact("root file system", debian.rootfs_cached(), airgap / debian.rootfs_key()),
        _artifact("node image", nodeimage.cached(), airgap / nodeimage.key()),
        *(_part(part) for part in parts.PARTS.values()),
    ]


def _artifact(name: str, found: Path | None, path: Path) -> Artifact:
    if found is None:
        return Artifact(name, "missing", 0, None, str(path))
    return Artifact(name, "kept", folders.size(found), found.stat().st_mtime, str(path))


def _part(part: parts.Part) -> Artifact:
    key = parts.key(part)
    name = part.image.rpartition("/")[2].replace(":", " ")
    return _artifact(name, programcache.get(key), programcache.folder(key))


def status() -> dict[str, Any]:
    """Tell what is kept, what earlier versions left, whether an engine runs, and what is in the node image.

    Returns
    -------
    dict
        "artifacts" (see `Artifact`), "older" (bytes that `clean` with ``older=True`` would free), "engine" (its
        socket, or None), "image" (its name in an engine), "sbom" (the file that lists what is in it, or None), "images"
        (those that a node is born with: name to digest), "parts" (those beside Kubernetes, by name: "version",
        "published", "image", "sbom").
    """
    own = engine.find()
    folder = nodeimage.cached()
    return {
        "artifacts": [each.to_dict() for each in artifacts()],
        "older": sum(folders.size(path) for path in _older()),
        "engine": own.socket if own else None,
        "image": nodeimage.name(),
        "sbom": str(folder / nodeimage.SBOM) if folder else None,
        "images": json.loads((folder / "images.json").read_text(encoding="utf-8")) if folder else {},
        "parts": {name: _described(part) for name, part in parts.PARTS.items()},
    }


def _described(part: parts.Part) -> dict[str, Any]:
    made = parts.cached(part)
    return {
        "version": part.version,
        "published": part.published,
        "image": part.image,
        "sbom": str(made.folder / parts.SBOM) if made else None,
    }


def _older() -> list[Path]:
    """Return what other versions of the ingredients left in the cache, and what interrupted steps did."""
    now = {each.path for each in artifacts()}
    found = [*(paths.cache() / "airgap").glob("*-*")]
    found += [path for kind in ("node", "part") for path in (paths.cache() / "bin").glob(f"{kind}-*")]
    found += [*(paths.cache() / "airgap").glob(".part-*")]
    return [path for path in found if str(path) not in now]


def clean(older: bool = False) -> int:
    """Remove what was built: node images, root file systems, programs, parts, the data of engines that don't run.

    Parameters
    ----------
    older : bool
        Only what is of use no more: other versions of the ingredients.

    Returns
    -------
    int
        How many bytes that freed.

    Raises
    ------
    ClusterError
        An engine runs, which needs them.
    """
    if not older and engine.find():
        raise ClusterError(
            "the engine runs, and needs what would be removed.",
            step="remove what was built",
            next="`kitlib down`, then try again; or `kitlib airgap clean --older`",
        )
    paths = _older() if older else [*(Path(each.path) for each in artifacts()), *_older()]
    freed = sum(folders.remove(path) for path in paths)
    return freed if older else freed + enginedata.clean()


def described(artifact: Artifact) -> str:
    """Return one line about an artifact."""
    if artifact.made is None:
        return f"{artifact.name}: missing"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(artifact.made))
    return f"{artifact.name}: kept, {artifact.size / 1e6:.0f} MB, made {made}"

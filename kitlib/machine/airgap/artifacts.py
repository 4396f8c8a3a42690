"""What is kept of all that was built: what there is, what it takes, and how to be rid of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kitlib.errors import ClusterError
from kitlib.machine import folders, paths
from kitlib.machine.airgap import debian, engine, enginedata, nodeimage, probe
from kitlib.machine.programs import nodeprograms, programcache


@dataclass(frozen=True)
class Part:
    """One step of the way to a node image.

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


def parts() -> list[Part]:
    """Return every step of the way to a node image, in order."""
    airgap = paths.cache() / "airgap"
    return [
        _part("programs", nodeprograms.cached(), programcache.folder(nodeprograms.key())),
        _part("probe", programcache.get(probe.key()), programcache.folder(probe.key())),
        _part("root file system", debian.rootfs_cached(), airgap / debian.rootfs_key()),
        _part("node image", nodeimage.cached(), airgap / nodeimage.key()),
    ]


def _part(name: str, found: Path | None, path: Path) -> Part:
    if found is None:
        return Part(name, "missing", 0, None, str(path))
    return Part(name, "kept", folders.size(found), found.stat().st_mtime, str(path))


def status() -> dict[str, Any]:
    """Tell what is kept, what earlier versions left, whether an engine runs, and what is in the node image.

    Returns
    -------
    dict
        "parts" (see `Part`), "older" (bytes that `clean` with ``older=True`` would free), "engine" (its socket, or
        None), "image" (its name in an engine), "sbom" (the file that lists what is in it, or None), "images" (those
        that a node is born with: name to digest).
    """
    own = engine.find()
    folder = nodeimage.cached()
    return {
        "parts": [part.to_dict() for part in parts()],
        "older": sum(folders.size(path) for path in _older()),
        "engine": own.socket if own else None,
        "image": nodeimage.name(),
        "sbom": str(folder / nodeimage.SBOM) if folder else None,
        "images": json.loads((folder / "images.json").read_text()) if folder else {},
    }


def _older() -> list[Path]:
    """Return what other versions of the ingredients left in the cache, and what interrupted steps did."""
    now = {part.path for part in parts()}
    found = [*(paths.cache() / "airgap").glob("*-*"), *(paths.cache() / "bin").glob("node-*")]
    found += [*(paths.cache() / "airgap").glob(".part-*")]
    return [path for path in found if str(path) not in now]


def clean(older: bool = False) -> int:
    """Remove what was built: node images, root file systems, programs, the data of engines that don't run.

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
    paths = _older() if older else [*(Path(part.path) for part in parts()), *_older()]
    freed = sum(folders.remove(path) for path in paths)
    return freed if older else freed + enginedata.clean()


def described(part: Part) -> str:
    """Return one line about a part."""
    if part.made is None:
        return f"{part.name}: missing"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(part.made))
    return f"{part.name}: kept, {part.size / 1e6:.0f} MB, made {made}"

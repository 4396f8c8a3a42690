"""Write container images: layers from files, and an OCI layout that holds several images and each layer once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Entry:
    """One thing in a layer.

    Parameters
    ----------
    path : str
        Where it is in the image, from the root.
    source : Path, bytes, str or None
        A file of this machine, a file's content, the target of a link, or None for a folder.
    mode : int
    """

    path: str
    source: Path | bytes | str | None
    mode: int = 0o755


@dataclass(frozen=True)
class Blob:
    """Something in a layout: its digest and its size in bytes."""

    digest: str
    size: int


class Hashed(io.RawIOBase):
    """A file that is written and hashed at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Write and hash."""
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    @property
    def digest(self) -> str:
        """The digest of all that was written, such as "sha256:0123…"."""
        return f"sha256:{self.hash.hexdigest()}"


class Layout:
    """An OCI layout in a folder.

    Parameters
    ----------
    folder : Path
        It must not exist.
    architecture : str
        As Go spells it: "amd64".
    """

    def __init__(self, folder: Path, architecture: str) -> None:
        self.folder = folder
        self.architecture = architecture
        self.images: dict[str, Blob] = {}
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._manifests: list[dict[str, Any]] = []

    def put(self, data: bytes) -> Blob:
        """Store bytes."""
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return Blob(f"sha256:{digest}", len(data))

    def layer(self, *entries: Entry) -> Blob:
        """Store a layer. Folders that a path needs are made; all belongs to root; equal entries give equal layers."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        part = self._blobs / ".part"
        made = {"/", ""}
        with part.open("wb") as file:
            out = Hashed(file)
            with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
                for entry in entries:
                    self._add(tar, entry, made)
        part.rename(self._blobs / out.digest.removeprefix("sha256:"))
        return Blob(out.digest, out.size)

    def _add(self, tar: tarfile.TarFile, entry: Entry, made: set[str]) -> None:
        if entry.path in made:
            return
        if (parent := os.path.dirname(entry.path)) not in made:
            self._add(tar, Entry(parent, None), made)
        made.add(entry.path)
        info = tarfile.TarInfo(entry.path.lstrip("/"))
        info.mode = entry.mode
        if entry.source is None:
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        elif isinstance(entry.source, str):
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.source, 0o777
            tar.addfile(info)
        elif isinstance(entry.source, bytes):
            info.size = len(entry.source)
            tar.addfile(info, io.BytesIO(entry.source))
        else:
            with entry.source.open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                tar.addfile(info, file)

    def image(self, name: str, layers: list[Blob], **config: Any) -> Blob:
        """Store an image; `config` is that of the OCI image specification, such as Entrypoint and User."""
        oci = "application/vnd.oci.image"
        spec = {
            "architecture": self.architecture,
            "os": "linux",
            "config": {"Env": [PATH], **config},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
        stored = self.put(json.dumps(spec).encode())
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{oci}.manifest.v1+json",
            "config": {"mediaType": f"{oci}.config.v1+json", "digest": stored.digest, "size": stored.size},
            "layers": [
                {"mediaType": f"{oci}.layer.v1.tar", "digest": layer.digest, "size": layer.size} for layer in layers
            ],
        }
        made = self.put(json.dumps(manifest).encode())
        self._manifests.append(
            {
                "mediaType": f"{oci}.manifest.v1+json",
                "digest": made.digest,
                "size": made.size,
                "platform": {"architecture": self.architecture, "os": "linux"},
                "annotations": {"io.containerd.image.name": name},
            }
        )
        self.images[name] = made
        return made

    def write(self) -> None:
        """Write what names the images; the last step."""
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": self._manifests,
        }
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps(index))

    def stream(self, out: IO[bytes]) -> None:
        """Write all of it as one tar."""
        with tarfile.open(fileobj=out, mode="w|", bufsize=1 << 20) as tar:
            for name in ("oci-layout", "index.json", "blobs"):
                tar.add(self.folder / name, name)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

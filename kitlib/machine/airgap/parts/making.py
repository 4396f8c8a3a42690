"""Make a part where no registry answers: its program from pinned Go modules, its image from the program."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import folders, paths, resources
from kitlib.machine.airgap import oci, sbom
from kitlib.machine.airgap.oci import Entry, Layout
from kitlib.machine.airgap.parts.table import Part
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, modules, programcache, toolchain
from kitlib.progress import Progress

STEP = "build a part"
ARCHIVE = "image.tar"
"""Beside the program: its image, as `kind load image-archive` takes it."""
SBOM = "sbom.cdx.json"
"""Beside the program: the bill of materials, which the image has in /usr/share/kitlib, with the licences' texts."""
SHARED = "/usr/share/kitlib"
SIZE = resources.GIB // 4
"""What the program and its image take, twice for a moment."""


@dataclass(frozen=True)
class Made:
    """A part that was made here.

    Parameters
    ----------
    folder : Path
        Of the cache.
    image : str
        The image's name.
    digest : str
        The image's own: "sha256:0123…".
    """

    folder: Path
    image: str
    digest: str

    @property
    def archive(self) -> Path:
        """The file that holds the image."""
        return self.folder / ARCHIVE


def flags(part: Part) -> list[str]:
    """Return the flags of the one build command."""
    return [*build.COMMON, f"-ldflags=-s -w -X main.version={part.version}"]


def key(part: Part) -> str:
    """Return what names a part in the cache: a digest of everything that goes into it."""
    digest = hashlib.sha256("\n".join([part.image, part.program, part.user, *flags(part), build.goarch()]).encode())
    sources = sorted(path for path in part.source.rglob("*") if path.suffix in (".go", ".mod", ".sum"))
    for path in [*sources, *(Path(str(module.__file__)) for module in (oci, sbom, modules)), Path(__file__)]:
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return f"part-{part.name}-{digest.hexdigest()[:16]}"


def cached(part: Part) -> Made | None:
    """Return a part that is in the cache and whole."""
    folder = programcache.get(key(part))
    if folder is None:
        return None
    notes = json.loads((folder / programcache.MANIFEST).read_text())
    return Made(folder, part.image, notes["image"])


def make(part: Part, progress: bool = True) -> Made:
    """Make a part for Linux on this machine's processor, or take the one in the cache.

    A build that was stopped goes on where it was. Two processes build once: the second waits.

    Raises
    ------
    BuildError
        No Go, no modules, no room, or the compiler fails.
    """
    name = key(part)
    with FileLock(paths.cache() / "locks" / f"build-{name}.lock", f"{STEP}: {part.name}", progress) as lock:
        if found := cached(part):
            return found
        try:
            go = toolchain.find(progress)
            with programcache.adding(name) as draft:
                _compile(go, part, draft, name, lock.handle, progress)
                with Progress(f"make the image {part.image}", quiet=not progress):
                    digest = _image(part, draft)
                programcache.seal(draft, {}, go=go.version, system=f"linux/{build.goarch()}", image=digest)
        except BuildError as error:
            if error.step == "find Go":
                raise
            raise BuildError(error.message, step=STEP, object=part.name, next=error.next) from error
        except OSError as error:
            raise BuildError(
                f"{error.strerror}: {os.fspath(error.filename or programcache.folder(name))}.",
                step=STEP,
                object=part.name,
                next="see that there is room, then try again",
            ) from error
        made = cached(part)
        assert made is not None
        return made


def _compile(go: toolchain.Go, part: Part, draft: Path, name: str, lock: int, progress: bool) -> None:
    """Build the program into a draft of its folder, and note what it was compiled from."""
    target = gobuild.Target(
        f"{part.name} {part.version}", f"{part.module}@v{part.version}", SIZE, part.cache, part.modules
    )
    module = gobuild.Module(part.source, system="linux")
    gobuild.run(go, target, ["."], flags(part), module, draft, name, lock, progress)
    (draft / part.name).rename(draft / part.program)
    modules.keep(go, module, ["."], draft, lock)


def _image(part: Part, draft: Path) -> str:
    """Write the image of a program beside it; return its digest."""
    (draft / SBOM).write_text(sbom.document(sbom.modules(draft), part.name, part.version))
    texts = modules.licences(draft)
    work = draft / "layout"
    layout = Layout(work, build.goarch())
    layers = [
        layout.layer(Entry(f"/{part.program}", draft / part.program)),
        layout.layer(
            Entry(f"{SHARED}/{SBOM}", draft / SBOM, 0o644),
            *(Entry(f"{SHARED}/licences/{digest}", text, 0o644) for digest, text in sorted(texts.items())),
        ),
    ]
    made = layout.image(part.image, layers, Entrypoint=[f"/{part.program}"], User=part.user)
    layout.write()
    with (draft / ARCHIVE).open("wb") as file:
        layout.stream(file)
    folders.remove(work)
    return made.digest

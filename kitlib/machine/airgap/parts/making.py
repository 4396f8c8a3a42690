"""Make a part where no registry answers: an image of programs from pinned Go modules, Debian's packages and files."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from kitlib.errors import BuildError
from kitlib.machine import folders, paths, resources
from kitlib.machine.airgap import debian, debs, images, oci, sbom
from kitlib.machine.airgap.oci import Entry, Layout
from kitlib.machine.airgap.parts import contents
from kitlib.machine.airgap.parts.contents import Content
from kitlib.machine.airgap.parts.table import Part
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, modules, programcache, toolchain
from kitlib.progress import Progress

STEP = "build a part"
ARCHIVE = "image.tar"
"""Beside the programs: the image, as `kind load image-archive` takes it."""
SBOM = "sbom.cdx.json"
"""Beside the programs: the bill of materials, which the image has in /usr/share/kitlib, with the licences' texts."""
SHARED = "/usr/share/kitlib"
SIZE = resources.GIB // 4
"""What the programs and their image take, twice for a moment."""


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
    return [*build.COMMON, f"-ldflags=-s -w -X {part.variable}={part.version}"]


def key(part: Part) -> str:
    """Return what names a part in the cache: a digest of everything that goes into it."""
    told = {
        name: value
        for name, value in asdict(part).items()
        if name not in ("title", "published", "kubernetes", "cache", "modules")
    }
    release = debian.release().get("VERSION_CODENAME", "") if part.packages else ""
    digest = hashlib.sha256(json.dumps([told, flags(part), build.goarch(), release], sort_keys=True).encode())
    for path in sorted(path for path in part.source.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(part.source)} {programcache.sha256(path)}\n".encode())
    for code in (Path(__file__), *(Path(str(each.__file__)) for each in (contents, debs, images, oci, sbom, modules))):
        digest.update(code.read_bytes())
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
        No Go, no modules, no packages, no room, or the compiler fails.
    """
    if not part.can_be_made:
        raise BuildError(
            "it can't be made here: it is neither a Go module nor a package of Debian's.",
            step=STEP,
            object=part.name,
            next=f"use an engine that can fetch {part.published.partition('@')[0]}: Docker or Podman with a network",
        )
    name = key(part)
    with FileLock(paths.cache() / "locks" / f"build-{name}.lock", f"{STEP}: {part.name}", progress) as lock:
        if found := cached(part):
            return found
        try:
            with programcache.adding(name) as draft:
                go, taken = _compile(part, draft, name, lock.handle, progress) if part.programs else ("", draft)
                content = contents.of(part, taken, draft / "apt", STEP, progress)
                with Progress(f"make the image {part.image}", quiet=not progress):
                    digest = _image(part, draft, content)
                programcache.seal(draft, {}, go=go, system=f"linux/{build.goarch()}", image=digest)
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


def _compile(part: Part, draft: Path, name: str, lock: int, progress: bool) -> tuple[str, Path]:
    """Build the programs into a draft of their folder, and note of what; return Go's version, the module's folder."""
    go = toolchain.find(progress)
    known_by = f"{part.module}@{part.revision}"
    target = gobuild.Target(f"{part.name} {part.version}", known_by, SIZE, part.cache, part.modules)
    module = gobuild.Module(part.source, system="linux")
    packages = list(part.programs.values())
    gobuild.run(go, target, packages, flags(part), module, draft, name, lock, progress)
    for path, package in part.programs.items():
        built = part.source.name if package == "." else PurePosixPath(package).name
        (draft / built).rename(draft / PurePosixPath(path).name)
    modules.keep(go, module, packages, draft, lock)
    return go.version, modules.folder(go, module, part.module, lock)


def _image(part: Part, draft: Path, content: Content) -> str:
    """Write the image of a part beside its programs; return its digest."""
    texts: dict[str, bytes] = {}
    components = list(content.components)
    if part.programs:
        texts = modules.licences(draft)
        components += sbom.modules(draft)
    version = next((each.version for each in components if each.name == part.name), part.version)
    (draft / SBOM).write_text(sbom.document(components, part.name, version))
    work = draft / "layout"
    layout = Layout(work, build.goarch())
    programs = [Entry(path, draft / PurePosixPath(path).name) for path in part.programs]
    told = [
        Entry(f"{SHARED}/{SBOM}", draft / SBOM, 0o644),
        *(Entry(f"{SHARED}/licences/{digest}", text, 0o644) for digest, text in sorted(texts.items())),
    ]
    layers = [content.packaged, [*content.files, *programs], told]
    made = layout.image(part.image, [layout.layer(*layer) for layer in layers if layer], **part.config)
    layout.write()
    with (draft / ARCHIVE).open("wb") as file:
        layout.stream(file)
    folders.remove(work)
    return made.digest

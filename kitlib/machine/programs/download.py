"""Download programs of the official releases; what has no published digest, or another, is refused."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from kitlib.errors import BuildError
from kitlib.machine import paths, resources
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, programcache
from kitlib.machine.versions import Release
from kitlib.progress import Progress

KUBERNETES = "https://dl.k8s.io"
GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
PATIENCE = 4.0
"""Seconds for a host's first answer: a machine without a way out must not wait longer."""
STALL = 20.0
STEP = "download the official release"


@dataclass(frozen=True)
class Asset:
    """One file of a release.

    Parameters
    ----------
    program : str
    url : str
    digest_url : str
        Where the digest is published.
    member : str
        The file within it, if it is an archive.
    """

    program: str
    url: str
    digest_url: str
    member: str = ""


def assets(release: Release) -> dict[str, Asset]:
    """Return where each program of a release is; ``KITLIB_RELEASES`` names a mirror with the same paths."""
    mirror = os.environ.get("KITLIB_RELEASES", "").rstrip("/")
    kubernetes, github, api = (mirror or base for base in (KUBERNETES, GITHUB, GITHUB_API))
    system = f"{build.goos()}/{build.goarch()}"
    dashed = system.replace("/", "-")
    found = {}
    for program in build.KUBE:
        url = f"{kubernetes}/release/v{release.kubernetes}/bin/{system}/{program}"
        found[program] = Asset(program, url, f"{url}.sha256")
    etcd = f"{github}/etcd-io/etcd/releases/download/v{release.etcd}"
    kind = "zip" if build.goos() == "darwin" else "tar.gz"
    folder = f"etcd-v{release.etcd}-{dashed}"
    found["etcd"] = Asset("etcd", f"{etcd}/{folder}.{kind}", f"{etcd}/SHA256SUMS", f"{folder}/etcd")
    kwok = f"{github}/kubernetes-sigs/kwok/releases/download/v{release.kwok}"
    listing = f"{api}/repos/kubernetes-sigs/kwok/releases/tags/v{release.kwok}"
    for program in ("kwok", "kwokctl"):
        found[program] = Asset(program, f"{kwok}/{program}-{dashed}", listing)
    return found


def key(release: Release) -> str:
    """Return what names a downloaded release in the cache."""
    return f"release-{release.kubernetes}-{release.etcd}-{release.kwok}-{build.goos()}-{build.goarch()}"


def cached(release: Release) -> Path | None:
    """Return the folder of programs that were downloaded, if they are whole."""
    return programcache.get(key(release))


def fetch(release: Release, programs: tuple[str, ...], progress: bool = True) -> Path:
    """Download programs into the cache; return their folder.

    Raises
    ------
    BuildError
        A host can't be reached, a file is not there, a digest is missing or is another, or the disk is full.
    """
    wanted = assets(release)
    with FileLock(paths.cache() / "locks" / f"{key(release)}.lock", STEP, progress):
        home = cached(release)
        if home and all((home / program).exists() for program in programs):
            return home
        digests = {program: digest(wanted[program]) for program in programs}
        try:
            with programcache.adding(key(release)) as part:
                if home:
                    for path in home.iterdir():
                        if path.is_file() and not path.name.startswith((".", "manifest")) and path.name not in programs:
                            shutil.copy2(path, part / path.name)
                for program in programs:
                    _fetch_one(wanted[program], digests[program], part, progress)
                programcache.seal(part, {}, source="official release")
            return programcache.folder(key(release))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise resources.disk_full(STEP, programcache.folder(key(release)).parent, "no space is left") from error
            raise


def digest(asset: Asset) -> str:
    """Return the published SHA-256 digest of an asset."""
    with _open(asset.digest_url) as answer:
        text = answer.read(10 * resources.MIB).decode(errors="replace")
    name = asset.url.rsplit("/", 1)[1]
    found = ""
    if asset.digest_url.endswith(".sha256"):
        found = text.split()[0] if text.split() else ""
    elif asset.digest_url.endswith("SHA256SUMS"):
        lines = (line.split() for line in text.splitlines())
        found = next((line[0] for line in lines if len(line) == 2 and line[1].lstrip("*") == name), "")
    else:
        try:
            entries = json.loads(text)["assets"]
            value = next((entry.get("digest") or "" for entry in entries if entry["name"] == name), "")
            found = value.removeprefix("sha256:") if value.startswith("sha256:") else ""
        except (ValueError, KeyError, TypeError):
            found = ""
    if len(found) != 64 or set(found.lower()) - set("0123456789abcdef"):
        raise BuildError("no digest is published for it, so it is not taken.", step=STEP, object=asset.url)
    return found.lower()


def _fetch_one(asset: Asset, wanted: str, part: Path, progress: bool) -> None:
    whole = part / f".{asset.program}.part"
    hasher = hashlib.sha256()
    with (
        _open(asset.url, STALL) as answer,
        whole.open("wb") as file,
        Progress(f"download {asset.program}", quiet=not progress) as bar,
    ):
        size = int(answer.headers.get("Content-Length") or 0)
        if size:
            resources.need_disk({part: size * (3 if asset.member else 1)}, STEP)
        try:
            for data in iter(lambda: answer.read(resources.MIB // 4), b""):
                hasher.update(data)
                file.write(data)
                bar.update(f"{file.tell() / resources.MIB:.0f} MiB", done=file.tell(), total=size or None)
        except (TimeoutError, urllib.error.URLError, HTTPException, ConnectionError) as error:
            raise _unreachable(asset.url, error) from error
    if hasher.hexdigest() != wanted:
        raise BuildError(
            f"its digest is {hasher.hexdigest()}, not the published {wanted}: refused.",
            step=STEP,
            object=asset.url,
            next="try again later; something between here and there changes the file",
        )
    if asset.member:
        _unpack(whole, asset.member, part / asset.program)
        whole.unlink()
    else:
        whole.rename(part / asset.program)


def _unpack(archive: Path, member: str, target: Path) -> None:
    """Take one file out of an archive; names within it are never used as paths."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            source = tar.extractfile(member)
            if source is None:
                raise BuildError(f"the archive lacks {member}.", step=STEP, object=archive.name)
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
    else:
        import zipfile

        with zipfile.ZipFile(archive) as pack, pack.open(member) as inner, target.open("wb") as file:
            shutil.copyfileobj(inner, file)


class _Answer(io.BufferedIOBase):
    headers: dict[str, str]


def _open(url: str, timeout: float | None = None) -> _Answer:
    """Open a URL; a resolver that stays silent is given up on, too."""
    timeout = PATIENCE if timeout is None else timeout
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise BuildError("only https is used for another machine.", step=STEP, object=url)
    result: list[_Answer] = []
    failure: list[Exception] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "kitlib"})
            result.append(urllib.request.urlopen(request, timeout=timeout))
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout + 1)
    if result:
        return result[0]
    raise _unreachable(url, failure[0] if failure else TimeoutError("no answer"))


def _unreachable(url: str, error: Exception) -> BuildError:
    if isinstance(error, urllib.error.HTTPError):
        message = f"the server answers {error.code}."
    else:
        message = f"it can't be reached ({getattr(error, 'reason', error) or type(error).__name__})."
    return BuildError(message, step=STEP, object=url, next="connect this machine to the network, and try again")

"""Download programs of the official releases; what has no published digest, or another, is refused."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import ssl
import tarfile
import tempfile
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
"""Seconds without a byte after which a download is given up."""
CHUNK = resources.MIB // 4
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
    with tempfile.TemporaryDirectory() as place:
        meter = _Meter(asset.digest_url, most=10 * resources.MIB)
        file = _within(PATIENCE + 1, asset.digest_url, lambda: _get(asset.digest_url, place, PATIENCE, meter))
        text = file.read_text(errors="replace", encoding="utf-8")
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
    with Progress(f"download {asset.program}", quiet=not progress) as bar:
        meter = _Meter(asset.url, bar, room=part, times=3 if asset.member else 1)
        file = _get(asset.url, part, STALL, meter, wanted)
    if asset.member:
        _unpack(file, asset.member, part / asset.program)
        file.unlink()
    else:
        file.rename(part / asset.program)


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


class _Meter:
    """What pooch tells how far it is: shows it, and stops what is too much.

    Parameters
    ----------
    url : str
    bar : Progress, optional
        Where it is shown.
    room : Path, optional
        The folder that must have room for it, `times` over.
    most : int, optional
        How many bytes are taken at all.
    """

    def __init__(
        self,
        url: str,
        bar: Progress | None = None,
        room: Path | None = None,
        times: int = 1,
        most: int | None = None,
    ) -> None:
        self._url, self._bar, self._room, self._times, self._most = url, bar, room, times, most
        self._done = self._total = 0

    @property
    def total(self) -> int:
        """How many bytes it will be; 0 if the server doesn't say."""
        return self._total

    @total.setter
    def total(self, size: int) -> None:
        self._total = size
        if size and self._room:
            resources.need_disk({self._room: size * self._times}, STEP)

    def update(self, size: int) -> None:
        """Count bytes that came."""
        self._done += size
        if self._most and self._done > self._most + CHUNK:
            raise BuildError("it is too long.", step=STEP, object=self._url)
        if self._bar:
            done = min(self._done, self._total or self._done)
            self._bar.update(f"{done / resources.MIB:.0f} MiB", done=done, total=self._total or None)

    def reset(self) -> None:
        """Begin to count anew."""
        self._done = 0

    def close(self) -> None:
        """Do nothing: whoever made the bar ends it."""


def _get(url: str, folder: Path | str, stall: float, meter: _Meter, wanted: str | None = None) -> Path:
    """Have pooch fetch a file; with `wanted`, only if that is its digest."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise BuildError("only https is used for another machine.", step=STEP, object=url)
    import pooch  # late: it brings requests along
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    get = pooch.HTTPDownloader(
        progressbar=meter,
        chunk_size=CHUNK,
        timeout=(PATIENCE, stall),
        verify=_authorities(),
        auth=_nobody,
        headers={"User-Agent": "kitlib", "Accept-Encoding": "identity"},
    )
    digest = wanted and f"sha256:{wanted}"
    try:
        return Path(pooch.retrieve(url, digest, fname=f".{parts.path.rsplit('/', 1)[-1]}", path=folder, downloader=get))
    except requests.HTTPError as error:
        raise _unreachable(url, f"the server answers {getattr(error.response, 'status_code', 'nothing')}.") from error
    except requests.RequestException as error:
        raise _unreachable(url, f"it can't be reached ({_reason(error)}).") from error
    except ValueError as error:
        raise BuildError(
            f"its digest is not the published {wanted}: refused.",
            step=STEP,
            object=url,
            next="try again later; something between here and there changes the file",
        ) from error


def _within(seconds: float, url: str, act: Callable[[], Path]) -> Path:
    """Do something that asks a host for the first time: a resolver that stays silent is given up on, too."""
    result: list[Path] = []
    failure: list[BaseException] = []

    def ask() -> None:
        try:
            result.append(act())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if result:
        return result[0]
    if failure:
        raise failure[0]
    raise _unreachable(url, "it can't be reached (no answer).")


def _authorities() -> str | bool:
    """Return whom to trust: the authorities that this machine trusts, else those that come with requests."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if named:
        return named
    system = ssl.get_default_verify_paths()
    if system.cafile:
        return system.cafile
    return system.capath if system.capath and any(Path(system.capath).iterdir()) else True


def _nobody(request: Any) -> Any:
    """Send nobody's name: requests would look into ~/.netrc for one."""
    return request


def _reason(error: BaseException) -> str:
    """Return what lies beneath an error of requests, which tells of its own objects first."""
    while beneath := error.__cause__ or error.__context__:
        error = beneath
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _unreachable(url: str, message: str) -> BuildError:
    return BuildError(message, step=STEP, object=url, next="connect this machine to the network, and try again")

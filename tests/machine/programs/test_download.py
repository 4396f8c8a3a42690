"""The official release: taken only with the published digest; no network is known within seconds."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import socket
import tarfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine import resources
from kitlib.machine.programs import build, download, programcache
from kitlib.machine.versions import Release


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, also as a proxy, and says nothing about it."""

    def translate_path(self, path: str) -> str:
        self.server.asked.append((path, dict(self.headers)))  # type: ignore[attr-defined]
        return super().translate_path(urllib.parse.urlsplit(path).path)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def asked() -> list[tuple[str, dict[str, str]]]:
    """What the mirror was asked: paths and headers."""
    return []


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Release, asked: list) -> Iterator[Path]:
    """A release on a server of this machine, laid out as the official one, with digests."""
    root = tmp_path / "mirror"
    root.mkdir()
    handler = functools.partial(Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = asked  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("KITLIB_RELEASES", f"http://127.0.0.1:{server.server_address[1]}")
        digests = []
        for program, asset in download.assets(known).items():
            data = f"#!/bin/sh\necho {program}\n".encode()
            if asset.member:
                buffer = io.BytesIO()
                with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                    entry = tarfile.TarInfo(asset.member)
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))
                data = buffer.getvalue()
            path = place(root, asset.url)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            where = place(root, asset.digest_url)
            where.parent.mkdir(parents=True, exist_ok=True)
            if where.suffix == ".sha256":
                where.write_text(digest)
            elif where.name == "SHA256SUMS":
                where.write_text(f"{'0' * 64}  other.tar.gz\n{digest}  {path.name}\n")
            else:
                digests.append({"name": path.name, "digest": f"sha256:{digest}"})
                where.write_text(json.dumps({"assets": digests}))
        yield root
        server.shutdown()
        thread.join()


def place(root: Path, url: str) -> Path:
    """Return the file that a URL of the mirror stands for."""
    return root / urllib.parse.urlsplit(url).path.lstrip("/")


def test_everything_is_fetched_checked_and_kept(mirror: Path, cache: Path, known: Release) -> None:
    home = download.fetch(known, build.PROGRAMS, progress=False)
    assert home == download.cached(known) == programcache.folder(download.key(known))
    assert (home / "etcd").read_text() == "#!/bin/sh\necho etcd\n"
    assert (home / "kwok").stat().st_mode & 0o111
    for path in mirror.rglob("*"):
        if path.is_file():
            path.unlink()
    assert download.fetch(known, build.PROGRAMS, progress=False) == home


def test_a_proxy_is_asked_where_one_is_named(
    mirror: Path, cache: Path, known: Release, asked: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", download.assets(known)["etcd"].url.split("/etcd-io")[0])
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("KITLIB_RELEASES", "http://localhost:1")
    assert (download.fetch(known, ("etcd",), progress=False) / "etcd").exists()
    assert asked and all(path.startswith("http://localhost:1/") for path, _ in asked)


def test_nobodys_name_is_sent(
    mirror: Path, cache: Path, known: Release, asked: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    download.fetch(known, ("kwok",), progress=False)
    assert asked and not any("Authorization" in headers for _, headers in asked)


def test_a_list_of_digests_that_does_not_end_is_refused(mirror: Path, cache: Path, known: Release) -> None:
    with place(mirror, download.assets(known)["etcd"].digest_url).open("wb") as file:
        file.truncate(12 * 2**20)
    with pytest.raises(BuildError, match="it is too long"):
        download.fetch(known, ("etcd",), progress=False)


def test_what_has_no_room_is_refused_before_it_comes(
    mirror: Path, cache: Path, known: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "disk", lambda path: 10)
    with pytest.raises(BuildError, match=r"(?i)free|room"):
        download.fetch(known, ("kwok",), progress=False)
    assert not list(cache.glob("bin/*"))


def test_what_is_missing_is_added_later(mirror: Path, cache: Path, known: Release) -> None:
    download.fetch(known, ("etcd",), progress=False)
    home = download.fetch(known, ("kwok",), progress=False)
    assert (home / "etcd").exists()
    assert (home / "kwok").exists()


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd", "kwok"])
def test_a_wrong_digest_is_refused(mirror: Path, cache: Path, known: Release, program: str) -> None:
    path = place(mirror, download.assets(known)[program].url)
    path.write_bytes(path.read_bytes() + b"#")
    with pytest.raises(BuildError, match=r"not the published [0-9a-f]{64}: refused"):
        download.fetch(known, build.PROGRAMS, progress=False)
    assert not list(cache.glob("bin/*"))
    assert not list(cache.glob("bin/.part*"))


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd", "kwok"])
def test_without_a_published_digest_it_is_refused(mirror: Path, cache: Path, known: Release, program: str) -> None:
    place(mirror, download.assets(known)[program].digest_url).write_text("{}")
    with pytest.raises(BuildError, match="no digest is published"):
        download.fetch(known, (program,), progress=False)
    assert not list(cache.glob("bin/*"))


def test_a_missing_file_is_told(mirror: Path, cache: Path, known: Release) -> None:
    place(mirror, download.assets(known)["kubectl"].url).unlink()
    with pytest.raises(BuildError, match="the server answers 404"):
        download.fetch(known, ("kubectl",), progress=False)


def test_no_network_is_known_at_once(nowhere: str, cache: Path, known: Release) -> None:
    began = time.monotonic()
    with pytest.raises(BuildError, match=r"(?s)can't be reached.*Next: connect this machine"):
        download.fetch(known, build.PROGRAMS, progress=False)
    assert time.monotonic() - began < 5


def test_a_host_that_stays_silent_is_given_up(cache: Path, known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("KITLIB_RELEASES", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(BuildError, match="can't be reached"):
            download.fetch(known, build.PROGRAMS, progress=False)
        assert time.monotonic() - began < 8


def test_plain_http_to_another_machine_is_refused(cache: Path, known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITLIB_RELEASES", "http://mirror.example")
    with pytest.raises(BuildError, match="only https"):
        download.fetch(known, build.PROGRAMS, progress=False)


def test_the_official_places(known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KITLIB_RELEASES", raising=False)
    assert all(asset.url.startswith("https://") for asset in download.assets(known).values())
    assert all(asset.digest_url.startswith("https://") for asset in download.assets(known).values())

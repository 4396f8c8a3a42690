"""The build: once, by content, whole or not at all, and it goes on after an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine import processes, resources
from kitlib.machine.programs import build, gobuild, programcache
from kitlib.machine.versions import Release
from kitlib.progress import Progress

ONE = ("kubectl",)

MAKE = """
import sys, pathlib
from kitlib.cluster import release
from kitlib.machine.programs import build
build.source = lambda release: pathlib.Path(sys.argv[1])
print(build.make(release(), ("kubectl",), progress=True), flush=True)
"""


def start(module: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a build of the tiny module in another process."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(module)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_is_built_once_and_then_taken_from_the_cache(tiny: Path, cache: Path, known: Release) -> None:
    home = build.make(known, ONE, progress=False)
    assert subprocess.run([home / "kubectl"], capture_output=True, text=True).stdout == '"built"\n'
    made = (home / "kube").stat().st_ino
    assert build.make(known, ONE, progress=False) == home
    assert (home / "kube").stat().st_ino == made
    assert sorted(path.name for path in cache.glob("bin/*")) == [build.key(known, ONE)]


def test_another_content_is_another_build(tiny: Path, cache: Path, known: Release) -> None:
    first = build.key(known, ONE)
    main = tiny / "cmd/kube/main.go"
    main.write_text(main.read_text().replace("built", "changed"))
    build.key.cache_clear()
    assert build.key(known, ONE) != first
    home = build.make(known, ONE, progress=False)
    assert subprocess.run([home / "kubectl"], capture_output=True, text=True).stdout == '"changed"\n'


def test_a_damaged_build_is_made_anew(tiny: Path, cache: Path, known: Release) -> None:
    home = build.make(known, ONE, progress=False)
    (home / "kube").write_bytes(b"half")
    assert build.cached(known, ONE) is None
    assert build.make(known, ONE, progress=False) == home
    assert subprocess.run([home / "kubectl"], capture_output=True, text=True).stdout == '"built"\n'


def test_two_processes_build_once(tiny: Path, cache: Path, known: Release) -> None:
    pair = [start(tiny), start(tiny)]
    outputs = [child.communicate(timeout=120) for child in pair]
    assert [child.returncode for child in pair] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert sum("build Kubernetes" in err and "(once; Go" in err for _, err in outputs) == 1, outputs


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_and_goes_on(
    tiny: Path, cache: Path, known: Release, tmp_path: Path, number: int
) -> None:
    gocache = tmp_path / "gocache"
    child = start(tiny, GOCACHE=str(gocache))
    notes = cache / "locks" / f"compiled-{build.key(known, ONE)}"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (notes.exists() and notes.read_text()) and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode not in (0, None), err
    assert build.cached(known, ONE) is None
    if number == signal.SIGINT:
        assert not list(cache.glob("bin/.part*"))
        assert not [pid for pid in processes.below(cache)]
    done = len(notes.read_text().split())
    again = start(tiny, GOCACHE=str(gocache))
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert Path(out.strip()) == build.cached(known, ONE)
    assert not list(cache.glob("bin/.part*"))
    assert done > 0
    assert not notes.exists()


def test_no_network(go: Path, cache: Path, known: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(resources, "disk", lambda path: 10**12)
    began = time.monotonic()
    with pytest.raises(BuildError, match=r"(?s)Go modules can't be fetched: .*127\.0\.0\.1:1.*Next: connect"):
        build.make(known, progress=False)
    assert time.monotonic() - began < 30
    assert not list(cache.glob("bin/*"))
    assert not list(cache.glob("bin/.part*"))


def test_a_compiler_error_is_told(tiny: Path, cache: Path, known: Release) -> None:
    (tiny / "cmd/kube/main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    build.key.cache_clear()
    with pytest.raises(BuildError, match="undefined: nonsense"):
        build.make(known, ONE, progress=False)
    assert build.cached(known, ONE) is None


def test_a_build_that_someone_else_ends_says_so(tmp_path: Path) -> None:
    command = ["sh", "-c", "kill -TERM $$"]
    with (
        (tmp_path / "lock").open("w") as lock,
        pytest.raises(BuildError, match=r"(?s)sh was ended .*SIGTERM.*try again"),
    ):
        gobuild.call(command, tmp_path, dict(os.environ), lock.fileno(), lambda line: True, lambda: None, None)


def test_too_little_room_is_told_before_anything_starts(
    cache: Path, known: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "disk", lambda path: resources.GIB // 4)
    with pytest.raises(BuildError, match=r"(?s)the disk is full: .* are needed, 0\.2 GiB are free.*Next: free"):
        resources.need_disk({tmp_path / "a": resources.GIB, tmp_path / "b": resources.GIB}, gobuild.STEP)


FULL = """
import pathlib, sys
from kitlib.cluster import release
from kitlib.machine.programs import build, gobuild
from kitlib.errors import BuildError
build.source = lambda release: pathlib.Path(sys.argv[1])
gobuild.PROGRAMS_SIZE = 0
try:
    build.make(release(), ("kubectl",), progress=False)
except BuildError as error:
    print(error)
print(sorted(path.name for path in pathlib.Path(sys.argv[2]).rglob("*") if path.is_file()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a small file system is made as Linux does it")
def test_a_disk_that_fills_up(tiny: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=1m tmpfs {small} && exec "$0" -c "$1" {tiny} {small}'
    for options in (["-m"], ["-Urm"]):
        command = ["unshare", *options, "sh", "-c", script, sys.executable, FULL]
        done = subprocess.run(command, env=os.environ | {"KITLIB_CACHE": str(small)}, capture_output=True, text=True)
        if "permitted" not in done.stderr and "denied" not in done.stderr:
            break
    else:
        pytest.skip("allow user namespaces, or run as root, to make a small file system")
    assert done.returncode == 0, done.stderr
    assert "the disk is full" in done.stdout
    assert "Next: free some space" in done.stdout
    assert "kube" not in done.stdout.splitlines()[-1].replace("build-", "")


def test_modules_that_are_fetched_are_counted_in_words() -> None:
    bar = Progress("fetch Go modules", quiet=True)
    line = gobuild.fetching(bar)
    for name in ("k8s.io/api v0.37.2", "go.etcd.io/etcd/server/v3 v3.6.4"):
        line(f"go: downloading {name}")
    assert bar.text == "2 so far, now go.etcd.io/etcd/server/v3"


def test_memory_decides_how_compilers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "processors", lambda: 2)
    monkeypatch.setattr(resources, "memory", lambda: 24 * resources.GIB)
    assert gobuild.settings()[0]["GOMEMLIMIT"] == "4096MiB"
    monkeypatch.setattr(resources, "memory", lambda: 6 * resources.GIB)
    assert gobuild.settings()[0]["GOMEMLIMIT"] == "2048MiB"
    monkeypatch.setattr(resources, "memory", lambda: 2 * resources.GIB)
    environment, jobs = gobuild.settings()
    assert (environment["GOGC"], jobs) == ("50", ["-p=1"])


def test_the_key_holds_flags_and_system(known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    build.key.cache_clear()
    first = build.key(known)
    monkeypatch.setattr(build, "goarch", lambda: "riscv64")
    build.key.cache_clear()
    assert build.key(known) != first
    build.key.cache_clear()
    assert programcache.folder(first).name.startswith(known.kubernetes)

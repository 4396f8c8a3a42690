"""Nothing is left behind: by Ctrl-C at any step of `up` and `build`, by an engine that is killed, by `down`."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import record
from kitlib.cluster.kind import engines
from kitlib.errors import ClusterError
from kitlib.machine import paths
from kitlib.machine.airgap import debian, engine, nodeimage, probe
from kitlib.machine.programs import nodeprograms, programcache
from tests.machine.airgap import machine

pytestmark = [pytest.mark.kind, pytest.mark.slow]


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """The node image, made before; engines of this machine are hidden, so that kitlib starts its own."""
    able, why = debian.able()
    if not able:
        pytest.skip(f"kitlib's own engine can't be had here: {why}; use root on Debian")
    debian.install(debian.ENGINE, "prepare the tests", progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nowhere")
        patch.setattr(engines, "ENGINES", ("docker",))
        yield nodeimage.make(progress=True)


@pytest.fixture(autouse=True)
def clean(own_state: Path) -> Iterator[None]:
    """What a test that fails left up isn't the next one's."""
    with machine.alone():
        yield
        clusters.down()


def interrupted(words: list[str], at: str, state: Path, **environment: str) -> tuple[int, str]:
    """Run a command on a terminal until it says `at`, send it Ctrl-C, and return its exit code and all that it said."""
    terminal, its = pty.openpty()  # which is told of each step, however short; a pipe gets a line each five seconds
    child = subprocess.Popen(
        [sys.executable, "-m", "kitlib.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=its,
        env={**os.environ, "KITLIB_STATE": str(state), **environment},
        start_new_session=True,
    )
    os.close(its)
    said = b""
    until = time.monotonic() + 600
    sent = False
    try:
        while True:
            if not select.select([terminal], [], [], max(until - time.monotonic(), 0.1))[0]:
                pytest.fail(f"it never said {at!r}:\n{said.decode()}")
            try:
                said += os.read(terminal, 65536)
            except OSError:  # its other end is closed
                break
            if not sent and at.encode() in said:
                sent = True
                child.send_signal(signal.SIGINT)
        assert sent, said.decode()
        return child.wait(120), said.decode()
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


@pytest.mark.parametrize("at", ["start the container engine", "Preparing nodes", "Starting control-plane"])
def test_up(at: str, built: Path, own_state: Path) -> None:
    before = machine.snapshot()
    code, said = interrupted(["up", "--provider", "kind"], at, own_state)
    assert code == 130, said
    assert "kitlib: interrupted; what is done is kept" in said
    assert "Traceback" not in said
    assert engine.find() is None
    assert not [path for path in (own_state / "clusters").glob("*") if not path.name.startswith(".")]
    assert not (own_state / "engine").exists()
    assert not machine.difference(before, machine.snapshot())


def test_build(built: Path, own_state: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for path in (
        programcache.folder(nodeprograms.key()),
        programcache.folder(probe.key()),
        paths.cache() / "airgap" / debian.rootfs_key(),
    ):
        link = cache / path.relative_to(paths.cache())
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    before = machine.snapshot()
    code, said = interrupted(["airgap", "build"], "import of images", own_state, KITLIB_CACHE=str(cache))
    assert code == 130, said
    assert "kitlib: interrupted" in said and "Traceback" not in said
    assert not [path for path in (cache / "airgap").iterdir() if not path.is_symlink()], "a part is left"
    assert not machine.difference(before, machine.snapshot())
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(cache).encode() in _read(path)]
    assert not left


@pytest.mark.parametrize("words", [["airgap", "build"], ["up", "--provider", "kind"]])
def test_no_disk(words: list[str], built: Path, small_disk: Path) -> None:
    before = machine.snapshot()
    place = {("KITLIB_CACHE" if words[0] == "airgap" else "KITLIB_STATE"): str(small_disk)}
    done = subprocess.run(
        [sys.executable, "-m", "kitlib.cli", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **place},
        timeout=120,
        check=False,
    )
    assert done.returncode in (3, 7), done.stderr
    assert re.search(r"kitlib: .*: the disk is full: \d\.\d GiB are needed, 0\.0 GiB are free", done.stderr)
    assert "Next: free some space there, or set KITLIB_CACHE and KITLIB_STATE" in done.stderr
    assert all(path.suffix == ".lock" for path in small_disk.rglob("*") if path.is_file())
    assert not machine.difference(before, machine.snapshot())


def test_an_engine_that_ends_in_mid_walk_is_said_and_mended(built: Path, own_state: Path) -> None:
    before = machine.snapshot()
    made = clusters.up("kind", progress=True)
    own = engine.find()
    assert own
    os.kill(own.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while engine.find() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not clusters.clusters()
    with pytest.raises(ClusterError, match="no running cluster"):
        clusters.find(made.name)
    with pytest.raises(ClusterError, match=r"its engine has ended.*\n.*kitlib up"):
        clusters.stop_node(made, f"{record.load(made.name)[1]['kind_name']}-worker")
    again = clusters.up("kind", progress=True)
    assert (again.name, again.node_count) == (made.name, 3)
    again.verify()
    clusters.down("kind-1.37")
    assert engine.find() is None, "the engine goes with the last cluster that needed it"
    assert not clusters.clusters()
    assert {path.name for path in own_state.rglob("*") if path.is_file()} <= {".engine.lock", ".kind-1.37.lock"}
    assert not machine.difference(before, machine.snapshot())


def test_an_engine_that_was_asked_for_stays_until_all_goes(built: Path, own_state: Path) -> None:
    before = machine.snapshot()
    own = engine.up(progress=False)
    assert engine.up(progress=False) == own
    engines.stop_if_unused()
    assert engine.find() == own
    clusters.down()
    assert engine.find() is None
    assert not machine.difference(before, machine.snapshot())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

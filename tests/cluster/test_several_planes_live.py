"""Three control planes that share an address: up, asked by that, and gone with who had them, however that ended."""

from __future__ import annotations

import os
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
from kitlib.machine.airgap import debian, engine, nodeimage, parts
from tests.machine.airgap import machine

pytestmark = [pytest.mark.kind, pytest.mark.slow]
NAME = "kind-1.37-ha"
CHILD = """
import time
from kitlib import cluster as clusters
clusters.lend("1.37-ha")
print("up", flush=True)
time.sleep(3600)
"""


@pytest.fixture(scope="module")
def built() -> Iterator[None]:
    """What it is made of, made before; engines of this machine are hidden, so that kitlib starts its own."""
    able, why = debian.able()
    if not able:
        pytest.skip(f"kitlib's own engine can't be had here: {why}; use root on Debian")
    debian.install(debian.ENGINE, "prepare the tests", progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nowhere")
        patch.setattr(engines, "ENGINES", ("docker",))
        nodeimage.make(progress=True)
        parts.make(parts.find("vip"), progress=True)
        yield


@pytest.fixture(autouse=True)
def clean(own_state: Path) -> Iterator[None]:
    """What a test that fails left up isn't the next one's."""
    with machine.alone():
        yield
        clusters.down()


def nothing_is_left(before: dict[str, list[str]], state: Path) -> None:
    assert record.names() == [] and engine.find() is None
    assert not list((state / "lent").glob("*"))
    until = time.monotonic() + 60  # kind, whose parent was killed, ends when it finds its engine gone
    while left := machine.difference(before, machine.snapshot()):
        assert time.monotonic() < until, left
        time.sleep(0.5)


@pytest.mark.timeout(900)
def test_killed_while_it_comes_up_the_next_one_takes_it_down(built: None, own_state: Path) -> None:
    before = machine.snapshot()
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 600
        while not (own_state / "clusters" / NAME / "kind.yaml").exists():
            assert child.poll() is None and time.monotonic() < until, "it was never begun"
            time.sleep(0.2)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert clusters.sweep() == [NAME]
    nothing_is_left(before, own_state)


@pytest.mark.timeout(900)
def test_nodes_ask_by_the_shared_address_and_all_goes_when_who_had_it_is_killed(built: None, own_state: Path) -> None:
    before = machine.snapshot()
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "up\n"
        found = clusters.find(NAME)
        assert found.node_count == 4 and clusters.sweep() == [], "who has it lives"
        ready = ["curl", "-sk", "--max-time", "10", "https://api.kitlib:6443/readyz"]
        assert clusters.node(found, "worker").run(ready) == "ok"
        address = clusters.node(found, "worker").run(["getent", "hosts", "api.kitlib"]).split()[0]
        shown = [
            clusters.node(found, f"control-plane{number}").run(["ip", "-4", "-o", "address", "show", "dev", "eth0"])
            for number in ("", 2, 3)
        ]
        assert sum(f" {address}/32 " in text for text in shown) == 1
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert clusters.sweep() == [NAME]
    nothing_is_left(before, own_state)

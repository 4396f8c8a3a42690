"""What all tests share: places of their own, live clusters, one walk over all notebooks; and in CI no skipping.

The tests' embedded cluster has its state in build/test/state, beside the user's own, so neither is in the other's way.
What is marked "kind" comes last and has build/test/kind, since where a kind cluster is, kitlib chooses it. The programs
come from the user's cache. After a `kill -9` the next run finds the clusters and goes on; `make test` removes them at
its end, a bare pytest leaves them for the next run.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kitlib.api.transport import Connection
    from kitlib.cluster import Cluster
    from kitlib.walk import WalkResult

CHECKOUT = Path(__file__).resolve().parent.parent
PLACE = CHECKOUT / "build" / "test"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that; the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before anything of kitlib runs: nothing of the user's is touched but the cache of programs.
os.environ.setdefault("KITLIB_STATE", str(PLACE / "state"))
os.environ["KITLIB_BUILD"] = str(PLACE / "build")  # where notebooks run by nbval leave claims and recordings
for name in ("KITLIB_CLUSTER", "KITLIB_CONTEXT", "KITLIB_YES_WRITE", "KITLIB_DEBUG", "KUBECONFIG"):
    os.environ.pop(name, None)


class Notebooks:
    """Runs nbval's cells on the tests' cluster, and counts them among the live tests."""

    def __init__(self) -> None:
        self.ready_for: set[Path] = set()
        self.on_kind = False

    @pytest.hookimpl(tryfirst=True)  # before -m chooses
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark each cell."""
        for item in items:
            if type(item).__name__ == "IPyNbCell":
                item.add_marker(pytest.mark.live)
                item.add_marker(pytest.mark.slow)
                if needs_containers(item.path):
                    item.add_marker(pytest.mark.kind)
        items.sort(key=lambda item: item.get_closest_marker("kind") is not None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Have a cluster before a notebook's kernel starts: one with containers for those that need some."""
        if not self.on_kind and item.get_closest_marker("kind"):
            self.on_kind = True
            os.environ["KITLIB_STATE"] = str(PLACE / "kind")
        if type(item).__name__ == "IPyNbCell" and item.path not in self.ready_for:
            os.environ["KITLIB_CLUSTER"] = (with_containers() if needs_containers(item.path) else bring_up()).name
            self.ready_for.add(item.path)
        elif type(item).__name__ != "IPyNbCell":
            os.environ.pop("KITLIB_CLUSTER", None)


def needs_containers(path: Path) -> bool:
    """Say whether a notebook names containers among its needs."""
    return json.loads(path.read_text())["metadata"].get("kitlib", {}).get("needs") == "containers"


def with_containers() -> Cluster:
    """Return the tests' kind cluster, made if it isn't there; skip where no container engine can be had."""
    from kitlib import cluster as clusters
    from kitlib.cluster.kind import engines
    from kitlib.machine.airgap import debian

    if not engines.find():
        able, why = debian.able()
        if not able:
            pytest.skip(f"no container engine answers, and none can be had: {why}; start Docker or Podman")
    return clusters.up("kind", progress=True)


class NothingSkipped:
    """In CI a skipped test is a failed one: it says what the machine lacks."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        """Turn a test's skip into a failure."""
        report = yield
        return self._failed(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Any:
        """Turn a whole file's skip into an error."""
        report = yield
        return self._failed(report)

    @staticmethod
    def _failed(report: Any) -> Any:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            report.outcome = "failed"
            report.longrepr = f"In CI nothing may be skipped, but this was. {reason}"
        return report


def pytest_configure(config: pytest.Config) -> None:
    """Make the above known for every item, also for those outside this folder."""
    take_down_orphans()
    config.pluginmanager.register(Notebooks(), "kitlib-notebooks")
    if IN_CI:
        config.pluginmanager.register(NothingSkipped(), "kitlib-nothing-skipped")


def take_down_orphans() -> None:
    """Remove the clusters of test runs that were killed: those in build/test/states, which are named by process."""
    for folder in sorted((PLACE / "states").glob("*-*")):
        try:
            os.kill(int(folder.name.split("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            command = [sys.executable, "-m", "kitlib.cli", "down", "--quiet"]
            subprocess.run(command, env={**os.environ, "KITLIB_STATE": str(folder)}, check=False)
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


@pytest.fixture(scope="module")
def own_state() -> Iterator[Path]:
    """A state folder for one file of tests; whatever runs there is taken down at the end, or by the next run."""
    from kitlib import cluster

    folder = PLACE / "states" / f"{os.getpid()}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    before = os.environ["KITLIB_STATE"]
    os.environ["KITLIB_STATE"] = str(folder)
    try:
        yield folder
    finally:
        cluster.down()
        os.environ["KITLIB_STATE"] = before
        shutil.rmtree(folder, ignore_errors=True)


def bring_up() -> Cluster:
    """Return the tests' cluster, made if it isn't there."""
    from kitlib import cluster

    return cluster.up("embedded", progress=True)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """An embedded cluster, of the newest version."""
    return bring_up()


@pytest.fixture(scope="session")
def kind() -> Cluster:
    """A kind cluster; only for tests that are marked so."""
    return with_containers()


@pytest.fixture(scope="session")
def connection(cluster: Cluster) -> Connection:
    """A connection to it that may write."""
    return cluster.connect()


@pytest.fixture
def namespace(connection: Connection, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test; if the test run is killed, the next one's `up` sweeps it away."""
    from kitlib.cluster import namespaces

    made = namespaces.create(connection, "test")
    yield made
    namespaces.delete(connection, made, timeout=None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own, to be filled."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "kitlib-test", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system can be mounted by root only: run the tests as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="session")
def walked(cluster: Cluster) -> WalkResult:
    """One strict run of every notebook, as `kitlib walk` does it; its build folder is build/test/walk."""
    from kitlib.walk import walk

    shutil.rmtree(PLACE / "walk", ignore_errors=True)
    return walk(None, cluster, PLACE / "walk", root=CHECKOUT)


@pytest.fixture(scope="session")
def walked_site(walked: WalkResult) -> Path:
    """The site made of that run, in build/test/site."""
    from kitlib.site import build

    assert walked.ok, [notebook.problems for notebook in walked.notebooks]
    out = PLACE / "site"
    shutil.rmtree(out, ignore_errors=True)
    build(CHECKOUT, PLACE / "walk", out)
    return out


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every file of the project: tracked by git, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("git is needed to list the project's files: install git, and run in a clone")
    paths = [CHECKOUT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]

"""What all tests share: places of their own, live clusters, each lesson executed once; and in CI no skipping.

The tests' embedded cluster has its state in build/test/state, beside the user's own, so neither is in the other's way.
What is marked "kind" has build/test/kind, since where a kind cluster is, kitlib chooses it. The programs come from the
user's cache. After a `kill -9` the next run finds the clusters and goes on; `make test` removes them at
its end, a bare pytest leaves them for the next run.
"""

from __future__ import annotations

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
from nbval.plugin import IPyNbFile

from tests.bylane import FILE, ByLane, write_lanes
from tests.durations import Durations
from tests.executed import DEADLINE, NOTEBOOKS, Executed, Executions, lessons, shared_file, took, wait_for_file
from tests.reporting import FailuresAtOnce, NothingSkipped

if TYPE_CHECKING:
    from kitlib.api.transport import Connection
    from kitlib.cluster import Cluster

CHECKOUT = Path(__file__).resolve().parent.parent
PLACE = CHECKOUT / "build" / "test"
LESSONS = lessons()
SAMPLES = CHECKOUT / "tests" / "data" / "recordings"
"""Recordings of lessons as they once were, for what is told of one by names and moments: the lesson's may change."""
WITH_CLUSTERS, EXERCISES = "with clusters", "exercises"
SHARED, EXERCISED = shared_file(PLACE / "walk" / "kind"), PLACE / "walk" / "exercised"
"""Files that all processes see: no lesson has the kind cluster to itself any more; all exercises are done."""
LAST = (3, 2)
"""Where what may disturb the kind cluster stands in line, see `place_in_line`."""
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that; the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before anything of kitlib runs: nothing of the user's is touched but the cache of programs.
os.environ.setdefault("KITLIB_STATE", str(PLACE / "state"))
STATE = os.environ["KITLIB_STATE"]
os.environ["KITLIB_BUILD"] = str(PLACE / "build")  # where notebooks run by nbval leave claims and recordings
for name in ("KITLIB_CLUSTER", "KITLIB_CONTEXT", "KITLIB_YES_WRITE", "KITLIB_DEBUG", "KUBECONFIG"):
    os.environ.pop(name, None)


class Lanes:
    """Who runs where and when: pure tests first, in all of pytest's processes, then those with a cluster, in one.

    All that has a cluster is one lane, which one process runs in its order: more clusters and lessons at once than two
    processors bear make claims about time unknown. Exercises, which mostly wait, are another lane, beside it. Every
    file of pure tests is a lane. Lessons are executed in the background: those that have the kind cluster to themselves
    from the first test with a cluster on, the others from their cluster's first. What disturbs the kind cluster comes
    after them.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.deals = hasattr(config, "workerinput")
        self.processes = config.workerinput["workercount"] if self.deals else 1
        self.ahead = False
        self.exercises = False
        self.on_kind = False
        self.executions: dict[str, Executions] = {}
        self.wanted: dict[str, set[str]] = {"embedded": set(), "kind": set()}

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        """Have nbval check lessons by their executed copies."""
        found = yield
        if file_path.parent != NOTEBOOKS:
            return found
        return [Executed.from_parent(parent, path=file_path) if type(each) is IPyNbFile else each for each in found]

    @pytest.hookimpl(tryfirst=True)  # before -m chooses
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark each cell of a lesson, and bring what needs a cluster into its lane."""
        for item in items:
            if isinstance(item.parent, Executed):
                item.add_marker(pytest.mark.live)
                item.add_marker(pytest.mark.slow)
                item.add_marker(pytest.mark.timeout(DEADLINE + 60))
                if provider_of(item) == "kind":
                    item.add_marker(pytest.mark.kind)
        items.sort(key=place_in_line)

    @pytest.hookimpl(tryfirst=True)  # before the process that deals the tests out is told of them
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """See which lessons are wanted by the tests that were chosen; write down who is in which lane."""
        if self.deals:
            write_lanes({item.nodeid: process_of(item) for item in session.items})
        self.exercises = self.processes > 1 and any(process_of(item) == EXERCISES for item in session.items)
        for item in session.items:
            provider = provider_of(item)
            if provider:
                self.wanted[provider].update(name for name in names_of(item) if provider in LESSONS[name].claims)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before a test's time counts
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        """Begin with the lessons on kind; have a test that uses that cluster wait until no lesson has it to itself.

        What may disturb the cluster waits for the exercises of another process, too.
        """
        if process_of(item) == WITH_CLUSTERS and self.wanted["kind"] and not self.ahead:
            self.ahead = True
            try:
                self.begin("kind").begin(self.wanted["kind"])
            except pytest.skip.Exception:  # the tests that need it say why it can't be had
                SHARED.touch()
        if self.wanted["kind"] and uses_kind(item):
            wait_for_file(SHARED)
        if self.exercises and place_in_line(item) == LAST:
            wait_for_file(EXERCISED)
        result = yield
        if process_of(item) == EXERCISES and (nextitem is None or process_of(nextitem) != EXERCISES):
            EXERCISED.touch()
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Have the state folder that a test belongs to; begin with a lane's lessons before its first test."""
        on_kind = item.get_closest_marker("kind") is not None
        if on_kind != self.on_kind:  # and not otherwise, since a file may have a state folder of its own
            self.on_kind = on_kind
            os.environ["KITLIB_STATE"] = str(PLACE / "kind") if on_kind else STATE
        lane = lane_of(item)
        if self.wanted.get(lane):
            self.begin(lane).begin(self.wanted[lane])
            self.executions[lane].awaited.set()
        if isinstance(item.parent, Executed):
            item.parent.executions = self.begin(lane)
            result = item.parent.executions.result(item.path.stem)
            item.user_properties.append(("lesson", (f"{item.path.stem} on {lane}", took(result))))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Have a lane's tests run in one process, in their order."""
        return ByLane(config, log)

    def begin(self, provider: str) -> Executions:
        """Return where the lessons of a provider are executed."""
        if provider not in self.executions:
            state, place = str(PLACE / "kind") if provider == "kind" else STATE, PLACE / "walk" / provider
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("KITLIB_STATE", state)
                cluster = with_containers() if provider == "kind" else bring_up()
            shutil.rmtree(place, ignore_errors=True)
            self.executions[provider] = Executions(provider, cluster.name, state, place)
        return self.executions[provider]

    def pytest_sessionfinish(self) -> None:
        """End what is still executed when the tests are stopped."""
        for executions in self.executions.values():
            executions.stop()


def provider_of(item: pytest.Item) -> str:
    """Return the provider whose executed lessons a test looks at, "" if at none."""
    if isinstance(item.parent, Executed):
        return LESSONS[item.path.stem].committed_on
    names = getattr(item, "fixturenames", ())
    for provider in ("embedded", "kind"):
        if f"on_{provider}" in names:
            return provider
    built = params_of(item).get("built")
    if isinstance(built, str) and built == "walk":
        return "embedded"
    return ""


def params_of(item: pytest.Item) -> dict[str, Any]:
    """Return what a test is parametrized with."""
    return getattr(getattr(item, "callspec", None), "params", {})


def uses_kind(item: pytest.Item) -> bool:
    """Return whether a test does something on the shared kind cluster."""
    if item.get_closest_marker("kind") is None:  # a parameter may be called "kind", too
        return False
    return "notebook" in params_of(item) or "kind" in getattr(item, "fixturenames", ())


def names_of(item: pytest.Item) -> list[str]:
    """Return the lessons that a test looks at: one, or all."""
    if isinstance(item.parent, Executed):
        return [item.path.stem]
    name = params_of(item).get("name")
    return [name] if isinstance(name, str) and name in LESSONS else sorted(LESSONS)


def lane_of(item: pytest.Item) -> str:
    """Return the lane of a test: a shared cluster's, the exercises', or its file's."""
    lesson = LESSONS.get(params_of(item).get("notebook", ""))
    if lesson is not None and not lesson.shares:
        return EXERCISES
    if item.get_closest_marker("kind"):
        return "kind"
    names = getattr(item, "fixturenames", ())
    if provider_of(item) or ({"cluster", "connection", "walked_site"} & set(names) and "own_state" not in names):
        return "embedded"
    return item.nodeid.split("::")[0]


def process_of(item: pytest.Item) -> str:
    """Return what one process runs: all that has a cluster, or else a file."""
    lane = lane_of(item)
    if lane == EXERCISES:
        return EXERCISES
    return WITH_CLUSTERS if lane in ("embedded", "kind") or item.get_closest_marker("live") else lane


def place_in_line(item: pytest.Item) -> tuple[int, int]:
    """Return where a test stands: pure ones first, the slow ones foremost, then by how large a cluster is.

    Of one cluster, what needs the executed lessons comes after what can run beside them; on kind, last what disturbs
    them, also by what belongs to no namespace: an exercise's ingress controller has the same kinds as its lesson's.
    """
    lane = lane_of(item)
    if lane == EXERCISES:
        return 4, int(uses_kind(item))
    if process_of(item) != WITH_CLUSTERS:
        return 0, int(item.get_closest_marker("slow") is None)
    rank = {"kind": 3, "embedded": 2}.get(lane, 1)
    if lane == "kind":
        return (rank, 1) if provider_of(item) else LAST if uses_kind(item) else (rank, 0)
    return rank, int(bool(provider_of(item)))


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


def pytest_configure(config: pytest.Config) -> None:
    """Make the above known for every item, also for those outside this folder."""
    if not hasattr(config, "workerinput"):  # once, and where the results of all processes come together
        take_down_orphans()
        os.environ[FILE] = str(PLACE / f"lanes-{os.getpid()}.json")
        SHARED.parent.mkdir(parents=True, exist_ok=True)
        for file in (SHARED, EXERCISED):
            file.unlink(missing_ok=True)
        if IN_CI:
            config.pluginmanager.register(FailuresAtOnce(config), "kitlib-failures-at-once")
        config.pluginmanager.register(Durations(CHECKOUT / "build" / "durations.json"), "kitlib-durations")
    config.pluginmanager.register(Lanes(config), "kitlib-lanes")
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
def on_embedded(cluster: Cluster, request: pytest.FixtureRequest) -> Executions:
    """The lessons as they are executed on the embedded cluster."""
    return request.config.pluginmanager.get_plugin("kitlib-lanes").begin("embedded")


@pytest.fixture(scope="session")
def on_kind(kind: Cluster, request: pytest.FixtureRequest) -> Executions:
    """The lessons as they are executed on the kind cluster."""
    return request.config.pluginmanager.get_plugin("kitlib-lanes").begin("kind")


@pytest.fixture(scope="session")
def walked_site(on_embedded: Executions) -> Path:
    """The site made of the lessons that were executed on the embedded cluster, in build/test/site."""
    from kitlib.site import build

    gathered, out = PLACE / "walked", PLACE / "site"
    for folder in (gathered, out):
        shutil.rmtree(folder, ignore_errors=True)
    for name, lesson in LESSONS.items():
        if "embedded" in lesson.claims:
            result = on_embedded.result(name)
            assert result["ok"], result["problems"]
            shutil.copytree(Path(result["path"]).parents[1], gathered, dirs_exist_ok=True)
    build(CHECKOUT, gathered, out)
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

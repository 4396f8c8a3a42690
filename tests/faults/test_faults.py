"""The fault suite runs: a sample of its scenarios, and broken recorders that it must find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib.api.transport import Connection, Stream
from kitlib.cluster import Cluster
from kitlib.recording import Recording, WatchEvent
from tests.faults import recorders
from tests.faults.families import FAMILIES
from tests.faults.later import LATER
from tests.faults.plan import Act, Scenario
from tests.faults.proxy import Fault
from tests.faults.recorders import Inside, Order
from tests.faults.result import Result
from tests.faults.runs import run
from tests.faults.scenarios import BY_HAND, COUNT, scenario
from tests.faults.suite import numbers, run_all, summary
from tests.faults.witness import Witness
from tests.faults.world import STREAMS, World

pytestmark = [pytest.mark.live, pytest.mark.slow]
SAMPLE = len(FAMILIES) + len(LATER) + 10
"""One of each family, and the first ones again, for a kind that only some of its family have."""
TRIES = 6
"""How many more scenarios with a fault are run when none of the sample saw it strike."""


@pytest.fixture(scope="module")
def own(own_state: Path) -> Cluster:
    """A control plane that may be killed."""
    return clusters.up("embedded", progress=True)


@pytest.fixture(scope="module")
def world(own: Cluster) -> World:
    made = World(own)
    made.furnish()
    return made


@pytest.fixture(scope="module")
def witness(world: World) -> Iterator[Witness]:
    with Witness(world.etcd, STREAMS) as witness:
        yield witness


def test_a_number_stands_for_one_scenario() -> None:
    assert [scenario(number) for number in range(COUNT)] == [scenario(number) for number in range(COUNT)]
    assert len({scenario(number).seed for number in range(COUNT)}) == COUNT


def test_the_sample_is_fair() -> None:
    found = Counter(scenario(number).family for number in numbers(SAMPLE))
    assert set(found) == {*FAMILIES, *LATER}
    assert max(found.values()) - min(found.values()) <= 1
    everything = {kind for number in range(COUNT) for kind in scenario(number).kinds}
    assert len(everything) > 25


def planned(number: int) -> set[str]:
    """Return what a scenario means to do, as what befell a recorder is called."""
    plan = scenario(number)
    return {f"answer {fault.code}" if fault.kind == "answer" else fault.kind for fault in plan.faults} | {
        act.what for act in plan.acts
    }


def next_ones(missing: set[str], done: set[int]) -> list[int]:
    """Return, for each kind that befell nobody, the next scenario that plans it.

    Whether a planned fault strikes hangs on what this machine does in between: a watch may end before the line that was
    to be truncated. So the sample grows until each has struck, and a kind that never does fails the test.
    """
    chosen = set()
    for kind in sorted(missing):
        those = [number for number in range(COUNT) if kind in planned(number)]
        tried = [number for number in those if number in done]
        first = sum(number in numbers(SAMPLE) for number in those)
        assert len(tried) < first + TRIES, f"{kind} befell nobody in scenarios {tried}"
        chosen.add(next(number for number in those if number not in done))
    return sorted(chosen)


def test_what_befell_nobody_is_tried_again_but_not_for_ever() -> None:
    for kind in BEFALL:
        done = set(numbers(SAMPLE))
        assert kind in set().union(*map(planned, done)), f"the sample doesn't plan {kind}"
        (more,) = next_ones({kind}, done)
        assert more not in done and kind in planned(more)
    with pytest.raises(AssertionError, match="truncate befell nobody"):
        next_ones({"truncate"}, set(range(COUNT)) - {499})


@pytest.mark.timeout(900)
def test_nothing_is_lost_unnoticed(own: Cluster, tmp_path: Path) -> None:
    results = run_all(numbers(SAMPLE), own.name)
    while missing := {kind for kind in BEFALL if not any(result.hurts.get(kind) for result in results)}:
        more = next_ones(missing, {result.number for result in results})
        results += run_all(more, own.name)
    # On a busy machine a server may lag by seconds; what is wrong by itself is wrong again, alone.
    for number in [result.number for result in results if not result.good]:
        results = [result for result in results if result.number != number] + run_all([number], own.name, 1)
    told = summary(results, 0, 1)
    json.dumps(told)
    wrong = [f"{result.number} ({result.family}): {result.problems or result.error}" for result in results]
    wrong = [text for text, result in zip(wrong, results, strict=True) if not result.good]
    assert not wrong, "replay one with `python -m tests.faults --only N`:\n" + "\n".join(wrong)
    totals = told["totals"]
    assert totals["changes"] > 40 * SAMPLE
    assert totals["changes"] == totals["recorded"] + totals["in_gaps"]
    assert totals["in_gaps"] > 0


BEFALL = (
    *("cut", "truncate", "stall", "split", "join", "duplicate", "replay", "delay", "error"),
    *("answer 410", "answer 429", "answer 500", "answer 503", "close", "reset", "forbid", "compact"),
    *("clock", "kill", "kill-server"),
)
"""What must really have befallen the recorder, not only been planned."""


class Forgetful(Connection):
    """Begins each watch at what is newest, as a recorder would that doesn't keep its place."""

    def stream(self, path: str, query: Any = None, **options: Any) -> Stream:
        newest = self.get(path, {"limit": 1})["metadata"]["resourceVersion"]
        return super().stream(path, {**query, "resourceVersion": newest}, **options)


class Broken(Recording):
    """A recording to which something goes wrong at every tenth row that a watch brings."""

    def __init__(self, wrong: str) -> None:
        super().__init__()
        self.wrong = wrong
        self.count = 0

    def add(self, raw: bytes, **what: Any) -> WatchEvent:
        with self.changed:
            made = super().add(raw, **what)
            if what["origin"] != "watch":
                return made
            self.count += 1
            if self.count % 10 == 0 and made.name != "the-end":
                if self.wrong == "loses":
                    self._tail.pop()
                elif self.wrong == "doubles":
                    super().add(raw, **what)
                elif self.wrong == "excuses":
                    bounds = {"after_rv": made.resourceVersion, "until_rv": str(int(made.resourceVersion) + 1)}
                    now = made.monotonic_ns
                    self.mark("GAP", made.kind, made.stream, **bounds, after_ns=now, until_ns=now, reason="")
            return made


def plan(*faults: Fault, acts: tuple[Act, ...] = (), watch_seconds: int = 10) -> Scenario:
    return Scenario(0, 7, BY_HAND, faults, acts, 1.0, 60, watch_seconds=watch_seconds)


def tried(
    world: World, witness: Witness, tmp_path: Path, planned: Scenario, make: Callable[[Order], Any] | None = None
) -> Result:
    result = run(planned, world, witness, tmp_path, make)
    assert not result.error, result.error
    return result


def test_the_recorder_as_it_is_passes_what_the_broken_ones_fail(world: World, witness: Witness, tmp_path: Path) -> None:
    acts = (Act(0.3, "close"), Act(0.6, "open"))
    assert tried(world, witness, tmp_path, plan(acts=acts)).good


def test_the_clock_can_be_stepped_without_libfaketime(
    world: World, witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "faketime", lambda: None)
    acts = (Act(0.2, "clock", -86400), Act(0.5, "clock", 7200))
    planned = replace(plan(acts=acts), outside=True, on_disk=True)
    result = tried(world, witness, tmp_path, planned)
    assert result.good, result.problems
    assert result.clock == "an injected clock"


def test_a_line_that_the_proxy_swallows_is_found(world: World, witness: Witness, tmp_path: Path) -> None:
    result = tried(world, witness, tmp_path, plan(Fault("swallow", stream="configmaps", lines=2)))
    assert result.unreported == 1
    assert result.changes == result.recorded + 1


def test_a_recorder_that_loses_its_place_is_found(world: World, witness: Witness, tmp_path: Path) -> None:
    acts = (Act(0.3, "close"), Act(0.8, "open"))
    result = tried(
        world, witness, tmp_path, plan(acts=acts), lambda order: Inside(order, connect=lambda *at: Forgetful(*at))
    )
    assert result.unreported > 0


@pytest.mark.parametrize(
    ("wrong", "counted"), [("loses", "unreported"), ("doubles", "duplicates"), ("excuses", "needless_gaps")]
)
def test_a_broken_recording_is_found(world: World, witness: Witness, tmp_path: Path, wrong: str, counted: str) -> None:
    made = lambda order: Inside(order, recording=Broken(wrong))  # noqa: E731
    result = tried(world, witness, tmp_path, plan(), made)
    assert getattr(result, counted) > 0
    for other in {"unreported", "duplicates", "needless_gaps"} - {counted}:
        assert getattr(result, other) == 0

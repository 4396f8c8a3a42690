"""Many scenarios on a control plane of their own, several at once, each worker a process with a witness of its own."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.families import FAMILIES
from tests.faults.later import LATER
from tests.faults.result import Result
from tests.faults.runs import run
from tests.faults.scenarios import BASE, COUNT, EARLIER, scenario

CHECKOUT = Path(__file__).resolve().parents[2]
PLACE = CHECKOUT / "build" / "faults"
WORKERS = 5
TOTALS = ("changes", "recorded", "in_gaps", "unreported", "needless_gaps", "duplicates")
_here: dict[str, Any] = {}


@contextmanager
def control_plane() -> Iterator[str]:
    """Bring up a control plane of one's own, and take it down at the end; also one that a killed run left."""
    from kitlib import cluster

    _sweep()
    state = PLACE / str(os.getpid())
    before = os.environ.get("KITLIB_STATE")
    os.environ["KITLIB_STATE"] = str(state)
    try:
        yield cluster.up("embedded").name
    finally:
        if threading.current_thread() is threading.main_thread():  # a second Ctrl-C must not leave it running
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        cluster.down()
        if before is None:
            os.environ.pop("KITLIB_STATE", None)
        else:
            os.environ["KITLIB_STATE"] = before
        shutil.rmtree(state, ignore_errors=True)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _sweep() -> None:
    """Take down the clusters of runs that were killed: their folders are named by their processes."""
    from kitlib import cluster

    for folder in sorted(PLACE.glob("[0-9]*")):
        try:
            os.kill(int(folder.name), 0)
        except (ProcessLookupError, ValueError):
            os.environ["KITLIB_STATE"], before = str(folder), os.environ.get("KITLIB_STATE", "")
            cluster.down()
            os.environ["KITLIB_STATE"] = before
            if not before:
                del os.environ["KITLIB_STATE"]
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


def numbers(count: int) -> list[int]:
    """Return a fair sample: every family, as often as any other, with seeds from all over."""
    rounds: list[int] = []
    for turn in range(COUNT):
        for first, size, end in ((0, len(FAMILIES), EARLIER), (EARLIER, len(LATER), COUNT)):
            rounds += range(first + turn * size, min(first + (turn + 1) * size, end))
        if len(rounds) >= count:
            break
    return rounds[:count]


def run_all(
    chosen: Iterable[int],
    name: str,
    workers: int = WORKERS,
    base: int = BASE,
    keep: bool = False,
    title: str = "faults",
) -> list[Result]:
    """Run scenarios, several at once, those that kill the API server by themselves; show how far it is."""
    from kitlib.progress import Progress, message

    plans = [scenario(number, base) for number in chosen]
    groups = [(workers, [plan for plan in plans if not plan.alone]), (1, [plan for plan in plans if plan.alone])]
    results: list[Result] = []
    with Progress(f"faults: {len(plans)} scenarios", len(plans)) as bar:
        for width, group in groups:
            if not group:
                continue
            context = multiprocessing.get_context("spawn")
            folder = PLACE / "recordings"
            with ProcessPoolExecutor(min(width, len(group)), context, _enter, (name, str(folder))) as pool:
                waiting = {pool.submit(_one, plan.number, base, keep): plan for plan in group}
                try:
                    for future in as_completed(waiting):
                        plan = waiting[future]
                        try:
                            result = future.result()
                        except BrokenProcessPool as error:
                            result = Result(plan.number, plan.seed, plan.family, plan.kinds, error=str(error))
                        results.append(result)
                        wrong = sum(not each.good for each in results)
                        if not result.good:  # who waits sees it now, and all of it in the end
                            message(f"scenario {result.number}: {next(iter(result.problems), result.error)[:300]}")
                        bar.update(f"{sum(r.changes for r in results)} changes, {wrong} wrong", len(results))
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    for worker in multiprocessing.active_children():  # or they would wait for a control plane
                        worker.terminate()
                    raise
    return sorted(results, key=lambda result: result.number)


def _enter(name: str, folder: str) -> None:
    """Make a worker: the cluster, and a witness of its own that watches from now on."""
    from kitlib.cluster import find

    from .witness import Witness
    from .world import STREAMS, World

    world = World(find(name))
    world.furnish()
    witness = Witness(world.etcd, STREAMS)
    witness.__enter__()
    _here.update(world=world, witness=witness, folder=Path(folder))


def _one(number: int, base: int, keep: bool) -> Result:
    return run(scenario(number, base), _here["world"], _here["witness"], _here["folder"], keep=keep, base=base)


def summary(results: list[Result], seconds: float, base: int) -> dict[str, Any]:
    """Return what goes into build/faults.json."""
    hurts: Counter[str] = Counter()
    for result in results:
        hurts.update(result.hurts)
    return {
        "totals": {
            "scenarios": len(results),
            **{name: sum(getattr(result, name) for result in results) for name in TOTALS},
            "others": sum(result.others for result in results),
            "errors": sum(bool(result.error) for result in results),
            "made_anew": sum(result.turn for result in results),
            "failed": [result.number for result in results if not result.good],
            "faults": dict(sorted(hurts.items())),
            "base": base,
            "seconds": round(seconds, 1),
        },
        "scenarios": [result.to_dict() for result in results],
    }


__all__ = ["PLACE", "TOTALS", "WORKERS", "control_plane", "numbers", "run_all", "summary"]

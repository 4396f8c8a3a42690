"""How a scenario is run, from an empty namespace to a verdict."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from kitlib.errors import RecordingError
from tests.faults import logs
from tests.faults.acts import Acts, Passing
from tests.faults.judge import Evidence, judge
from tests.faults.plan import Scenario
from tests.faults.proxy import AHEAD, Proxy
from tests.faults.recorders import Inside, Order, Outside, Upset, write_kubeconfig
from tests.faults.result import Result
from tests.faults.scenarios import BASE, BY_HAND, scenario
from tests.faults.witness import Witness
from tests.faults.workload import Workload, steps
from tests.faults.world import PASSING, STREAMS, World

REACH = float(os.environ.get("FAULTS_REACH", "25"))
"""Seconds in which the recorder must have recovered once nothing is done to it any more."""
INTERVAL = 0.3
"""Seconds between flushes, where the recorder is killed."""
SLACK = 0.6
"""Seconds that a flush itself may take on a busy machine."""
TRIES = 6
"""A scenario whose faults did not strike is made anew, with another seed, so often at most."""
UNSTRUCK = "its faults did not strike"
"""Begins the error of a scenario that has tried nothing."""


def run(
    plan: Scenario,
    world: World,
    witness: Witness,
    folder: Path,
    make: Callable[[Order], Any] | None = None,
    keep: bool = False,
    base: int = BASE,
) -> Result:
    """Run one scenario, and judge it; what goes wrong in the suite itself is told as its error.

    Parameters
    ----------
    plan : Scenario
    world : World
    witness : Witness
        Watching already.
    folder : Path
        Where its recording goes; removed at the end.
    make : callable, optional
        Makes another recorder than kitlib's, to show that the suite finds what is wrong with it.
    keep : bool
        Whether the folder stays, with what the proxy saw and what was judged.
    base : int
        Of the seeds; a scenario whose faults did not strike is made anew.
    """
    for turn in range(TRIES):
        if turn:
            plan = scenario(plan.number, base, turn)
        result = _once(plan, world, witness, folder, make, keep)
        result.turn = turn
        unstruck = [name for name in plan.must if not result.hurts.get(name)]
        if result.error or (result.hurts and not unstruck) or plan.family == BY_HAND:
            return result
    result.error = f"{UNSTRUCK} in {TRIES} tries: {', '.join(unstruck or plan.kinds)}"
    return result


def _once(
    plan: Scenario,
    world: World,
    witness: Witness,
    folder: Path,
    make: Callable[[Order], Any] | None,
    keep: bool,
) -> Result:
    result = Result(plan.number, plan.seed, plan.family, plan.kinds)
    began = time.monotonic()
    namespace = f"faults-{plan.number}-{secrets.token_hex(3)}"
    folder = folder / namespace
    folder.mkdir(parents=True)
    witness.look(namespace)
    try:
        if plan.log is not None:
            _follow(plan, folder, result)
        else:
            _run(plan, world, witness, folder, make, namespace, result, keep)
    except Exception as error:
        result.error = f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-6)}"
    finally:
        witness.leave(namespace)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        result.seconds = time.monotonic() - began
    return result


def _follow(plan: Scenario, folder: Path, result: Result) -> None:
    """Follow a log, and take over what came of it."""
    assert plan.log is not None
    told = logs.follow(plan.log, folder)
    result.changes, result.recorded, result.in_gaps, result.rows = told.written, told.recorded, told.in_gaps, told.rows
    result.hurts = told.hurts
    for name in ("unreported", "needless_gaps", "duplicates"):
        found = getattr(told, name)
        setattr(result, name, len(found))
        result.problems += [f"{name}: {text}" for text in found[:20]]
    result.others = len(told.others)
    result.problems += told.others[:20]


def _run(
    plan: Scenario,
    world: World,
    witness: Witness,
    folder: Path,
    make: Callable[[Order], Any] | None,
    namespace: str,
    result: Result,
    keep: bool,
) -> None:
    rng = random.Random(plan.seed + 1)
    todo = [step for step in steps(rng, plan.seconds, plan.writes + plan.before) if step.stream != plan.quiet]
    threads = set(threading.enumerate())
    killed_ns = None
    missing: list[str] = []
    passing = Passing(world, namespace, plan.passing)
    if passing.group:
        witness.also(f"/registry/{passing.group}/{PASSING}/", PASSING)
    order = Order(
        folder / "kubeconfig",
        namespace,
        tuple(name.split(".")[0] for name in passing.names) if plan.short else passing.names,
        folder / "recording" if plan.on_disk else None,
        plan.watch_seconds,
        plan.watch_seconds + 0.5,
        INTERVAL,
        plan.page,
        plan.list_seconds,
        any(fault.code == 404 and fault.verb == "discovery" for fault in plan.faults),
    )
    with world.api() as api, _namespace(api, namespace), passing:
        before = [replace(step, at=0.0) for step in todo[: plan.before]]
        Workload(api, namespace, before).run(threading.Event())
        workload = Workload(api, namespace, todo[plan.before :], passing.group)
        with Proxy(world.host, world.port, world.tls, [*STREAMS.values(), PASSING], plan.faults) as proxy:
            write_kubeconfig(order.kubeconfig, proxy.url)
            early = threading.Thread(target=workload.run, args=(threading.Event(),), name="workload", daemon=True)
            if plan.early:
                early.start()
            recorder = _recorder(plan, order, make, folder)
            try:
                recorder.start(plan.start)
                with Acts(plan.acts, proxy, world, recorder, passing) as acts:
                    if plan.early:
                        early.join(timeout=60)
                    else:
                        workload.run(threading.Event())
                    acts.finish(90)
                    killed_ns = acts.killed_ns
                proxy.calm()
                ends = workload.finish(list(passing.kinds))
                calm = time.monotonic()
                struck_ns = getattr(recorder, "recording", None) and getattr(recorder.recording, "struck_ns", None)
                if plan.upset == "disk":
                    killed_ns = struck_ns
                if killed_ns is None and not acts.stopped:
                    missing = recorder.reached(REACH, plan.silenced)
                result.recovery = time.monotonic() - calm
            finally:
                recorder.stop()
            log = proxy.log
        rows, complete = recorder.rows()
        changes = witness.complete(namespace)
    untold = []
    if plan.upset == "disk" and struck_ns:
        try:
            recorder.reached(0.1)
            untold = ["nobody was told that the disk is full"]
        except RecordingError:
            pass
    if plan.upset:
        acts.done = [each for each in acts.done if each != "upset" or struck_ns]
        complete = False if plan.upset == "disk" else complete
    if killed_ns is not None or acts.stopped:  # what came later isn't there, and the recording says so
        ends = _last(rows)
    result.clock, result.starved = getattr(recorder, "how", ""), getattr(recorder, "starved", 0.0)
    evidence = Evidence(
        [_real(row) for row in rows],
        changes,
        log,
        passing.kinds,
        ends,
        complete,
        killed_ns,
        int((INTERVAL + SLACK + result.starved) * 1e9),
        recorder.coverage() if hasattr(recorder, "coverage") else None,
        plan.silenced,
        plan.says,
        plan.gapless,
        rows,
    )
    verdict = judge(evidence)
    result.changes, result.recorded, result.in_gaps = verdict.changes, verdict.recorded, verdict.in_gaps
    result.unreported = len(verdict.unreported)
    result.needless_gaps = len(verdict.needless_gaps)
    result.duplicates = len(verdict.duplicates)
    result.gaps, result.rows = verdict.gaps, len(rows)
    result.requests = sum(seen.what == "request" for seen in log)
    result.hurts = dict(Counter(str(seen.value) for seen in log if seen.what == "hurt") + Counter(acts.done))
    others = [*verdict.others, *untold]
    others += [f"{stream} did not get as far as its last object in {REACH:.0f} s" for stream in missing]
    left = [thread.name for thread in set(threading.enumerate()) - threads if thread.is_alive()]
    others += [f"threads still run after the end: {', '.join(sorted(left))}"] if left else []
    result.others = len(others)
    for name in ("unreported", "needless_gaps", "duplicates"):
        result.problems += [f"{name}: {text}" for text in getattr(verdict, name)[:20]]
    result.problems += others[:20]
    if keep:
        _save(folder, plan, evidence, result)


def _real(row: Any) -> Any:
    """Return a row with the versions that the store really had, where they were shown far ahead."""
    if row.origin == "kitlib":
        said = json.loads(row.object)
        for name in ("rv", "after_rv", "until_rv"):
            if str(said.get(name) or "").isdecimal():
                said[name] = str(int(said[name]) % AHEAD)
        return structs.replace(row, object=json.dumps(said).encode())
    version = int(row.resourceVersion or 0)
    if version < AHEAD:
        return row
    said = row.object.replace(
        f'"resourceVersion":"{version}"'.encode(), f'"resourceVersion":"{version % AHEAD}"'.encode()
    )
    return structs.replace(row, object=said, resourceVersion=str(version % AHEAD))


def _recorder(plan: Scenario, order: Order, make: Callable[[Order], Any] | None, folder: Path) -> Any:
    if make is not None:
        return make(order)
    if plan.outside:
        clock = folder / "clock" if any(act.what == "clock" for act in plan.acts) else None
        return Outside(order, clock)
    if plan.upset:
        return Inside(order, recording=Upset(plan.upset))
    return Inside(order)


@contextmanager
def _namespace(api: Any, namespace: str) -> Iterator[None]:
    """Make a namespace, and the ServiceAccount without which no Pod is admitted, rather than wait for it."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    try:
        for path, what in (("/api/v1/namespaces", body), (f"/api/v1/namespaces/{namespace}/serviceaccounts", account)):
            code, answer = api.send("POST", path, what)
            if code not in (201, 409):
                raise RuntimeError(f"{path} was refused: {answer}")
        yield
    finally:
        api.send("DELETE", f"/api/v1/namespaces/{namespace}")


def _last(rows: list[Any]) -> dict[str, int]:
    """Return, by stream, the version up to which a recording reaches whose recorder was killed."""
    ends: dict[str, int] = {}
    for row in rows:
        if row.uid:
            ends[row.stream] = max(ends.get(row.stream, 0), int(row.resourceVersion))
    return ends


def _save(folder: Path, plan: Scenario, evidence: Evidence, result: Result) -> None:
    """Keep what a scenario was judged by, to be read by a person."""
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    (folder / "result.json").write_text(json.dumps(result.to_dict(), indent=1))
    (folder / "log.jsonl").write_text("".join(json.dumps(_plain(seen)) + "\n" for seen in evidence.log))
    (folder / "witness.jsonl").write_text("".join(json.dumps(_plain(change)) + "\n" for change in evidence.changes))
    names = ("seq", "monotonic_ns", "stream", "name", "resourceVersion", "type", "origin")
    with (folder / "rows.jsonl").open("w") as out:
        for row in evidence.rows:
            said = json.loads(bytes(row.object)) if row.type == "GAP" else None
            out.write(json.dumps([getattr(row, name, None) for name in names] + ([said] if said else [])) + "\n")


def _plain(item: Any) -> list[Any]:
    return [getattr(item, name) for name in item.__dataclass_fields__]

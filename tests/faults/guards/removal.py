"""Guards are taken out, each once, in a copy of kitlib under build/; scenarios are run until one notices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.guards.guard import Guard
from tests.faults.guards.table import GUARDS
from tests.faults.suite import CHECKOUT, PLACE

SECONDS = 240
"""A guard whose scenarios take longer counts as missed: the recorder hangs without it."""


@dataclass
class Missed:
    """What came of taking a guard out.

    Parameters
    ----------
    guard : Guard
    noticed : str
        By which scenario, and what it said; empty if nobody noticed.
    tried : int
        How many scenarios were run.
    error : str
        Why it could not be tried.
    """

    guard: Guard
    noticed: str = ""
    tried: int = 0
    error: str = ""


def without(guard: Guard, place: Path) -> None:
    """Make a copy of kitlib from which a guard is taken out."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(CHECKOUT / "kitlib", place / "kitlib", ignore=shutil.ignore_patterns("__pycache__"))
    (place / "tests").symlink_to(CHECKOUT / "tests")
    file = place / "kitlib" / guard.file
    file.write_text(guard.taken_out(file.read_text()))


def tried(number: int, guard: Guard, name: str) -> Missed:
    """Run the scenarios that rely on a guard, in a process that has it taken out, until one fails."""
    place = PLACE / "guards" / str(number)
    missed = Missed(guard)
    try:
        without(guard, place)
        environment = {**os.environ, "PYTHONPATH": str(place), "FAULTS_REACH": "8"}
        order = json.dumps({"cluster": name, "numbers": guard.numbers(), "folder": str(place / "recordings")})
        command = [sys.executable, "-P", "-m", "tests.faults.guarded", order]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=SECONDS)
        told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        missed.tried = len(told)
        missed.noticed = next((f"{each['number']}: {each['said']}" for each in told if each["said"]), "")
        if done.returncode:
            missed.error = done.stderr[-600:]
    except subprocess.TimeoutExpired:
        missed.noticed = f"not over after {SECONDS} s"
    except ValueError as error:
        missed.error = str(error)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return missed


def take_out_each(name: str, workers: int, chosen: Iterable[int] = ()) -> list[Missed]:
    """Take each guard out once, several at a time; show how far it is.

    Parameters
    ----------
    name : str
        The cluster.
    workers : int
    chosen : iterable of int
        Places in the table; all if there are none.
    """
    from kitlib.progress import Progress

    found: list[Missed] = []
    wanted = list(chosen) or list(range(len(GUARDS)))
    with Progress(f"guards: {len(wanted)}", len(wanted)) as bar, ThreadPoolExecutor(workers) as pool:
        for missed in pool.map(lambda number: tried(number, GUARDS[number], name), wanted):
            found.append(missed)
            unnoticed = sum(not each.noticed for each in found)
            bar.update(f"{missed.guard.what}, {unnoticed} not noticed", len(found))
    return found

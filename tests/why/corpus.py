"""Makes the corpus: each cause on a real cluster, at least three ways, recorded.

    kitlib up --provider embedded
    python -m tests.why.corpus embedded                   # what needs no container
    kitlib up --provider kind
    python -m tests.why.corpus kind                       # what does
    python -m tests.why.corpus embedded --only cpu,quota --out build/causes

Each case has a namespace of its own, and all of a run are in one recording. `cases.json` beside it says of each case
what is asked, what is right, and at which moment: when all causes of the run could be seen. It wants a new cluster. The
seed makes the same cases anew; names of Pods, times and the order in which things happen are the cluster's own.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kitlib import cluster as clusters
from kitlib.api import Connection
from kitlib.errors import KitlibError, ServerError
from kitlib.objects import delete, patch
from kitlib.recording import Recording, clock
from kitlib.rollout.why import KINDS
from kitlib.watch import Recorder
from tests.why.cases import CASES, Case

DATA = Path(__file__).resolve().parent.parent / "data" / "causes"
SEED = 28
PATIENCE = 180.0
"""Seconds in which a sign must have come."""
LONG = {"cron-forbidden": 300.0}
"""Causes that take longer: a CronJob's minute has to come."""


class Room:
    """One case, in its namespace.

    Parameters
    ----------
    connection : Connection
        A writable one.
    recorder : Recorder
        What is seen.
    name : str
        Of the maker.
    way : int
        Which of its ways.
    """

    def __init__(self, connection: Connection, recorder: Recorder, name: str, way: int) -> None:
        self.connection, self.recorder = connection, recorder
        self.namespace = f"{name}-{way}"
        self.making, self.way = CASES[name], way
        self.case: Case = self.making.make(random.Random(f"{SEED} {self.namespace}"), way, self.namespace)
        self.created = 0.0

    def prepare(self) -> None:
        """Make its namespace."""
        labels = {"kitlib/corpus": "true", **self.case.labels}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}
        self.connection.request("POST", "/api/v1/namespaces", body=body)

    def surround(self) -> None:
        """Make what has to be there before its last object: policies need a moment until they are asked."""
        self._make(self.case.objects[:-1])

    def begin(self) -> None:
        """Make its last object."""
        self.created = time.time()
        self._make(self.case.objects[-1:])

    def _make(self, objects: list[dict[str, Any]]) -> None:
        for item in objects:
            resource = self.connection.discover(item["kind"], item["apiVersion"])
            self.connection.request("POST", resource.path(self.namespace), body=item)

    def end(self) -> dict[str, Any]:
        """Wait until its cause can be seen, and return what is asked of it, and when."""
        self._await(self.case.sign)
        for act, *what in self.case.then:
            getattr(self, f"_{act.replace('-', '_')}")(*what)
        found = {"case": self.namespace, "cause": self.making.cause, "subject": self.case.subject}
        return {**found, "accepted": list(self.case.accepted)}

    def objects(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that are there now, in its namespace or in none."""
        rows = [row for each in self.recorder._of(plural) for row in list(each.latest.values())]
        return [json.loads(row.object) for row in rows if row.namespace in ("", self.namespace)]

    def _await(self, sign: Callable[..., bool]) -> None:
        patience = LONG.get(self.making.cause, PATIENCE)
        if not self.recorder.wait_for(lambda: sign(self.objects), patience):
            raise KitlibError(f"its sign did not come within {patience:.0f} s", step="corpus", object=self.namespace)

    def _patch(self, ref: str, body: dict[str, Any]) -> None:
        patch(self.connection, ref, body, self.namespace)

    def _delete(self, ref: str) -> None:
        delete(self.connection, ref, self.namespace)

    def _delete_first(self, plural: str) -> None:
        first = min(each["metadata"]["name"] for each in self.objects(plural) if "namespace" in each["metadata"])
        delete(self.connection, f"{plural}/{first}", self.namespace)

    def _minute(self, seconds: int) -> None:
        """Let the minute in which it was made pass, and some seconds more."""
        due = (self.created // 60 + 1) * 60 + seconds
        self.recorder.wait_for(lambda: time.time() >= due, max(due - time.time(), 0.01))

    def _evict(self, app: str) -> None:
        """Ask for the eviction of a Pod, which is refused."""
        pods = [each for each in self.objects("pods") if each["metadata"]["labels"].get("app") == app]
        name = min(each["metadata"]["name"] for each in pods)
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/eviction"
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        try:
            self.connection.request("POST", path, body=body)
        except ServerError as error:
            if error.status.get("code") == 429:
                return
            raise
        raise KitlibError("a Pod was evicted that a budget should have kept", step="corpus", object=self.namespace)


def make(provider: str, out: Path, only: set[str]) -> int:
    """Make the cases that a provider can have, and return how many failed."""
    cluster = next(each for each in clusters.clusters() if each.provider == provider)
    connection = cluster.connect()
    if out.exists():
        shutil.rmtree(out)
    about = {
        "cluster": cluster.name,
        "provider": cluster.provider,
        "version": cluster.version,
        "release": cluster.release,
    }
    recording = Recording.create(out, {**about, "namespace": "", "redacted": []})
    names = [name for name, each in CASES.items() if each.containers == (provider == "kind")]
    names = [name for name in names if not only or name in only]
    done: list[dict[str, Any]] = []
    failed: list[str] = []
    with recording, Recorder(connection, list(KINDS.values()), recording) as recorder:
        rooms = [Room(connection, recorder, name, way) for name in names for way in range(CASES[name].ways)]
        for room in rooms:
            room.prepare()
        recorder.wait_for(lambda: False, 5)  # every namespace has its ServiceAccount by then
        for act in ("surround", "begin", "end"):
            for room in list(rooms):
                try:
                    found = getattr(room, act)()
                    done += [found] if found else []
                    print(f"{act} {room.namespace}", file=sys.stderr)
                except (KitlibError, ValueError, KeyError) as error:
                    failed.append(f"{room.namespace}: {error}")
                    print(f"FAILED {failed[-1]}", file=sys.stderr)
                    rooms.remove(room)
        recorder.catch_up(timeout=60)
        moment = clock.monotonic_ns()
    done = [{**each, "at_ns": moment} for each in done]
    (out / "cases.json").write_text(json.dumps(done, indent=1) + "\n")
    print(f"{len(done)} cases of {len({each['cause'] for each in done})} causes; {len(failed)} failed")
    for each in failed:
        print(f"  {each}")
    return len(failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("provider", choices=("embedded", "kind"))
    parser.add_argument("--only", default="", help="some makers, with commas")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    only = {each for each in asked.only.split(",") if each}
    sys.exit(bool(make(asked.provider, asked.out or DATA / asked.provider, only)))


if __name__ == "__main__":
    main()

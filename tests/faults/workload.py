"""What happens in a scenario's namespace: real objects of four kinds, written straight to the API server.

What is written, in which order and when follows from a seed. What kwok, the scheduler and the controllers add to that
does not; the witness sees it all the same.
"""

from __future__ import annotations

import random
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.world import GROUP, PASSING, PATHS, Api

END = "the-end"
"""The name of the last object of each kind: once it is recorded, all before it should have been."""
MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Step:
    """One write.

    Parameters
    ----------
    at : float
        Seconds after the workload's begin.
    stream, action, name : str
        The plural; create, patch, delete, sweep (delete all of the kind); the object.
    size : int
        Bytes of ballast.
    serial : int
        Number of the step, written into the object.
    """

    at: float
    stream: str
    action: str
    name: str
    size: int
    serial: int


def steps(rng: random.Random, seconds: float, count: int, pods: int = 2) -> list[Step]:
    """Plan a workload: which objects are made, changed and deleted, and when; in bursts and lulls."""
    plan: list[Step] = []
    alive: dict[str, list[str]] = {stream: [] for stream in PATHS}
    made = 0
    at = 0.0
    while len(plan) < count:
        stream = rng.choices(list(PATHS), weights=[5, 2, 3, 2])[0]
        burst = rng.choices([1, rng.randint(3, 12)], weights=[6, 1])[0]
        for _ in range(burst):
            serial = len(plan)
            there = alive[stream]
            size = rng.choices([0, rng.randint(10, 400), rng.randint(2000, 30000)], weights=[4, 4, 1])[0]
            draw = rng.random()
            full = stream == "pods" and len(there) >= pods
            if (not there or draw < 0.3) and not full:
                # Now and then a name comes again, with another uid.
                gone = [step.name for step in plan if step.stream == stream and step.name and step.name not in there]
                if gone and rng.random() < 0.3:
                    name = rng.choice(gone)
                else:
                    made += 1
                    name = f"{stream[:-1]}-{made}"
                there.append(name)
                plan.append(Step(at, stream, "create", name, size, serial))
            elif draw < 0.85:
                plan.append(Step(at, stream, "patch", rng.choice(there), size, serial))
            elif draw < 0.98 or stream == "pods":
                name = rng.choice(there)
                there.remove(name)
                plan.append(Step(at, stream, "delete", name, 0, serial))
            else:
                there.clear()
                plan.append(Step(at, stream, "sweep", "", 0, serial))
        at += rng.expovariate(1.0)
    # The times are shares of the whole up to here; the last write is due a little before the end.
    scale = seconds * 0.97 / max(at, 1e-9)
    return [Step(s.at * scale, s.stream, s.action, s.name, s.size, s.serial) for s in plan]


def big(count: int) -> list[Step]:
    """Plan so many writes of one object of nearly a megabyte."""
    return [Step(0, "configmaps", "patch" if turn else "create", "big", 900_000, turn) for turn in range(count)]


class Workload:
    """Carries out a plan in a namespace.

    Parameters
    ----------
    api : Api
    namespace : str
    plan : list of Step
    passing : str
        The group of the kind that comes and goes, if there is one.
    """

    def __init__(self, api: Api, namespace: str, plan: list[Step], passing: str = "") -> None:
        self._api = api
        self._groups = {"things": GROUP, PASSING: passing}
        self._paths = {**PATHS, PASSING: f"/apis/{passing}/v1/namespaces/{{}}/{PASSING}"}
        self._namespace = namespace
        self._plan = plan
        self.done = 0

    def run(self, stop: threading.Event, tick: Callable[[float], None] = lambda seconds: None) -> None:
        """Write what is due, until all is written; `tick` is called in between with the seconds since the begin."""
        began = time.monotonic()
        for step in self._plan:
            while (left := began + step.at - time.monotonic()) > 0:
                tick(time.monotonic() - began)
                if stop.wait(min(left, 0.02)):
                    return
            tick(time.monotonic() - began)
            self._carry_out(step)
            self.done += 1

    def finish(self, streams: list[str]) -> dict[str, int]:
        """Write the last object of each kind; return its revision by stream."""
        ends = {}
        for stream in streams:
            serial = len(self._plan) + len(ends)
            code, answer = self._api.send("POST", self._path(stream), self._body(stream, END, 0, serial))
            if code == 409:  # an answer was cut off, and the object is there
                code, answer = self._api.send("GET", self._path(stream, END))
            if code not in (200, 201):
                raise RuntimeError(f"the last {stream} can't be written: {answer}")
            ends[stream] = int(answer["metadata"]["resourceVersion"])
        return ends

    def passings(self, count: int) -> None:
        """Write some objects of the kind that comes and goes, each twice."""
        for turn in range(2 * count):
            action = ("create", "patch")[turn % 2]
            self._carry_out(Step(0, PASSING, action, f"passing-{turn // 2}", 40, turn))

    def _path(self, stream: str, name: str = "") -> str:
        return self._paths[stream].format(self._namespace) + (f"/{name}" if name else "")

    def _carry_out(self, step: Step) -> None:
        """Write; what is there already, or no longer, or in conflict, is none of the suite's business."""
        if step.action == "create":
            body = self._body(step.stream, step.name, step.size, step.serial)
            code, answer = self._api.send("POST", self._path(step.stream), body)
        elif step.action == "patch":
            body = self._patch(step.stream, step.size, step.serial)
            code, answer = self._api.send("PATCH", self._path(step.stream, step.name), body, MERGE)
        elif step.action == "sweep":
            code, answer = self._api.send("DELETE", self._path(step.stream))
        else:
            grace = {"gracePeriodSeconds": 0} if step.serial % 2 else None
            code, answer = self._api.send("DELETE", self._path(step.stream, step.name), grace)
        if code not in (200, 201, 202, 404, 409):
            raise RuntimeError(f"{step} was refused: {answer}")

    def _body(self, stream: str, name: str, size: int, serial: int) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self._namespace}
        if stream == "configmaps":
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": ballast(size, serial)}
        if stream in self._groups:
            kind = "Thing" if stream == "things" else "Passing"
            version = f"{self._groups[stream]}/v1"
            return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": ballast(size, serial)}
        if stream == "events":
            return {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": metadata,
                "involvedObject": {"kind": "ConfigMap", "namespace": self._namespace, "name": "about"},
                "reason": "Faults",
                "type": "Normal",
                "message": ballast(min(size, 900), serial)["ballast"],
                "count": 1,
            }
        metadata["annotations"] = {
            "kitlib/create-delay": "50ms",
            "kitlib/ready-delay": "100ms",
            "kitlib/terminate-delay": "100ms",
            **ballast(size, serial),
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [{"name": "main", "image": "none.invalid/none"}]},
        }

    def _patch(self, stream: str, size: int, serial: int) -> dict[str, Any]:
        if stream == "configmaps":
            return {"data": ballast(size, serial)}
        if stream in self._groups:
            return {"spec": ballast(size, serial)}
        if stream == "events":
            return {"count": serial + 2, "message": ballast(min(size, 900), serial)["ballast"]}
        return {"metadata": {"annotations": ballast(size, serial)}}


def ballast(size: int, serial: int) -> dict[str, str]:
    """Return strings of a size, that say themselves whether they are whole: quotes and line ends are among them."""
    text = (f'{serial} "§{{}}\\n\n' * (size // 12 + 1))[: size + 8]
    return {"ballast": text, "sum": f"{zlib.crc32(text.encode()):08x}"}


def whole(holder: dict[str, Any]) -> bool:
    """Say whether ballast came through unchanged; true where there is none."""
    text, sum_ = holder.get("ballast"), holder.get("sum")
    return text is None or sum_ is None or f"{zlib.crc32(text.encode()):08x}" == sum_


__all__ = ["END", "Step", "Workload", "ballast", "big", "steps", "whole"]

"""What an EndpointSlice promises: no address is served whose Pod isn't Ready, but for a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib.rollout.answer import Answer, Controller, Write
from kitlib.rollout.model import versioned
from kitlib.rollout.pod import MOMENT_NS
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import Gap, Window, rows_of

PROMISES = {
    "ready": "an address is said to be ready only once its Pod is",
    "withdrawn": "an address isn't said to be ready any more, a moment after its Pod isn't",
}
"""What an EndpointSlice promises: each promise's short name, and its sentence."""

KINDS = ("Pod", "EndpointSlice")
"""The kinds on whose rows its promise rests."""
NEEDS_PODS = (
    *("observed_at", "not_before", "monotonic_ns", "seq", "resourceVersion", "type", "origin", "namespace", "name"),
    *("uid", "state", "podIP"),
)
NEEDS_ENDPOINTS = (
    *("observed_at", "not_before", "monotonic_ns", "seq", "resourceVersion", "namespace", "name", "uid", "service"),
    *("address", "pod", "listed", "ready"),
)
NEEDS_SERVICES = ("namespace", "name", "publishNotReadyAddresses")


def endpointslice(
    pods: pd.DataFrame | Rows,
    endpoints: pd.DataFrame | Rows,
    services: pd.DataFrame | Rows,
    uid: str,
    moment_ns: int = MOMENT_NS,
) -> Answer:
    """Judge what the frames show of an EndpointSlice.

    Parameters
    ----------
    pods, endpoints, services : DataFrame or Rows
        The frames `pods` and `endpoints`, and what `kitlib.frames.services` returns.
    uid : str
        The slice's.
    moment_ns : int
        How long it may take until an address is withdrawn, ns.

    Returns
    -------
    Answer
        Its promises are `PROMISES` of this module. A breach stands at the write with which it began.

    Notes
    -----
    A Service with publishNotReadyAddresses promises the contrary: nothing is put to the test. Where Services were not
    recorded, an address that isn't ready may be meant so, and the answer is unknown. Addresses that are no Pod's, or of
    a Pod that wasn't seen, aren't judged. How long is counted from receipt to receipt; what may have come late counts
    as the shorter time.
    """
    pods = rows_of(pods, NEEDS_PODS, "pods")
    endpoints = rows_of(endpoints, NEEDS_ENDPOINTS, "endpoints")
    services = rows_of(services, NEEDS_SERVICES, "services")
    mine = endpoints.where("uid", {uid})
    first = next(iter(mine))
    meant = Controller("EndpointSlice", str(first["namespace"]), str(first["name"]), uid)
    window = Window.of(pods, endpoints)
    gaps = window.missing(*KINDS, namespace=meant.namespace)
    answer = Answer(meant, PROMISES, window, gaps, dict.fromkeys(PROMISES, 0))
    same = services.where("namespace", {meant.namespace}).where("name", {first["service"]})
    if any(same["publishNotReadyAddresses"]):
        return answer
    named = pods.where("namespace", {meant.namespace}).where("name", set(mine["pod"]) - {""})
    judge = _Judge(answer, moment_ns)
    keyed = [(version, 0, row) for version, row in versioned(named, pods)]
    keyed += [(int(row["resourceVersion"]), 1, row) for row in mine]
    for version, what, row in sorted(keyed, key=lambda each: each[:2]):
        judge.see(version, row, slice=bool(what))
    judge.finish()
    _allowed(answer, services, bool(len(same)))
    return answer


def _allowed(answer: Answer, services: Rows, seen: bool) -> None:
    """Leave open what a Service that nobody recorded may have asked for."""
    if not answer.rows or seen:
        return
    window, space = Window.of(services), answer.controller.namespace
    if not window.missing("Service", namespace=space):  # a slice without a Service publishes what is ready
        return
    answer.gaps = [
        Gap(
            answer.window.begin, answer.window.end, "Service", "Service not recorded: it may publish unready addresses"
        ),
        *answer.gaps,
    ]
    answer.rows.clear()


@dataclass
class _Address:
    """What a slice says of one address, and what is known of its Pod."""

    pod: str
    ready: bool = False
    since: int | None = None  # it is said to be ready, and its Pod isn't: since when (receipt, ns)
    write: Write | None = None  # with which that began


class _Judge:
    """The addresses of a slice, gone through once."""

    def __init__(self, answer: Answer, moment_ns: int) -> None:
        self.answer, self.moment = answer, moment_ns
        self.addresses: dict[str, _Address] = {}
        self.there: dict[str, dict[Any, Any]] = {}  # name → the last row of the Pod that has it
        self.was_ready: dict[tuple[str, str], int] = {}  # name and address → when it was Ready last
        self.now = answer.window.begin
        self.gaps = list(answer.gaps)

    def see(self, version: int, row: dict[Any, Any], slice: bool) -> None:
        at = int(row["monotonic_ns"])
        self.now = max(self.now, at)
        while self.gaps and self.now >= self.gaps[0].after:  # what was going on isn't known any more
            for each in self.addresses.values():
                each.since = None
            if self.now <= self.gaps[0].until:
                break
            self.gaps.pop(0)
        hidden = any(gap.after <= at <= gap.until for gap in self.answer.gaps)
        write = Write(version, "endpoints" if slice else "pods", row, at >= self.answer.window.begin and not hidden)
        if slice:
            self.says(write)
        else:
            self.pod(write)

    def serves(self, address: str, row: dict[Any, Any] | None) -> bool:
        """Whether the Pod that has the address is Ready; a later Pod of that name has another one."""
        if row is None or row["state"] != "Ready":
            return False
        own = str(row["podIP"])
        return not own or own == address or (":" in own) != (":" in address)

    def pod(self, write: Write) -> None:
        row = write.row
        name = str(row["name"])
        for address, each in self.addresses.items():
            if each.pod == name:
                self.turn(address, each, row, write)
        if row["state"] == "Ready":
            self.was_ready[name, str(row["podIP"])] = self.now
        before = self.there.get(name)
        if before is not None and before["state"] == "Ready":
            self.was_ready[name, str(before["podIP"])] = self.now
        if not write.gone or (before is not None and before["uid"] == row["uid"]):
            self.there[name] = row

    def turn(self, address: str, each: _Address, row: dict[Any, Any], write: Write) -> None:
        """Follow whether an address is served though its Pod isn't Ready."""
        bad = each.ready and not self.serves(address, row)
        if bad and each.since is None and write.judged:
            each.since, each.write = self.now, write
        elif not bad and each.since is not None:
            self.settle(address, each, self.now - _late(row), final=True)

    def settle(self, address: str, each: _Address, until: int, final: bool) -> None:
        assert each.since is not None and each.write is not None
        lasted = until - each.since
        if final or lasted > self.moment:
            ok = lasted <= self.moment
            words = f"{address} of {each.pod} is said to be ready, for {lasted / 1e9:.1f} s after the Pod is not"
            self.answer.test("withdrawn", each.write, ok, words, round(lasted / 1e9), round(self.moment / 1e9))
        each.since = None

    def says(self, write: Write) -> None:
        row = write.row
        address, name = str(row["address"]), str(row["pod"])
        each = self.addresses.setdefault(address, _Address(name))
        if each.pod != name:  # the address is another Pod's now
            if not row["listed"]:
                return
            if each.since is not None:
                self.settle(address, each, self.now - _late(row), final=True)
            each = self.addresses[address] = _Address(name)
        before, each.ready = each.ready, bool(row["listed"]) and not pd.isna(row["ready"]) and bool(row["ready"])
        pod = self.there.get(name)
        if pod is None:
            return
        if each.ready and not before:
            last = self.now if self.serves(address, pod) else self.was_ready.get((name, address))
            ok = last is not None and self.now - last <= self.moment
            words = f"{address} of {name} is said to be ready, and the Pod is {pod['state']}"
            self.answer.test("ready", write, ok, words)
            if not ok:
                return
        self.turn(address, each, pod, write)

    def finish(self) -> None:
        for address, each in self.addresses.items():
            if each.since is not None and not any(gap.until >= self.answer.window.end for gap in self.answer.gaps):
                self.settle(address, each, self.answer.window.end, final=False)


def _late(row: dict[Any, Any]) -> int:
    """Return how long before its receipt a row may have been written, ns."""
    return int((row["observed_at"] - row["not_before"]).value)


__all__ = ["KINDS", "PROMISES", "endpointslice"]

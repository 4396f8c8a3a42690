"""What a lesson about Ingress controllers needs: one that runs beside the notebook, and what was seen of its work.

In: a lab, and frames of it. Out: a loop with an end; frames.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import pandas as pd

from kitlib.claims.looking import select
from kitlib.errors import WaitTimeout
from kitlib.frames.logs import frame_of, lines
from kitlib.lab import Lab
from kitlib.recording import Recording, WatchEvent
from kitlib.watch import LogFollower, Recorder

ENDS = 20.0
"""Seconds that a controller may take to end."""
STAGES = ("API change", "first request", "all requests")
"""Where a change is to be seen, one after the other: what `changed` tells, and `figures.hops` draws."""
VERSIONS = {
    "observed_at": "datetime64[ns, UTC]",
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "type": "str",
    "name": "str",
    "uid": "str",
    "generation": "int64",
}
"""Columns of what `versions` returns, and their types."""
NAMED = {"ingressClassName": "str", "services": "str", "address": "str"}
"""Those that `ingresses` adds."""


class Controller:
    """A function that follows the API in a thread beside the notebook, until it is closed or the lab is.

    Parameters
    ----------
    lab : Lab
        Whose namespace is followed.
    kinds : sequence of str
        Of which objects.
    act : callable
        Takes a `Recorder` of these kinds, in memory; it returns when that is `stopped`.

    Attributes
    ----------
    error : Exception or None
        What it failed of.
    """

    def __init__(self, lab: Lab, kinds: Sequence[str], act: Callable[[Recorder], None]) -> None:
        self.error: Exception | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run, name="controller", daemon=True)
        if lab.replayed:  # what it did is in the recording
            self._recorder = lab.recorder
            return
        self._recorder = Recorder(lab.recorder.connection, kinds, namespace=lab.namespace).start()
        self._thread.start()
        lab.keep(self)

    def __repr__(self) -> str:
        return f"<Controller, {'running' if self._thread.is_alive() else 'ended'}>"

    def _run(self) -> None:
        try:
            self._act(self._recorder)
        except Exception as error:  # told by `stop`: here nobody would hear of it
            self.error = error

    def close(self) -> None:
        """End it; a second time does nothing."""
        if not self._recorder.stopped:
            self._recorder.stop()
            self._thread.join(ENDS)

    def stop(self) -> None:
        """End it, and say if it failed.

        Raises
        ------
        Exception
            What it failed of.
        WaitTimeout
            If it doesn't end.
        """
        self.close()
        if self._thread.is_alive():
            raise WaitTimeout(
                f"it goes on after {ENDS:.0f} s",
                step="stop",
                object="controller",
                next="have it return when its recorder is `stopped`",
            )
        if self.error is not None:
            raise self.error


def versions(recording: Recording, kind: str, namespace: str) -> pd.DataFrame:
    """Return what was seen of objects of a kind that has no frame.

    Parameters
    ----------
    recording : Recording
        With that kind.
    kind : str
        "Service".
    namespace : str
        Whose.

    Returns
    -------
    DataFrame
        One row for each version: `observed_at`, `monotonic_ns`, `resourceVersion`, `type` ("ADDED", …), `name`,
        `uid`, `generation` (int: rises when the spec changes; 0 where the kind has none).
    """
    return _versions(_rows(recording, kind, namespace))


def ingresses(recording: Recording, namespace: str) -> pd.DataFrame:
    """Return what was seen of Ingresses.

    Parameters
    ----------
    recording : Recording
        With Ingresses.
    namespace : str
        Whose.

    Returns
    -------
    DataFrame
        As of `versions`, and `ingressClassName`, `services` (str: those that it names, with commas between),
        `address` (str: those that its status names).
    """
    found = _rows(recording, "Ingress", namespace)
    names = pd.DataFrame([_named(item) for _, item in found], columns=list(NAMED)).astype(NAMED)
    return pd.concat([_versions(found), names], axis=1)


def _rows(recording: Recording, kind: str, namespace: str) -> list[tuple[WatchEvent, dict[str, Any]]]:
    rows = (row for row in recording.rows.of(kind) if row.namespace == namespace and row.object)
    return [(row, json.loads(row.object)) for row in rows]


def _versions(found: Sequence[tuple[WatchEvent, dict[str, Any]]]) -> pd.DataFrame:
    rows = [
        (
            pd.Timestamp(row.received_at, unit="ns", tz="UTC"),
            row.monotonic_ns,
            int(row.resourceVersion),
            row.type,
            row.name,
            row.uid,
            item["metadata"].get("generation", 0),
        )
        for row, item in found
    ]
    return pd.DataFrame(rows, columns=list(VERSIONS)).astype(VERSIONS)


def _named(item: dict[str, Any]) -> tuple[str, str, str]:
    """Return an Ingress' class, the Services that it names, and where it is served."""
    spec, served = item.get("spec", {}), item.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    paths = [path for rule in spec.get("rules") or () for path in rule.get("http", {}).get("paths", ())]
    backends = [*(path["backend"] for path in paths), spec.get("defaultBackend", {})]
    services = sorted({each["service"]["name"] for each in backends if "service" in each})
    addresses = [each.get("ip") or each.get("hostname", "") for each in served]
    return spec.get("ingressClassName", ""), ",".join(services), ",".join(addresses)


class _Passed(msgspec.Struct, gc=False):
    """A line of nginx' log, in the form that the lesson's configuration gives it."""

    upstream: str
    host: str = ""
    path: str = ""
    status: int = 0


_passed = msgspec.json.Decoder(_Passed)


def passed(logs: pd.DataFrame) -> pd.DataFrame:
    """Read what nginx has logged of requests, as the lesson's configuration has it log them.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name.

    Returns
    -------
    DataFrame
        One row for each request, with the columns of `logs` and: `host`, `path`, `status` (int: what was answered),
        `upstream` (str: the address that it was passed on to; empty if to nobody).
    """
    found = [(row, said) for row, said in lines(logs, _passed, '"upstream"')]
    told = frame_of(logs, (row for row, _ in found))
    for name, dtype in {"host": "str", "path": "str", "status": "int64", "upstream": "str"}.items():
        told[name] = pd.Series([getattr(said, name) for _, said in found], index=told.index, dtype=dtype)
    return told


def served(clients: Iterable[LogFollower], how: str, last: int = 10) -> bool:
    """Say whether of each client the last requests were served in some way.

    Parameters
    ----------
    clients : iterable of LogFollower
        What `lab.record_logs` returned, of clients (`probe load`).
    how : str
        What each of these lines has to hold: `'"who":"cart"'`.
    last : int
        How many requests.
    """
    told = [each.last(last) for each in clients]
    return bool(told) and all(len(lines) == last and all(how in line for line in lines) for lines in told)


def changed(
    change: str, since: pd.DataFrame, traffic: pd.DataFrame, new: str = "", old: str = "", by: str = "container"
) -> pd.DataFrame:
    """Return when requests were first served the new way after a change, and from when on all of them were.

    A request counts from when it was sent. One that is served the old way later than the first new one says that both
    ways were in use for a time.

    Parameters
    ----------
    change : str
        In a word or two.
    since : DataFrame
        The change as it was seen in the API: a frame's rows, the first of which counts.
    traffic : DataFrame
        The frame of that name.
    new, old : str
        Which requests are served the new way, and which the old way, as `DataFrame.eval` takes it. Where only one of
        them can be told from the others (a Pod that takes its share, one that doesn't any more), there is one moment.
    by : str
        The column that tells clients apart: a row for each.

    Returns
    -------
    DataFrame
        `change`, `client` (str), `API change`, `first request`, `all requests` (Int64, ns on the monotonic clock; NA
        if not seen).
    """
    begin = int(since["monotonic_ns"].iloc[0]) if len(since) else None
    rows = []
    for client, mine in traffic.sort_values("monotonic_ns", kind="stable").groupby(by, sort=True):
        later = mine if begin is None else mine[mine["monotonic_ns"] >= begin]
        was = later[_so(later, old)]["monotonic_ns"].max() if old else None
        fresh = later[_so(later, new)] if new else later
        after = fresh if was is None or pd.isna(was) else fresh[fresh["monotonic_ns"] > was]
        first = (fresh if new else after)["monotonic_ns"].min()
        rows.append((change, client, begin, first, after["monotonic_ns"].min()))
    types = {"change": "str", "client": "str", **dict.fromkeys(STAGES, "Int64")}
    return pd.DataFrame(rows, columns=list(types), dtype=object).astype(types)


def _so(traffic: pd.DataFrame, how: str) -> pd.Series:
    return select(traffic, how).fillna(False).astype(bool)


__all__ = ["NAMED", "STAGES", "VERSIONS", "Controller", "changed", "ingresses", "passed", "served", "versions"]

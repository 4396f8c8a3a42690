"""What a lesson about shared addresses reads: who holds one, what is said of it on the wire, how long nobody answers.

In: a recording, and the frame `logs` with lines of the part `vip`. Out: frames.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping

import msgspec
import pandas as pd

from kitlib.frames.covered import Covered
from kitlib.frames.logs import WHERE, lines
from kitlib.recording import Recording

HOLDERS = {
    "observed_at": "datetime64[ns, UTC]",
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "name": "str",
    "holder": "str",
    "transitions": "int64",
    "seconds": "int64",
    "acquired": "datetime64[ns, UTC]",
    "renewed": "datetime64[ns, UTC]",
}
"""Columns that `holders` returns, and their types."""
SILENCES = {
    "client": "str",
    "from_ns": "int64",
    "until_ns": "Int64",
    "seconds": "float64",
    "lost": "int64",
    "before": "str",
    "after": "str",
}
"""Columns that `silences` returns, and their types."""


def holders(recording: Recording, name: str, namespace: str = "kube-system") -> pd.DataFrame:
    """Return what was seen of a Lease: who holds what it stands for.

    Parameters
    ----------
    recording : Recording
        With the Leases of that namespace.
    name, namespace : str
        The Lease's.

    Returns
    -------
    DataFrame
        One row for each version: `observed_at`, `monotonic_ns` (ns), `resourceVersion`; `name`; `holder` (str: empty if
        nobody holds it); `transitions` (int: how often it has changed hands); `seconds` (int: for how long a renewal
        is good); `acquired`, `renewed` (by the holder's clock, to the microsecond).
    """
    found = []
    for row in recording.rows.of("Lease"):
        if (row.namespace, row.name) != (namespace, name) or not row.object or row.type == "DELETED":
            continue
        spec = json.loads(row.object).get("spec", {})
        found.append(
            (
                pd.Timestamp(row.received_at, unit="ns", tz="UTC"),
                row.monotonic_ns,
                int(row.resourceVersion),
                row.name,
                spec.get("holderIdentity") or "",
                spec.get("leaseTransitions") or 0,
                spec.get("leaseDurationSeconds") or 0,
                spec.get("acquireTime"),
                spec.get("renewTime"),
            )
        )
    made = pd.DataFrame(found, columns=list(HOLDERS))
    for column in ("acquired", "renewed"):
        made[column] = pd.to_datetime(made[column], utc=True, format="ISO8601")
    return made.astype(HOLDERS)


class _Said(msgspec.Struct, gc=False):
    """A packet of ARP that `vip hear` has heard."""

    operation: str
    address: str
    mac: str
    target: str
    gratuitous: bool


class _Route(msgspec.Struct, gc=False):
    """Ways to an address, as `vip table` has seen them."""

    address: str
    ways: int
    via: list[str]


def said(logs: pd.DataFrame, names: Mapping[str, str] = {}) -> pd.DataFrame:
    """Read what was heard on the wire about addresses.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name, with the log of `vip hear`.
    names : mapping of str to str
        Hardware addresses to the names of whose they are.

    Returns
    -------
    DataFrame
        One row for each packet: `at`, `monotonic_ns` and so on as in `logs`; `operation` ("request", "reply"),
        `address` (whose hardware address is told), `mac`, `target` (str), `gratuitous` (bool: nobody asked), `who`
        (str: the name of whose hardware address it is).
    """
    made = _read(logs, _Said, '"event":"arp"', ("operation", "address", "mac", "target", "gratuitous"))
    made["who"] = made["mac"].map(lambda mac: names.get(mac, mac)).astype("str")
    return made


def ways(logs: pd.DataFrame, names: Mapping[str, str] = {}) -> pd.DataFrame:
    """Read which ways a router's kernel knew to addresses, whenever that changed.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name, with the log of `vip table`.
    names : mapping of str to str
        Addresses of gateways to their names.

    Returns
    -------
    DataFrame
        One row for each change: `at`, `monotonic_ns` and so on as in `logs`; `address`, `ways` (int), `via` (str: the
        gateways, with commas between).
    """
    made = _read(logs, _Route, '"event":"route"', ("address", "ways", "via"))
    made["via"] = [", ".join(sorted(names.get(each, each) for each in via)) for via in made["via"]]
    return made


def trials(text: str) -> pd.DataFrame:
    """Read what who asked for leases was told, whenever that was something new.

    Parameters
    ----------
    text : str
        A log of `vip trial`, as a node keeps it in /var/log/pods.

    Returns
    -------
    DataFrame
        One row for each new answer: `at` (when it was asked), `file` (the kubeconfig file), `said` ("no answer",
        "forbidden", "allowed", or the server's reason), `tries` (int: so many so far).
    """
    return _of_node(text, "trial", ("file", "said", "tries"))


def moves(text: str) -> pd.DataFrame:
    """Read what became of a shared address on a node's interface.

    Parameters
    ----------
    text : str
        A log of `vip arp` or `vip bgp`, as a node keeps it in /var/log/pods.

    Returns
    -------
    DataFrame
        One row for each change: `at`, `what` ("added", "removed", …), `address`, `interface` (str).
    """
    return _of_node(text, "address", ("what", "address", "interface"))


def _of_node(text: str, event: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a row for each line that tells of an event: what the container's runtime put before it is left out."""
    found = []
    for line in text.splitlines():
        _, brace, rest = line.partition("{")
        try:
            told = json.loads(brace + rest)
        except ValueError:
            continue
        if told.get("event") == event:
            found.append((pd.Timestamp(told["wall_ns"], unit="ns", tz="UTC"), *(told.get(name) for name in columns)))
    made = pd.DataFrame(found, columns=["at", *columns])
    return made.sort_values("at", kind="stable", ignore_index=True)


def _read(logs: pd.DataFrame, kind: type, holding: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a row for each line that holds a text: the columns of `logs` that tell where, and those of the line."""
    found = list(lines(logs, msgspec.json.Decoder(kind), holding))
    plain = pd.DataFrame([dict(row) for row, _ in found], columns=list(logs.columns)).astype(logs.dtypes.to_dict())
    plain = plain[list(WHERE)]
    for name in columns:
        values = [getattr(line, name) for _, line in found]
        dtype = {"gratuitous": "bool", "ways": "int64", "tries": "int64", "via": "object"}.get(name, "str")
        plain[name] = pd.Series(values, index=plain.index, dtype=dtype)
    made = Covered(plain, copy=False)
    made.attrs = dict(logs.attrs)
    return made


def silences(traffic: pd.DataFrame, by: str = "container") -> pd.DataFrame:
    """Return when clients were answered by nobody, from each last answered request to the next one.

    A request counts from when it was sent. So a silence is never shorter than it was, and longer by two requests' times
    at most.

    Parameters
    ----------
    traffic : DataFrame
        The frame of that name.
    by : str
        The column that tells clients apart.

    Returns
    -------
    DataFrame
        One row for each silence: `client`; `from_ns`, `until_ns` (Int64, ns on the monotonic clock: the requests at
        both ends; NA where nobody has answered since), `seconds` (NaN then), `lost` (int: requests between), `before`,
        `after` (str: who answered).
    """
    rows = []
    for client, mine in traffic.sort_values("monotonic_ns", kind="stable").groupby(by, sort=True):
        last, lost = None, 0
        for at, answered, who in zip(mine["monotonic_ns"], mine["answered"], mine["who"], strict=True):
            if not answered:
                lost += 1
                continue
            if lost and last is not None:
                rows.append((client, last[0], at, (at - last[0]) / 1e9, lost, last[1], who))
            last, lost = (at, who), 0
        if lost and last is not None:
            rows.append((client, last[0], pd.NA, float("nan"), lost, last[1], ""))
    made = Covered(pd.DataFrame(rows, columns=list(SILENCES)).astype(SILENCES), copy=False)
    made.attrs = dict(traffic.attrs)
    return made


def longest(traffic: pd.DataFrame, by: str = "container") -> float:
    """Return the seconds of the longest silence; 0 where each request was answered, NaN where one hasn't ended."""
    found = silences(traffic, by)["seconds"]
    return float(found.max(skipna=False)) if len(found) else 0.0


def interface(text: str) -> dict[str, str]:
    """Read what `ip address show dev NAME` tells of a node's interface.

    Parameters
    ----------
    text : str
        With lines such as "link/ether 02:42:ac:12:00:03 …" and "inet 172.18.0.3/16 …".

    Returns
    -------
    dict
        "address": the first IPv4 address; "mac": the hardware address; "network": the first three parts of the address
        that is the highest in its network, such as "172.18.255".
    """
    found = re.search(r"\binet (\d+\.\d+\.\d+\.\d+/\d+)", text)
    mac = re.search(r"\blink/ether ([0-9a-f]{2}(?::[0-9a-f]{2}){5})\b", text)
    at = ipaddress.ip_interface(found[1] if found else "0.0.0.0/0")
    network = str(at.network.broadcast_address).rpartition(".")[0]
    return {"address": str(at.ip), "mac": mac[1] if mac else "", "network": network}


__all__ = ["HOLDERS", "SILENCES", "holders", "interface", "longest", "moves", "said", "silences", "trials", "ways"]

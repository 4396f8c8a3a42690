"""The frame `queries`: what CoreDNS was asked, query by query, as its plugin `log` tells it."""

from __future__ import annotations

import re

import pandas as pd

from kitlib.frames.frames import Frames
from kitlib.frames.logs import WHERE

_LINE = re.compile(
    r"\[INFO\] (?P<client>\S+):(?P<port>\d{1,5}) - (?P<id>\d{1,5}) "
    r'"(?P<type>\S+) \S+ (?P<asked>\S+) (?P<protocol>\S+) [^"]*" '
    r"(?P<rcode>\S+) (?P<flags>\S+) \d+ (?P<took>\d{1,6}\.\d+)s"
)
"""A line in the format that CoreDNS calls common, after what its log begins with."""
_SECOND = 1_000_000_000


def queries(frames: Frames) -> pd.DataFrame:
    """Return the queries that CoreDNS has answered in a window, where its Corefile names the plugin `log`.

    Parameters
    ----------
    frames : Frames
        Of a recording in which `Lab.record_logs` followed CoreDNS' Pods.

    Returns
    -------
    DataFrame
        One row for each query: `at` (datetime64[ns, UTC]: when it had been answered, by the node's clock),
        `monotonic_ns` (int64, ns: the same on the recording's monotonic clock), `seq` (int64: row of the recording
        that it came with), `namespace`, `name`, `uid`, `container` (str: of the server), `client` (str: the address
        that asked), `port` (int64: from which of its ports), `id` (int64: the query's number, given by the client),
        `type` (str: A, AAAA, SRV, …), `asked` (str: the name, without the dot at its end), `protocol` (str: udp or
        tcp), `rcode` (str: NOERROR, NXDOMAIN, …), `took_ns` (int64, ns). Its `attrs` are those of every frame.
    """
    logs = frames.logs
    some = logs[logs["line"].str.startswith("[INFO] ") & logs["line"].str.contains(" IN ", regex=False)]
    rows = []
    for row in some.to_dict("records"):
        if said := _LINE.fullmatch(row["line"]):
            took = round(float(said["took"]) * _SECOND)
            client, asked = said["client"].strip("[]"), said["asked"].rstrip(".")
            numbers = (int(said["port"]), int(said["id"]))
            kept = [row[column] for column in WHERE]
            rows.append([*kept, client, *numbers, said["type"], asked, said["protocol"], said["rcode"], took])
    frame = pd.DataFrame(rows, columns=list(DTYPES))
    return frames._about("queries", frame.astype(DTYPES))


DTYPES = {
    **WHERE,
    "client": "str",
    "port": "int64",
    "id": "int64",
    "type": "str",
    "asked": "str",
    "protocol": "str",
    "rcode": "str",
    "took_ns": "int64",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "queries"]

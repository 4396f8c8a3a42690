"""The frame `runtime`: what a node's own container runtime said, whether or not an API server was there to hear it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from kitlib.frames.frames import Frames

MARK = "NODE"
"""Type of the marks in a recording that hold what nodes said."""


def runtime(frames: Frames) -> pd.DataFrame:
    """Return what nodes' runtimes said in a window: containers that started and ended, files that were changed.

    Parameters
    ----------
    frames : Frames
        Of a recording in which `Lab.node` followed a node. What ran already at the window's begin is carried in, with
        its own time.

    Returns
    -------
    DataFrame
        One row for each thing said: `at` (datetime64[ns, UTC]: the node's wall clock, a point), `at_ns` (int64, ns: the
        same on the recording's monotonic clock), `monotonic_ns` (int64, ns: when kitlib received it), `seq` (int64:
        order of receipt), `node` (str), `what` (str: running, ended, written or removed), `namespace`, `name`, `uid`
        (str: the Pod's), `container` (str), `containerID` (str), `exitCode` (Int64: of one that ended), `path` (str: of
        a file). Its `attrs` are those of every frame.
    """
    begin, end = frames._since, frames._end
    rows = []
    standing: dict[str, dict] = {}
    for mark in frames._marks:
        if mark.type != MARK:
            continue
        said = json.loads(mark.object)
        at_ns = said["at"] - mark.received_at + mark.monotonic_ns
        row = {"at": said["at"], "at_ns": at_ns, "monotonic_ns": mark.monotonic_ns, "seq": mark.seq, **said["said"]}
        if at_ns > end:
            continue
        if begin is None or at_ns >= begin:
            rows.append(row)
        elif row["what"] == "running":
            standing[row["containerID"]] = row
        elif row["what"] == "ended":
            standing.pop(row["containerID"], None)
    frame = pd.DataFrame([*standing.values(), *rows], columns=list(DTYPES))
    texts = [column for column, dtype in DTYPES.items() if dtype == "str"]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), "")
    frame["at"] = pd.DatetimeIndex(np.array(frame["at"], dtype="int64").view("M8[ns]")).tz_localize("UTC")
    return frames._about("runtime", frame.astype(DTYPES))


DTYPES = {
    "at": "datetime64[ns, UTC]",
    "at_ns": "int64",
    "monotonic_ns": "int64",
    "seq": "int64",
    "node": "str",
    "what": "str",
    "namespace": "str",
    "name": "str",
    "uid": "str",
    "container": "str",
    "containerID": "str",
    "exitCode": "Int64",
    "path": "str",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "MARK", "runtime"]

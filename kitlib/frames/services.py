"""The frame `services`: one row for each observed version of a Service."""

from __future__ import annotations

from itertools import chain

import msgspec
import pandas as pd

from kitlib.frames.columns import VERSIONED
from kitlib.frames.frames import Frames
from kitlib.frames.objects import ObjectMeta, named, observed
from kitlib.frames.salvage import versions

KINDS = ("Service",)


class _Spec(msgspec.Struct, gc=False):
    publishNotReadyAddresses: bool | None = None  # noqa: N815 - the API's own spelling


class _Service(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)


_service = msgspec.json.Decoder(_Service)


def services(frames: Frames) -> pd.DataFrame:
    """Return the Services that were seen in a window; `kitlib.open(…, kinds=…)` must name their kind.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each observed version: `observed_at`, `not_before`, `monotonic_ns`, `seq`, `resourceVersion`,
        `type`, `origin`, `namespace`, `name` and `uid` as of the other frames; `publishNotReadyAddresses` (bool: also
        addresses whose Pod isn't Ready are served). Its `attrs` are those of every frame.
    """
    rows = []
    for row, thing in versions(chain.from_iterable(frames._read(KINDS)), KINDS, _service, frames._left):
        rows.append([*observed(row), row.type, row.origin, *named(row), bool(thing.spec.publishNotReadyAddresses)])
    return frames._about("services", pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES))


DTYPES = {
    **VERSIONED,
    "publishNotReadyAddresses": "bool",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "KINDS", "services"]

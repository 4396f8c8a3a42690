"""The frame `persistentvolumeclaims`: one row for each observed version of a PersistentVolumeClaim."""

from __future__ import annotations

from itertools import chain

import msgspec
import pandas as pd

from kitlib.frames.columns import VERSIONED
from kitlib.frames.frames import Frames
from kitlib.frames.objects import ObjectMeta, named, observed
from kitlib.frames.salvage import versions

KINDS = ("PersistentVolumeClaim",)


class _Spec(msgspec.Struct, gc=False):
    storageClassName: str | None = None  # noqa: N815 - the API's own spelling, here and below
    volumeName: str | None = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    phase: str | None = None


class _Claim(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_claim = msgspec.json.Decoder(_Claim)


def persistentvolumeclaims(frames: Frames) -> pd.DataFrame:
    """Return the claims for storage that were seen in a window; `kitlib.open(…, kinds=…)` must name their kind.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each observed version: `observed_at`, `not_before`, `monotonic_ns`, `seq`, `resourceVersion`,
        `type`, `origin`, `namespace`, `name` and `uid` as of the frame `pods`; `phase` (str: Pending, Bound or Lost),
        `volumeName` (str: the volume that it is bound to; empty until then), `storageClassName` (str), `owner` (str:
        names of all owner references as kind/name, joined by a comma: with the last of them it goes),
        `deletionTimestamp` (datetime64[ns, UTC], whole seconds). Its `attrs` are those of every frame.
    """
    rows = []
    for row, claim in versions(chain.from_iterable(frames._read(KINDS)), KINDS, _claim, frames._left):
        owners = ",".join(f"{each.kind}/{each.name}" for each in claim.metadata.ownerReferences or ())
        spec, when = claim.spec, claim.metadata.deletionTimestamp
        told = (claim.status.phase or "", spec.volumeName or "", spec.storageClassName or "", owners, when)
        rows.append([*observed(row), row.type, row.origin, *named(row), *told])
    frame = pd.DataFrame(rows, columns=list(DTYPES))
    frame["deletionTimestamp"] = pd.to_datetime(frame["deletionTimestamp"], utc=True, format="ISO8601", errors="coerce")
    return frames._about("persistentvolumeclaims", frame.astype(DTYPES))


DTYPES = {
    **VERSIONED,
    "phase": "str",
    "volumeName": "str",
    "storageClassName": "str",
    "owner": "str",
    "deletionTimestamp": "datetime64[ns, UTC]",
}
"""The frame's columns and their dtypes."""

__all__ = ["DTYPES", "KINDS", "persistentvolumeclaims"]

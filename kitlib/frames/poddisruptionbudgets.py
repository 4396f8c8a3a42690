"""The frames `poddisruptionbudgets` and `disruptions`: of each Pod what a budget looks at, and why it is disrupted."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import msgspec
import pandas as pd

from kitlib.frames.columns import VERSIONED
from kitlib.frames.frames import Frames
from kitlib.frames.objects import Condition, ObjectMeta, identity, int_or_percent, named, observed
from kitlib.frames.salvage import versions

KINDS = ("PodDisruptionBudget",)
PODS = ("Pod",)
TARGET = "DisruptionTarget"
"""The condition by which a Pod says that, and why, it is to go: EvictionByEvictionAPI, PreemptionByScheduler, …"""


class _Spec(msgspec.Struct, gc=False):
    minAvailable: int | str | None = None  # noqa: N815 - the API's own spelling, here and below
    maxUnavailable: int | str | None = None  # noqa: N815
    selector: dict[str, Any] | None = None
    unhealthyPodEvictionPolicy: str | None = None  # noqa: N815


class _Status(msgspec.Struct, gc=False):
    observedGeneration: int | None = None  # noqa: N815
    disruptionsAllowed: int | None = None  # noqa: N815
    currentHealthy: int | None = None  # noqa: N815
    desiredHealthy: int | None = None  # noqa: N815
    expectedPods: int | None = None  # noqa: N815
    disruptedPods: dict[str, Any] | None = None  # noqa: N815


class _Budget(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class _PodStatus(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class _Pod(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


_budget = msgspec.json.Decoder(_Budget)
_pod = msgspec.json.Decoder(_Pod)


def poddisruptionbudgets(frames: Frames) -> pd.DataFrame:
    """Return the budgets that were seen in a window; `kitlib.open(…, kinds=…)` must name their kind.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each observed version: `observed_at`, `not_before`, `monotonic_ns`, `seq`, `resourceVersion`,
        `type`, `origin`, `namespace`, `name`, `uid`, `generation`, `observedGeneration` and `deletionTimestamp` as of
        the other frames; `minAvailable` and `maxUnavailable` (str, Pods or %, as written; empty where it has none),
        `selector` (str: spec.selector as JSON; empty: no Pod), `unhealthyPodEvictionPolicy` (str),
        `disruptionsAllowed`, `currentHealthy`, `desiredHealthy`, `expectedPods` (int64, Pods: of its status),
        `disruptedPods` (str: names of those whose eviction the API server has let through and that are not seen gone
        yet, joined by a comma). Its `attrs` are those of every frame.
    """
    rows = []
    for row, thing in versions(chain.from_iterable(frames._read(KINDS)), KINDS, _budget, frames._left):
        meta, spec, status = thing.metadata, thing.spec, thing.status
        rows.append([
            *observed(row), row.type, row.origin, *named(row), meta.generation, status.observedGeneration or 0,
            int_or_percent(spec.minAvailable) or "", int_or_percent(spec.maxUnavailable) or "",
            "" if spec.selector is None else json.dumps(spec.selector, sort_keys=True),
            spec.unhealthyPodEvictionPolicy or "IfHealthyBudget",
            status.disruptionsAllowed or 0, status.currentHealthy or 0, status.desiredHealthy or 0,
            status.expectedPods or 0, ",".join(sorted(status.disruptedPods or ())), meta.deletionTimestamp,
        ])  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(BUDGETS))
    frame["deletionTimestamp"] = pd.to_datetime(frame["deletionTimestamp"], utc=True, format="ISO8601", errors="coerce")
    return frames._about("poddisruptionbudgets", frame.astype(BUDGETS))


def disruptions(frames: Frames) -> pd.DataFrame:
    """Return of each version of a Pod its labels, and why it is disrupted.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each row of the frame `pods`: `seq` (int64), `uid` (str), `labels` (str: metadata.labels as JSON),
        `disruption` (str: reason of the condition DisruptionTarget where that is True; else empty).
    """
    rows = []
    for row, thing in versions(chain.from_iterable(frames._read(PODS)), PODS, _pod):
        target = next((each for each in thing.status.conditions or () if each.type == TARGET), None)
        labels = json.dumps(thing.metadata.labels or {}, sort_keys=True)
        reason = target.reason or "" if target and target.status == "True" else ""
        rows.append([row.seq, identity(row), labels, reason])
    return pd.DataFrame(rows, columns=list(DISRUPTIONS)).astype(DISRUPTIONS)


DISRUPTIONS = {"seq": "int64", "uid": "str", "labels": "str", "disruption": "str"}
"""The columns of `disruptions` and their dtypes."""
BUDGETS = {
    **VERSIONED,
    "generation": "int64",
    "observedGeneration": "int64",
    "minAvailable": "str",
    "maxUnavailable": "str",
    "selector": "str",
    "unhealthyPodEvictionPolicy": "str",
    "disruptionsAllowed": "int64",
    "currentHealthy": "int64",
    "desiredHealthy": "int64",
    "expectedPods": "int64",
    "disruptedPods": "str",
    "deletionTimestamp": "datetime64[ns, UTC]",
}
"""The columns of `poddisruptionbudgets` and their dtypes."""

__all__ = ["BUDGETS", "DISRUPTIONS", "KINDS", "disruptions", "poddisruptionbudgets"]

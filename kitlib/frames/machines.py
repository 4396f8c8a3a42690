"""The frames `machines` and `machinehealthchecks`: what Cluster API says of machines, and who looks after them.

These kinds are no kinds of Kubernetes' own: another group's kind of the same name is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeVar

import msgspec
import pandas as pd

from kitlib.frames.columns import TIME, VERSIONED
from kitlib.frames.frames import Frames
from kitlib.frames.objects import Condition, ObjectMeta, int_or_percent, named, observed
from kitlib.frames.salvage import decode
from kitlib.recording import WatchEvent

Struct = TypeVar("Struct", bound=msgspec.Struct)
GROUP = "cluster.x-k8s.io"
"""The group of Cluster API's own kinds."""
MACHINE, CHECK = "Machine", "MachineHealthCheck"
CONTROL_PLANE = f"{GROUP}/control-plane"
"""The label of machines that run a control plane."""
REMEDIATE = f"{GROUP}/remediate-machine"
"""The annotation by which somebody says that a machine is to be replaced."""
SKIP = f"{GROUP}/skip-remediation"
"""The annotation by which somebody says that a machine is never to be replaced."""
FOR = "controlplane.cluster.x-k8s.io/remediation-for"
"""The annotation by which a control plane's machine says whom it replaces."""


class _NodeRef(msgspec.Struct, gc=False):
    name: str = ""


class _MachineStatus(msgspec.Struct, gc=False):
    phase: str | None = None
    nodeRef: _NodeRef | None = None  # noqa: N815 - the API's own spelling, here and below
    conditions: list[Condition] | None = None


class _Machine(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    status: _MachineStatus = msgspec.field(default_factory=_MachineStatus)


class _TriggerIf(msgspec.Struct, gc=False):
    unhealthyLessThanOrEqualTo: int | str | None = None  # noqa: N815
    unhealthyInRange: str | None = None  # noqa: N815


class _Remediation(msgspec.Struct, gc=False):
    triggerIf: _TriggerIf = msgspec.field(default_factory=_TriggerIf)  # noqa: N815


class _CheckSpec(msgspec.Struct, gc=False):
    remediation: _Remediation = msgspec.field(default_factory=_Remediation)


class _CheckStatus(msgspec.Struct, gc=False):
    expectedMachines: int | None = None  # noqa: N815
    currentHealthy: int | None = None  # noqa: N815
    remediationsAllowed: int | None = None  # noqa: N815
    targets: list[str] | None = None
    conditions: list[Condition] | None = None


class _Check(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: _CheckSpec = msgspec.field(default_factory=_CheckSpec)
    status: _CheckStatus = msgspec.field(default_factory=_CheckStatus)


class _For(msgspec.Struct, gc=False):
    machine: str = ""


_machine = msgspec.json.Decoder(_Machine)
_check = msgspec.json.Decoder(_Check)
_for = msgspec.json.Decoder(_For)
NONE = Condition("", "")
"""The condition that isn't there: empty in all."""


def machines(frames: Frames) -> pd.DataFrame:
    """Return the machines that were seen in a window; `kitlib.open(…, kinds=…)` must name their kind.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each observed version of a Machine: `observed_at`, `not_before`, `monotonic_ns`, `seq`,
        `resourceVersion`, `type`, `origin`, `namespace`, `name` and `uid` as of the other frames; `controlPlane` (bool:
        its label says so), `owner.kind` and `owner.name` (str: its controller), `phase` (str: Pending, Provisioning,
        Provisioned, Running, Deleting, …; empty before the first), `node` (str: its Node; empty until it has one),
        `nodeReady` and `nodeReadySince` (str, and datetime64[ns, UTC] in whole seconds: status and lastTransitionTime
        of its condition NodeReady, which are those of the Node's Ready; empty where it has none, as below),
        `healthy`, `healthReason`, `healthMessage` and `healthSince` (the same, with reason and message, of
        HealthCheckSucceeded), `remediated`, `remediationReason` and
        `remediationMessage` (str: of OwnerRemediated, which whoever owns it writes), `remediate` and `skip` (bool: by
        annotation it is to be replaced, or is never to be), `replaces` (str: the machine in whose place it runs a
        control plane, by annotation; empty if in none's), `creationTimestamp`, `deletionTimestamp` (datetime64[ns,
        UTC], whole seconds). Its `attrs` are those of every frame.
    """
    rows = []
    for row, machine in _read(frames, MACHINE, _machine):
        meta, status, owner = machine.metadata, machine.status, machine.metadata.owner()
        labels, annotations = meta.labels or {}, meta.annotations or {}
        told = {each.type: each for each in status.conditions or ()}
        ready, health, remedy = (
            told.get(name, NONE) for name in ("NodeReady", "HealthCheckSucceeded", "OwnerRemediated")
        )
        rows.append([
            *observed(row), row.type, row.origin, *named(row), CONTROL_PLANE in labels, owner.kind, owner.name,
            status.phase or "", status.nodeRef.name if status.nodeRef else "", ready.status, ready.lastTransitionTime,
            health.status, health.reason or "", health.message or "", health.lastTransitionTime,
            remedy.status, remedy.reason or "", remedy.message or "", REMEDIATE in annotations, SKIP in annotations,
            _replaced(annotations), meta.creationTimestamp, meta.deletionTimestamp,
        ])  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(MACHINES))
    for column in ("nodeReadySince", "healthSince", "creationTimestamp", "deletionTimestamp"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601", errors="coerce")
    return frames._about("machines", frame.astype(MACHINES))


def _replaced(annotations: Mapping[str, str]) -> str:
    try:
        return _for.decode(annotations.get(FOR, "{}")).machine
    except msgspec.MsgspecError:  # anybody may have written it
        return ""


def machinehealthchecks(frames: Frames) -> pd.DataFrame:
    """Return the health checks that were seen in a window; `kitlib.open(…, kinds=…)` must name their kind.

    Parameters
    ----------
    frames : Frames
        What stood there at the window's begin is carried in.

    Returns
    -------
    DataFrame
        One row for each observed version of a MachineHealthCheck: `observed_at`, `not_before`, `monotonic_ns`, `seq`,
        `resourceVersion`, `type`, `origin`, `namespace`, `name` and `uid` as of the other frames; `limit` (str: how
        many may be unhealthy, as its spec has it: a number, a share as "40%" or a range as "[1-2]"; empty: all),
        `expectedMachines`, `currentHealthy` and `remediationsAllowed` (Int64, machines: of its status; NA until it says
        so), `allowed`, `reason` and `message` (str: status, reason and message of its condition RemediationAllowed;
        empty until it has it), `targets` (str: names of the machines that it looks after, joined by a comma). Its
        `attrs` are those of every frame.
    """
    rows = []
    for row, check in _read(frames, CHECK, _check):
        status, only = check.status, check.spec.remediation.triggerIf
        limit = only.unhealthyInRange or int_or_percent(only.unhealthyLessThanOrEqualTo) or ""
        allowed = next((each for each in status.conditions or () if each.type == "RemediationAllowed"), NONE)
        counts = (status.expectedMachines, status.currentHealthy, status.remediationsAllowed)
        told = (allowed.status, allowed.reason or "", allowed.message or "", ",".join(status.targets or ()))
        rows.append([*observed(row), row.type, row.origin, *named(row), limit, *counts, *told])
    return frames._about("machinehealthchecks", pd.DataFrame(rows, columns=list(CHECKS)).astype(CHECKS))


def _read(frames: Frames, kind: str, decoder: msgspec.json.Decoder[Struct]) -> Iterator[tuple[WatchEvent, Struct]]:
    for row in chain.from_iterable(frames._read((kind,))):
        if row.kind == kind and row.apiVersion.rpartition("/")[0] == GROUP:
            thing = decode(decoder, row, frames._left)
            if thing is not None:
                yield row, thing


MACHINES = {
    **VERSIONED,
    "controlPlane": "bool",
    "owner.kind": "str",
    "owner.name": "str",
    "phase": "str",
    "node": "str",
    "nodeReady": "str",
    "nodeReadySince": TIME,
    "healthy": "str",
    "healthReason": "str",
    "healthMessage": "str",
    "healthSince": TIME,
    "remediated": "str",
    "remediationReason": "str",
    "remediationMessage": "str",
    "remediate": "bool",
    "skip": "bool",
    "replaces": "str",
    "creationTimestamp": TIME,
    "deletionTimestamp": TIME,
}
"""The columns of `machines` and their dtypes."""
CHECKS = {
    **VERSIONED,
    "limit": "str",
    "expectedMachines": "Int64",
    "currentHealthy": "Int64",
    "remediationsAllowed": "Int64",
    "allowed": "str",
    "reason": "str",
    "message": "str",
    "targets": "str",
}
"""The columns of `machinehealthchecks` and their dtypes."""

__all__ = ["CHECKS", "GROUP", "MACHINES", "REMEDIATE", "SKIP", "machinehealthchecks", "machines"]

"""Which Deployment is meant: names are labels, a Deployment is its namespace and uid."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from kitlib.errors import UsageError
from kitlib.progress import printable

PREFIXES = ("deployment/", "deployments/", "deploy/", "deployment.apps/", "deployments.apps/")
"""What kubectl lets stand before a Deployment's name."""


@dataclass(frozen=True)
class Deployment:
    """One Deployment, from its creation to its deletion.

    Parameters
    ----------
    namespace, name, uid : str
        Its metadata's.
    """

    namespace: str
    name: str
    uid: str

    def rows(self, workloads: pd.DataFrame) -> pd.DataFrame:
        """Return its own rows of the frame `workloads`, its deletion with them, in the server's order."""
        own = workloads[_deployments(workloads) & (workloads["uid"] == self.uid)]
        if not self.uid:
            own = own[(own["namespace"] == self.namespace) & (own["name"] == self.name)]
        return own.sort_values("resourceVersion", kind="stable")

    def sets(self, workloads: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of its ReplicaSets."""
        owned = (workloads["owner.uid"] == self.uid) & (self.uid != "")
        return workloads[(workloads["kind"] == "ReplicaSet") & owned]


def which(workloads: pd.DataFrame, deployment: str | Deployment | None = None) -> Deployment:
    """Return the Deployment that is meant.

    Parameters
    ----------
    workloads : DataFrame
        The frame of that name.
    deployment : str or Deployment, optional
        `web`, or `shop/web` where two namespaces have one of that name; kubectl's `deployment/web` is understood. May
        be left out if there is one only.

    Returns
    -------
    Deployment
        Of several that had the name one after the other, the last.

    Raises
    ------
    UsageError
        If there is none of that name, or if more than one is meant; it names those that there are.
    """
    if isinstance(deployment, Deployment):
        return deployment
    rows = workloads[_deployments(workloads)]
    there = list(dict.fromkeys(zip(map(str, rows["namespace"]), map(str, rows["name"]), strict=True)))
    wanted = None if deployment is None else str(deployment)
    found = [one for one in there if wanted is None or wanted in ("/".join(one), one[1])]
    if not found and wanted is not None:
        short = next((wanted.removeprefix(each) for each in PREFIXES if wanted.startswith(each)), wanted)
        found = [one for one in there if short in ("/".join(one), one[1])]
        wanted = short
    if len(found) != 1:
        many = len({namespace for namespace, _ in there}) > 1
        names = [_shown("/".join(one) if many else one[1]) for one in (found or there)]
        if wanted is None:
            message = f"{len(there)} Deployments in these frames"
        elif found:
            message = f"{len(found)} Deployments {_shown(wanted)!r} in these frames"
        else:
            message = f"no Deployment {_shown(wanted)!r} in these frames"
        raise UsageError(message, step="rollout", next="name one of: " + (", ".join(names) or "(none was recorded)"))
    ((namespace, name),) = found
    own = rows[(rows["namespace"] == namespace) & (rows["name"] == name)].sort_values("resourceVersion", kind="stable")
    alive = own[own["type"] != "DELETED"]
    return Deployment(namespace, name, str((alive if len(alive) else own)["uid"].iloc[-1]))


def earlier(workloads: pd.DataFrame, deployment: Deployment) -> int:
    """Return how many other Deployments had its name in its namespace: they are not it, and not counted."""
    named = (workloads["namespace"] == deployment.namespace) & (workloads["name"] == deployment.name)
    return int(workloads.loc[_deployments(workloads) & named & (workloads["uid"] != deployment.uid), "uid"].nunique())


def going(rows: pd.DataFrame) -> pd.Series:
    """Return which versions of objects are their deletion, or are to be deleted once what they own is gone."""
    return (rows["type"] == "DELETED") | rows["deletionTimestamp"].notna()


def _deployments(workloads: pd.DataFrame) -> pd.Series:
    return workloads["kind"] == "Deployment"


def _shown(name: str, longest: int = 120) -> str:
    """Make a name fit for a message: a cluster's or a user's words are not trusted."""
    kept = printable(name)
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"

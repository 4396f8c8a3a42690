"""What the lesson on Cluster API does to machines, and asks of them.

In: a lab, and the frame `machines`. Out: a Node of a workload cluster whose condition is turned; how many machines
there were, version by version; how long it took from a fault to a replacement.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import yaml

from kitlib import objects
from kitlib.api.diff import Change
from kitlib.api.status import has_condition
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError, RefusedError
from kitlib.frames.covered import Covered
from kitlib.frames.origin import joined
from kitlib.lab import Lab
from kitlib.lab.display import Changes
from kitlib.machine import loopback

MANIFESTS = ("cluster", "workers", "checks")
"""What makes the lesson's cluster, in order; below manifests/cluster-api/."""
OWNERS = ("kubeadmcontrolplanes", "machinedeployments")
"""Who says how many machines are wanted."""
STAGES = ("fault", "judged", "marked for deletion", "replaced")
"""What happens to a machine that fails, one after the other."""
COUNTS = {
    "observed_at": "datetime64[ns, UTC]",
    "not_before": "datetime64[ns, UTC]",
    "monotonic_ns": "int64",
    "seq": "int64",
    "resourceVersion": "int64",
    "name": "str",
    "there": "int64",
    "starting": "int64",
    "running": "int64",
    "deleting": "int64",
}
"""The columns of `counts` and their dtypes."""
LOOKS = {"name": "str", "controlPlane": "bool", "healthSince": "datetime64[ns, UTC]", "after": "float64"}
"""The columns of `looks` and their dtypes."""
_NOW = r"""'"\"$(date -u +%FT%TZ)\""'"""  # in a twin's JSON, between single quotes: a timeout counts from it


def running(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of machines that run with a Ready Node, and are not to go.

    Parameters
    ----------
    items : iterable of mapping
        Machines as the API has them, such as `lab.recorder.latest("machines")`.
    """
    return sorted(
        each["metadata"]["name"]
        for each in items
        if each.get("status", {}).get("phase") == "Running"
        and "deletionTimestamp" not in each["metadata"]
        and has_condition(dict(each), "NodeReady")
    )


def all_run(lab: Lab) -> bool:
    """Say whether as many machines run as are wanted, and none else is there.

    Parameters
    ----------
    lab : Lab
        One that records machines, MachineDeployments and KubeadmControlPlanes.
    """
    owners = [each for kind in OWNERS for each in lab.recorder.latest(kind)]
    wanted = sum(each["spec"].get("replicas", 1) for each in owners)
    there = lab.recorder.latest("machines")
    return len(there) == len(running(there)) == wanted > 0


def at_rest(lab: Lab) -> bool:
    """Say whether all machines run, and their health checks, which it records as well, have found all of them well."""
    checks = lab.recorder.latest("machinehealthchecks")
    healthy = sum(each.get("status", {}).get("currentHealthy", 0) for each in checks)
    return all_run(lab) and healthy == len(lab.recorder.latest("machines"))


class Away:
    """What has a workload cluster go before its namespace does, by its object, which takes the others along in order.

    A namespace that is deleted takes all of them at once; machines then wait for a cluster that is gone.

    Parameters
    ----------
    lab : Lab
    cluster : str
        Its name, in the lab's namespace.
    """

    def __init__(self, lab: Lab, cluster: str) -> None:
        self._lab, self._cluster = lab, cluster

    def close(self) -> None:
        """Delete it, and wait until it is gone; what stands in the way of that is left to the namespace's end."""
        ref, connection, namespace = f"cluster/{self._cluster}", self._lab.connection, self._lab.namespace
        with contextlib.suppress(KitlibError):
            objects.delete(connection, ref, namespace)
            objects.wait(connection, ref, namespace, deleted=True, timeout=60)


def stand(lab: Lab) -> None:
    """Have the lesson's cluster, with all Machines running; if there is none a smaller one, quicker to come.

    That one goes with the lab.
    """
    if not lab.recorder.latest("clusters"):
        lab.keep(Away(lab, "shop"))
        with lab.quiet():
            for name in MANIFESTS:
                text = (lab.base / "manifests" / "cluster-api" / f"{name}.yaml").read_text(encoding="utf-8")
                lab.apply(text.replace("replicas: 3  # control plane", "replicas: 1").replace(" 20s}", " 2s}"))
    lab.until(lambda: all_run(lab), "all Machines run")


def fail(lab: Lab, cluster: str, *nodes: str) -> Changes:
    """Let Nodes of a workload cluster be not Ready, as if their kubelets had said so; see `heal`.

    Parameters
    ----------
    lab : Lab
    cluster : str
        Its name, in the lab's namespace.
    *nodes : str

    Raises
    ------
    RefusedError
        It is none that lives in the memory of a program of this machine.
    ServerError
        There is no such cluster, or no such Node.
    """
    changes: Changes = lab.answer_of(_turn, lab, cluster, nodes, "False")
    return changes


def heal(lab: Lab, cluster: str, *nodes: str) -> Changes:
    """Let Nodes of a workload cluster be Ready again. Parameters as of `fail`."""
    changes: Changes = lab.answer_of(_turn, lab, cluster, nodes, "True")
    return changes


def _turn(lab: Lab, cluster: str, nodes: Iterable[str], status: str) -> Changes:
    there = workload(lab.connection, lab.namespace, cluster)
    changes = []
    for node in nodes:
        path = f"/api/v1/nodes/{node}"
        told = there.get(path)["status"]["conditions"]
        before = next(each["status"] for each in told if each["type"] == "Ready")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fresh = {"status": status, "reason": "Turned", "message": "by the lesson", "lastTransitionTime": now}
        body = {"status": {"conditions": [{**each, **(fresh if each["type"] == "Ready" else {})} for each in told]}}
        there.request("PATCH", path, body=body, content_type="application/merge-patch+json")
        file, text = f"{cluster}.kubeconfig", shlex.quote(json.dumps(body))
        text = text.replace(json.dumps(now), _NOW)
        twin = (
            f"kubectl get secret {cluster}-kubeconfig --output jsonpath='{{.data.value}}' | base64 --decode > {file}; "
            f"kubectl --kubeconfig {file} patch node {node} --type merge --patch {text}"
        )
        changes.append(Change(f"node/{node}", "patched", [("status.conditions[Ready].status", before, status)], twin))
    return lab._show(*changes)


def workload(connection: Connection, namespace: str, cluster: str) -> Connection:
    """Open a connection to a workload cluster, by the Secret that Cluster API has made for it.

    Its key stays in memory. A kubeconfig can hold programs to be run and files to be read: only its address and what
    lies in it is used.

    Parameters
    ----------
    connection : Connection
        To the cluster that manages it.
    namespace, cluster : str
        The Cluster's.

    Raises
    ------
    RefusedError
        It isn't on this machine: whatever it is, kitlib has not made it.
    ServerError
        There is no such cluster.
    """
    secret = connection.get(f"/api/v1/namespaces/{namespace}/secrets/{cluster}-kubeconfig")
    document = yaml.safe_load(base64.b64decode(secret["data"]["value"]))
    server = str(document["clusters"][0]["cluster"]["server"])
    if urlsplit(server).hostname != loopback.ADDRESS:
        raise RefusedError(
            "this workload cluster is not on this machine, so kitlib has not made it, and writes nothing to it",
            step="open a workload cluster",
            object=f"{namespace}/{cluster}",
            next="use a cluster of kitlib's own: `kitlib up --kubernetes 1.37-cluster-api`",
        )
    trusted, shown = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = base64.b64decode(trusted["certificate-authority-data"])
    certificate, key = (base64.b64decode(shown[f"client-{name}-data"]) for name in ("certificate", "key"))
    return Connection.to(server, authority, certificate, key, writable=True)


def counts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many machines there were, at the window's begin and after each version that was seen in it.

    Parameters
    ----------
    frame : DataFrame
        The frame `machines`, or those of one owner.

    Returns
    -------
    DataFrame
        One row for each of these moments: `observed_at`, `not_before`, `monotonic_ns`, `seq`, `resourceVersion` and
        `name` of the machine that changed; `there` (int64, machines that exist, also those that are to go), `starting`
        (int64: that haven't run yet), `running` (int64: phase Running, Node Ready, not to go), `deleting`
        (int64: marked for deletion). Its `attrs` are those of the frame.
    """
    begin = frame.attrs.get("window", (0, 0))[0]
    states: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for row in frame.sort_values("seq", kind="stable").to_dict("records"):
        if row["type"] == "DELETED":
            states.pop(row["uid"], None)
        else:
            states[row["uid"]] = _state(row, states.get(row["uid"], ""))
        numbers = {name: sum(each == name for each in states.values()) for name in ("starting", "running", "deleting")}
        if found and row["monotonic_ns"] < begin:
            found.pop()  # what stood there at the begin is one moment
        found.append({**{name: row[name] for name in list(COUNTS)[:6]}, "there": len(states), **numbers})
    table = Covered(pd.DataFrame(found, columns=list(COUNTS)).astype(COUNTS), copy=False)
    table.attrs = joined([frame.attrs])
    return table


def _state(row: Mapping[Any, Any], before: str) -> str:
    """Return what a version of a machine says of it; "failing" is one that was running before."""
    if not pd.isna(row["deletionTimestamp"]):
        return "deleting"
    if row["phase"] == "Running" and row["nodeReady"] == "True":
        return "running"
    return "starting" if before in ("", "starting") and row["healthy"] == "" else "failing"


def looks(frame: pd.DataFrame) -> pd.DataFrame:
    """Return when health checks came to another judgement of a machine, and how long after the one before.

    Each of the lesson's two checks looks after machines of one kind: those of the control plane, or workers. When a
    check looks at its machines it judges all of them within an instant, and stamps are whole seconds: what it wrote in
    one second or the next counts as one look.

    Parameters
    ----------
    frame : DataFrame
        The frame `machines`.

    Returns
    -------
    DataFrame
        One row for each look but the first of each check: `name` of a machine that was judged, `controlPlane` (bool),
        `healthSince` (datetime64[ns, UTC], whole seconds), and `after` (float64, seconds since the look before). Its
        `attrs` are those of the frame.
    """
    judged = frame[frame["healthSince"].notna() & frame["healthy"].isin(["True", "False"])]
    found: list[tuple[Any, ...]] = []
    for of_plane in (True, False):
        mine = judged[judged["controlPlane"] == of_plane].sort_values("healthSince", kind="stable")
        looked: list[Any] = []
        for name, since in zip(mine["name"], mine["healthSince"], strict=True):
            after = (since - looked[-1]).total_seconds() if looked else 0.0
            if not looked or after > 1:
                found += [(name, of_plane, since, after)] if looked else []
                looked.append(since)
    table = Covered(pd.DataFrame(found, columns=list(LOOKS)).astype(LOOKS), copy=False)
    table.attrs = joined([frame.attrs])
    return table


def replacements(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return when machines failed, were judged, marked for deletion and replaced: what `figures.hops` draws.

    Parameters
    ----------
    frame : DataFrame
        The frame `machines`.
    names : mapping
        Name of a machine that was replaced → what the figure calls it.

    Returns
    -------
    DataFrame
        One row for each of these: `change` (str: what it is called), a column for each of `STAGES` (Int64, ns on the
        monotonic clock: its Node was first seen not Ready, or its annotation was seen; its health check first failed;
        its deletionTimestamp was first seen; the next machine of its owner ran with a Ready Node; NA where that isn't
        recorded), and `by` (str: that machine's name). Its `attrs` are those of the frame.
    """
    found = []
    taken: set[str] = set()
    for name, called in names.items():
        mine = frame[frame["name"] == name]
        marked = mine[mine["deletionTimestamp"].notna()]
        times = [
            _first(mine[(mine["nodeReady"] == "False") | mine["remediate"]]),
            _first(mine[mine["healthy"] == "False"]),
            since := _first(marked),
        ]
        known = frame[frame["monotonic_ns"] <= since]["uid"] if since else frame["uid"]
        new = frame[frame["owner.name"].isin(mine["owner.name"]) & ~frame["uid"].isin({*known, *taken})].head(1)
        by = str(new["name"].iloc[0]) if len(new) else ""
        taken |= set(new["uid"])
        runs = frame[(frame["name"] == by) & (frame["phase"] == "Running") & (frame["nodeReady"] == "True")]
        found.append((called, *times, _first(runs), by))
    columns = ["change", *STAGES, "by"]
    made = pd.DataFrame(found, columns=columns, dtype=object).astype(dict.fromkeys(STAGES, "Int64"))
    table = Covered(made, copy=False)
    table.attrs = joined([frame.attrs])
    return table


def _first(rows: pd.DataFrame) -> int | None:
    return int(rows["monotonic_ns"].iloc[0]) if len(rows) else None


__all__ = [
    "COUNTS",
    "LOOKS",
    "MANIFESTS",
    "OWNERS",
    "STAGES",
    "Away",
    "all_run",
    "at_rest",
    "counts",
    "fail",
    "heal",
    "looks",
    "replacements",
    "running",
    "stand",
    "workload",
]

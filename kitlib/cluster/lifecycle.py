"""Bring a cluster up, find it, take it down."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from kitlib.cluster import lent, namespaces, providers, record
from kitlib.cluster.base import Cluster, not_running
from kitlib.cluster.choice import choose
from kitlib.cluster.kind import engines
from kitlib.errors import ClusterError, KitlibError
from kitlib.machine import versions
from kitlib.machine.airgap import engine
from kitlib.progress import message


def up(provider: str | None = None, kubernetes: str | None = None, progress: bool = True) -> Cluster:
    """Bring up a cluster, or find it running.

    It can be repeated and interrupted: a running cluster is returned as it is, without what notebooks that crashed left
    in it; one that is broken or half-made is made anew, and that is said.

    Parameters
    ----------
    provider, kubernetes : str, optional
        See `choose`.
    progress : bool
        Whether to show which cluster it is, why, and how far it has come (on standard error).

    Raises
    ------
    BuildError
        Kubernetes' programs can't be had.
    ClusterError
        It does not come up; the message has the reasons from its logs.
    RefusedError
        Another cluster answers where kitlib's own should.
    """
    chosen = choose(provider, kubernetes)
    abandoned = sweep()
    if progress and abandoned:
        message(f"taken down, as the lessons that they were for have ended: {', '.join(abandoned)}")
    before = record.load(chosen.name)
    if progress and not providers.named(chosen.provider).running(chosen.name):
        message(chosen.why)
    cluster = providers.named(chosen.provider).up(chosen.version, progress)
    if before and before[1] == (record.load(chosen.name) or (None, None))[1]:
        swept = _sweep(cluster)
        if progress and swept:
            message(f"removed what a notebook left behind: {', '.join(swept)}")
    return cluster


def lend(kubernetes: str, progress: bool = True) -> Cluster:
    """Bring up a cluster for a lesson: of several control planes one that goes with this process; else as `up` does.

    Parameters
    ----------
    kubernetes, progress
        See `up`, which raises the same.
    """
    name = choose(kubernetes=kubernetes).name
    release = versions.offered(kubernetes)
    if release and release.planes > 1:
        lent.note(name)
    try:
        return up(kubernetes=kubernetes, progress=progress)
    except BaseException:
        if lent.mine(name):
            lent.forget(name)
        raise


def give_back(cluster: Cluster) -> bool:
    """Take down a cluster that `lend` made for this process; say whether it was one."""
    if not is_lent(cluster):
        return False
    if cluster.name in record.names():
        down(cluster.name, progress=False)
    lent.forget(cluster.name)
    return True


def is_lent(cluster: Cluster) -> bool:
    """Say whether a cluster was made for this process, and goes with it."""
    return cluster.made_by_kitlib and lent.mine(cluster.name)


def sweep() -> list[str]:
    """Take down clusters that were made for lessons whose process has ended; return their names."""
    gone = []
    for name in lent.orphans():
        with contextlib.suppress(KitlibError):
            down(name, progress=False)
            gone.append(name)
    return gone


def _sweep(cluster: Cluster) -> list[str]:
    """Remove the namespaces of notebooks that no longer run; most often there are none, which is cheap to see."""
    connection = cluster.connect()
    if not connection.get("/api/v1/namespaces?labelSelector=kitlib%2Fnotebook&limit=1")["items"]:
        return []
    return namespaces.sweep(connection)


def clusters() -> list[Cluster]:
    """Return all clusters that kitlib made and that run."""
    found = [record.load(name) for name in record.names()]
    return [entry[0] for entry in found if entry and providers.named(entry[0].provider).running(entry[0].name)]


def find(name: str | None = None) -> Cluster:
    """Return a running cluster that kitlib made, after checking that it is the one.

    Parameters
    ----------
    name : str, optional
        Such as "embedded-1.37"; by default the one of the newest version.

    Raises
    ------
    ClusterError
        None runs; the message says how to bring one up.
    RefusedError
        Its kubeconfig file points at another cluster.
    """
    running = clusters()
    wanted = [cluster for cluster in running if name in (None, cluster.name)]
    if not wanted:
        raise not_running(name, [cluster.name for cluster in running])
    cluster = max(wanted, key=rank)
    cluster.verify()
    return cluster


def rank(cluster: Cluster) -> tuple[list[int], int]:
    """Order clusters: the newest version last, and of one version the one without a variant."""
    return [int(part) for part in re.findall(r"\d+", cluster.version)], -len(cluster.name)


def status(name: str) -> dict[str, Any]:
    """Tell about each part of a cluster that kitlib made: what lives, where programs came from, where its logs are."""
    return providers.of(name).status(name)


def down(name: str | None = None, progress: bool = True) -> bool:
    """Remove a cluster that kitlib made (by default all), running or not, with everything that belongs to it.

    Parameters
    ----------
    name : str, optional
    progress : bool
        Whether to show that it waits for another process.

    Returns
    -------
    bool
        Whether there was anything to remove.

    Raises
    ------
    ClusterError
        There is no cluster of that name.
    """
    known = record.names()
    if name is not None and name not in known:
        raise ClusterError(
            f"there is no cluster {name!r}.",
            step="take down the cluster",
            next=f"use one of: {', '.join(known)}" if known else "nothing needs to be done: there is none at all",
        )
    for each in [name] if name else known:
        providers.of(each).down(each, progress)
        lent.forget(each)
    if name is not None:
        engines.stop_if_unused(progress)
        return True
    return engine.down(progress) or bool(known)

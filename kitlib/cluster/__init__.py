"""Clusters: bring one up, find it, take it down.

`up` picks a provider and says why; the cluster is named by provider and version ("embedded-1.37"), and several can be
up at once. Everything that kitlib makes listens on 127.0.0.1 only, asks for a client certificate, and has a kubeconfig
file of its own: yours is never touched. A cluster of yours is used only if you name its context.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from kitlib.cluster import record
from kitlib.cluster.base import Choice, Cluster, Provider, not_running
from kitlib.cluster.context import context
from kitlib.cluster.embedded.provider import Embedded
from kitlib.cluster.kind import engines
from kitlib.cluster.kind.provider import Kind
from kitlib.errors import ClusterError, UsageError
from kitlib.machine.versions import DEFAULT, NODE_IMAGES, RELEASES, Release, minor_of, release

PROVIDERS: dict[str, Provider] = {"kind": Kind(), "embedded": Embedded()}
"""In the order of preference."""

__all__ = [
    "PROVIDERS",
    "RELEASES",
    "Choice",
    "Cluster",
    "Provider",
    "Release",
    "choose",
    "clusters",
    "context",
    "down",
    "find",
    "release",
    "scale_nodes",
    "status",
    "up",
]


def choose(provider: str | None = None, kubernetes: str | None = None) -> Choice:
    """Choose provider and version, and say why.

    Parameters
    ----------
    provider : str, optional
        "kind" or "embedded"; by default the first that this machine can do and kitlib can make.
    kubernetes : str, optional
        A version of `RELEASES`, such as "1.37"; with kind also one of those that it publishes, such as "1.36".

    Returns
    -------
    Choice
        Its `why` is one sentence to be shown.
    """
    if provider is not None:
        _provider(provider)
    minor = minor_of(kubernetes)
    if provider in (None, "kind") and minor in NODE_IMAGES and minor != DEFAULT:
        return Choice("kind", minor, f"kind: only it can run Kubernetes {minor}, as kind publishes it.")
    wanted = release(kubernetes)
    warning = ""
    if wanted.past:
        warning = (
            f" Kubernetes {wanted.kubernetes} is of {wanted.past}: old and unpatched. It listens on 127.0.0.1 only;"
            " look at it, and never use it for real work."
        )
    if provider == "kind" and (wanted.past or wanted.variant):
        raise UsageError(
            f"kind can't run Kubernetes {wanted.label}.",
            step="choose a provider",
            next=f"use --provider embedded, or one of: {', '.join(NODE_IMAGES)}",
        )
    if provider is not None:
        return Choice(provider, wanted.label, f"{provider}: you asked for it.{warning}")
    if wanted.past or wanted.variant:
        what = "of the past" if wanted.past else f"like {wanted.label}"
        why = f"embedded: only it can make a control plane {what}; its nodes are simulated, all else is Kubernetes."
        return Choice("embedded", wanted.label, why + warning)
    engine, detail = PROVIDERS["kind"].available()
    if engine:
        return Choice("kind", wanted.label, f"kind: {detail}, so nodes and containers are real.")
    why = f"embedded: {detail}, and it needs none; its nodes are simulated, all else is Kubernetes itself."
    return Choice("embedded", wanted.label, why)


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
    before = record.load(chosen.name)
    if progress and not _provider(chosen.provider).running(chosen.name):
        print(chosen.why, file=sys.stderr, flush=True)
    cluster = _provider(chosen.provider).up(chosen.version, progress)
    if before and before[1] == (record.load(chosen.name) or (None, None))[1]:
        swept = _sweep(cluster)
        if progress and swept:
            print(f"removed what a notebook left behind: {', '.join(swept)}", file=sys.stderr, flush=True)
    return cluster


def _sweep(cluster: Cluster) -> list[str]:
    """Remove the namespaces of notebooks that no longer run; most often there are none, which is cheap to see."""
    from kitlib.cluster.bootstrap import Wire

    with Wire.from_kubeconfig(cluster.kubeconfig, cluster.context) as wire:
        if not wire.get("/api/v1/namespaces?labelSelector=kitlib%2Fnotebook&limit=1")["items"]:
            return []
    from kitlib.cluster import namespaces

    return namespaces.sweep(cluster.connect())


def clusters() -> list[Cluster]:
    """Return all clusters that kitlib made and that run."""
    found = [record.load(name) for name in record.names()]
    return [entry[0] for entry in found if entry and _provider(entry[0].provider).running(entry[0].name)]


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
    running = [cluster for cluster in clusters() if name in (None, cluster.name)]
    if not running:
        raise not_running(name)
    cluster = max(running, key=_rank)
    cluster.verify()
    return cluster


def _rank(cluster: Cluster) -> tuple[list[int], int]:
    """Order clusters: the newest version last, and of one version the one without a variant."""
    return [int(part) for part in re.findall(r"\d+", cluster.version)], -len(cluster.name)


def status(name: str) -> dict[str, Any]:
    """Tell about each part of a cluster that kitlib made: what lives, where programs came from, where its logs are."""
    return _of(name).status(name)


def down(name: str | None = None) -> None:
    """Remove a cluster that kitlib made (by default all), running or not, with everything that belongs to it.

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
        _of(each).down(each)
    if name is not None:
        engines.leave()
    else:
        from kitlib.machine.airgap import engine

        engine.down()


def scale_nodes(cluster: Cluster, n: int) -> Cluster:
    """Have `n` nodes, and wait until they are Ready; return the cluster as it is then.

    On a kind cluster the control plane's node is one of them.
    """
    if not cluster.made_by_kitlib:
        raise UsageError("only a cluster that kitlib made can be given nodes.", step="scale nodes", object=cluster.name)
    if n < 1:
        raise UsageError(
            f"{n} nodes can't run anything.", step="scale nodes", object=cluster.name, next="use 1 or more"
        )
    cluster.verify()
    return _provider(cluster.provider).scale_nodes(cluster, n)


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        raise UsageError(
            f"there is no provider {name!r}.", step="choose a provider", next=f"use one of: {', '.join(PROVIDERS)}"
        )
    return PROVIDERS[name]


def _of(name: str) -> Provider:
    return _provider(name.partition("-")[0])

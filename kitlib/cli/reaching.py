"""Which cluster a command looks at: a context of yours, one of kitlib's, or, as kubectl's plugin, kubectl's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kitlib.cli import names
from kitlib.cli.app import INTERRUPTED, app
from kitlib.cli.output import prepare_streams
from kitlib.errors import UsageError

if TYPE_CHECKING:
    from kitlib.cluster import Cluster

PLUGIN = "kubectl"
"""What a call is marked by that came as `kubectl why`: it means the cluster and the namespace that kubectl means."""

Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", metavar="FILE", help="The kubeconfig that is meant; its current context, unless --context."
    ),
]
OwnCluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="NAME", help="Which one of kitlib's.", autocompletion=names.clusters),
]
Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]


def reached(
    ctx: typer.Context, context: str | None, cluster: str | None, kubeconfig: Path | None
) -> tuple[Cluster, str]:
    """Return the cluster that is meant, and the namespace that is meant there by itself.

    The current context of a kubeconfig is used where the file was named, and where kubectl was called; never else.

    Parameters
    ----------
    ctx : Context
        The call.
    context, cluster : str, optional
        By what it was named.
    kubeconfig : Path, optional
        The file with the context.

    Raises
    ------
    UsageError
        If two clusters are named, or there is no such file or context.
    ClusterError
        If it doesn't answer.
    """
    from kitlib import cluster as clusters
    from kitlib.api import kubeconfig as kubeconfigs

    if cluster and (context or kubeconfig):
        other = "--context" if context else "--kubeconfig"
        raise UsageError(f"{other} and --cluster name two clusters; give one of them")
    if kubeconfig is not None:
        if not kubeconfig.is_file():
            raise UsageError("there is no such kubeconfig", object=str(kubeconfig), next="name another file")
        os.environ["KUBECONFIG"] = str(kubeconfig)  # for what the context's own programs read, too
    if context is None and (kubeconfig is not None or (ctx.obj == PLUGIN and not cluster)):
        context = kubeconfigs.read().context().name
    if context is None:
        return clusters.find(cluster), "default"
    return clusters.context(context), kubeconfigs.read().context(context).namespace or "default"


def one_scope(namespace: str | None, everywhere: bool, step: str) -> None:
    """Refuse a namespace beside all of them."""
    if everywhere and namespace:
        raise UsageError("--namespace and --all-namespaces say two things; give one of them", step=step)


def kubectl_why() -> None:
    """Run `kubectl why`; this is the entry point `kubectl-why`."""
    _run("why")


def kubectl_record() -> None:
    """Run `kubectl record`; this is the entry point `kubectl-record`."""
    _run("record")


def _run(command: str) -> None:
    prepare_streams()
    try:
        app([command, *sys.argv[1:]], prog_name=PLUGIN, obj=PLUGIN)
    except KeyboardInterrupt:  # before the command has begun
        sys.exit(INTERRUPTED)


__all__ = ["PLUGIN", "Everywhere", "Kubeconfig", "OwnCluster", "kubectl_record", "kubectl_why", "one_scope", "reached"]

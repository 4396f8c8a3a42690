"""The command that says what holds something up, on a cluster or in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kitlib.cli import names
from kitlib.cli.app import FOUND, app
from kitlib.cli.clusters import Context
from kitlib.cli.output import AsJson, Output, say, show_json, tell
from kitlib.errors import UsageError

if TYPE_CHECKING:
    from kitlib.rollout.why import World


@app.command(
    epilog="""\
\b
Examples:
  kitlib why deployment/web --context staging -n shop     on your cluster; it is only read
  kitlib why pod/web-1                                    on kitlib's cluster
  kitlib why deploy/web shop.rec                          in a recording, at its end
  kitlib why deploy/web shop.rec --at 1m30s               so long after its begin
  kitlib why deploy/web -o json                           for a program

Exit code 1 where it isn't what it should be."""
)
def why(
    object: Annotated[str, typer.Argument(metavar="KIND/NAME", help="What, named as kubectl does.")],
    recording: Annotated[
        Path | None, typer.Argument(metavar="[RECORDING]", help="The folder of a recording, instead of a cluster.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Where; the context's own by default.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Which moment of the recording: 90s after its begin.")
    ] = None,
    context: Context = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Which one of kitlib's.", autocompletion=names.clusters),
    ] = None,
    output: AsJson = Output.text,
) -> None:
    """Say what holds something up, and what shows it.

    The cause is told, the rows that show it, the next command, and what was ruled out.

    A cause is certain where the component in charge said so, likely where signs speak for it, and can't be told where
    too little was seen. The right to list suffices; what may not be read is told. Nothing is written.
    """
    from kitlib.rollout import why as explain

    kind, name = explain.parse(object)
    if recording is not None:
        if context or cluster:
            raise UsageError(
                "a recording and a cluster were named", step="why", object=str(recording), next="give one of them"
            )
        world, namespace = _recorded(recording, kind, name, namespace, at)
    else:
        if at is not None:
            raise UsageError(
                "--at is for a recording: a cluster can be asked about now only",
                step="why",
                next="name the recording's folder, or leave --at away",
            )
        world, kind, namespace = _live(kind, namespace, context, cluster)
    answer = explain.why(world, kind, name, namespace)
    if output is Output.json:
        show_json(answer.to_dict())
    else:
        say(explain.words(answer))
    if answer.state != explain.FINE:
        raise typer.Exit(FOUND)


def _recorded(path: Path, kind: str, name: str, namespace: str | None, at: str | None) -> tuple[World, str]:
    """Return what a recording knows of a moment: by default the last one at which the object was there."""
    from kitlib.cli.serving import moment
    from kitlib.recording import Recording
    from kitlib.rollout.why import World, moments

    opened = Recording.open(path)
    spaces, last = moments(opened, kind, namespace, name)
    if not spaces:
        raise UsageError(
            f"this recording has no {kind} {name}" + (f" in namespace {namespace}" if namespace else ""),
            step="why",
            object=str(path),
            next="`kitlib show` tells which kinds it has",
        )
    if len(spaces) > 1:
        raise UsageError(
            f"there is a {kind} {name} in several namespaces",
            step="why",
            object=str(path),
            next=f"name one by --namespace: {', '.join(spaces)}",
        )
    if at is not None:
        from kitlib.serve.history import History

        last = moment(at, History(opened), "why")
    elif last is not None:
        tell("  as it was before it was deleted; --at chooses another moment")
    return World.of(opened, last, spaces[0] or None), spaces[0]


def _live(kind: str, namespace: str | None, context: str | None, cluster: str | None) -> tuple[World, str, str]:
    """Look at a cluster, and return what is there, the kind as the server writes it, and the namespace."""
    from kitlib import cluster as clusters
    from kitlib.api import kubeconfig
    from kitlib.rollout.why import KINDS, World
    from kitlib.watch import look

    if context and cluster:
        raise UsageError("--context and --cluster name two clusters; give one of them")
    found = clusters.context(context) if context else clusters.find(cluster)
    connection = found.connect()
    resource = connection.discover(KINDS.get(kind, kind))
    where = ""
    if resource.namespaced:
        where = namespace or (kubeconfig.read().context(context).namespace if context else "") or "default"
    wanted = dict.fromkeys([*KINDS.values(), resource.plural])
    recording, refused = look(connection, wanted, where or None)
    unseen = {each: refused[plural] for each, plural in KINDS.items() if plural in refused}
    return World.of(recording, None, where or None, unseen), resource.kind, where

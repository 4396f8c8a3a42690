"""The command that says what holds something up, on a cluster or in a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kitlib.cli.app import FOUND, app
from kitlib.cli.clusters import Context
from kitlib.cli.output import AsJson, Output, say, show_json, tell
from kitlib.cli.reaching import Everywhere, Kubeconfig, OwnCluster, one_scope, reached
from kitlib.errors import UsageError

if TYPE_CHECKING:
    from kitlib.api.transport import Connection
    from kitlib.recording import Recording
    from kitlib.rollout.why import Answer, World
    from kitlib.serve.labels import Requirement


@app.command(
    epilog="""\
\b
Examples:
  kitlib why deployment/web --context staging -n shop     on your cluster; it is only read
  kitlib why deployments --context staging -n shop        each that isn't what it should be
  kitlib why pods -l app=web -A --context staging         of some labels, in all namespaces
  kitlib why pod/web-1                                    on kitlib's cluster
  kitlib why deploy/web shop.rec                          in a recording, at its end
  kitlib why deploy/web shop.rec --at 1m30s               so long after its begin
  kitlib why deploy/web -o json                           for a program
  kubectl why deployment/web -n shop                      where kubectl looks, too

Exit code 1 where it isn't what it should be, or where of a kind not all could be seen."""
)
def why(
    ctx: typer.Context,
    object: Annotated[
        str, typer.Argument(metavar="KIND/NAME", help="What, named as kubectl does; KIND alone for all of a kind.")
    ],
    recording: Annotated[
        Path | None, typer.Argument(metavar="RECORDING", help="The folder of a recording, instead of a cluster.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Where; the context's own by default.")
    ] = None,
    everywhere: Everywhere = False,
    selector: Annotated[
        str | None, typer.Option("--selector", "-l", metavar="LABELS", help="Only those of a kind with these: app=web.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Which moment of the recording: 90s after its begin.")
    ] = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    cluster: OwnCluster = None,
    output: AsJson = Output.text,
) -> None:
    """Say what holds something up, and what shows it.

    The cause is told, the rows that show it, the next command, and what was ruled out.

    A cause is certain where the component in charge said so, likely where signs speak for it, and can't be told where
    too little was seen. The right to list suffices; what may not be read is told. Nothing is written.
    """
    from kitlib.rollout import why as explain

    object, recording = _apart(object, recording)
    kind, name = explain.asked(object)
    wanted = _selected(selector)
    _one_way(name, namespace, everywhere, selector)
    if recording is not None:
        if context or cluster or kubeconfig:
            raise UsageError(
                "a recording and a cluster were named", step="why", object=str(recording), next="give one of them"
            )
        worlds = _recorded(recording, kind, name, namespace, at)
    else:
        if at is not None:
            raise UsageError(
                "--at is for a recording: a cluster can be asked about now only",
                step="why",
                next="name the recording's folder, or leave --at away",
            )
        found, own = reached(ctx, context, cluster, kubeconfig)
        world, kind, where = _live(found.connect(), kind, "" if everywhere else namespace or own)
        worlds = [(world, where)]
    if name:
        ((world, where),) = worlds
        answer = explain.why(world, kind, name, where)
        shown, bad = answer.to_dict(), answer.state != explain.FINE
        text = explain.words(answer)
    else:
        answers = [each for world, where in worlds for each in _answers(world, kind, where, wanted)]
        unseen = next((reason for world, _ in worlds if (reason := world.why_unseen(kind))), "")
        bad = bool(unseen) or any(each.state != explain.FINE for each in answers)
        shown = {"kind": kind, "looked_at": len(answers), "answers": [each.to_dict() for each in answers]}
        shown |= {"not_seen": {kind: unseen} if unseen else {}}
        lack = f"; of others can't be told: not all of kind {kind} was seen" if unseen else ""
        text = "\n".join(_several(answers, kind)) + lack
    if output is Output.json:
        show_json(shown)
    else:
        say(text)
    if bad:
        raise typer.Exit(FOUND)


def _apart(object: str, recording: Path | None) -> tuple[str, Path | None]:
    """Take `deploy web` as kubectl does, for `deploy/web`, where there is no recording of that name."""
    name = str(recording or "")
    if not name or "/" in object or "/" in name or name.endswith(".rec") or Path(name).exists():
        return object, recording
    return f"{object}/{name}", None


def _one_way(name: str, namespace: str | None, everywhere: bool, selector: str | None) -> None:
    """Refuse what names an object in two ways."""
    one_scope(namespace, everywhere, "why")
    if name and (everywhere or selector):
        what = "--all-namespaces" if everywhere else "--selector"
        raise UsageError(
            f"{what} is for all of a kind, and one object was named",
            step="why",
            next="name the kind alone: kitlib why deployments -A",
        )


def _selected(text: str | None) -> list[Requirement]:
    from kitlib.serve.labels import SelectorError, parse

    try:
        return parse(text) if text else []
    except SelectorError as error:
        then = "write it as for kubectl: app=web,tier!=db"
        raise UsageError(f"--selector: {error}", step="why", next=then) from error


def _answers(world: World, kind: str, where: str, wanted: list[Requirement]) -> Iterator[Answer]:
    """Yield an answer for each object of a kind, in one namespace or in all."""
    from kitlib.rollout import why as explain
    from kitlib.serve.labels import matches

    if reason := world.why_unseen(kind):
        tell(f"kitlib: not all of {kind} was seen: {reason}")
    for each in world.all(kind, where or None):
        if matches(wanted, each.labels):
            yield explain.why(world, kind, each.name, each.namespace)


def _several(answers: list[Answer], kind: str) -> Iterator[str]:
    """Yield what is told of several objects: each that isn't what it should be, then how many are."""
    from kitlib.rollout import why as explain

    bad = [each for each in answers if each.state != explain.FINE]
    spaces = {each.subject.namespace for each in answers}
    for each in bad:
        yield each.subject.ref + (f" -n {each.subject.namespace}" if len(spaces) > 1 else "")
        yield from (f"  {line}".rstrip() for line in explain.words(each).splitlines())
        yield ""
    place = f" in {', '.join(spaces)}" if len(spaces) == 1 and "" not in spaces else ""
    fine = len(answers) - len(bad)
    said = "is what it should be" if fine == 1 else "are what they should be"
    yield f"{fine} of {len(answers)} of kind {kind}{place} {said}"


def _recorded(path: Path, kind: str, name: str, namespace: str | None, at: str | None) -> list[tuple[World, str]]:
    """Return what a recording knows of a moment, by default the last one at which the object was there, and where.

    Of all of a kind that is one for each namespace: what was recorded of one says nothing of another.
    """
    from kitlib.recording import Recording
    from kitlib.rollout.why import KINDS, World

    opened = Recording.open(path)
    if not name and kind not in KINDS and not any(row.kind == kind for row in opened.rows):
        raise UsageError(
            f"{kind!r} names no object, nor a kind that was recorded",
            step="why",
            object=str(path),
            next="name it as kubectl does: deployment/web; or a kind alone: deployments",
        )
    if not name:
        moment = None if at is None else _moment(opened, at)
        found = sorted({row.namespace for row in opened.rows.of(kind)}) or [""]
        spaces = found if namespace is None else [namespace]
        return [(World.of(opened, moment, each or None), each) for each in spaces]
    where, last = asked_of(opened, path, kind, name, namespace, at)
    return [(World.of(opened, last, where or None), where)]


def asked_of(
    recording: Recording, path: Path, kind: str, name: str, namespace: str | None, at: str | None
) -> tuple[str, int | None]:
    """Return in which namespace an object of a recording is, and the moment that is asked about.

    Parameters
    ----------
    recording : Recording
        Where it is looked for.
    path : Path
        Its folder, for messages.
    kind, name : str
        Which object.
    namespace, at : str, optional
        What the user has said of that.

    Returns
    -------
    tuple
        The namespace, and a moment (monotonic clock, ns): by default the last one at which it was there, which is the
        recording's end if None.

    Raises
    ------
    UsageError
        If it has no such object, or several namespaces have it.
    """
    from kitlib.rollout.why import moments

    spaces, last = moments(recording, kind, namespace, name)
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
        last = _moment(recording, at)
    elif last is not None:
        tell("  as it was before it was deleted; --at chooses another moment")
    return spaces[0], last


def _moment(recording: Recording, at: str) -> int:
    from kitlib.cli.serving import moment
    from kitlib.serve.history import History

    return moment(at, History(recording), "why")


def _live(connection: Connection, kind: str, namespace: str) -> tuple[World, str, str]:
    """Look at a cluster, and return what is there, the kind as the server writes it, and the namespace."""
    from kitlib.rollout.why import KINDS, World
    from kitlib.watch import look

    resource = connection.discover(KINDS.get(kind, kind))
    where = namespace if resource.namespaced else ""
    wanted = dict.fromkeys([*KINDS.values(), resource.plural])
    recording, refused = look(connection, wanted, where or None)
    unseen = {each: refused[plural] for each, plural in KINDS.items() if plural in refused}
    return World.of(recording, None, where or None, unseen), resource.kind, where


__all__ = ["asked_of", "why"]

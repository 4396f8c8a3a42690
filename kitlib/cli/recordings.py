"""Commands that record what happens on a cluster, and draw what was recorded."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitlib.cli import names
from kitlib.cli.app import app
from kitlib.cli.clusters import Context
from kitlib.cli.durations import lasting
from kitlib.cli.output import AsJson, Output, say, show_json, tell
from kitlib.cli.reaching import PLUGIN, Everywhere, Kubeconfig, OwnCluster, one_scope, reached
from kitlib.errors import KitlibError, ServerError, UsageError

if TYPE_CHECKING:
    from kitlib.api.transport import Connection
    from kitlib.frames import Frames
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

RecordingFolder = Annotated[Path, typer.Argument(metavar="RECORDING", help="The folder of a recording.")]
"""The argument of a command that reads one recording."""
FIRST = 30.0
"""Seconds for which the first list may stand still."""
LAST_WORD = 3.0
"""Seconds that the server is given after Ctrl-C to say what it holds: who ends a command doesn't wait for long."""


class Figure(StrEnum):
    """What `kitlib plot` draws."""

    story = "story"
    rollout = "rollout"
    lanes = "lanes"
    events = "events"


class Redact(StrEnum):
    """What a recording may leave out."""

    env = "env"


@app.command(
    epilog="""\
\b
Examples:
  kitlib record --namespace shop --out shop.rec            on kitlib's cluster, until Ctrl-C
  kitlib record --context staging --namespace shop         on yours; it is only read
  kitlib record --kinds pods,jobs,events --for 1m          for a minute
  kitlib record --redact env --out shop.rec                without the values of environment variables

Ctrl-C ends the recording well: what came is on the disk, and exit code 0."""
)
def record(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it is written; a new folder by default.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace", "-n", metavar="NAME", help="Only this one; all by default, for kubectl the context's own."
        ),
    ] = None,
    everywhere: Everywhere = False,
    kinds: Annotated[
        str,
        typer.Option(
            "--kinds",
            metavar="KINDS",
            help="What is recorded, as kubectl names it, with commas.",
            autocompletion=names.kinds,
        ),
    ] = "pods,replicasets,deployments,events",
    seconds: Annotated[
        float | None,
        typer.Option("--for", metavar="DURATION", parser=lasting, help="Stop after so long: 90, 90s, 1m30s, 2h."),
    ] = None,
    redact: Annotated[
        list[Redact] | None,
        typer.Option(
            "--redact", metavar="env", help="What is left out beside Secrets' data and annotations that hold a token."
        ),
    ] = None,
    first: Annotated[
        float,
        typer.Option(
            "--first-list", metavar="DURATION", parser=lasting, help="How long the first list may stand still."
        ),
    ] = FIRST,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    cluster: OwnCluster = None,
) -> None:
    """Record what happens on a cluster, which is only read.

    The rights to get, list and watch suffice. What may have been missed is said by a gap in the recording, and shaded
    in its figures. While it runs, it shows the number of rows, of objects that exist and of gaps, and for how long a
    watch has been without a connection. A kind that is forbidden, or not served any more, is named, and tried again;
    the others go on.
    """
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

    if context and cluster:
        raise UsageError("--context and --cluster name two clusters; give one of them")
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if not wanted:
        raise UsageError(
            "--kinds names none", step="record", next="name some as kubectl does: --kinds pods,deployments"
        )
    one_scope(namespace, everywhere, "record")
    if namespace is not None:
        _check_namespace(namespace)
    if out is not None and (out == Path() or (out.exists() and not out.is_dir())):
        what = "is a file" if out.is_file() else "is no folder of its own"
        raise UsageError(f"the recording's place {what}", step="record", object=str(out), next="name a new folder")
    found, own = reached(ctx, context, cluster, kubeconfig)
    if ctx.obj == PLUGIN and not everywhere:
        namespace = namespace or own
    out = out or Path(f"{namespace or 'cluster'}-{time.strftime('%Y%m%d-%H%M%S')}.rec")
    connection = found.connect()
    for kind in wanted:  # a mistyped one is told before anything is written
        connection.discover(kind.rpartition("/")[2])
    missing = namespace is not None and not _exists(connection, namespace)
    if missing:
        tell(f"kitlib: there is no namespace {namespace} on {found.name} now; what comes into it later is recorded")
    before = set(out.iterdir()) if out.is_dir() else None
    info = {"cluster": found.name, "provider": found.provider, "version": found.version, "release": found.release}
    about = {**info, "namespace": namespace or "", "redacted": sorted(each.value for each in redact or ())}
    recording = Recording.create(out, about, redact_env=Redact.env in (redact or ()))
    try:
        with recording:
            counts = _record(Recorder(connection, wanted, recording, namespace), out, first, seconds)
            if missing and not _objects(recording) and not _exists(connection, str(namespace)):
                raise UsageError(
                    f"there was no namespace {namespace} all the time: nothing was recorded",
                    step="record",
                    object=found.name,
                    next="`kubectl get namespaces` lists those that are there",
                )
    except KitlibError:
        if not _objects(recording):
            _remove(out, before)
        raise
    say(f"{out}: {', '.join(f'{number} {what}' for what, number in counts.items())}")
    tell(f"  kitlib plot {shlex.quote(str(out))} --out rollout.png")


@app.command()
def show(
    recording: RecordingFolder,
    output: AsJson = Output.text,
) -> None:
    """Tell what is in a recording, and what it lacks.

    That is: its streams, what each covers and why not, its rows and its size. A stream's time is drawn from left to
    right: full where everything is in the recording, hatched where not.
    """
    from kitlib.recording import Recording
    from kitlib.recording.summary import described, summary

    about = summary(Recording.open(recording))
    if output is Output.json:
        show_json(about)
    else:
        say(described(about))


def _check_namespace(name: str) -> None:
    """Refuse what can't be a namespace's name, before anything is written."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        several = "one namespace a recording; several need a recording each, or leave --namespace away for all"
        raise UsageError(
            f"{name!r} is no namespace's name",
            step="record",
            next=several if "," in name else "a name has lower-case letters, digits and dashes, 63 at most",
        )


def _exists(connection: Connection, namespace: str) -> bool:
    """Say whether a namespace is there; one that can't be asked for may be."""
    try:
        connection.get(f"/api/v1/namespaces/{namespace}")
    except ServerError as error:
        return (error.status or {}).get("code") != 404
    return True


def _objects(recording: Recording) -> bool:
    """Say whether a recording has a row of any object."""
    return any(row.type in ("ADDED", "MODIFIED", "DELETED") for row in recording.rows)


def _remove(out: Path, before: set[Path] | None) -> None:
    """Remove a recording that came to nothing, and nothing that lay in its folder before."""
    if before is None:
        shutil.rmtree(out, ignore_errors=True)
        return
    for path in set(out.iterdir()) - before:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _record(recorder: Recorder, where: Path | str, first: float, seconds: float | None) -> dict[str, int]:
    """Record until the time is over or someone ends it, and return what there is then; it shows how far it has come."""
    from kitlib.progress import Progress, ticking

    with Progress(f"record {where} (Ctrl-C ends it)") as bar, ended_by_signals():
        try:
            with ticking(lambda: bar.update(f"first list: {recorder.counts()['objects']} objects")):
                recorder.start(first)
            deadline = None if seconds is None else time.monotonic() + seconds
            while deadline is None or time.monotonic() < deadline:
                _grown(recorder, 1.0 if deadline is None else min(1.0, max(deadline - time.monotonic(), 0.0)))
                bar.update(_state(recorder))
        finally:
            if not recorder.lag():  # what is complete up to the end is proven, as far as the server answers
                with contextlib.suppress(KitlibError):
                    recorder.catch_up(timeout=LAST_WORD)
            recorder.stop()
    for kind, problem in recorder.problems.items():
        tell(f"  {kind} was not recorded: {problem}")
    return recorder.counts()


def _state(recorder: Recorder) -> str:
    shown = [f"{number} {what}" for what, number in recorder.counts().items()]
    if (lag := recorder.lag()) >= 1:
        shown.append(f"no connection for {lag:.0f} s")
    return ", ".join(shown + [f"{kind} not recorded" for kind in recorder.problems])


def _grown(recorder: Recorder, timeout: float) -> None:
    """Return at the next row, or when the time is over."""
    known = len(recorder.recording)
    recorder.wait_for(lambda: len(recorder.recording) != known, timeout=timeout)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block, and nothing more."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _of(recording: Path) -> Frames:
    from kitlib.recording import Recording

    return Recording.open(recording).frames


def _of_cluster(
    ctx: typer.Context,
    context: str | None,
    cluster: str | None,
    kubeconfig: Path | None,
    namespace: str | None,
    seconds: float | None,
) -> Frames:
    """Watch a cluster for some time, in memory, and return the frames of that."""
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

    if namespace is not None:
        _check_namespace(namespace)
    found, own = reached(ctx, context, cluster, kubeconfig)
    recorder = Recorder(found.connect(), recording=Recording(), namespace=namespace or own)
    _record(recorder, f"{namespace or own} on {found.name}", FIRST, seconds)
    return recorder.recording.frames


@app.command(
    epilog="""\
\b
Examples:
  kitlib plot web.rec --out web.png
  kitlib plot web.rec --out lanes.svg --figure lanes --deployment web
  kitlib plot --context staging -n shop --out web.png    from now until Ctrl-C, without a file between

The figure's text twin goes to standard output: it says in words what the figure shows."""
)
def plot(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture: .png, .svg or .pdf.")],
    recording: Annotated[
        Path | None,
        typer.Argument(metavar="RECORDING", help="The folder that `kitlib record` or a notebook wrote."),
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", metavar="NAME", help="Which; needed where the recording has several.")
    ] = None,
    figure: Annotated[Figure, typer.Option("--figure", help="What is drawn.")] = Figure.story,
    seconds: Annotated[
        float | None,
        typer.Option("--for", metavar="DURATION", parser=lasting, help="Of a cluster: watch for so long, 90s or 2m."),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="On a cluster; its context's own by default."),
    ] = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    cluster: OwnCluster = None,
) -> None:
    """Draw a recording, or a cluster from now on; say it in words."""
    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(
            f"can't write {out.suffix or 'a file without a suffix'}",
            object=str(out),
            next="end it in .png, .svg or .pdf",
        )
    named = context or kubeconfig or cluster
    if bool(recording) == bool(named):
        raise UsageError(
            "a recording and a cluster were named" if named else "nothing was named that could be drawn",
            step="plot",
            next="name a recording's folder, or a cluster by --context, --kubeconfig or --cluster",
        )
    frames = _of_cluster(ctx, context, cluster, kubeconfig, namespace, seconds) if recording is None else _of(recording)
    import matplotlib

    matplotlib.use("Agg")
    from kitlib import plots
    from kitlib.plots.story import of_deployment

    try:
        if figure is Figure.story:
            drawn: Any = plots.story(frames, deployment=deployment)
            canvas = drawn
        else:
            if figure is Figure.rollout:
                drawn = plots.rollout(frames.pods, frames.workloads, deployment)
            else:
                shown = of_deployment(frames, deployment) if deployment else frames
                drawn = (
                    plots.lanes(shown.pods, shown.workloads) if figure is Figure.lanes else plots.events(shown.events)
                )
            canvas = drawn.figure
    except UsageError as error:
        raise UsageError(
            error.message.replace("these frames", "this recording"),
            step="plot",
            object=str(recording or context or cluster or kubeconfig),
            next=(error.next or "choose another --deployment").replace("name one of:", "name one by --deployment:"),
        ) from error
    except (LookupError, ValueError) as error:
        raise UsageError(str(error), step="plot", object=str(recording), next="choose another --deployment") from error
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        canvas.savefig(out, dpi=192, bbox_inches="tight")
    except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        why = f"{out.parent} is no folder" if out.parent.exists() and not out.parent.is_dir() else error.strerror
        raise UsageError(f"can't be written: {why}", step="plot", object=str(out), next="name another file") from error
    say(plots.twin(drawn))
    tell(f"Written: {out}")

"""Commands that record what happens on a cluster, and draw what was recorded."""

from __future__ import annotations

import contextlib
import shlex
import signal
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitlib.cli.app import app
from kitlib.cli.clusters import Context
from kitlib.cli.output import tell
from kitlib.errors import UsageError

if TYPE_CHECKING:
    from kitlib.watch import Recorder


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
  kitlib record --kinds pods,jobs,events --for 60          for a minute
  kitlib record --redact env --out shop.rec                without the values of environment variables

Ctrl-C ends the recording well: what came is on the disk, and exit code 0."""
)
def record(
    out: Annotated[Path | None, typer.Option("--out", help="The recording's folder; a new one by default.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Only this one; all by default.")] = None,
    kinds: Annotated[
        str, typer.Option("--kinds", help="What is recorded, as kubectl names it, with commas.")
    ] = "pods,replicasets,deployments,events",
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    redact: Annotated[
        list[Redact] | None,
        typer.Option("--redact", help="What is left out beside Secrets' data and annotations that hold a token."),
    ] = None,
    context: Context = None,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Which one of kitlib's.")] = None,
) -> None:
    """Record what happens on a cluster, only reading: get, list and watch suffice.

    What may have been missed is said by a gap in the recording, and shaded in its figures. While it runs, it shows the
    number of rows, of objects that exist and of gaps, and for how long a watch has been without a connection. A kind
    that is forbidden, or not served any more, is named, and tried again; the others go on.
    """
    from kitlib import cluster as clusters
    from kitlib.progress import Progress
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

    if context and cluster:
        raise UsageError("--context and --cluster name two clusters; give one of them")
    found = clusters.context(context) if context else clusters.find(cluster)
    out = out or Path(f"{namespace or 'cluster'}-{time.strftime('%Y%m%d-%H%M%S')}.rec")
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    info = {"cluster": found.name, "provider": found.provider, "version": found.version, "release": found.release}
    about = {**info, "namespace": namespace or "", "redacted": sorted(each.value for each in redact or ())}
    with Recording.create(out, about, redact_env=Redact.env in (redact or ())) as recording:
        recorder = Recorder(found.connect(), wanted, recording, namespace)
        with recorder, Progress(f"record {out} (Ctrl-C ends it)") as bar, _ended_by_signals():
            deadline = None if seconds is None else time.monotonic() + seconds
            while deadline is None or time.monotonic() < deadline:
                left = 1.0 if deadline is None else min(1.0, max(deadline - time.monotonic(), 0.0))
                _grown(recorder, left)
                shown = [f"{number} {what}" for what, number in recorder.counts().items()]
                if (lag := recorder.lag()) >= 1:
                    shown.append(f"no connection for {lag:.0f} s")
                shown += [f"{kind} not recorded" for kind in recorder.problems]
                bar.update(", ".join(shown))
        counts = recorder.counts()
        for kind, problem in recorder.problems.items():
            tell(f"  {kind} was not recorded: {problem}")
    typer.echo(f"{out}: {', '.join(f'{number} {what}' for what, number in counts.items())}")
    tell(f"  kitlib plot {shlex.quote(str(out))} --out rollout.png")


def _grown(recorder: Recorder, timeout: float) -> None:
    """Return at the next row, or when the time is over."""
    known = len(recorder.recording)
    recorder.wait_for(lambda: len(recorder.recording) != known, timeout=timeout)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block, and nothing more."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


@app.command(
    epilog="""\
\b
Examples:
  kitlib plot web.rec --out web.png
  kitlib plot web.rec --out lanes.svg --figure lanes --deployment web

The figure's text twin goes to standard output: it says in words what the figure shows."""
)
def plot(
    recording: Annotated[Path, typer.Argument(help="The folder that `kitlib record` or a notebook wrote.")],
    out: Annotated[Path, typer.Option("--out", help="The picture: .png, .svg or .pdf.")],
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="Which; needed where the recording has several.")
    ] = None,
    figure: Annotated[Figure, typer.Option("--figure", help="What is drawn.")] = Figure.story,
) -> None:
    """Draw a recording, and say the same in words."""
    from kitlib.recording import Recording

    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(
            f"can't write {out.suffix or 'a file without a suffix'}",
            object=str(out),
            next="end it in .png, .svg or .pdf",
        )
    frames = Recording.open(recording).frames
    import matplotlib

    matplotlib.use("Agg")
    from kitlib import plots

    try:
        if figure is Figure.story:
            drawn: Any = plots.story(frames, deployment=deployment)
            canvas = drawn
        else:
            if figure is Figure.rollout:
                drawn = plots.rollout(frames.pods, frames.workloads, deployment)
            elif figure is Figure.lanes:
                drawn = plots.lanes(frames.pods, frames.workloads)
            else:
                drawn = plots.events(frames.events)
            canvas = drawn.figure
    except (LookupError, ValueError) as error:
        raise UsageError(str(error), step="plot", object=str(recording), next="choose another --deployment") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(out, dpi=192, bbox_inches="tight")
    typer.echo(plots.twin(drawn))
    tell(f"Written: {out}")

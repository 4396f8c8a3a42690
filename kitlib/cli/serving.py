"""The command that serves a recording, so that kubectl and others can look at it."""

from __future__ import annotations

import json
import os
import re
import shlex
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitlib.cli.app import app
from kitlib.cli.durations import lasting
from kitlib.cli.output import echo, tell
from kitlib.cli.recordings import RecordingFolder, ended_by_signals
from kitlib.errors import UsageError
from kitlib.progress import Progress, ticking

if TYPE_CHECKING:
    from kitlib.serve import Server
    from kitlib.serve.history import History

_DAYTIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?Z?")
SECOND = 1_000_000_000


@app.command(
    epilog="""\
\b
Examples:
  kitlib serve shop.rec                                as it was at its end, until Ctrl-C
  kitlib serve shop.rec --at 1m30s                     so long after its begin
  kitlib serve shop.rec --at 2026-11-29T22:26:10Z      at that time; 22:26:10Z is enough within a day
  kitlib serve shop.rec --play 1                       as it happened; --play 10 ten times as fast

In another terminal, with the KUBECONFIG that it names:
  kubectl get pods --watch"""
)
def serve(
    recording: RecordingFolder,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Which moment: so long after its begin, or a time (UTC)."),
    ] = None,
    play: Annotated[
        float | None,
        typer.Option("--play", metavar="SPEED", help="Go on from there, 1 as it happened, 10 ten times as fast."),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Where it listens; a free port by default.")] = 0,
    kubeconfig: Annotated[
        Path | None,
        typer.Option("--kubeconfig", metavar="FILE", help="A new file for it; one of kitlib's own by default."),
    ] = None,
) -> None:
    """Serve a recording to kubectl and other clients.

    It is a read-only API server on 127.0.0.1, as k9s and any client of Kubernetes take it. It shows one moment, by
    default the last one, or plays what happened. What the recording lacks is answered with a warning or an error, never
    as if nothing had been. Your own kubeconfig isn't touched: it has one of its own, which is removed when it ends.
    """
    if play is not None and not play > 0:
        raise UsageError(f"--play {play:g} is no speed", step="serve", next="--play 1 is as fast as it happened")
    from kitlib.machine import processes
    from kitlib.recording import Recording
    from kitlib.serve import Server, running

    opened = Recording.open(recording)
    server = Server(opened, speed=play or 0.0, port=port)
    history = server.history
    if at is not None:
        server.show(moment(at, history))
    place = _place(recording, kubeconfig)
    with ended_by_signals(), running(server, place, processes.identity()):
        echo(f"export KUBECONFIG={shlex.quote(str(place))}")
        _told(history, server.clock.begin_ns, play)
        if play:
            with Progress("play", every=60) as bar, ticking(lambda: bar.update(_shown(server))):
                threading.Event().wait()
        threading.Event().wait()


def _shown(server: Server) -> str:
    """Return which moment is shown now."""
    now, history = server.clock.now(), server.history
    after, whole = ((at - history.begin_ns) / SECOND for at in (now, history.end_ns))
    return f"{_said(history, now)}, {after:.0f} of {whole:.0f} s" + (", its end" if now >= history.end_ns else "")


def _told(history: History, moment_ns: int, play: float | None) -> None:
    """Say what is served, which moment of it, and how much there is."""
    kinds = ", ".join(f"{len(versions)} {kind}" for (_, kind), versions in history.kinds.items()) or "nothing"
    after, whole = ((at - history.begin_ns) / SECOND for at in (moment_ns, history.end_ns))
    how = f"played {play:g} times as fast as it happened, from" if play else "at"
    tell(f"  {how} {_said(history, moment_ns)}, {after:.1f} s after its begin, of {whole:.1f} s; Ctrl-C ends it")
    tell(f"  versions: {kinds}")


def _said(history: History, moment_ns: int) -> str:
    return datetime.fromtimestamp(history.wall(moment_ns) / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str, history: History, step: str = "serve") -> int:
    """Return the moment that a person means, monotonic clock, ns."""
    begun = datetime.fromtimestamp(history.wall(history.begin_ns) / SECOND, UTC)
    try:
        if _DAYTIME.fullmatch(text):
            meant = datetime.fromisoformat(f"{begun:%Y-%m-%d}T{text.removesuffix('Z')}+00:00")
            meant += timedelta(days=1 if meant < begun - timedelta(seconds=1) else 0)
            found = history.moment(_ns(meant))
        elif "T" in text or "-" in text:
            meant = datetime.fromisoformat(text.replace("Z", "+00:00"))
            found = history.moment(_ns(meant if meant.tzinfo else meant.replace(tzinfo=UTC)))
        else:
            found = history.begin_ns + int(lasting(text.removeprefix("+")) * SECOND)
    except (ValueError, typer.BadParameter) as error:
        raise UsageError(
            f"{text!r} is no moment",
            step=step,
            next="write how long after its begin, as 90s or 1m30s, or a time, as 2026-11-29T22:26:10Z",
        ) from error
    if not history.begin_ns - SECOND <= found <= history.end_ns + SECOND:
        whole = (history.end_ns - history.begin_ns) / SECOND
        raise UsageError(
            f"{text} isn't in this recording",
            step=step,
            next=f"it lasts {whole:.1f} s, from {_said(history, history.begin_ns)} to {_said(history, history.end_ns)}",
        )
    return min(max(found, history.begin_ns), history.end_ns)


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def _place(recording: Path, wanted: Path | None) -> Path:
    """Return where the kubeconfig goes: a new file, in kitlib's state unless another one is named."""
    if wanted is not None:
        if wanted.exists():
            raise UsageError("there is a file already", step="serve", object=str(wanted), next="name a new one")
        return wanted.absolute()
    from kitlib.machine import paths, processes

    folder = paths.state() / "served"
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob("*.yaml"):
        if processes.ended(_writer(left)):
            left.unlink(missing_ok=True)
    return folder / f"{recording.resolve().stem}-{os.getpid()}.yaml"


def _writer(kubeconfig: Path) -> dict[str, Any]:
    """Return which process wrote a kubeconfig; a killed one has left it."""
    try:
        return dict(json.loads(kubeconfig.read_text(encoding="utf-8"))["extensions"][0]["extension"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}

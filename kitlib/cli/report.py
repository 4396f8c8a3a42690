"""The command that writes a page about one object of a recording, to attach to an incident."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from kitlib.cli.app import app
from kitlib.cli.output import say, tell
from kitlib.cli.recordings import RecordingFolder
from kitlib.cli.why import asked_of
from kitlib.errors import UsageError


@app.command(
    epilog="""\
\b
Examples:
  kitlib report deployment/web shop.rec                  as it was at its end
  kitlib report deploy/web shop.rec --at 1m30s           so long after its begin
  kitlib report deploy/web shop.rec --out incident.html  another name

The page needs no network and runs nothing; its sentence goes to standard output."""
)
def report(
    object: Annotated[str, typer.Argument(metavar="KIND/NAME", help="What, named as kubectl does.")],
    recording: RecordingFolder,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The page: .html; deployment-web.html by default.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Where; needed where several have it.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Which moment of the recording: 90s after its begin.")
    ] = None,
) -> None:
    """Write a page about an object, to attach to an incident.

    One HTML file: the cause, since when it can be seen, the figure in which it is marked, which promises were kept, the
    rows, and what was ruled out or not recorded. What the recording says of your cluster is in it: look through it
    before you share it.
    """
    from kitlib.recording import Recording
    from kitlib.rollout import why as explain

    kind, name = explain.parse(object)
    out = out or Path(re.sub(r"[^\w.-]", "-", f"{kind.lower()}-{name}.html"))
    if out.suffix.lower() not in (".html", ".htm"):
        what = out.suffix or "a file without a suffix"
        raise UsageError(f"can't write {what}", object=str(out), next="end it in .html")
    opened = Recording.open(recording)
    where, last = asked_of(opened, recording, kind, name, namespace, at)
    import matplotlib

    matplotlib.use("Agg")
    from kitlib.report import contents, page

    told = contents(opened, kind, name, where, last)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page(told), encoding="utf-8")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(
            f"can't be written: {error.strerror}", step="report", object=str(out), next="name another file"
        ) from error
    say(told.answer.sentence)
    tell(f"Written: {out}")


__all__ = ["report"]

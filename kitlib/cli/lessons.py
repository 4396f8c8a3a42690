"""Commands that run notebooks, or open them in JupyterLab."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitlib.cli import names
from kitlib.cli.app import app
from kitlib.cli.clusters import Context, Kubernetes, Provider, YesWrite, use
from kitlib.cli.durations import lasting
from kitlib.cli.output import AsJson, Output, say, show_json, tell
from kitlib.errors import ClaimError, KitlibError, RefusedError, UsageError
from kitlib.machine.lock import FileLock

if TYPE_CHECKING:
    from kitlib.cluster import Cluster

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Where no lessons lie, copy kitlib's to ./kitlib-lessons without asking.")
]
Replay = Annotated[bool, typer.Option("--replay", help="On the recordings that the lessons bring, without a cluster.")]


@app.command(
    epilog="""\
\b
Examples:
  kitlib walk                              every notebook, in reading order, then the site
  kitlib walk start deployment             these two
  kitlib walk -o json | jq .ok             for a program: the verdicts, without the evidence
  kitlib walk security --keep              the clusters of 1.17 that it brings up stay
  kitlib walk --replay                     on the recordings that the lessons bring: no cluster, in minutes
  kitlib walk dns --keep-recordings        on a cluster; its recording takes the place of the lesson's
  kitlib walk --context lab --yes-write    on a cluster of yours; each notebook makes a namespace there

Executed copies go to build/notebooks/, claims to build/claims/, recordings to build/recordings/: the checkout is never
changed. Exit code 1 says that a claim got another verdict than the one it expects, or that a notebook failed."""
)
def walk(
    notebooks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NOTEBOOK", help="Names or paths; all by default.", autocompletion=names.lessons),
    ] = None,
    provider: Provider = None,
    kubernetes: Kubernetes = None,
    context: Context = None,
    yes_write: YesWrite = False,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="DURATION", parser=lasting, help="How long a cell may take: 600, 10m."),
    ] = 600,
    site: Annotated[bool, typer.Option("--site/--no-site", help="Write site/ when all went well.")] = True,
    site_only: Annotated[
        bool, typer.Option("--site-only", help="Run nothing; write site/ from the last walk.")
    ] = False,
    keep_outputs: Annotated[
        bool, typer.Option("--keep-outputs", help="Afterwards take the executed copies over into notebooks/.")
    ] = False,
    replay: Replay = False,
    keep_recordings: Annotated[
        bool, typer.Option("--keep-recordings", help="Afterwards take what was recorded over into recordings/.")
    ] = False,
    build: Annotated[
        Path | None,
        typer.Option(
            "--build", metavar="FOLDER", help="Where copies, claims and recordings go; else KITLIB_BUILD, or build/."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Where the site goes.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the clusters that notebooks bring up beside the one they run on.")
    ] = False,
    yes: Yes = False,
    output: AsJson = Output.text,
) -> None:
    """Run notebooks, print their claims' verdicts, write site/."""
    from kitlib import walk as walking
    from kitlib.lessons import recordings

    root = _lessons(yes)
    build = Path(build or os.environ.get("KITLIB_BUILD") or root / "build").resolve()
    out = (out or root / "site").resolve()
    for name in () if site_only else notebooks or ():  # a mistyped one is told before a cluster is brought up
        walking.lessons.find(name, root)
    recorded = _replays(replay, provider, kubernetes, context)
    build.mkdir(parents=True, exist_ok=True)
    with FileLock(build / ".walk.lock", "walk"):  # two walks at once would take each other's copies away
        document: dict[str, Any] = {"ok": True}
        if not site_only:
            found = None if recorded else _written_to(use(provider, kubernetes, context, yes_write), context)
            with _gone_afterwards(keep):
                result = walking.walk(
                    notebooks, found, build, root=root, timeout=timeout, say=tell if output is Output.json else say
                )
            document = result.to_dict()
            if not result.ok:
                if output is Output.json:
                    show_json(document)
                tell("kitlib: the walk did not go as the notebooks say; no site was written")
                raise typer.Exit(ClaimError.exit_code)
            live = [item.name for item in result.notebooks if not item.skipped and not item.recorded]
            written = walking.publish(build, root, live) if keep_outputs and live else []
            for path in [*written, *(recordings.keep(build, root, live) if keep_recordings else ())]:
                tell(f"Written: {path.relative_to(root)}")
        if site or site_only:
            document["site"] = str(page := _site(root, build, out))
            if output is Output.text:
                say(f"Site: {_short(page)}")
    if output is Output.json:
        show_json(document)


def _written_to(found: Cluster, context: str | None) -> Cluster:
    """Return a cluster that notebooks may write to, or refuse it."""
    if not found.writable:
        raise RefusedError(
            "notebooks write to the cluster, and this one is not kitlib's",
            step="walk",
            object=f"context {context}",
            next=f"`kitlib walk --context {context} --yes-write`, or leave --context away",
        )
    return found


def _site(root: Path, build: Path, out: Path) -> Path:
    """Write the site, and return its first page."""
    from kitlib.progress import Progress, ticking
    from kitlib.site import build as build_site

    with Progress("site") as bar, ticking(bar.update):
        return build_site(root, build, out)


def _replays(replay: bool, provider: str | None, kubernetes: str | None, context: str | None) -> bool:
    """Return whether lessons are on their recordings; who names a cluster as well is told."""
    if replay and (provider or kubernetes or context):
        raise UsageError(
            "a recording has its own cluster",
            step="walk",
            object="--replay",
            next="leave --provider, --kubernetes and --context away",
        )
    return replay


def _lessons(yes: bool) -> Path:
    """Return the folder of the lessons; where there is none, those that the wheel brought are copied if that is wanted.

    Raises
    ------
    UsageError
        If nobody can be asked, or the answer is no.
    """
    from kitlib.lessons import folder

    try:
        return folder.find()
    except UsageError:
        if not folder.is_lessons(folder.SHIPPED):
            raise
    target = Path.cwd() / folder.COPY
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "there are no lessons here",
            step="find the lessons",
            object=str(Path.cwd()),
            next=f"repeat with --yes: those that kitlib brought are copied to {folder.COPY}/ and used there",
        )
    if not yes and not typer.confirm(f"There are no lessons here. Copy them to {folder.COPY}/?", True, err=True):
        raise UsageError("there are no lessons here", next="change into a folder that has them, and repeat")
    folder.copy(target)
    tell(f"The lessons are in {_short(target)}/: they are yours to change.")
    return target


@contextlib.contextmanager
def _gone_afterwards(keep: bool) -> Iterator[None]:
    """Take down the clusters that notebooks bring up in this block, however it ends; `keep`: only let them be."""
    from kitlib import cluster as clusters
    from kitlib.lab.session import BROUGHT_UP

    if keep:
        yield
        return
    before = {found.name for found in clusters.clusters()}
    with tempfile.TemporaryDirectory(prefix="kitlib-walk-") as place:
        noted = Path(place) / "clusters"
        os.environ[BROUGHT_UP] = str(noted)
        try:
            yield
        finally:
            del os.environ[BROUGHT_UP]
            brought = dict.fromkeys(noted.read_text(encoding="utf-8").split()) if noted.exists() else {}
            gone = [name for name in brought if name not in before and _taken_down(name)]
            if gone:
                tell(f"Taken down again: {', '.join(gone)} (--keep leaves such clusters)")


def _taken_down(name: str) -> bool:
    """Take down a cluster; one that can't be is told of, and stays."""
    from kitlib import cluster as clusters

    if name not in clusters.record.names():
        return False
    try:
        clusters.down(name)
    except KitlibError as error:
        tell(f"kitlib: {error}")
        return False
    return True


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


@app.command(
    epilog="""\
\b
Examples:
  kitlib lab
  kitlib lab deployment
  kitlib lab dns --replay                    on its recording, without a cluster
  kitlib lab -- --no-browser --port 8890     what follows -- goes to JupyterLab
  kitlib lab -- --log-level=INFO             with all that it says"""
)
def lab(
    notebook: Annotated[
        str, typer.Argument(metavar="NOTEBOOK", help="The notebook to open.", autocompletion=names.lessons)
    ] = "start",
    options: Annotated[list[str] | None, typer.Argument(metavar="-- OPTION", help="For JupyterLab.")] = None,
    provider: Provider = None,
    kubernetes: Kubernetes = None,
    context: Context = None,
    yes_write: YesWrite = False,
    replay: Replay = False,
    yes: Yes = False,
) -> None:
    """Open JupyterLab at a notebook, on the same cluster."""
    from kitlib import walk as walking
    from kitlib.lessons import recordings

    root = _lessons(yes)
    extra = list(options or [])
    if notebook.startswith("-"):
        notebook, extra = "start", [notebook, *extra]
    path = root / "notebooks" / f"{Path(notebook).stem}.ipynb"
    if not path.is_file():
        path = walking.lessons.find(notebook, root, "lab")
    environment = {**os.environ}
    found = None if _replays(replay, provider, kubernetes, context) else use(provider, kubernetes, context, yes_write)
    if found is None:
        environment |= walking.kernel.on_recordings(root / recordings.FOLDER, root / "build")
    elif found.provider == "context":
        environment |= {"KITLIB_CONTEXT": found.context, "KITLIB_YES_WRITE": "1" if yes_write else ""}
    else:
        environment["KITLIB_CLUSTER"] = found.name
    command = [sys.executable, "-m", "jupyterlab", str(path), "--ServerApp.ip=127.0.0.1"]
    if not any("log" in option and "level" in option for option in extra):  # thirty lines would hide its address
        command += ["--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # a container, as a rule; JupyterLab asks for its token all the same
    tell("JupyterLab: Ctrl-C twice ends it; the cluster stays until `kitlib down`.")
    with _interrupted_only_below():
        code = subprocess.run([*command, *extra], cwd=root, env=environment, check=False).returncode
    raise typer.Exit(code)


@contextlib.contextmanager
def _interrupted_only_below() -> Iterator[None]:
    """Leave Ctrl-C to the program that runs in this block: it asks back, and ends what it started, in its own time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)  # a program that is started doesn't inherit it
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

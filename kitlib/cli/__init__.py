"""The `kitlib` command: clusters, walks, recordings and figures from a terminal.

Results go to standard output, progress and messages to standard error. What takes long to import is imported by the
command that needs it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from kitlib.errors import ClaimError, KitlibError, UsageError

if TYPE_CHECKING:
    from kitlib.cluster import Cluster
    from kitlib.watch import Recorder

__all__ = ["EXIT_CODES", "app", "main"]

INTERRUPTED = 130
EXIT_CODES = {
    0: "all went as expected",
    1: "a claim got another verdict than the expected one, a notebook failed, or something else went wrong",
    2: "the call is wrong: an unknown command, option, notebook or figure, or a file that can't be read",
    3: "no cluster, or one that doesn't answer",
    4: "refused: kitlib didn't make this cluster and was not told --yes-write",
    5: "a wait reached its deadline",
    6: "the API server refused a request",
    7: "a program of Kubernetes could be neither found, downloaded nor built",
    8: "a recording can't be opened or written",
    INTERRUPTED: "interrupted (Ctrl-C)",
}
EPILOG = """\
\b
A first session:
  kitlib doctor                 what this machine can run, and what to install for the rest
  kitlib up                     a cluster of your own: says which, and why
  kitlib walk start             run the first notebook on it, and see its claims tested
  kitlib lab                    the same notebooks in JupyterLab
  kitlib down                   remove the cluster

\b
On a cluster that you may only read, nothing is written:
  kitlib record --context staging --namespace shop --out shop.rec
  kitlib plot shop.rec --out shop.png

\b
Exit codes:
""" + "".join(f"  {code:<4}{meaning}\n" for code, meaning in EXIT_CODES.items())


class Output(StrEnum):
    """How a result is written."""

    text = "text"
    json = "json"


class Figure(StrEnum):
    """What `kitlib plot` draws."""

    story = "story"
    rollout = "rollout"
    lanes = "lanes"
    events = "events"


class Redact(StrEnum):
    """What a recording may leave out."""

    env = "env"


class Group(TyperGroup):
    """Turns the errors of all commands into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KitlibError as error:
            if os.environ.get("KITLIB_DEBUG") == "1":
                raise
            _tell(f"kitlib: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            _tell("kitlib: interrupted; the same command goes on where it stopped")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if os.environ.get("KITLIB_DEBUG") == "1" or error.errno not in _DISK:
                raise
            _tell(f"kitlib: {error.filename or 'a file'}: {error.strerror}\n  Next: {_DISK[error.errno]}")
            raise typer.Exit(1) from None


_DISK = {
    errno.ENOSPC: "make room on that disk (KITLIB_CACHE and KITLIB_STATE choose other places), then repeat",
    errno.EDQUOT: "your quota is used up: make room (KITLIB_CACHE and KITLIB_STATE choose other places), then repeat",
    errno.EROFS: "choose a place that can be written to: KITLIB_CACHE, KITLIB_STATE or --out",
    errno.EACCES: "mend the permissions, or choose another place: KITLIB_CACHE, KITLIB_STATE or --out",
}

app = typer.Typer(
    name="kitlib",
    cls=Group,
    help="Kubernetes, walked and proven: a control plane of your own, notebooks that test what they claim, recordings"
    " of what really happened.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

AsJson = Annotated[Output, typer.Option("--output", "-o", help="How the result is written.")]
Provider = Annotated[
    str | None, typer.Option("--provider", help="kind or embedded; chosen for this machine by default.")
]
Kubernetes = Annotated[
    str | None,
    typer.Option(
        "--kubernetes", metavar="VERSION", help="1.37 (the default); 1.17, of March 2020; with kind also 1.36 to 1.34."
    ),
]
Context = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="A context of your kubeconfig instead of a cluster of kitlib's."),
]
YesWrite = Annotated[
    bool,
    typer.Option("--yes-write", help="With --context: that cluster may be written to. Notebooks make a namespace."),
]


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _show_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, default=str))


def _version(value: bool) -> None:
    if value:
        from kitlib import __version__

        typer.echo(f"kitlib {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show kitlib's version and exit.")
    ] = False,
) -> None:
    pass


def _use(provider: str | None, kubernetes: str | None, context: str | None, yes_write: bool) -> Cluster:
    """Return the cluster to work on, and say which and why."""
    from kitlib import cluster as clusters

    if context:
        if provider or kubernetes:
            raise UsageError("--context names a cluster; --provider and --kubernetes can't be given with it")
        found = clusters.context(context, yes_write=yes_write)
        _tell(f"Cluster: {found.name}, of your kubeconfig, Kubernetes {found.release}")
        return found
    if yes_write:
        raise UsageError("--yes-write goes with --context NAME", next="kitlib writes to its own clusters anyway")
    choice = clusters.choose(provider, kubernetes)
    if any(cluster.name == choice.name for cluster in clusters.clusters()):
        _tell(choice.why)  # `up` says so only when it makes one
    found = clusters.up(provider, kubernetes, progress=True)
    _tell(_described(found))
    return found


@app.command(
    epilog="""\
\b
Examples:
  kitlib up                            the provider that fits this machine, the newest version
  kitlib up --provider kind            real nodes and containers; where no engine runs, one is set up (Debian, as root)
  kitlib up --nodes 20                 with 20 nodes
  kitlib up --kubernetes 1.17          the control plane of March 2020, beside today's: to look at, not for work
  kitlib up -o json | jq .kubeconfig   for a program

It can be repeated: a running cluster is found, and what a crash left behind is swept up. The first time, programs of
Kubernetes may have to be built: six minutes on two cores, once for all checkouts."""
)
def up(
    provider: Provider = None,
    kubernetes: Kubernetes = None,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="How many nodes.")] = None,
    output: AsJson = Output.text,
) -> None:
    """Bring up a cluster of your own, or find it running."""
    from kitlib import cluster as clusters

    began = time.monotonic()
    found = _use(provider, kubernetes, None, False)
    if nodes is not None and nodes != found.node_count:
        found = clusters.scale_nodes(found, nodes) or found
    if output is Output.json:
        _show_json(found.to_dict())
        return
    typer.echo(f"{found.name} ready after {time.monotonic() - began:.1f} s")
    typer.echo(f"  export KUBECONFIG={shlex.quote(str(found.kubeconfig))}")
    typer.echo("  kitlib walk: run the notebooks on it · kitlib lab: open them · kitlib down: remove it")


def _described(found: Cluster) -> str:
    pods = "containers run for real" if found.runs_containers else "Pods are simulated"
    nodes = f"{found.node_count} node{'' if found.node_count == 1 else 's'}"
    return f"{found.name} is up: Kubernetes {found.release}, {nodes}, {pods}"


@app.command()
def down(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which; all that kitlib made by default.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all went well.")] = False,
) -> None:
    """Remove a cluster that kitlib made.

    All that is in it goes, whether it runs or not. Kubernetes' programs stay in the cache.
    """
    from kitlib import cluster as clusters

    with contextlib.nullcontext() if not quiet else contextlib.redirect_stderr(None):
        clusters.down(name)
    if not quiet:
        typer.echo(f"{name or 'Everything that kitlib brought up'} is gone.")


@app.command(
    epilog="""\
\b
Examples:
  kitlib status
  kitlib status -o json | jq '.[].name'

Exit code 3 says that nothing runs."""
)
def status(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which; all by default.")] = None,
    output: AsJson = Output.text,
) -> None:
    """Tell which clusters run, and how each part of them is."""
    from kitlib import cluster as clusters

    if name is not None:
        names = [clusters.find(name).name]
    else:
        names = [found.name for found in clusters.clusters()]
    found = [{**clusters.find(each).to_dict(), "status": clusters.status(each)} for each in names]
    if output is Output.json:
        _show_json(found)
    else:
        for entry, each in zip(found, names, strict=True):
            typer.echo(_described(clusters.find(each)))
            _tree({key: value for key, value in entry["status"].items() if key not in entry})
    if not found:
        _tell("No cluster that kitlib made is running.\n  Next: `kitlib up` brings one up")
        raise typer.Exit(3)


def _tree(value: Any, depth: int = 1) -> None:
    """Write nested values as indented lines."""
    items = value.items() if isinstance(value, dict) else enumerate(value, 1)
    for key, inner in items:
        if isinstance(inner, dict | list) and inner:
            if all(
                not isinstance(leaf, dict | list) for leaf in (inner.values() if isinstance(inner, dict) else inner)
            ):
                pairs = inner.items() if isinstance(inner, dict) else ((None, leaf) for leaf in inner)
                row = ", ".join(f"{name} {leaf}" if name else str(leaf) for name, leaf in pairs)
                typer.echo(f"{'  ' * depth}{key}: {row}")
            else:
                typer.echo(f"{'  ' * depth}{key}:")
                _tree(inner, depth + 1)
        else:
            typer.echo(f"{'  ' * depth}{key}: {inner}")


@app.command(
    epilog="""\
\b
Examples:
  kitlib doctor
  kitlib doctor -o json

Exit code 3 says that this machine can't run a cluster yet; what it prints says what to install."""
)
def doctor(output: AsJson = Output.text) -> None:
    """Tell what this machine can run, and what it lacks."""
    from kitlib.cluster import doctor as examination

    findings = examination.examine()
    if output is Output.json:
        _show_json([finding.to_dict() for finding in findings])
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            sign = {examination.OK: "✓", examination.WARN: "!", examination.MISSING: "✗"}.get(finding.state, "?")
            typer.echo(f"{sign} {finding.name:<{width}}  {finding.detail}")
            if finding.state != examination.OK:
                typer.echo(f"  {'':<{width}}  needed for {finding.needed_for}")
                if finding.todo:
                    typer.echo(f"  {'':<{width}}  → {finding.todo}")
    if any(finding.state == examination.MISSING for finding in findings):
        raise typer.Exit(3)


@app.command(
    epilog="""\
\b
Examples:
  kitlib walk                              every notebook, in reading order, then the site
  kitlib walk start deployment             these two
  kitlib walk -o json | jq .ok             for a program: the verdicts, without the evidence
  kitlib walk --context lab --yes-write    on a cluster of yours; each notebook makes a namespace there

Executed copies go to build/notebooks/, claims to build/claims/, recordings to build/recordings/: the checkout is never
changed. Exit code 1 says that a claim got another verdict than the one it expects, or that a notebook failed."""
)
def walk(
    notebooks: Annotated[
        list[str] | None, typer.Argument(metavar="NOTEBOOK", help="Names or paths; all by default.")
    ] = None,
    provider: Provider = None,
    kubernetes: Kubernetes = None,
    context: Context = None,
    yes_write: YesWrite = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one cell may take.")] = 300,
    site: Annotated[bool, typer.Option("--site/--no-site", help="Write site/ when all went well.")] = True,
    site_only: Annotated[
        bool, typer.Option("--site-only", help="Run nothing; write site/ from the last walk.")
    ] = False,
    keep_outputs: Annotated[
        bool, typer.Option("--keep-outputs", help="Afterwards take the executed copies over into notebooks/.")
    ] = False,
    build: Annotated[Path | None, typer.Option("--build", help="Where copies, claims and recordings go.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the site goes.")] = None,
    output: AsJson = Output.text,
) -> None:
    """Run notebooks, print their claims' verdicts, write site/."""
    from kitlib import walk as walking

    root = walking.checkout()
    build = (build or root / "build").resolve()
    out = (out or root / "site").resolve()
    document: dict[str, Any] = {"ok": True}
    if not site_only:
        found = _use(provider, kubernetes, context, yes_write)
        if not found.writable:
            from kitlib.errors import RefusedError

            raise RefusedError(
                "notebooks write to the cluster, and this one is not kitlib's",
                step="walk",
                object=f"context {context}",
                next=f"`kitlib walk --context {context} --yes-write`, or leave --context away",
            )
        result = walking.walk(
            notebooks, found, build, root=root, timeout=timeout, say=_tell if output is Output.json else typer.echo
        )
        document = result.to_dict()
        if not result.ok:
            if output is Output.json:
                _show_json(document)
            _tell("kitlib: the walk did not go as the notebooks say; no site was written")
            raise typer.Exit(ClaimError.exit_code)
        if keep_outputs:
            for path in walking.publish(build, root, [item.name for item in result.notebooks if not item.skipped]):
                _tell(f"Written: {path.relative_to(root)}")
    if site or site_only:
        from kitlib.progress import Progress
        from kitlib.site import build as build_site

        with Progress("site"):
            page = build_site(root, build, out)
        document["site"] = str(page)
        if output is Output.text:
            typer.echo(f"Site: {_short(page)}")
    if output is Output.json:
        _show_json(document)


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
  kitlib lab -- --no-browser --port 8890     what follows -- goes to JupyterLab"""
)
def lab(
    notebook: Annotated[str, typer.Argument(help="The notebook to open.")] = "start",
    options: Annotated[list[str] | None, typer.Argument(metavar="-- OPTION", help="For JupyterLab.")] = None,
    provider: Provider = None,
    kubernetes: Kubernetes = None,
    context: Context = None,
    yes_write: YesWrite = False,
) -> None:
    """Open JupyterLab at a notebook, on the same cluster."""
    from kitlib import walk as walking

    root = walking.checkout()
    extra = list(options or [])
    if notebook.startswith("-"):
        notebook, extra = "start", [notebook, *extra]
    path = root / "notebooks" / f"{Path(notebook).stem}.ipynb"
    if not path.is_file():
        raise UsageError(
            f"no notebook {notebook!r}",
            step="lab",
            object=str(root / "notebooks"),
            next=f"choose from: {', '.join(walking.reading_order(root)) or 'none is there'}",
        )
    found = _use(provider, kubernetes, context, yes_write)
    environment = {**os.environ}
    if found.provider == "context":
        environment |= {"KITLIB_CONTEXT": found.context, "KITLIB_YES_WRITE": "1" if yes_write else ""}
    else:
        environment["KITLIB_CLUSTER"] = found.name
    command = [sys.executable, "-m", "jupyterlab", str(path), "--ServerApp.ip=127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # a container, as a rule; JupyterLab asks for its token all the same
    _tell("JupyterLab: Ctrl-C twice ends it; the cluster stays until `kitlib down`.")
    raise typer.Exit(subprocess.run([*command, *extra], cwd=root, env=environment, check=False).returncode)


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
            _tell(f"  {kind} was not recorded: {problem}")
    typer.echo(f"{out}: {', '.join(f'{number} {what}' for what, number in counts.items())}")
    _tell(f"  kitlib plot {shlex.quote(str(out))} --out rollout.png")


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
    _tell(f"Written: {out}")


airgap = typer.Typer(
    help="Make a kind cluster's parts from Debian packages and Go modules, where no container registry answers.",
    epilog="""\
\b
Examples:
  kitlib airgap build          the node image, with all that goes into it; once, some ten minutes on two cores
  kitlib airgap status         what of it is kept, and what it takes
  kitlib airgap engine         an engine to run it where there is none; `kitlib down` takes it away again
  kitlib airgap clean --older  remove what is of use no more

`kitlib up --provider kind` does all of this by itself. It takes root on Debian.""",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(airgap, name="airgap")


@airgap.command(
    epilog="""\
\b
Examples:
  kitlib airgap build

It can be interrupted and repeated: each step that is done is kept."""
)
def build(output: AsJson = Output.text) -> None:
    """Make the node image, or find it made."""
    from kitlib.machine.airgap import artifacts, nodeimage

    began = time.monotonic()
    nodeimage.make()
    if output is Output.json:
        _show_json(artifacts.status())
        return
    for part in artifacts.parts():
        typer.echo(artifacts.described(part))
    typer.echo(f"{nodeimage.name()} is there after {time.monotonic() - began:.1f} s")


@airgap.command("status")
def airgap_status(output: AsJson = Output.text) -> None:
    """Tell what is kept, and what it takes."""
    from kitlib.machine.airgap import artifacts

    found = artifacts.status()
    if output is Output.json:
        _show_json(found)
        return
    for part in artifacts.parts():
        typer.echo(artifacts.described(part))
    if found["older"]:
        typer.echo(f"older versions: {found['older'] / 1e6:.0f} MB (`kitlib airgap clean --older`)")
    typer.echo(f"engine: {found['engine'] or 'none runs'}")


@airgap.command()
def clean(
    older: Annotated[
        bool, typer.Option("--older", help="Only what other versions left, and interrupted steps.")
    ] = False,
) -> None:
    """Remove what was built; the next `build` makes it anew."""
    from kitlib.machine.airgap import artifacts

    typer.echo(f"{artifacts.clean(older) / 1e6:.0f} MB are free again.")


@airgap.command(
    epilog="""\
\b
Examples:
  eval "$(kitlib airgap engine)"    then `docker` talks to it, from this shell

Its containers reach each other, and nothing beyond: not the network, not the machine. Ports are published on 127.0.0.1
only: -p 127.0.0.1:8080:80. `kitlib down` ends it and takes all of it away."""
)
def engine(output: AsJson = Output.text) -> None:
    """Start a container engine of kitlib's own, or find it running."""
    from kitlib.machine.airgap import engine as engines

    own = engines.up()
    if output is Output.json:
        _show_json({"socket": own.socket, "name": own.ident, "data": str(own.data)})
        return
    typer.echo(f"export DOCKER_HOST={shlex.quote(own.socket)}")


def main() -> None:
    """Run the command; this is the entry point `kitlib`."""
    app()


if __name__ == "__main__":
    main()

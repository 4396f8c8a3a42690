"""Commands that bring clusters up, tell how they are, and take them down."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitlib.cli import names
from kitlib.cli.app import app
from kitlib.cli.output import AsJson, Output, echo, say, show_json, show_table, tell
from kitlib.errors import UsageError

if TYPE_CHECKING:
    from kitlib.cluster import Cluster

Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="kind or embedded; chosen for this machine by default.",
        autocompletion=names.providers,
    ),
]
Kubernetes = Annotated[
    str | None,
    typer.Option(
        "--kubernetes",
        metavar="VERSION",
        help="1.37 (the default); 1.17, of March 2020; with kind also 1.36 to 1.34.",
        autocompletion=names.versions,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="A context of your kubeconfig instead of a cluster of kitlib's.",
        autocompletion=names.contexts,
    ),
]
YesWrite = Annotated[
    bool,
    typer.Option("--yes-write", help="With --context: that cluster may be written to. Notebooks make a namespace."),
]


def use(provider: str | None, kubernetes: str | None, context: str | None, yes_write: bool) -> Cluster:
    """Return the cluster to work on, and say which and why."""
    from kitlib import cluster as clusters

    if context:
        if provider or kubernetes:
            raise UsageError("--context names a cluster; --provider and --kubernetes can't be given with it")
        found = clusters.context(context, yes_write=yes_write)
        tell(f"Cluster: {found.name}, of your kubeconfig, Kubernetes {found.release}")
        return found
    if yes_write:
        raise UsageError("--yes-write goes with --context NAME", next="kitlib writes to its own clusters anyway")
    choice = clusters.choose(provider, kubernetes)
    if any(cluster.name == choice.name for cluster in clusters.clusters()):
        tell(choice.why)  # `up` says so only when it makes one
    found = clusters.up(provider, kubernetes, progress=True)
    tell(described(found))
    return found


def _count(text: str | int) -> int:
    """Return a number of nodes."""
    if not (str(text).strip().isdecimal() and int(text) >= 1):
        raise typer.BadParameter(f"{str(text)!r} is no number of nodes: write 1 or more")
    return int(text)


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
    nodes: Annotated[
        int | None, typer.Option("--nodes", metavar="NUMBER", parser=_count, help="How many nodes.")
    ] = None,
    output: AsJson = Output.text,
) -> None:
    """Bring up a cluster of your own, or find it running."""
    from kitlib import cluster as clusters

    began = time.monotonic()
    found = use(provider, kubernetes, None, False)
    if nodes is not None and nodes != found.node_count:
        found = clusters.scale_nodes(found, nodes) or found
    if output is Output.json:
        show_json(found.to_dict())
        return
    echo(f"{found.name} ready after {time.monotonic() - began:.1f} s")
    echo(f"  export KUBECONFIG={shlex.quote(str(found.kubeconfig))}")
    say("  kitlib walk: run the notebooks on it · kitlib lab: open them · kitlib down: remove it")


def described(found: Cluster) -> str:
    """Say in one line what a cluster is."""
    pods = "containers run for real" if found.runs_containers else "Pods are simulated"
    nodes = f"{found.node_count} node{'' if found.node_count == 1 else 's'}"
    return f"{found.name} is up: Kubernetes {found.release}, {nodes}, {pods}"


@app.command()
def down(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Which; all that kitlib made by default.", autocompletion=names.clusters),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all went well.")] = False,
) -> None:
    """Remove a cluster that kitlib made.

    All that is in it goes, whether it runs or not. Kubernetes' programs stay in the cache.
    """
    from kitlib import cluster as clusters

    removed = clusters.down(name, progress=not quiet)
    if not quiet:
        gone = f"{name or 'Everything that kitlib brought up'} is gone."
        echo(gone if removed else "Nothing that kitlib brought up is there.")


@app.command(
    epilog="""\
\b
Examples:
  kitlib status
  kitlib status -o json | jq '.[].name'

Exit code 3 says that nothing runs."""
)
def status(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which; all by default.", autocompletion=names.clusters)
    ] = None,
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
        show_json(found)
    else:
        for entry, each in zip(found, names, strict=True):
            say(described(clusters.find(each)))
            rows = _rows({key: value for key, value in entry["status"].items() if key not in entry})
            wide = max((len(key) for key, _ in rows), default=0)
            for key, value in rows:
                say(f"{key:<{wide}}  {value}".rstrip())
    if not found:
        tell("No cluster that kitlib made is running.\n  Next: `kitlib up` brings one up")
        raise typer.Exit(3)


def _rows(value: dict[Any, Any] | list[Any], depth: int = 1) -> list[tuple[str, str]]:
    """Return nested values as rows of a name, indented, and what stands there."""
    rows: list[tuple[str, str]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value, 1):
        name = f"{'  ' * depth}{key}:"
        if not isinstance(inner, dict | list) or not inner:
            rows.append((name, {True: "yes", False: "no"}[inner] if isinstance(inner, bool) else str(inner)))
            continue
        pairs = list(inner.items()) if isinstance(inner, dict) else [(None, leaf) for leaf in inner]
        if any(isinstance(leaf, dict | list) for _, leaf in pairs):
            rows += [(name, ""), *_rows(inner, depth + 1)]
        else:
            rows.append((name, ", ".join(f"{label} {leaf}" if label else str(leaf) for label, leaf in pairs)))
    return rows


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
        show_json([finding.to_dict() for finding in findings])
    else:
        rows: list[tuple[str, ...]] = []
        styles: list[str] = []
        for finding in findings:
            sign, style = {
                examination.OK: ("✓", "green"),
                examination.WARN: ("!", "yellow"),
                examination.MISSING: ("✗", "red"),
            }.get(finding.state, ("?", ""))
            rows.append((sign, finding.name, finding.detail))
            if finding.state != examination.OK:
                rows.append(("", "", f"needed for {finding.needed_for}"))
                rows += [("", "", f"→ {finding.todo}")] if finding.todo else []
            styles += [style] * (len(rows) - len(styles))
        show_table(rows, styles)
    if any(finding.state == examination.MISSING for finding in findings):
        raise typer.Exit(3)

"""Commands that make a kind cluster's parts where no container registry answers."""

from __future__ import annotations

import shlex
import time
from typing import Annotated

import typer

from kitlib.cli import names
from kitlib.cli.app import App, Group, app
from kitlib.cli.output import AsJson, Output, echo, show_json

airgap = App(
    cls=Group,
    help="Make a kind cluster's parts without a registry: from Debian packages and Go modules.",
    short_help="Make a kind cluster's parts without a registry.",
    epilog="""\
\b
Examples:
  kitlib airgap build          the node image, with all that goes into it; once, some ten minutes on two cores
  kitlib airgap build nginx    a part that lessons run beside Kubernetes; without a name after `build`, none of them
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
  kitlib airgap build traefik

It can be interrupted and repeated: each step that is done is kept."""
)
def build(
    part: Annotated[
        str | None,
        typer.Argument(
            metavar="PART",
            help="A part beside Kubernetes, such as nginx. Without one, the node image.",
            autocompletion=names.parts,
            show_default=False,
        ),
    ] = None,
    output: AsJson = Output.text,
) -> None:
    """Make the node image, or a part beside Kubernetes, or find it made."""
    from kitlib.machine.airgap import artifacts, nodeimage, parts

    began = time.monotonic()
    if part is None:
        nodeimage.make()
        image = nodeimage.name()
    else:
        image = parts.make(parts.find(part)).image
    if output is Output.json:
        show_json(artifacts.status())
        return
    for each in artifacts.artifacts():
        echo(artifacts.described(each))
    echo(f"{image} is there after {time.monotonic() - began:.1f} s")


@airgap.command("status")
def airgap_status(output: AsJson = Output.text) -> None:
    """Tell what is kept, and what it takes."""
    from kitlib.machine.airgap import artifacts

    found = artifacts.status()
    if output is Output.json:
        show_json(found)
        return
    for each in artifacts.artifacts():
        echo(artifacts.described(each))
    if found["older"]:
        echo(f"older versions: {found['older'] / 1e6:.0f} MB (`kitlib airgap clean --older`)")
    echo(f"engine: {found['engine'] or 'none runs'}")


@airgap.command()
def clean(
    older: Annotated[
        bool, typer.Option("--older", help="Only what other versions left, and interrupted steps.")
    ] = False,
) -> None:
    """Remove what was built; the next `build` makes it anew."""
    from kitlib.machine.airgap import artifacts

    echo(f"{artifacts.clean(older) / 1e6:.0f} MB are free again.")


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
        show_json({"socket": own.socket, "name": own.ident, "data": str(own.data)})
        return
    echo(f"export DOCKER_HOST={shlex.quote(own.socket)}")

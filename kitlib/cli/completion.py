"""`kitlib completion`: what a shell needs to complete kitlib's words, as `kubectl completion` prints it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kitlib.cli.app import COMPLETE, app


class Shell(StrEnum):
    """A shell that completes words."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


@app.command(
    epilog="""\
\b
Examples:
  source <(kitlib completion bash)                                  in this shell; in ~/.bashrc for every one
  kitlib completion zsh > "${fpath[1]}/_kitlib"                     then a new shell
  kitlib completion fish > ~/.config/fish/completions/kitlib.fish

Commands, options, lessons, clusters, contexts, kinds and figures are completed."""
)
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="The shell that is to complete: bash, zsh or fish.")],
) -> None:
    """Print the script by which a shell completes kitlib's words."""
    from typer.completion import get_completion_script

    typer.echo(get_completion_script(prog_name="kitlib", complete_var=COMPLETE, shell=shell.value))

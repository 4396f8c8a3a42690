"""The command itself: its help, its exit codes, and how an error becomes one message."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kitlib.cli.output import folded, prepare_streams, tell, width
from kitlib.errors import KitlibError

INTERRUPTED = 130
COMPLETE = "_KITLIB_COMPLETE"
"""The variable by which a shell's script asks what a word may become."""
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
  kitlib completion bash        words that your shell completes; zsh and fish, too

\b
On a cluster that you may only read, nothing is written:
  kitlib record --context staging --namespace shop --out shop.rec
  kitlib plot shop.rec --out shop.png
  kitlib serve shop.rec         look at it with kubectl, at any moment

\b
Exit codes:
""" + "".join(f"  {code:<4}{meaning}\n" for code, meaning in EXIT_CODES.items())


CallError: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer raises for a wrong call; it has no public name there."""


def write_epilog(epilog: str | None, formatter: Any) -> None:
    """Write the end of a help: what begins with a backspace keeps its lines, which end where the terminal does."""
    for paragraph in (epilog or "").strip("\n").split("\n\n"):
        formatter.write_paragraph()
        with formatter.indentation():
            if not paragraph.startswith("\b\n"):
                formatter.write_text(paragraph)
                continue
            lead = " " * formatter.current_indent
            for line in paragraph.splitlines()[1:]:
                formatter.write(folded(lead + line, formatter.width) + "\n")


class Command(TyperCommand):
    """Writes the end of its help as wide as the terminal."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what follows the options."""
        write_epilog(self.epilog, formatter)


class Group(TyperGroup):
    """Turns the errors of all commands into one message and an exit code."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what follows the commands."""
        write_epilog(self.epilog, formatter)

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the words of a call."""
        try:
            return super().make_context(*args, **more)
        except CallError as error:
            raise _readable(error) from None

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except CallError as error:
            raise _readable(error) from None
        except KitlibError as error:
            if os.environ.get("KITLIB_DEBUG") == "1":
                raise
            tell(f"kitlib: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            tell("kitlib: interrupted; the same command goes on where it stopped")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if os.environ.get("KITLIB_DEBUG") == "1" or error.errno not in _DISK:
                raise
            tell(f"kitlib: {error.filename or 'a file'}: {error.strerror}\n  Next: {_DISK[error.errno]}")
            raise typer.Exit(1) from None


def _readable(error: Any) -> Any:
    """Return the error of a wrong call, with a message that breaks no word at the terminal's edge."""
    said = folded(f"Error: {error.format_message()}", width(sys.stderr)).removeprefix("Error: ")
    error.format_message = lambda: said
    return error


class App(typer.Typer):
    """Makes all its commands kitlib's."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Take a function as a command."""
        return super().command(name, **{"cls": Command, **settings})


_DISK = {
    errno.ENOSPC: "make room on that disk (KITLIB_CACHE and KITLIB_STATE choose other places), then repeat",
    errno.EDQUOT: "your quota is used up: make room (KITLIB_CACHE and KITLIB_STATE choose other places), then repeat",
    errno.EROFS: "choose a place that can be written to: KITLIB_CACHE, KITLIB_STATE or --out",
    errno.EACCES: "mend the permissions, or choose another place: KITLIB_CACHE, KITLIB_STATE or --out",
}

app = App(
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


def main() -> None:
    """Run the command; this is the entry point `kitlib`."""
    prepare_streams()
    if COMPLETE in os.environ:
        from typer.completion import completion_init

        completion_init()
    app(prog_name="kitlib")

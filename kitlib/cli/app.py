"""The command itself: its help, its exit codes, and how an error becomes one message."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer

from kitlib.cli import help
from kitlib.cli.output import folded, prepare_streams, tell, width
from kitlib.errors import KitlibError

FOUND = 1
"""The exit code of a command that looks for something, and found it."""
INTERRUPTED = 130
COMPLETE = "_KITLIB_COMPLETE"
"""The variable by which a shell's script asks what a word may become."""
EXIT_CODES = {
    0: "all went as expected",
    FOUND: "a claim got another verdict than the expected one, `verify` found a promise broken, `why` a cause, `diff` a"
    " difference, a notebook failed, or something else went wrong",
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
  kitlib verify shop.rec                 which promises its controllers kept
  kitlib why deployment/web shop.rec     what holds it up
  kitlib report deployment/web shop.rec  a page to attach to an incident
  kitlib diff shop.rec new.rec           what is different from last time
  kitlib serve shop.rec                  look at it with kubectl, at any moment

\b
Exit codes:
""" + "".join(f"  {code:<4}{meaning}\n" for code, meaning in EXIT_CODES.items())


CallError: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer raises for a wrong call; it has no public name there."""


class Group(help.Group):
    """Turns the errors of all commands into one message and an exit code."""

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
            tell("kitlib: interrupted; what is done is kept, and the same command can be repeated")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if os.environ.get("KITLIB_DEBUG") == "1" or error.errno not in _DISK:
                raise
            tell(f"kitlib: {error.filename or 'a file'}: {error.strerror}\n  Next: {_DISK[error.errno]}")
            raise typer.Exit(1) from None


def _readable(error: Any) -> Any:
    """Return the error of a wrong call, with a message that breaks no word at the terminal's edge."""
    message = error.format_message().replace(": Value error, ", ": ", 1)  # pydantic's word for all that it refuses
    said = folded(f"Error: {message}", width(sys.stderr)).removeprefix("Error: ")
    error.format_message = lambda: said
    return error


class App(typer.Typer):
    """Makes all its commands kitlib's."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Take a function as a command."""
        return super().command(name, **{"cls": help.Command, **settings})


_PLACES = "KITLIB_CACHE, KITLIB_STATE and KITLIB_BUILD choose other places"
_DISK = {
    errno.ENOSPC: f"make room on that disk ({_PLACES}), then repeat",
    errno.EDQUOT: f"your quota is used up: make room ({_PLACES}), then repeat",
    errno.EROFS: f"choose a place that can be written to by --out; {_PLACES}, too",
    errno.EACCES: f"mend the permissions, or choose another place by --out; {_PLACES}, too",
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
    try:
        app(prog_name="kitlib")
    except KeyboardInterrupt:  # before a command has begun
        sys.exit(INTERRUPTED)

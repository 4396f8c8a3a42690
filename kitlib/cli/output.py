"""Where a command's words go: results to standard output, progress and messages to standard error."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from kitlib.progress import folded, message, width


class Output(StrEnum):
    """How a result is written."""

    text = "text"
    json = "json"


AsJson = Annotated[Output, typer.Option("--output", "-o", help="How the result is written.")]


def echo(text: str) -> None:
    """Write a result; by the stream's own encoding, where click would take UTF-8 for ASCII."""
    typer.echo(text, file=sys.stdout)


def tell(text: str) -> None:
    """Write a message; on a terminal no word is broken at its edge."""
    message(text)


def say(text: str) -> None:
    """Write a result that is prose; on a terminal no word is broken at its edge."""
    echo(folded(text, width(sys.stdout)))


def show_json(document: Any) -> None:
    """Write a result for a program."""
    echo(json.dumps(document, indent=2, default=str))


PLAIN = {"✓": "+", "✗": "x", "·": "-", "→": "->", "…": "...", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"'}
"""What is written instead where a terminal's encoding lacks a sign; for all others a question mark."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def prepare_streams() -> None:
    """Let standard output and error take any text, also where their encoding is latin-1 or ASCII."""
    codecs.register_error("kitlib-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="kitlib-plain")


def show_table(rows: Iterable[tuple[str, ...]], styles: Iterable[str] = ()) -> None:
    """Write rows as columns: on a terminal wrapped to its width and in colour, elsewhere a line a row.

    Parameters
    ----------
    rows : iterable of tuple of str
        Their cells.
    styles : iterable of str, optional
        One for each row, as rich takes them: "green", "dim".
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=min(width(sys.stdout), 10_000), highlight=False, emoji=False, markup=False)
    table = Table.grid(padding=(0, 1))
    styled = iter(styles)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row), style=next(styled, ""))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip(), file=sys.stdout, color=terminal or None)

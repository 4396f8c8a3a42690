"""Where a command's words go: results to standard output, progress and messages to standard error."""

from __future__ import annotations

import codecs
import itertools
import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from kitlib.progress import cells, folded, message, width


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
    from rich.text import Text

    rows, columns, terminal = list(rows), width(sys.stdout), sys.stdout.isatty()
    console = Console(file=sys.stdout, width=min(columns, 10_000), highlight=False, emoji=False, markup=False)
    count = max((len(row) for row in rows), default=1) - 1
    wide = [max(cells(row[place]) for row in rows) for place in range(count)]
    with console.capture() as captured:
        for row, style in itertools.zip_longest(rows, styles, fillvalue=""):
            lead = "".join(each + " " * (room - cells(each) + 1) for each, room in zip(row, wide, strict=False))
            text = _beside(lead, row[-1], columns)
            console.print(Text(text, style=style), soft_wrap=True)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip(), file=sys.stdout, color=terminal or None)


def _beside(lead: str, text: str, columns: int) -> str:
    """Return text beside what stands to its left; a word that is too long for that, such as a path, begins earlier."""
    under = cells(lead)
    lines = [line.strip() for line in folded(text, max(columns - under, 20)).split("\n")]
    starts = [min(under, max(columns - cells(line), 2)) for line in lines]
    shown = [" " * start + line for start, line in zip(starts, lines, strict=True)]
    if starts[0] == under:
        return "\n".join([lead + lines[0], *shown[1:]])
    return "\n".join([lead, *shown])

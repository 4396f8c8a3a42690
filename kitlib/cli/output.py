"""Where a command's words go: results to standard output, progress and messages to standard error."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """How a result is written."""

    text = "text"
    json = "json"


AsJson = Annotated[Output, typer.Option("--output", "-o", help="How the result is written.")]


def tell(text: str) -> None:
    """Write a message."""
    typer.echo(text, err=True)


def show_json(document: Any) -> None:
    """Write a result for a program."""
    typer.echo(json.dumps(document, indent=2, default=str))

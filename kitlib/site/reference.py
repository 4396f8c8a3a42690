"""What the reference says of the command and the frames: taken from the program, so that it can't be stale."""

from __future__ import annotations

import re


def commands() -> str:
    """Return a chapter for each command of `kitlib`, with the help that it gives, as Markdown."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from kitlib.cli import app

    parts = []
    runner = CliRunner()
    for name in ("", *getattr(get_command(app), "commands", {})):
        words = ["kitlib", *name.split(), "--help"]
        said = runner.invoke(app, words[1:], prog_name="kitlib", env={"COLUMNS": "100", "NO_COLOR": "1"}).output
        parts.append(f"## {' '.join(words[:-1])}\n\n```text\n{said.strip()}\n```\n")
    return "\n".join(parts)


def columns() -> str:
    """Return a table for each frame: its columns with type, unit and meaning, as Markdown."""
    from kitlib.frames import COLUMNS

    parts = []
    for frame, described in COLUMNS.items():
        parts += [f"## The frame `{frame}`", "", "| column | dtype | unit | meaning |", "| --- | --- | --- | --- |"]
        parts += [
            f"| `{name}` | `{column.dtype}` | {_cell(column.unit)} | {_cell(column.text)} |"
            for name, column in described.items()
        ]
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return text as a cell of a Markdown table."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", " ".join(text.split()))

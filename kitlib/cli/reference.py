"""The command's page of the reference: taken from the program, so that it can't be stale."""

from __future__ import annotations

from typer.main import get_command
from typer.testing import CliRunner

from kitlib.cli import app


def commands() -> str:
    """Return a chapter for each command of `kitlib`, with the help that it gives, as Markdown."""
    parts = []
    runner = CliRunner()
    for name in ("", *getattr(get_command(app), "commands", {})):
        words = ["kitlib", *name.split(), "--help"]
        said = runner.invoke(app, words[1:], prog_name="kitlib", env={"COLUMNS": "100", "NO_COLOR": "1"}).output
        parts.append(f"## {' '.join(words[:-1])}\n\n```text\n{said.strip()}\n```\n")
    return "\n".join(parts)

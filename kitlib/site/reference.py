"""What the reference says of the frames: taken from the program, so that it can't be stale."""

from __future__ import annotations

import re


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

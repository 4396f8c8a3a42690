"""What a walk says: which outputs tell of a fault, and its lines: verdicts, failures, the sum of all."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kitlib.progress import Progress, duration
from kitlib.walk.results import WalkResult

if TYPE_CHECKING:
    import nbformat

STDERR_TAG = "stderr-expected"
"""A cell with this tag may write to standard error."""
ERROR_TAG = "raises-exception"
"""A cell with this tag may end in an error (Jupyter's own tag)."""
SKIP_TAG = "skip-execution"
"""A cell with this tag is not run, and keeps the outputs that it has (nbclient's own tag)."""
OWN_NOTICES = re.compile(
    r"^.*(?:Matplotlib is building the font cache|Matplotlib created a temporary \w+ directory"
    r"|mkdir -p failed for path .*matplotlib|IPython (?:dir|parent) .*writable).*\n?",
    re.MULTILINE,
)
"""What Matplotlib and IPython say of their own folders where a home can't be written to: no fault of a notebook."""
CONTAINERS = (
    "`kitlib up --provider kind` starts a cluster whose containers run, for those not run here;"
    " `kitlib doctor` says what it takes"
)
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def output_problems(nb: nbformat.NotebookNode) -> list[str]:
    """Say what went wrong in an executed notebook, also where no cell failed.

    A magic that doesn't exist, a shell command that ends with an error (in a walk), a warning: each leaves its trace on
    standard error, and nothing else. A cell may be allowed what it does by a tag: `stderr-expected`,
    `raises-exception`. One tagged `skip-execution` was not run, and is not judged.

    Parameters
    ----------
    nb : NotebookNode
        The executed notebook.

    Returns
    -------
    list of str
        One sentence for each fault.
    """
    found = []
    for place, cell in code_cells(nb):
        tags = cell.metadata.get("tags", [])
        if SKIP_TAG in tags:
            continue
        for output in cell.get("outputs", []):
            if output.output_type == "error" and ERROR_TAG not in tags:
                found.append(f"{place}: {output.ename}: {ANSI.sub('', output.evalue)}")
            elif output.output_type == "stream" and output.name == "stderr" and STDERR_TAG not in tags:
                text = OWN_NOTICES.sub("", ANSI.sub("", "".join(output.text))).strip()
                if text:
                    found.append(f"{place} wrote to standard error: {text[:400]}")
        if ERROR_TAG in tags and cell.execution_count and not _raised(cell):
            found.append(f"{place} is tagged {ERROR_TAG}, but nothing was raised")
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"{place} was not run")
    return found


def _raised(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def code_cells(nb: nbformat.NotebookNode) -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Yield each code cell with a name for it: its number, and the heading that it stands under."""
    heading, number = "", 0
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            heading = re.sub(r"[`*_]", "", titles[-1]) if titles else heading
        elif cell.cell_type == "code":
            number += 1
            yield (f"cell {number} ({heading})" if heading else f"cell {number}"), cell


class Voice:
    """What a walk says: verdicts as lines, and the progress line between them."""

    def __init__(self, show: bool, say: Callable[[str], None] | None) -> None:
        self.bar: Progress | None = None
        self._show = show
        self._say = say or print

    def line(self, text: str) -> None:
        """Say one line; what the progress line shows gives way to it."""
        if not self._show:
            return
        if self.bar is not None and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
        self._say(text)

    @contextlib.contextmanager
    def progress(self, step: str, total: int) -> Iterator[None]:
        """Show a progress line for as long as the block runs."""
        if not self._show:
            yield
            return
        with Progress(step, total=total) as self.bar:
            try:
                yield
            finally:
                bar, self.bar = self.bar, None
                bar.update(text="")

    def at(self, text: str | None = None, done: int | None = None) -> None:
        """Say in the progress line what is being done, and how much is."""
        if self.bar is not None:
            self.bar.update(text=text, done=done)


def verdict_line(row: dict[str, Any]) -> str:
    """Write one claim's verdict as a line, with the reason where it wasn't expected."""
    verdict, expected = row.get("verdict", "unknown"), row.get("expected", "holds")
    where = f" ({row.get('version')})" if row.get("answers") else ""
    lines = [f"  {'✓' if verdict == expected else '✗'} {verdict:<8} {row.get('text', '')}{where}"]
    if verdict != expected:
        lines.append(f"             expected: {expected}. {row.get('why') or ''}".rstrip())
    elif untold(row):
        lines.append(f"             {row['why']}")
    elif verdict == "fails" and row.get("instead"):
        lines.append(f"             as expected; true is: {row['instead']}")
    return "\n".join(lines)


def untold(row: dict[str, Any]) -> bool:
    """Say whether a claim is unknown because the lesson's recording lacks what it stands on."""
    return row.get("verdict") == "unknown" and str(row.get("why")).startswith("not in the recording")


def summary(result: WalkResult) -> str:
    """Write what came of a walk in a line or two."""
    expected = sum(row.get("verdict") == row.get("expected", "holds") for row in result.claims)
    failed = [notebook.name for notebook in result.notebooks if not notebook.ok]
    count = len(result.notebooks)
    text = (
        f"{count} notebook{'' if count == 1 else 's'}, {expected} of {len(result.claims)} claims as expected"
        f" ({duration(result.seconds)})"
    )
    skipped = [notebook.name for notebook in result.notebooks if notebook.skipped]
    unknown = sum(map(untold, result.claims))
    text += f"; {unknown} unknown: not in the recording" if unknown else ""
    text += f"; not run: {', '.join(skipped)}" if skipped else ""
    text += f"; failed: {', '.join(failed)}" if failed else ""
    return f"{text}\n  Next: {CONTAINERS}" if skipped else text


def failure(place: str, cell: nbformat.NotebookNode) -> str:
    """Write a failed cell so that the reader needs to open nothing: where, the code, the error with its traceback."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    said = [
        ANSI.sub("", "".join(output.text)).strip()
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    parts = [f"{place} failed", indent(cell.source, "    | ")]
    parts += [indent(text) for text in said if text]
    for error in errors:
        trace = ANSI.sub("", "\n".join(error.get("traceback") or [])).strip()
        parts.append(indent(trace or f"{error.ename}: {error.evalue}"))
    return "\n".join(parts)


def indent(text: str, lead: str = "    ") -> str:
    """Return text with something before each of its lines."""
    return "\n".join(lead + line for line in text.rstrip().splitlines())

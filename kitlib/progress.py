"""What a person is told meanwhile: progress as one line that moves, or plain lines where nothing can; and messages."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.spinner import Spinner

QUIET_SECONDS = 2.0
"""A step that ends sooner shows nothing in a notebook, and one line elsewhere."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
"""What would move a terminal's cursor, or worse; a text may come from a cluster."""


def in_notebook() -> bool:
    """Say whether this process is a Jupyter kernel."""
    shell = sys.modules.get("IPython")  # a kernel has loaded it; elsewhere it would take a second to
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class Progress:
    """Show how far a step has come; use it in a `with` statement.

    On a terminal one line is rewritten, by rich; in a notebook one output is updated, and taken away when the step ends
    well; elsewhere (CI, a pipe) a plain line is written at most every `every` seconds.

    Parameters
    ----------
    step : str
        What is being done.
    total : float, optional
        How much there is to do, in the unit of `done`; with it a share and a forecast are shown. The forecast is
        made anew whenever something is done; once it proves wrong, none is shown.
    stream : TextIO, optional
        Where lines go; standard error by default.
    every : float
        Seconds between plain lines.
    quiet : bool
        Show nothing at all.
    """

    def __init__(
        self,
        step: str,
        total: float | None = None,
        stream: TextIO | None = None,
        every: float = 5.0,
        quiet: bool = False,
    ) -> None:
        self.step = step
        self.total = total
        self.done = 0.0
        self.text = ""
        self._stream = stream or sys.stderr
        self._every = every
        self._quiet = quiet
        self._started = time.monotonic()
        self._shown_at = self._advanced_at = self._started
        self._shown = False
        self._notebook = in_notebook()
        self._handle = None
        self._console: Console | None = None
        self._spinner: Spinner | None = None

    def __enter__(self) -> Progress:
        self._started = self._shown_at = self._advanced_at = time.monotonic()
        if self._moves():
            self._show()
        return self

    def update(self, text: str | None = None, done: float | None = None, total: float | None = None) -> None:
        """Say what is happening now; cheap enough to call at every event."""
        if text is not None:
            self.text = text
        if done is not None and done != self.done:
            self.done, self._advanced_at = done, time.monotonic()
        if total is not None:
            self.total = total
        now = time.monotonic()
        terminal = self._moves()
        gap = 0.2 if self._notebook or terminal else self._every
        if (terminal or now - self._started >= QUIET_SECONDS) and (not self._shown or now - self._shown_at >= gap):
            self._show()

    def line(self) -> str:
        """Return the line as it would be shown now."""
        seconds = time.monotonic() - self._started
        parts = [self.step]
        if self.total:
            share = min(self.done / self.total, 1.0)
            parts.append(f"{share:.0%}")
            left = (self._advanced_at - self._started) / share - seconds if share > 0.02 else 0
            if share < 1 and left > 0 and seconds > QUIET_SECONDS:
                parts.append(f"about {f'{left / 60:.0f} min' if left >= 100 else duration(left)} left")
        if self.text:
            parts.append(self.text)
        return CONTROL.sub(" ", f"{' · '.join(parts)} ({duration(seconds)})")

    def _show(self) -> None:
        if self._quiet:
            return
        self._shown = True
        self._shown_at = time.monotonic()
        if self._notebook:
            from IPython.display import display

            if self._handle is None:
                self._handle = display({"text/plain": self.line()}, raw=True, display_id=True)
            else:
                self._handle.update({"text/plain": self.line()}, raw=True)
        elif self._moves():
            self._rewrite(self.line(), moving=True)
        else:
            self._stream.write(self.line() + "\n")
            self._stream.flush()

    def _rewrite(self, line: str, moving: bool) -> None:
        """Put a line in place of the last one: one that moves, with a spinner, or the one that stays."""
        from rich.console import Console  # late: only a terminal needs it
        from rich.control import Control
        from rich.segment import ControlType
        from rich.spinner import Spinner
        from rich.text import Text

        if self._console is None or self._spinner is None:
            self._console = Console(file=self._stream, force_terminal=True, color_system=None, legacy_windows=False)
            self._spinner = Spinner("dots" if self._console.encoding.startswith("utf") else "line")
        console = self._console
        text = Text(line)
        if moving:
            text = Text.assemble(str(self._spinner.render(time.monotonic())), " ", text)
            dots = 1 if console.encoding.startswith("utf") else 3  # what a terminal that lacks … shows instead
            text.truncate(self._columns() - dots, overflow="ellipsis")
        with console:  # all at once
            console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
            console.out(text, end="" if moving else "\n", highlight=False)

    def _moves(self) -> bool:
        """Say whether a line can be written anew."""
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def _columns(self) -> int:
        """Return how wide the terminal is now, 160 at most: a line that wraps could not be written anew."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError, AttributeError):
            columns = shutil.get_terminal_size().columns
        return min(columns or 80, 160)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if self._quiet:
            return
        if self._notebook:
            if self._handle is not None and error is None:
                self._handle.update({"text/plain": ""}, raw=True)
            return
        end = "" if error is None else "  stopped"
        line = f"{self.step} ({duration(time.monotonic() - self._started)}){end}"
        if self._moves():
            self._rewrite(line, moving=False)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()


@contextlib.contextmanager
def ticking(act: Callable[[], object], every: float = 1.0) -> Iterator[None]:
    """Do something every so many seconds while a block works that says nothing itself: `with ticking(bar.update)`."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(every):
            act()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def duration(seconds: float) -> str:
    """Write seconds as a person would: 0.4 s, 12 s, 3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def printable(text: str) -> str:
    """Return text that others may have written without what a terminal would obey, in one line."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def message(text: str) -> None:
    """Write a message to standard error; on a terminal no word is broken at its edge."""
    print(folded(text, width(sys.stderr)), file=sys.stderr, flush=True)


def width(stream: TextIO) -> int:
    """Return how many columns a terminal has; what is no terminal has as many as anybody wants."""
    if not stream.isatty():
        return sys.maxsize
    with contextlib.suppress(OSError, ValueError):
        if "COLUMNS" not in os.environ:
            return os.get_terminal_size(stream.fileno()).columns or 80
    return shutil.get_terminal_size().columns


_AMOUNT = r"[−-]?\d[\d.,]* (?:s|ms|min|h|MB|GB|MiB|GiB)\b"
_WORD = re.compile(rf"`[^`\n]*`[^\s`]*|\(?{_AMOUNT}(?: {_AMOUNT})*\S*|\S+")
_HANG = re.compile(r"\s*(?:Next: |\S(?:.*?\S)?(?: {2,}))")


def folded(text: str, columns: int) -> str:
    """Return text with its long lines broken between words.

    What follows stands under the text of its line: under the second column where a line has two, else two columns in.
    A second column that begins too far to the right is told on lines of its own, two columns in.
    A command between backticks stays in one piece, and so do a number with its unit, and a word that is longer than a
    line, such as a path.
    """
    return "\n".join(_folded(line, columns) for line in text.split("\n"))


def _folded(line: str, columns: int) -> str:
    if cells(line) <= columns:
        return line
    hang = _HANG.match(line)
    lead = len(line) - len(line.lstrip())
    under = cells(hang[0]) if hang else lead + 2
    shown, at = [line[: hang.end() if hang else lead]], hang.end() if hang else lead
    if cells(shown[0]) > columns:
        shown, at, under = [line[:lead]], lead, lead + 2
    elif under > columns * 2 // 3:  # too little is left beside the first column
        under = lead + 2
        shown = [shown[0].rstrip(), " " * under]
    for match in _WORD.finditer(line, at):
        gap = line[at : match.start()]
        if shown[-1].strip() and cells(shown[-1] + gap + match[0]) > columns:
            shown[-1] = shown[-1].rstrip()
            fits = under + cells(match[0]) <= columns  # else the terminal breaks it: as late as can be
            shown.append(" " * (under if fits else lead + 2) + match[0])
        else:
            shown[-1] += gap + match[0]
        at = match.end()
    return "\n".join(shown)


def cells(text: str) -> int:
    """Return how many columns a text takes on a terminal: two for each sign of Chinese."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # late: most messages need it not

    return cell_len(text)

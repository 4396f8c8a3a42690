"""How a help is laid out: as wide as the terminal, no word broken, and no name of a type of Python's."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from kitlib.progress import cells, folded

FIRST = 30
"""Columns that the names of options may take before what they mean begins on the next line."""
_BRACKETS = re.compile(r"\[[^][]{,40}\]$")
"""What Typer adds: a default, or that something is required."""
_HARD = "\N{NO-BREAK SPACE}"
_Context: Any = TyperCommand.context_class


class Formatter(_Context.formatter_class):
    """Writes a help; Typer's own breaks a path at its dashes."""

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
        self.write("\n\n".join(_wrapped(each, self.width, self.current_indent) for each in paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], *more: Any, **others: Any) -> None:
        """Write names, and beside each what it means."""
        rows = list(rows)
        lead = " " * self.current_indent
        under = self.current_indent + min(max(cells(name) for name, _ in rows), FIRST) + 2
        for name, meaning in rows:
            whole = _BRACKETS.sub(lambda found: found[0].replace(" ", _HARD), " ".join(meaning.split()))
            text = _wrapped(whole, max(self.width, under + 10), under).replace(_HARD, " ")
            begun = lead + name
            room = under - cells(begun)
            self.write(begun + " " * room + text[under:] if room >= 2 else f"{begun}\n{text}".rstrip())
            self.write("\n")


def _wrapped(text: str, width: int, lead: int) -> str:
    """Return text in lines that begin so far to the right."""
    wrapper = textwrap.TextWrapper(width, initial_indent=" " * lead, subsequent_indent=" " * lead)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.fill(text)


class Context(_Context):
    """A call whose help is laid out so."""

    formatter_class = Formatter


class Laid:
    """What the helps of a command and of a group of commands have in common."""

    context_class: Any = Context
    epilog: str | None

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the end: what begins with a backspace keeps its lines, which end where the terminal does."""
        for paragraph in (self.epilog or "").strip("\n").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                if not paragraph.startswith("\b\n"):
                    formatter.write_text(paragraph)
                    continue
                lead = " " * formatter.current_indent
                for line in paragraph.splitlines()[1:]:
                    formatter.write(folded(lead + line, formatter.width) + "\n")


class Command(Laid, TyperCommand):
    """A command whose help names what is to be put in, where Typer's has braces and types of Python's."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command's name in a call."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what its arguments and options mean."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            rows = []
            for param in self.get_params(ctx):
                if param.param_type_name == kind and (said := param.get_help_record(ctx)):
                    rows.append((param.metavar, said[1]) if kind == "argument" and param.metavar else said)
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(Laid, TyperGroup):
    """Several commands."""
